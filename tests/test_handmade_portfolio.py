"""The portfolio's reference over the hand-worked account, and the page that works it out."""

from fractions import Fraction

import pytest

from tests import handmade_portfolio as hand
from tests import naive, naive_portfolio
from tests.naive import Bar
from tests.test_handmade_naive import numbers, rows, section

symbols = pytest.mark.parametrize("symbol", hand.BARS)


def written(value) -> str:
    return "-" if value is None or value == "" else repr(value).removesuffix(".0")


def test_naive_is_the_hand():
    outcome = naive_portfolio.run(hand.BARS, hand.FAST, hand.SLOW, hand.RULES)
    assert outcome.trades == hand.TRADES
    assert outcome.signals == hand.SIGNALS
    evenings = zip(outcome.days, outcome.cash, outcome.invested, outcome.equity, outcome.fees_paid, strict=True)
    assert [hand.Evening(*evening) for evening in evenings] == hand.EVENINGS
    assert outcome.pending == hand.PENDING
    assert outcome.skipped == hand.SKIPPED
    assert outcome.metrics["exposure"] == hand.EXPOSURE


@symbols
def test_the_page_has_the_bars(symbol):
    table = rows(section(f"Portfolio bars of {symbol}"))
    assert [(hand.january(int(row[0])), Bar(*map(float, row[1:5]))) for row in table] == hand.BARS[symbol]
    bars = [bar for _, bar in hand.BARS[symbol]]
    assert [float(row[6]) for row in table] == naive.true_range(bars)


@symbols
def test_the_page_has_the_sides(symbol):
    closes = [bar.close for _, bar in hand.BARS[symbol]]
    fast, slow = naive.sma(closes, hand.FAST), naive.sma(closes, hand.SLOW)
    words = {1: "golden", -1: "death"}
    expected = []
    for t, cross in enumerate(naive.crosses(fast, slow)):
        place = "-" if slow[t] is None else "above" if fast[t] > slow[t] else "below" if fast[t] < slow[t] else "tie"
        expected.append(words.get(cross, place))
    assert [row[5] for row in rows(section(f"Portfolio bars of {symbol}"))] == expected


def test_the_page_has_the_trades():
    expected = [
        [
            trade.symbol,
            str(trade.entry_date.day),
            written(trade.entry_price),
            "none" if trade.exit_date is None else str(trade.exit_date.day),
            *map(written, (trade.exit_price, trade.quantity, trade.fees, trade.profit)),
            trade.exit_reason,
        ]
        for trade in hand.TRADES
    ]
    assert rows(section("Portfolio trades")) == expected


def test_the_page_has_the_signals():
    table = rows(section("Portfolio signals"))
    expected = [
        [str(signal.date.day), signal.symbol, *map(written, (signal.wanted, signal.quantity)), signal.outcome]
        for signal in hand.SIGNALS
    ]
    assert [row[:2] + row[3:6] for row in table] == expected
    assert [row[6] for row in table] == [signal.reason or "-" for signal in hand.SIGNALS]
    assert [float(Fraction(row[2])) for row in table] == [signal.strength for signal in hand.SIGNALS]


def test_the_page_has_the_evenings():
    expected = [[str(evening.day.day), *map(written, evening[1:])] for evening in hand.EVENINGS]
    assert rows(section("Portfolio evenings")) == expected


def test_the_page_works_the_numbers_out():
    """The tables only repeat what the prose has worked out."""
    prose = section("Portfolio day by day")
    known = {abs(number) for number in numbers(prose)}
    for trade in hand.TRADES:
        assert {trade.entry_price, trade.exit_price, trade.quantity, abs(trade.profit)} <= known
    for evening in hand.EVENINGS[3:]:
        assert {evening.cash, evening.equity, evening.fees_paid} <= known
    for signal in hand.SIGNALS:
        assert signal.wanted is None or signal.wanted in known
    assert "Pending: BIRCH buy. Skipped: 2." in prose
