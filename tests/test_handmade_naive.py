"""The reference over the hand-worked bars, and the page that works them out."""

import re
from pathlib import Path

import pytest

from tests import handmade, naive
from tests.naive import Bar, Rules, Trade

PAGE = (Path(__file__).parent.parent / "docs" / "handworked.md").read_text()
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w])")

scenarios = pytest.mark.parametrize("scenario", handmade.SCENARIOS, ids=lambda scenario: scenario.name)
tables = pytest.mark.parametrize("name", handmade.TABLES)


def numbers(text: str) -> list[float]:
    return [float(number) for number in NUMBER.findall(text)]


def section(heading: str) -> str:
    """Return the text under a heading, up to the next heading."""
    return re.search(rf"^#+ {heading}\n(.*?)(?=^#|\Z)", PAGE, re.DOTALL | re.MULTILINE)[1]


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@scenarios
def test_naive_is_the_hand(scenario):
    result = naive.backtest(scenario.bars, scenario.fast, scenario.slow, scenario.rules)
    assert result.trades == scenario.trades
    assert result.pending == scenario.pending
    assert result.skipped == scenario.skipped
    assert result.metrics["final_capital"] == scenario.final_capital


@scenarios
def test_the_page_has_the_trades(scenario):
    text = section(scenario.name)
    expected = [
        [
            str(trade.entry_bar),
            f"{trade.entry_price!r}".removesuffix(".0"),
            "none" if trade.exit_bar is None else str(trade.exit_bar),
            *(repr(x).removesuffix(".0") for x in (trade.exit_price, trade.quantity, trade.fees, trade.profit)),
            trade.exit_reason,
        ]
        for trade in scenario.trades
    ]
    assert rows(text) == expected
    prose = "\n".join(line for line in text.splitlines() if not line.startswith("|"))
    assert scenario.final_capital in numbers(prose)
    assert f"Pending: {scenario.pending}. Skipped: {scenario.skipped}." in prose
    for trade in scenario.trades:  # the table only repeats what the prose has worked out
        wanted = {trade.entry_price, trade.exit_price, trade.quantity, abs(trade.profit)}
        assert wanted <= {abs(number) for number in numbers(prose)}


@tables
def test_the_page_has_the_bars(name):
    got = [Bar(*map(float, row[1:5])) for row in rows(section(f"Table {name}"))]
    assert got == handmade.TABLES[name]


@tables
def test_the_page_has_the_averages(name):
    bars = handmade.TABLES[name]
    fast, slow = naive.averages_of_closes(bars, 2, 3)
    words = {1: "golden", -1: "death"}
    expected = []
    for t, cross in enumerate(naive.crosses(fast, slow)):
        place = "-" if slow[t] is None else "above" if fast[t] > slow[t] else "below" if fast[t] < slow[t] else "tie"
        expected.append(words.get(cross, place))
    table = rows(section(f"Table {name}"))
    assert [row[7] for row in table] == expected
    assert [float(row[8]) for row in table] == naive.true_range(bars)
    assert [None if row[9] == "-" else float(row[9]) for row in table] == naive.atr(bars, 2, "sma")


def test_stop_and_entry_on_one_bar():
    """The cross is later than the stop, so it buys; a cross never does this, a signal can."""
    bars = handmade.bars((10, 11, 9, 10), (10, 11, 9, 10), (10, 12, 7, 10), (10, 11, 9, 10))
    # ATR with window 1 is 2 at bar 0. Bought at 10, stop 8. The peak is 11 after bar 1, so the stop is 9 and bar 1,
    # tested with the buy price as the peak, is survived. Bar 2 falls to 7: sold at 9, bought again at bar 3's open.
    # ATR at bar 2 is 5, so bar 3 has its stop at 5.
    rules = Rules(multiple=1.0, atr_window=1, capital=1000.0, sizing="all_in_lots")
    result = naive.from_signals(bars, [1, 1, 1, 0], rules)
    assert result.trades == [
        Trade(1, 10.0, 2, 9.0, 100.0, 0.0, -100.0, "stop"),
        Trade(3, 10.0, None, 10.0, 90.0, 0.0, 0.0, "open"),
    ]
    assert (result.pending, result.skipped, result.equity) == ("none", 0, [1000.0, 1000.0, 900.0, 900.0])


def test_long_short_by_hand():
    """Table entry, bars 0 to 4: below at bar 2, above from bar 3."""
    result = naive.long_short(handmade.ENTRY[:5], 2, 3, Rules(capital=4600.0))
    # Short from close 46 to close 52: the loss is 6/46 of 4600, so 600. Long from 52 to 45: 7/52 of 4000 is lost.
    (short, long) = result.trades
    assert short[:5] == (2, 46.0, 3, 52.0, -100.0)
    assert short.profit == pytest.approx(-600.0)
    assert long[:4] == (3, 52.0, None, 45.0)
    assert long.exit_reason == "open"
    assert result.equity == pytest.approx([4600.0, 4600.0, 4600.0, 4000.0, 4000.0 * 45 / 52])
    assert result.metrics["exposure"] == 0.6
