"""The backtest against the reference, against hand-worked bars, and against its own past."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import engine
from tests import adapter, handmade, naive, strategies

many = settings(max_examples=400, deadline=None)
some = settings(max_examples=150, deadline=None)


def run(bars, pair, rules):
    return engine.backtest(adapter.prices(bars), *pair, stop=adapter.stop(rules), **adapter.arguments(rules))


@many
@given(strategies.markets(), strategies.windows(), strategies.rules())
def test_backtest_is_the_reference(bars, pair, rules):
    assume(len(bars) >= pair[1] and rules.multiple != 0)
    adapter.assert_same(run(bars, pair, rules), naive.backtest(bars, *pair, rules))


@many
@given(strategies.markets(), strategies.rules(), st.data())
def test_own_signals_are_the_reference(bars, rules, data):
    assume(rules.multiple != 0)
    signals = np.array(data.draw(strategies.signals(len(bars))))
    result = engine.from_signals(
        adapter.prices(bars),
        {adapter.SYMBOL: signals == 1},
        {adapter.SYMBOL: signals == -1},
        stop=adapter.stop(rules),
        **adapter.arguments(rules),
    )
    adapter.assert_same(result, naive.from_signals(bars, signals.tolist(), rules))


@some
@given(strategies.markets(), strategies.windows(), strategies.rules())
def test_long_short_is_the_reference(bars, pair, rules):
    assume(len(bars) >= pair[1])
    expected = naive.long_short(bars, *pair, rules)
    result = engine.backtest(
        adapter.prices(bars), *pair, direction="long_short", capital=rules.capital, bars_per_year=rules.bars_per_year
    )
    got = adapter.trades(result.trades)
    assert [trade[:6] for trade in got] == [trade[:6] for trade in expected.trades]
    assert result.equity[adapter.SYMBOL].tolist() == expected.equity
    adapter.assert_metrics(result.metrics.iloc[0], expected.metrics)


@pytest.mark.parametrize("scenario", handmade.SCENARIOS, ids=lambda scenario: scenario.name)
def test_hand_worked_bars(scenario):
    result = run(scenario.bars, (scenario.fast, scenario.slow), scenario.rules)
    assert adapter.trades(result.trades) == list(scenario.trades)
    assert result.pending[adapter.SYMBOL] == scenario.pending
    assert result.metrics["skipped"].iloc[0] == scenario.skipped
    assert result.metrics["final_capital"].iloc[0] == scenario.final_capital


@some
@given(strategies.markets(min_bars=30), strategies.windows(), strategies.rules(), st.data())
def test_the_future_never_changes_the_past(bars, pair, rules, data):
    assume(rules.multiple != 0)
    end = data.draw(st.integers(pair[1], len(bars))) if len(bars) >= pair[1] else assume(False)
    whole, part = run(bars, pair, rules), run(bars[:end], pair, rules)
    symbol = adapter.SYMBOL
    assert part.equity[symbol].tolist() == whole.equity[symbol].tolist()[:end]
    closed = [trade for trade in adapter.trades(whole.trades) if trade.exit_bar is not None and trade.exit_bar < end]
    assert [trade for trade in adapter.trades(part.trades) if trade.exit_bar is not None] == closed


@some
@given(strategies.markets(), strategies.windows(), strategies.rules())
def test_both_orders_are_the_two_orders(bars, pair, rules):
    assume(len(bars) >= pair[1] and rules.multiple not in (None, 0))
    first, second = (
        naive.backtest(bars, *pair, replace(rules, intrabar=order)) for order in ("stop_first", "high_first")
    )
    both = engine.backtest(
        adapter.prices(bars), *pair, stop=adapter.stop(rules), **{**adapter.arguments(rules), "intrabar": "both"}
    )
    adapter.assert_same(both, first)
    row = both.ambiguity.loc[adapter.SYMBOL]
    exits = [trade for trade in first.trades if trade.exit_bar is not None]
    left = {trade.entry_bar: (trade.exit_bar, trade.exit_price) for trade in second.trades}
    assert row["exits"] == len(exits)
    assert row["ambiguous"] == sum(left.get(trade.entry_bar) != (trade.exit_bar, trade.exit_price) for trade in exits)
    assert row["final_capital_stop_first"] == first.equity[-1]
    assert row["final_capital_high_first"] == second.equity[-1]


def test_both_orders_can_differ():
    prices = engine.simulate(5, 1500, seed=3)
    result = engine.backtest(prices, 5, 20, stop=engine.TrailingStop(1.0), intrabar="both")
    assert result.ambiguity["ambiguous"].sum() > 0
    assert (result.ambiguity["final_capital_stop_first"] != result.ambiguity["final_capital_high_first"]).any()


def test_tables_have_the_contracts_names():
    result = engine.backtest(engine.simulate(2, 600, seed=1), 10, 50)
    assert tuple(result.metrics.columns) == (*adapter.METRICS, "skipped")
    assert list(result.metrics.index) == ["SIM001", "SIM002"]
    expected = "symbol entry_bar entry_date entry_price exit_bar exit_date exit_price quantity fees profit exit_reason"
    assert list(result.trades.columns) == expected.split()
    assert set(result.trades["exit_reason"]) <= {"cross", "stop", "gap", "open"}
    assert result.equity["SIM001"].index.equals(engine.simulate(2, 600, seed=1)["SIM001"].dates)
    row = result.trades.iloc[0]
    assert row["entry_date"] == engine.simulate(2, 600, seed=1)["SIM001"].dates[row["entry_bar"]]


def test_a_short_history_is_left_out_and_says_so():
    prices = engine.Prices.from_histories([*engine.simulate(1, 300).histories.values(), _short()])
    result = engine.backtest(prices, 10, 200)
    assert list(result.metrics.index) == ["SIM001"]
    assert result.left_out == {"NEW": "NEW has 40 bars, fewer than the slow window of 200"}
    with pytest.raises(engine.DataError, match="NEW has 40 bars"):
        engine.backtest(engine.Prices.from_histories([_short()]), 10, 200)


def _short():
    history = engine.simulate(1, 40)["SIM001"]
    return replace(history, symbol="NEW")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fast": 200, "slow": 50}, "no pair has fast below slow"),
        ({"fast": 50, "slow": 50}, "no pair has fast below slow"),
        ({"fast": 0}, "fast window is 0"),
        ({"slow": 50.5}, "slow window is 50.5"),
        ({"capital": float("nan")}, "capital is nan"),
        ({"capital": -5.0}, "capital"),
        ({"lot": 0}, "lot is 0"),
        ({"bars_per_year": 0}, "bars per year"),
        ({"fill": "yesterday"}, "fill is 'yesterday'"),
        ({"intrabar": "random"}, "intrabar"),
        ({"direction": "short"}, "direction"),
        ({"sizing": "martingale"}, "sizing"),
        ({"sizing": "risk"}, "needs a stop"),
        ({"risk": 1.5}, "risk is 1.5"),
        ({"direction": "long_short", "stop": engine.TrailingStop()}, "long_short"),
        ({"costs": 0.001}, "engine.Costs"),
        ({"stop": 3.0}, "engine.TrailingStop"),
    ],
)
def test_bad_settings_are_refused(change, message):
    with pytest.raises(engine.InputError, match=message):
        engine.backtest(engine.simulate(1, 300), **{"fast": 50, "slow": 200, **change})


@pytest.mark.parametrize(
    "make",
    [
        lambda: engine.Costs(rate=-0.001),
        lambda: engine.Costs(slippage=1.0),
        lambda: engine.Costs(fixed=float("inf")),
        lambda: engine.TrailingStop(0),
        lambda: engine.TrailingStop(2, atr_window=0),
        lambda: engine.TrailingStop(2, atr="ema"),
        lambda: engine.TrailingStop(2, kind="percent"),
    ],
)
def test_bad_costs_and_stops_are_refused(make):
    with pytest.raises(engine.InputError):
        make()


def test_signals_that_do_not_fit_are_refused():
    prices = engine.simulate(1, 10)
    yes, no = np.ones(10, bool), np.zeros(10, bool)
    with pytest.raises(engine.InputError, match="both true on 10 bars"):
        engine.from_signals(prices, {"SIM001": yes}, {"SIM001": yes})
    with pytest.raises(engine.InputError, match="9 values for 10 bars"):
        engine.from_signals(prices, {"SIM001": yes[:9]}, {"SIM001": no})
    with pytest.raises(engine.InputError, match="not booleans"):
        engine.from_signals(prices, {"SIM001": yes.astype(float)}, {"SIM001": no})
    with pytest.raises(engine.InputError, match="no prices for OTHER"):
        engine.from_signals(prices, {"OTHER": yes}, {"SIM001": no})
    late = pd.Series(no, index=prices["SIM001"].dates + pd.Timedelta(days=1))
    with pytest.raises(engine.InputError, match="dates"):
        engine.from_signals(prices, {"SIM001": late}, {"SIM001": no})


def test_signals_may_come_as_a_frame():
    prices = engine.simulate(2, 10)
    frame = pd.DataFrame(False, index=prices["SIM001"].dates, columns=["SIM001", "SIM002"])
    entries = frame.copy()
    entries.iloc[2, 0] = True
    result = engine.from_signals(prices, entries, frame)
    assert result.trades[["symbol", "entry_bar", "exit_reason"]].to_numpy().tolist() == [["SIM001", 3, "open"]]


def test_ruin_has_no_sharpe():
    # A fixed fee larger than what is left: equity falls below zero, and returns have no meaning any more.
    bars = [naive.Bar(*[price] * 4) for price in (100.0, 100.0, 1.0, 1.0)]
    rules = naive.Rules(capital=1000.0, fixed=40.0)
    signals = np.array([1, 0, -1, 0])
    result = engine.from_signals(
        adapter.prices(bars),
        {"TEST": signals == 1},
        {"TEST": signals == -1},
        capital=1000.0,
        costs=engine.Costs(fixed=40.0),
    )
    assert result.metrics["final_capital"].iloc[0] < 0
    assert result.metrics[["cagr", "sharpe", "sortino", "calmar"]].isna().all(axis=None)
    adapter.assert_same(result, naive.from_signals(bars, signals.tolist(), rules))
