"""The portfolio's reference against things that are not it: the backtest's reference, identities of the page, arithmetic, and its own past."""

import math
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st

from tests import naive, naive_portfolio, portfolio_strategies
from tests.naive import Bar
from tests.naive_portfolio import Pending, PortfolioRules, Sizer, on_tick

few = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def closes_of(case, days):
    """Return for every symbol its last close on each day, None before its first bar."""
    marks = {}
    for symbol, series in case.bars.items():
        by_day, last, marks[symbol] = dict(series), None, []
        for day in days:
            last = by_day[day].close if day in by_day else last
            marks[symbol].append(last)
    return marks


def worth_of_trades(trade, day, close):
    """Return the gross profit of a trade after a day, realised or open, and what its shares are worth."""
    if day < trade.entry_date:
        return 0.0, 0.0
    if trade.exit_date is not None and trade.exit_date <= day:
        return trade.quantity * (trade.exit_price - trade.entry_price), 0.0
    return trade.quantity * (close - trade.entry_price), trade.quantity * close


# One symbol


@given(portfolio_strategies.lone_cases())
@few
def test_one_symbol_without_caps_is_the_backtest(lone):
    bars, case = lone
    got, expected = naive_portfolio.run(*case), naive.backtest(bars, case.fast, case.slow, case.rules)
    dates = [day for day, _ in case.bars["TCS"]]
    assert got.days == dates
    assert got.equity == expected.equity
    assert got.skipped == expected.skipped
    assert got.pending == ([] if expected.pending == "none" else [Pending("TCS", expected.pending)])
    assert list(map(repr, got.metrics.items())) == list(map(repr, expected.metrics.items()))  # nan is nan
    assert [trade[1:] for trade in got.trades] == [
        (dates[entry], price, None if leave is None else dates[leave], *rest)
        for entry, price, leave, *rest in expected.trades
    ]


# Every day


@given(portfolio_strategies.cases())
@few
def test_cash_shares_and_fees_are_capital_and_gross_profit(case):
    outcome = naive_portfolio.run(*case)
    marks = closes_of(case, outcome.days)
    for place, day in enumerate(outcome.days):
        parts = [worth_of_trades(trade, day, marks[trade.symbol][place]) for trade in outcome.trades]
        gross, shares = (math.fsum(part) for part in zip(*parts, strict=True)) if parts else (0.0, 0.0)
        assert outcome.invested[place] == pytest.approx(shares, rel=1e-9, abs=1e-6)
        assert outcome.equity[place] == pytest.approx(outcome.cash[place] + shares, rel=1e-9, abs=1e-6)
        left = outcome.cash[place] + shares + outcome.fees_paid[place]
        assert left == pytest.approx(case.rules.capital + gross, rel=1e-9, abs=1e-6)
    assert outcome.fees_paid[-1] == pytest.approx(math.fsum(trade.fees for trade in outcome.trades), abs=1e-6)


@given(portfolio_strategies.cases())
@few
def test_cash_is_never_negative(case):
    # A fee can be more than a sale brings, but not where it is small.
    outcome = naive_portfolio.run(*case._replace(rules=replace(case.rules, fixed=0.0, minimum=0.0)))
    assert min(outcome.cash) >= -1e-9 * case.rules.capital


@given(portfolio_strategies.cases())
@few
def test_exposure_is_the_share_of_days_with_shares(case):
    outcome = naive_portfolio.run(*case)
    days = set()
    for trade in outcome.trades:
        last = outcome.days[-1] if trade.exit_date is None else trade.exit_date
        held = [day for day in outcome.days if trade.entry_date <= day < last]
        days |= {*held, last} if last == trade.entry_date or trade.exit_date is None else {*held}
    assert outcome.metrics["exposure"] == len(days) / len(outcome.days)


@given(portfolio_strategies.cases(), st.data())
@few
def test_the_future_never_changes_the_past(case, data):
    whole = naive_portfolio.run(*case)
    last = data.draw(st.sampled_from(whole.days))
    until = {symbol: [bar for bar in series if bar[0] <= last] for symbol, series in case.bars.items()}
    part = naive_portfolio.run({symbol: series for symbol, series in until.items() if series}, *case[1:])
    size = len(part.days)
    assert (part.equity, part.cash) == (whole.equity[:size], whole.cash[:size])
    assert (part.invested, part.fees_paid) == (whole.invested[:size], whole.fees_paid[:size])
    known = [trade for trade in whole.trades if trade.exit_date is not None and trade.exit_date <= last]
    assert [trade for trade in part.trades if trade.exit_date is not None] == known
    before = [signal for signal in whole.signals if signal.date <= last]
    assert len(part.signals) == len(before)
    for early, late in zip(part.signals, before, strict=True):
        assert early == late or (early.outcome == "pending" and early.date == late.date)


# Every order


@given(portfolio_strategies.cases())
@few
def test_prices_lie_on_ticks_against_the_account(case):
    rules, outcome = case.rules, naive_portfolio.run(*case)
    for trade in outcome.trades:
        tick, bars = rules.ticks[trade.symbol], dict(case.bars[trade.symbol])
        entry = bars[trade.entry_date]
        modelled = (entry.open if rules.fill == "next_open" else entry.close) * (1 + rules.slippage)
        if tick is None:
            assert trade.entry_price == modelled
            continue
        size = float(tick)
        assert modelled - 1.1e-6 * size <= trade.entry_price < modelled + size
        prices = [trade.entry_price] if trade.exit_date is None else [trade.entry_price, trade.exit_price]
        for price in prices:  # the double that prints as a whole number of ticks
            assert Decimal(repr(price)) % tick == 0
            assert price >= size
        if trade.exit_date is not None:
            # On its first day a stop can lie above the market: the peak begins at the buy price, which was rounded up.
            first = trade.entry_price if trade.entry_date == trade.exit_date else 0.0
            highest = max(bars[trade.exit_date].high * (1 - rules.slippage), first)
            assert trade.exit_price <= max(highest + 1.1e-6 * size, size)


@given(portfolio_strategies.cases())
@few
def test_quantities_are_whole_lots(case):
    outcome = naive_portfolio.run(*case)
    assert all(trade.quantity > 0 for trade in outcome.trades)
    if case.rules.sizing != "all_in":
        for trade in outcome.trades:
            lot = case.rules.lots[trade.symbol]
            assert trade.quantity == round(trade.quantity / lot) * lot


@given(portfolio_strategies.cases())
@few
def test_the_spending_cap_is_kept(case):
    rules, outcome = case.rules, naive_portfolio.run(*case)
    assume(rules.max_weight is not None and rules.fill == "next_open")
    equity = dict(zip(outcome.days, outcome.equity, strict=True))
    signals = [signal for signal in outcome.signals if signal.outcome in ("filled", "cut")]
    entries = sorted(outcome.trades, key=lambda trade: (trade.symbol, trade.entry_date))
    for trade, signal in zip(entries, sorted(signals, key=lambda signal: (signal.symbol, signal.date)), strict=True):
        value = trade.quantity * trade.entry_price
        paid = value + naive.fee_of(value, rules)
        assert paid <= rules.max_weight * equity[signal.date] * (1 + 1e-9)


@given(portfolio_strategies.cases())
@few
def test_no_more_positions_than_allowed(case):
    outcome = naive_portfolio.run(*case)
    most = case.rules.max_positions
    assume(most is not None)
    for day in outcome.days:
        # Positions after the purchases of the day: sales at its open came before, stops within its bars come after.
        early = "close" if case.rules.fill == "close" else "open"
        held = [trade for trade in outcome.trades if trade.entry_date <= day and outlasts(trade, day, early)]
        assert len(held) <= most


def outlasts(trade, day, moment):
    if trade.exit_date is None or trade.exit_date > day:
        return True
    return trade.exit_date == day and moment == "open" and trade.exit_reason == "stop"


# Every signal


@given(portfolio_strategies.cases())
@few
def test_signals_say_what_happened(case):
    rules, outcome = case.rules, naive_portfolio.run(*case)
    bought = Counter(trade.symbol for trade in outcome.trades)
    assert bought == Counter(signal.symbol for signal in outcome.signals if signal.outcome in ("filled", "cut"))
    assert outcome.skipped == sum(signal.outcome == "skipped" for signal in outcome.signals)
    waiting = [signal.symbol for signal in outcome.signals if signal.outcome == "pending"]
    assert sorted(waiting) == sorted(order.symbol for order in outcome.pending if order.side == "buy")
    for signal in outcome.signals:
        assert signal.strength > 0
        assert (signal.quantity > 0) is (signal.outcome in ("filled", "cut"))
        assert (signal.wanted is None) is (signal.outcome == "pending" or signal.reason in ("positions", "no stop"))
        assert bool(signal.reason) is (signal.outcome in ("cut", "skipped"))
        check_reason(signal, rules)


def check_reason(signal, rules):
    if signal.outcome == "filled":
        # In lots or not: what was wanted is what the cap would buy, or what the risk rule says.
        assert signal.quantity == signal.wanted
    if signal.outcome == "cut":
        assert signal.quantity <= signal.wanted
        assert signal.reason == "cash" or (rules.sizing == "risk" and rules.max_weight is not None)
    if signal.reason == "risk":
        assert rules.sizing == "risk"
        assert signal.wanted == 0
    if signal.reason == "positions":
        assert rules.max_positions is not None
    if signal.reason == "no stop":
        assert rules.multiple is not None
    if signal.reason == "weight":
        assert rules.max_weight is not None


@given(portfolio_strategies.cases())
@few
def test_turn_and_order(case):
    turn = {symbol: place for place, symbol in enumerate(case.bars)}
    outcome = naive_portfolio.run(*case)
    trades = [(trade.entry_date, turn[trade.symbol]) for trade in outcome.trades]
    signals = [(signal.date, turn[signal.symbol]) for signal in outcome.signals]
    assert trades == sorted(set(trades))
    assert signals == sorted(set(signals))


# Priority: three symbols whose averages cross on the same day, and cash for one


def crossing(low: float, high: float) -> list[tuple[date, Bar]]:
    """Four days: windows 1 and 2 cross upwards on the third, and the last one opens where that closed."""
    closes = [low, low - 1, high, high]
    return [
        (portfolio_strategies.FIRST_DAY + timedelta(days=t), Bar(close, close, close, close))
        for t, close in enumerate(closes)
    ]


@pytest.mark.parametrize(
    ("priority", "expected"),
    [
        ("strongest", ["DELTA", "ALPHA", "CHARLIE", "BRAVO"]),
        ("alphabetical", ["ALPHA", "BRAVO", "CHARLIE", "DELTA"]),
        (["CHARLIE", "NOBODY", "BRAVO"], ["CHARLIE", "BRAVO", "ALPHA", "DELTA"]),
    ],
)
def test_priority(priority, expected):
    # ALPHA and CHARLIE are equally strong.
    bars = {
        "DELTA": crossing(10.0, 20.0),
        "CHARLIE": crossing(10.0, 15.0),
        "BRAVO": crossing(10.0, 12.0),
        "ALPHA": crossing(10.0, 15.0),
    }
    for count in range(1, 5):
        rules = PortfolioRules(max_positions=count, max_weight=0.01, capital=1000.0, priority=priority)
        outcome = naive_portfolio.run(bars, 1, 2, rules)
        assert {trade.symbol for trade in outcome.trades} == set(expected[:count])
        assert {signal.reason for signal in outcome.signals if signal.outcome == "skipped"} <= {"positions"}


# Ticks


@pytest.mark.parametrize(
    ("price", "tick", "up", "down"),
    [
        (100.0, "0.05", 100.0, 100.0),
        (100.01, "0.05", 100.05, 100.0),
        (100.3, "0.1", 100.3, 100.3),  # as doubles 100.3 / 0.1 is a little less than 1003
        (0.1 + 0.2, "0.1", 0.3, 0.3),  # a little more than 0.3
        (100.00000004, "0.05", 100.0, 100.0),  # eight ten-millionths of a tick more
        (100.00000006, "0.05", 100.05, 100.0),  # twelve
        (99.99999994, "0.05", 100.0, 99.95),
        (0.02, "0.05", 0.05, 0.05),  # "but to one tick at least"
        (1234.56, None, 1234.56, 1234.56),
        (1234.56, "1", 1235.0, 1234.0),
    ],
)
def test_ticks(price, tick, up, down):
    size = None if tick is None else Decimal(tick)
    assert on_tick(price, size, up=True) == up
    assert on_tick(price, size, up=False) == down


# A schedule of dated rates


def stamped(side, price, quantity, day):
    """One part in a thousand until 7 January and two from then on, rounded to hundredths, and 20 a sale."""
    rate = 0.001 if day <= date(2020, 1, 7) else 0.002
    return round(rate * price * quantity, 2) + (20.0 if side == "sell" else 0.0)


@given(portfolio_strategies.cases())
@few
def test_a_schedule_is_charged_by_the_date_of_the_fill(case):
    outcome = naive_portfolio.run(*case._replace(rules=replace(case.rules, fee=stamped, slippage=0.0)))
    for trade in outcome.trades:
        fees = stamped("buy", trade.entry_price, trade.quantity, trade.entry_date)
        if trade.exit_date is not None:
            fees += stamped("sell", trade.exit_price, trade.quantity, trade.exit_date)
        assert trade.fees == fees


@given(st.floats(100.0, 1e6), st.floats(1.0, 5000.0), st.sampled_from([1.0, 5.0, 0.1]))
@few
def test_sizes_with_a_schedule(amount, price, lot):
    def fee(quantity):
        return stamped("buy", price, quantity, date(2020, 1, 1))

    lots = Sizer(PortfolioRules(sizing="all_in_lots", lot=lot), price, fee)
    count = round(lots.most(amount) / lot)
    for number in (count, count + 1):
        value = number * lot * price
        assert (value + fee(number * lot) <= amount) is (number == count) or number == 0
    bought = Sizer(PortfolioRules(), price, fee).all_in(amount)
    assert 0 <= amount - bought.paid <= 0.0101 + 2e-6 * amount


def test_all_in_with_a_schedule_by_hand():
    # The fee of 1000 is 1.00 and is set aside; 999 buy 99.9 shares at 10, whose fee is 0.999, rounded to 1.00. Nothing stays.
    plain = Sizer(PortfolioRules(), 10.0, lambda quantity: stamped("buy", 10.0, quantity, date(2020, 1, 1)))
    assert plain.all_in(1000.0) == (99.9, 999.0, 1.0, 1000.0)
    # The fee of 6000 is 6.00; 5994 buy 599.4 shares, whose fee is 5.994, rounded to 5.99. One hundredth stays.
    assert plain.all_in(6000.0) == (599.4, 5994.0, 5.99, 5999.99)
    assert plain.all_in(-5.0).quantity == 0


def test_bad_input_is_refused():
    bar = (date(2020, 1, 1), Bar(1.0, 1.0, 1.0, 1.0))
    for series in ([], [bar, bar]):
        with pytest.raises(ValueError, match="at least one bar"):
            naive_portfolio.run({"TCS": series}, 1, 2, PortfolioRules())


# The strategies


def corners_of(case, outcome):
    yield from {f"{signal.outcome} {signal.reason}".strip() for signal in outcome.signals}
    yield from {trade.exit_reason for trade in outcome.trades}
    yield from {f"pending {order.side}" for order in outcome.pending}
    ended = {symbol for symbol, series in case.bars.items() if series[-1][0] < outcome.days[-1]}
    if any(trade.exit_date is None and trade.symbol in ended for trade in outcome.trades):
        yield "held after its end"
    entries = defaultdict(set)
    for trade in outcome.trades:
        entries[trade.entry_date].add(trade.symbol)
    if any(len(symbols) > 1 for symbols in entries.values()):
        yield "two buys at once"
    if any(trade.exit_date in entries and trade.exit_reason == "gap" for trade in outcome.trades):
        yield "gap and buy at one open"


def test_the_strategies_reach_every_corner():
    seen: Counter[str] = Counter()

    @seed(20)
    @settings(
        max_examples=300,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=few.suppress_health_check,
    )
    @given(portfolio_strategies.cases())
    def look(case):
        outcome = naive_portfolio.run(*case)
        seen.update(corners_of(case, outcome))
        seen["all"] += 1
        seen["traded"] += bool(outcome.trades)

    look()
    assert seen["traded"] >= seen["all"] / 2
    rare = [
        "filled",
        "cut cash",
        "cut weight",
        "pending",
        "pending buy",
        "pending sell",
        "cross",
        "stop",
        "gap",
        "open",
    ]
    rare += [f"skipped {reason}" for reason in ("positions", "no stop", "risk", "weight", "cash")]
    rare += ["held after its end", "two buys at once", "gap and buy at one open"]
    assert [corner for corner in rare if not seen[corner]] == [], seen
