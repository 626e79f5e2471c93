"""Each row of the matrix is a run of its own: held to the engine's other ways, and to the reference with shifted signals."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import engine
from engine.costs.plain import Costs
from engine.errors import DataError, InputError
from engine.grid import Grid
from engine.report.sensitivity import sensitivity_text
from engine.selection.picks import Numbers, Pick
from engine.selection.sensitivity import COSTS_IF_NONE, Row, Sensitivity, doubled, sensitivity
from engine.selection.trials import trials_of
from engine.settings import Settings
from tests import adapter, naive, strategies

STOP = engine.TrailingStop(3.0)
COSTLY = Settings(costs=Costs(rate=0.001, fixed=10.0, slippage=0.0005), bars_per_year=250.0)


def cut(history: engine.History, first: int, last: int, without: slice = slice(0)) -> engine.History:
    """Keep some bars of a history, with a hole in it."""
    kept = np.delete(np.arange(first, last), without)
    arrays = {name: getattr(history, name)[kept] for name in ("open", "high", "low", "close", "volume")}
    return engine.History(history.symbol, history.dates[kept], **arrays)


@pytest.fixture(scope="module")
def prices():
    """Seven symbols of different length, one with holes, one too short."""
    market = engine.simulate(7, 600, seed=5)
    bounds = {"SIM001": (0, 600), "SIM002": (100, 600), "SIM003": (0, 450), "SIM004": (50, 80)}
    return engine.Prices.from_histories(
        cut(market[symbol], *bounds.get(symbol, (0, 600)), slice(200, 210) if symbol == "SIM005" else slice(0))
        for symbol in market.symbols
    )


def named(found: Sensitivity) -> dict[str, Row]:
    return {row.change: row for row in found.rows if row.change != "without"}


def same(got: Numbers, expected: Numbers) -> bool:
    return all(adapter.close_enough(a, b) for a, b in zip(got, expected, strict=True))


def of_symbol(prices, symbol, stop, chosen: Settings) -> Numbers:
    row = engine.backtest(prices.select([symbol]), 10, 40, stop, **vars(chosen)).metrics.loc[symbol]
    return Numbers(*(float(row[name]) for name in Numbers._fields))


def of_returns(returns: list[float], trades: float, bars_per_year: float = 252.0) -> Numbers:
    """Give the numbers of a series by the reference's own metrics."""
    equity = [1.0]
    for r in returns:
        equity.append(equity[-1] * (1 + r))
    found = naive.metrics(1.0, equity[1:], [], [False] * len(returns), bars_per_year)
    return Numbers(found["sharpe"], found["total_return"], found["max_drawdown"], trades)


def of_all(prices, stop, chosen: Settings) -> Numbers:
    returns = trials_of(prices, Grid.of(10, 40, stop), chosen).returns[0]
    trades = engine.sweep(prices, 10, 40, stop, **vars(chosen)).to_frame()["trades"].sum()
    return of_returns(returns.tolist(), float(trades), chosen.bars_per_year)


CHANGES = {
    "as_is": (STOP, COSTLY),
    "costs": (STOP, replace(COSTLY, costs=Costs(rate=0.002, fixed=20.0, slippage=0.001))),
    "fill": (STOP, replace(COSTLY, fill="close")),
    "intrabar": (STOP, replace(COSTLY, intrabar="high_first")),
    "stop_narrower": (engine.TrailingStop(2.25), COSTLY),
    "stop_wider": (engine.TrailingStop(3.75), COSTLY),
    "no_stop": (None, COSTLY),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_row_of_one_symbol_is_its_backtest(prices, change):
    found = sensitivity(prices, Pick("SIM002", 10, 40, STOP), COSTLY)
    assert same(named(found)[change].numbers, of_symbol(prices, "SIM002", *CHANGES[change]))


@pytest.mark.parametrize("change", CHANGES)
def test_a_row_of_all_symbols_is_its_trial(prices, change):
    found = sensitivity(prices, Pick(None, 10, 40, STOP), COSTLY)
    assert found.symbols == tuple(symbol for symbol in prices.symbols if symbol != "SIM004")
    assert same(named(found)[change].numbers, of_all(prices, *CHANGES[change]))


def test_every_change_makes_a_difference(prices):
    for pick in (Pick(None, 10, 40, STOP), Pick("SIM001", 10, 40, STOP)):
        found = sensitivity(prices, pick, COSTLY)
        numbers = [row.numbers for row in named(found).values() if row.change != "intrabar"]
        assert len(set(numbers)) == len(numbers) == 7


def test_the_other_settings_have_the_other_neighbour(prices):
    other = replace(COSTLY, fill="close", intrabar="high_first")
    rows = named(sensitivity(prices, Pick("SIM001", 10, 40, STOP), other))
    assert same(rows["fill"].numbers, of_symbol(prices, "SIM001", STOP, replace(other, fill="next_open")))
    assert same(rows["intrabar"].numbers, of_symbol(prices, "SIM001", STOP, replace(other, intrabar="stop_first")))
    both = sensitivity(prices, Pick("SIM001", 10, 40, STOP), replace(COSTLY, intrabar="both"))
    assert both.rows == sensitivity(prices, Pick("SIM001", 10, 40, STOP), COSTLY).rows


@settings(max_examples=150, deadline=None)
@given(strategies.markets(min_bars=6), strategies.rules())
def test_the_order_within_a_bar_and_the_delay_are_the_reference(bars, rules):
    assume(rules.multiple != 0)
    chosen = Settings(**adapter.arguments(rules))
    found = named(sensitivity(adapter.prices(bars), Pick(adapter.SYMBOL, 2, 5, adapter.stop(rules)), chosen))
    crosses = naive.crosses(*naive.averages_of_closes(bars, 2, 5))
    late = naive.from_signals(bars, [0, *crosses[:-1]], rules)
    check(found["delay"].numbers, late, rules)
    if rules.multiple is not None:
        other = "stop_first" if rules.intrabar == "high_first" else "high_first"
        check(found["intrabar"].numbers, naive.from_signals(bars, crosses, replace(rules, intrabar=other)), rules)


def check(got: Numbers, expected: naive.Result, rules: naive.Rules) -> None:
    roundings = adapter.rounding(rules.capital, expected.equity, rules.bars_per_year)
    adapter.assert_metrics(got._asdict(), expected.metrics, Numbers._fields, roundings)


def test_delay_of_all_symbols_is_joined_as_trials_are(prices):
    """By dictionaries of days, from the reference's equity."""
    earned, trades = {}, 0.0
    rules = naive.Rules(multiple=3.0, rate=0.001, fixed=10.0, slippage=0.0005)
    for symbol in prices.symbols:
        history = prices[symbol]
        if len(history) < 40:
            continue
        columns = (history.open, history.high, history.low, history.close)
        bars = [naive.Bar(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]
        crosses = naive.crosses(*naive.averages_of_closes(bars, 10, 40))
        result = naive.from_signals(bars, [0, *crosses[:-1]], rules)
        points = [rules.capital, *result.equity]
        trades += result.metrics["trades"]
        for t, day in enumerate(history.dates):
            earned.setdefault(day, []).append(points[t + 1] / points[t] - 1)
    returns = [sum(earned[day]) / len(earned[day]) for day in sorted(earned)]
    found = named(sensitivity(prices, Pick(None, 10, 40, STOP), COSTLY))
    assert same(found["delay"].numbers, of_returns(returns, trades, COSTLY.bars_per_year))


def test_without_each_symbol_is_the_trial_of_the_others(prices):
    found = sensitivity(prices, Pick(None, 10, 40, STOP), COSTLY)
    assert [row.what for row in found.without] == [f"without {symbol}" for symbol in found.symbols]
    expected = []
    for symbol, row in zip(found.symbols, found.without, strict=True):
        expected.append(of_all(prices.select([s for s in prices.symbols if s != symbol]), STOP, COSTLY))
        assert same(row.numbers, expected[-1]), symbol
    shown = [row for row in found.rows if row.change == "without"]
    sharpes = [row.numbers.sharpe for row in found.without]
    assert [row.numbers.sharpe for row in shown] == [min(sharpes), max(sharpes)]
    assert f"without {found.symbols[int(np.argmin(sharpes))]}, of 6 symbols the worst one" in shown[0].what
    assert f"without {found.symbols[int(np.argmax(sharpes))]}, of 6 symbols the best one" in shown[1].what


def test_few_symbols_have_a_row_each_and_days_of_one_alone_go_with_it():
    market = engine.simulate(2, 300, seed=2)
    prices = engine.Prices.from_histories([cut(market["SIM001"], 0, 200), cut(market["SIM002"], 100, 300)])
    found = sensitivity(prices, Pick(None, 10, 40), COSTLY)
    first, second = (row for row in found.rows if row.change == "without")
    assert same(first.numbers, of_symbol(prices, "SIM002", None, COSTLY))
    assert same(second.numbers, of_symbol(prices, "SIM001", None, COSTLY))
    assert (first, second) == found.without


def test_the_grid_gives_the_neighbours(prices):
    stops = (None, *(engine.TrailingStop(m) for m in (1, 2.5, 3, 5, 8)), engine.TrailingStop(2.9, atr_window=20))
    rows = named(sensitivity(prices, Pick("SIM001", 10, 40, STOP), COSTLY, stops))
    assert rows["stop_narrower"].what == "a stop of 2.5 instead of 3 ATR"
    assert rows["stop_wider"].what == "a stop of 5 instead of 3 ATR"
    assert same(rows["stop_wider"].numbers, of_symbol(prices, "SIM001", engine.TrailingStop(5), COSTLY))
    edge = named(sensitivity(prices, Pick("SIM001", 10, 40, engine.TrailingStop(8)), COSTLY, stops))
    assert edge["stop_narrower"].what == "a stop of 5 instead of 8 ATR"
    assert edge["stop_wider"].what == "a stop of 10 instead of 8 ATR"


amounts = st.floats(0, 0.4, allow_subnormal=False)  # of which twice the product need not be the product of twice


@given(amounts, st.floats(0, 100), st.floats(0, 100), amounts, st.floats(1, 1e6))
def test_doubled_costs_are_twice_the_fee(rate, fixed, minimum, slippage, value):
    once, twice = Costs(rate, fixed, minimum, slippage), doubled(Costs(rate, fixed, minimum, slippage))
    fees = [naive.fee_of(value, naive.Rules(rate=c.rate, fixed=c.fixed, minimum=c.minimum)) for c in (once, twice)]
    assert fees[1] == 2 * fees[0]
    assert twice.slippage == 2 * once.slippage


SCHEDULES = {
    "india": engine.costs.nse_delivery(),
    "united_states": engine.costs.us_ib_tiered(),
}


@given(
    st.sampled_from(list(SCHEDULES)),
    st.sampled_from(["buy", "sell"]),
    st.floats(1, 5000),
    st.integers(1, 100_000),
    st.sampled_from(["2025-06-02", "2025-09-01"]),
)
def test_a_doubled_schedule_charges_twice_before_rounding(name, side, price, quantity, day):
    schedule = replace(SCHEDULES[name].unrounded(), surcharge=0.001, slippage=0.002)
    once, twice = schedule.fee(side, price, quantity, day), doubled(schedule).fee(side, price, quantity, day)
    for part in ("brokerage", "tax", "stamp", "exchange", "service_tax", "flat", "surcharge", "total"):
        assert math.isclose(getattr(twice, part), 2 * getattr(once, part), rel_tol=1e-12), part
    assert doubled(schedule).slippage == 0.004


def test_a_schedule_is_run_doubled(prices):
    chosen = Settings(costs=engine.costs.nse_delivery())
    found = named(sensitivity(prices, Pick("SIM001", 10, 40, STOP), chosen))
    expected = of_symbol(prices, "SIM001", STOP, replace(chosen, costs=doubled(chosen.costs)))
    assert same(found["costs"].numbers, expected)
    assert found["costs"].numbers.total_return < found["as_is"].numbers.total_return


def test_without_costs_a_stated_one_is_taken(prices):
    found = sensitivity(prices, Pick("SIM001", 10, 40), Settings())
    row = named(found)["costs"]
    assert row.what == "0.1 percent of its value for every order, since there are no costs to double"
    assert same(row.numbers, of_symbol(prices, "SIM001", None, Settings(costs=COSTS_IF_NONE)))


def test_what_makes_no_sense_is_said(prices):
    alone = sensitivity(prices, Pick("SIM001", 10, 40), Settings(costs=Costs(rate=0.5)))
    assert list(named(alone)) == ["as_is", "delay", "fill"]
    said = " ".join(alone.missing)
    for part in ("cannot be doubled", "order of high and low", "no multiple", "SIM001 alone"):
        assert part in said
    risky = sensitivity(prices, Pick("SIM001", 10, 40, STOP), replace(COSTLY, sizing="risk"))
    assert "no_stop" not in named(risky)
    assert "Sizing by risk needs a stop" in " ".join(risky.missing)
    one = sensitivity(prices.select(["SIM001"]), Pick(None, 10, 40), COSTLY)
    assert "only one symbol" in " ".join(one.missing)


def test_long_short_has_only_its_symbols(prices):
    chosen = Settings(direction="long_short")
    found = sensitivity(prices, Pick(None, 10, 40), chosen)
    assert [row.change for row in found.rows] == ["as_is", "without", "without"]
    assert same(found.as_is.numbers, of_all(prices, None, chosen))
    assert "long/short" in found.missing[0]


def test_errors(prices):
    with pytest.raises(DataError, match="SIM9"):
        sensitivity(prices, Pick("SIM9", 10, 40), COSTLY)
    with pytest.raises(DataError, match="SIM004 has 30 bars"):
        sensitivity(prices, Pick("SIM004", 10, 40), COSTLY)
    with pytest.raises(InputError, match="no pair"):
        sensitivity(prices, Pick(None, 40, 10), COSTLY)
    with pytest.raises(InputError, match="one fast and one slow"):
        sensitivity(prices, Pick(None, (10, 20), 40), COSTLY)
    with pytest.raises(InputError, match="needs a stop"):
        sensitivity(prices, Pick(None, 10, 40), Settings(sizing="risk"))


def test_an_account_that_lost_everything_has_no_numbers():
    """Fees of 600 an order are more than 1,000 bears twice."""
    prices = engine.simulate(2, 300, seed=3)
    chosen = Settings(capital=1000.0, costs=Costs(minimum=600.0))
    found = named(sensitivity(prices, Pick(None, 5, 20), chosen))
    trial = trials_of(prices, Grid.of(5, 20), chosen).returns[0]
    assert np.isnan(trial).any()
    for change in ("as_is", "delay"):
        assert np.isnan(found[change].numbers[:3]).all()
        assert found[change].numbers.trades > 0


def test_frame(prices):
    found = sensitivity(prices, Pick(None, 10, 40, STOP), COSTLY)
    frame = found.to_frame()
    assert list(frame["change"]) == [row.change for row in found.rows]
    assert frame["sharpe"].tolist() == [row.numbers.sharpe for row in found.rows]
    for name in Numbers._fields:
        moved = [getattr(row.numbers, name) - getattr(found.as_is.numbers, name) for row in found.rows]
        pd.testing.assert_series_equal(frame[f"{name}_change"], pd.Series(moved), check_names=False)


def made(before: float, **sharpes: float) -> Sensitivity:
    rows = [Row("as_is", "as it is", Numbers(before, 0.25, -0.125, 10))]
    rows += [Row(name, name.replace("_", " "), Numbers(sharpe, 0.1, -0.2, 1)) for name, sharpe in sharpes.items()]
    return Sensitivity(Pick("ABC", 10, 40, STOP), COSTLY, ("ABC",), tuple(rows), (), ("There is no such thing.",))


def test_text_has_the_answer_first_and_the_most_harmful_change_next():
    lines = sensitivity_text(made(1.0, small=0.9, much=0.4, none=math.nan, better=1.2, equal=1.0001))
    assert lines == [
        "The result hangs on details: each of these 2 changes takes half of its Sharpe ratio of 1.000 or more: none; much.",
        "ABC, fast 10, slow 40, stop 3 ATR of 14 bars, as it is: Sharpe ratio 1.000, total return 25.00 percent, largest drawdown 12.50 percent, 10 closed trades.",
        "None: the change is not defined; Sharpe ratio not defined, total return 10.00 percent, largest drawdown 20.00 percent, 1 closed trade.",
        "Much: lower by 0.600; Sharpe ratio 0.400, total return 10.00 percent, largest drawdown 20.00 percent, 1 closed trade.",
        "Small: lower by 0.100; Sharpe ratio 0.900, total return 10.00 percent, largest drawdown 20.00 percent, 1 closed trade.",
        "Equal: as good as no change; Sharpe ratio 1.000, total return 10.00 percent, largest drawdown 20.00 percent, 1 closed trade.",
        "Better: higher by 0.200; Sharpe ratio 1.200, total return 10.00 percent, largest drawdown 20.00 percent, 1 closed trade.",
        "Not tried: There is no such thing.",
    ]


@pytest.mark.parametrize(
    ("found", "summary"),
    [
        (
            made(1.0, one=0.5),
            "The result hangs on details: this change takes half of its Sharpe ratio of 1.000 or more: one.",
        ),
        (
            made(1.0, one=0.51, two=0.9),
            "No single change takes more than 0.490 from the Sharpe ratio of 1.000; that one is: one.",
        ),
        (made(1.0, one=1.5), "No single change takes anything from the Sharpe ratio of 1.000."),
        (made(-0.2, one=-3.0), "There is nothing to lose: the Sharpe ratio is -0.200 as it is."),
        (
            made(math.nan, one=1.0),
            "Nothing can be said of what the result hangs on, because its Sharpe ratio is not defined as it is.",
        ),
        (made(1.0), "No change makes sense here."),
    ],
)
def test_summary(found, summary):
    assert sensitivity_text(found)[0] == summary


def test_text_of_a_real_matrix_is_ascii_and_one_fact_a_line(prices):
    found = sensitivity(prices, Pick(None, 10, 40, STOP), COSTLY)
    lines = sensitivity_text(found)
    assert len(lines) == 1 + len(found.rows)
    assert all(line.isascii() and line.endswith(".") and "nan" not in line for line in lines)
    assert lines[1].startswith("All 6 symbols with the same money in each, fast 10, slow 40, stop 3 ATR of 14 bars, as")
