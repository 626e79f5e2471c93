"""Positions that are not held overnight: against the reference, the fast way against the plain one, and by hand."""

from datetime import datetime, time

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import engine
from engine.backtesting import kernel_bars
from engine.cli.app import app
from engine.errors import InputError
from engine.flattening import closing_bars, sessions_of
from engine.grid import Grid
from engine.kernels.crosses import crosses
from engine.kernels.events import simulate_events
from engine.kernels.indicators import average_true_range, averages
from engine.kernels.loop import simulate, with_multiple
from engine.kernels.plan import SPAN
from engine.selection.trials import trials_of
from engine.settings import Settings
from tests import adapter, naive, strategies
from tests.test_fast import compare_ways

Bar = naive.Bar


@settings(max_examples=200, deadline=None)
@given(strategies.markets(min_bars=2), strategies.windows(), strategies.intraday_rules(), st.data())
def test_backtest_is_the_reference(bars, pair, rules, data):
    assume(len(bars) >= pair[1] and rules.multiple != 0)
    when = data.draw(strategies.stamps(len(bars)))
    result = engine.backtest(
        adapter.prices(bars, stamps=when), *pair, stop=adapter.stop(rules), **adapter.arguments(rules)
    )
    adapter.assert_same(result, naive.backtest(bars, *pair, rules, when))


@settings(max_examples=150, deadline=None)
@given(strategies.markets(min_bars=2), strategies.intraday_rules(), st.data())
def test_own_signals_are_the_reference(bars, rules, data):
    assume(rules.multiple != 0)
    signals, when = np.array(data.draw(strategies.signals(len(bars)))), data.draw(strategies.stamps(len(bars)))
    enter, leave = ({adapter.SYMBOL: signals == side} for side in (1, -1))
    result = engine.from_signals(
        adapter.prices(bars, stamps=when), enter, leave, stop=adapter.stop(rules), **adapter.arguments(rules)
    )
    adapter.assert_same(result, naive.from_signals(bars, signals.tolist(), rules, when))


@settings(max_examples=200, deadline=None)
@given(
    strategies.markets(min_bars=3),
    strategies.intraday_rules(),
    st.sampled_from([[np.nan], [1.0], [np.nan, 0.5, 2.0]]),
    st.sampled_from([1, 5]),
    st.sampled_from([64, 128, SPAN]),
    st.sampled_from(
        [engine.Signal(), engine.Signal(average="ema"), engine.Signal(band=0.01, delay=1), engine.Signal(hold=3)]
    ),
    st.data(),
)
def test_the_fast_way_is_the_plain_one(bars, rules, multiples, times, most, signal, data):
    """Spans of 64 bars begin and end amid sessions and holdings."""
    bars = bars * times
    windows = (1, 2, 3, 5), [slow for slow in (2, 3, 7, 20) if slow <= len(bars)]
    chosen = Settings(**{**adapter.arguments(rules), "sizing": "all_in"}, signal=signal)
    stop = engine.TrailingStop(2.0, rules.atr_window, rules.atr, rules.stop_kind)
    history = adapter.history(bars, stamps=data.draw(strategies.stamps(len(bars))))
    compare_ways(history, windows, multiples, rules.atr_window, chosen, stop, least_sure=0.0, most=most)


@settings(max_examples=150, deadline=None)
@given(strategies.markets(min_bars=3), strategies.intraday_rules(), strategies.windows(), st.data())
def test_from_event_to_event_is_the_plain_loop(bars, rules, pair, data):
    n = len(bars)
    assume(pair[1] <= n)
    history, signals = adapter.history(bars, stamps=data.draw(strategies.stamps(n))), np.empty(n, np.int8)
    crosses(*averages(history.close, np.array(pair)), signals)
    stop = engine.TrailingStop(1.0, rules.atr_window, rules.atr, rules.stop_kind)
    window = np.array([rules.atr_window])
    atr = average_true_range(history.high, history.low, history.close, window, rules.atr == "wilder")
    chosen = Settings(**adapter.arguments(rules))
    given_rules = chosen.kernel_rules(stop, sessions=sessions_of([history], chosen.flatten))
    one = with_multiple(given_rules, np.nan if rules.multiple is None else rules.multiple)
    events, outcomes = np.flatnonzero(signals), []
    golden = len(events) > 0 and signals[events[0]] == 1
    for run, what in ((simulate, (signals,)), (simulate_events, (events, golden))):
        equity, trades = np.full(n, -1.0), np.full((n + 1, 8), -1.0)
        outcome = run(kernel_bars(history), *what, atr[0], rules.capital, one, equity, trades)
        outcomes.append((equity.tolist(), trades.tolist(), repr(outcome)))
    assert outcomes[0] == outcomes[1]


@pytest.fixture(scope="module")
def minutes() -> engine.Prices:
    """Ten sessions of 375 minutes of two symbols, of which one begins later; longer than a span of the fast way."""
    clock = pd.date_range("2024-01-01 09:15", periods=375, freq="min")
    dates = pd.DatetimeIndex(np.concatenate([clock + pd.Timedelta(days=day) for day in range(10)]))
    frames = engine.simulate(2, len(dates), seed=5, volatility=0.002).to_frames()
    first, second = (frame.set_axis(dates) for frame in frames.values())
    return engine.Prices.from_frames({"FIRST": first, "SECOND": second.iloc[100:]})


@pytest.mark.parametrize("flatten", ["session", "15:20"])
@pytest.mark.parametrize("fill", ["next_open", "close"])
def test_nothing_is_held_overnight(minutes, fill, flatten):
    swept = engine.sweep(minutes, (5, 20), (50, 100), [None, engine.TrailingStop(3.0)], fill=fill, flatten=flatten)
    seen = 0
    for symbol in minutes:
        for stop in (None, engine.TrailingStop(3.0)):
            one = engine.backtest(minutes.select([symbol]), 5, 50, stop, fill=fill, flatten=flatten)
            cell = swept.to_frame().loc[(symbol, 5, 50, 14 if stop else 0, 3.0 if stop else 0.0)]
            assert cell["final_capital"] == one.metrics["final_capital"].iloc[0]
            trades = one.trades
            assert (trades["entry_date"].dt.date == trades["exit_date"].dt.date).all()
            by_time = trades[trades["exit_reason"] == "session"]
            seen += len(by_time)
            assert set(by_time["exit_date"].dt.time) <= {time(15, 29) if flatten == "session" else time(15, 19)}
            last_entry = time(15, 19) if fill == "next_open" else time(15, 18)
            assert flatten == "session" or trades["entry_date"].dt.time.max() <= last_entry
    assert seen > 0
    overnight = engine.backtest(minutes, 5, 50, fill=fill).trades.dropna(subset="exit_date")
    assert (overnight["entry_date"].dt.date != overnight["exit_date"].dt.date).any()


def test_returns_of_trials_are_those_of_backtests(minutes):
    """What the statistics of a sweep work on, both ways: with costs that are a fraction of the value, and with a fixed fee, for which accounts are run one by one."""
    stops = (None, engine.TrailingStop(2.0))
    for costs in (engine.Costs(rate=0.001), engine.Costs(rate=0.001, fixed=1.0)):
        chosen = Settings(costs=costs, flatten="15:20")
        trials = trials_of(minutes.select(["FIRST"]), Grid.of(5, (50, 70), stops), chosen)
        for i, (slow, stop) in enumerate((slow, stop) for slow in (50, 70) for stop in stops):
            equity = engine.backtest(minutes.select(["FIRST"]), 5, slow, stop, costs=costs, flatten="15:20").equity[
                "FIRST"
            ]
            expected = np.diff(np.r_[100_000.0, equity]) / np.r_[100_000.0, equity[:-1]]
            np.testing.assert_allclose(trials.returns[i], expected, rtol=1e-9, atol=1e-14)


def test_by_hand():
    """Two sessions of four bars. A buy at the open of the second bar is sold at the close of the last; a cross of that close buys at the next session's open."""
    bars = [Bar(10, 10, 10, 10), Bar(11, 12, 11, 12), Bar(12, 14, 12, 13), Bar(13, 15, 13, 14)]
    bars += [Bar(20, 21, 20, 21), Bar(21, 22, 21, 22), Bar(22, 22, 20, 20), Bar(20, 20, 18, 18)]
    when = [datetime.fromisoformat(f"2024-01-0{day}T09:{minute}") for day in (1, 2) for minute in (15, 30, 45, 59)]
    enter, leave = ({"X": np.isin(np.arange(8), at)} for at in ([0, 3], [6]))
    prices = adapter.prices(bars, "X", when)

    def traded(**more):
        found = engine.from_signals(prices, enter, leave, capital=1100.0, **more)
        return found.trades[["entry_bar", "entry_price", "exit_bar", "exit_price", "exit_reason"]].to_numpy().tolist()

    assert traded() == [[1, 11.0, 7, 20.0, "cross"]]
    assert traded(flatten="session") == [[1, 11.0, 3, 14.0, "session"], [4, 20.0, 7, 20.0, "cross"]]
    # Stamps before 9:45: the second bar is the last that may be held.
    assert traded(flatten="09:45") == [[1, 11.0, 1, 12.0, "session"], [4, 20.0, 5, 22.0, "session"]]
    # At the close of bar 3 nothing may begin any more.
    at_close = engine.from_signals(prices, enter, leave, capital=1100.0, flatten="session", fill="close")
    assert at_close.trades["exit_bar"].tolist() == [3]
    assert at_close.metrics["skipped"].tolist() == [1]


def test_bars_of_a_day():
    when = pd.to_datetime(
        ["2024-01-01 09:15", "2024-01-01 15:15", "2024-01-01 15:20", "2024-01-02 18:15", "2024-01-03 09:15"]
    )
    assert closing_bars(when, "session").tolist() == [2, 2, 2, 3, 4]
    assert closing_bars(when, "15:20").tolist() == [1, 1, -1, -1, 4]


@pytest.mark.parametrize("flatten", ["sesion", "24:00", "9:15", "15:20:00", 15, ""])
def test_what_makes_no_sense_is_refused(flatten):
    with pytest.raises(InputError, match="it must be 'session', or a time of day"):
        Settings(flatten=flatten)


def test_daily_bars_are_refused():
    prices = engine.simulate(1, 300)
    with pytest.raises(InputError, match="SIM001 has no day with two bars"):
        engine.sweep(prices, 5, 20, flatten="session")
    with pytest.raises(InputError, match="always in the market"):
        engine.backtest(prices, 5, 20, direction="long_short", flatten="session")


@pytest.fixture
def folder(minutes, tmp_path):
    made = tmp_path / "prices"
    made.mkdir()
    for symbol, frame in minutes.to_frames().items():
        frame.to_csv(made / f"{symbol}.csv")
    return made


def command(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_commands_say_it_and_keep_it(minutes, folder):
    kept, grid = folder.parent / "cells.parquet", ("--fast", "5:20:5", "--slow", "30:60:15")
    said = command("sweep", folder, *grid, "--stop", "none,3", "--flatten", "15:20", "--out", kept)
    line = "sold at the close of the last bar of each day that begins before 15:20, and nothing is bought after it."
    assert any(one.endswith(line) for one in said.splitlines())
    table = engine.SweepResult.load(kept, minutes)
    assert table.settings.flatten == "15:20"
    again = engine.sweep(minutes, range(5, 21, 5), (30, 45, 60), [None, engine.TrailingStop(3.0)], flatten="15:20")
    assert np.array_equal(table.values, again.values, equal_nan=True)
    assert "by the end of the session, profit" in command(
        "backtest", folder, "--fast", 5, "--slow", 50, "--flatten", "session"
    )
    assert "Deflated Sharpe ratio" in command("luck", kept, "--prices", folder, "--permutations", 5)
    windows = ("--train", 1500, "--test", 500)
    assert line in command("walkforward", folder, *grid, "--flatten", "15:20", *windows)


@pytest.mark.parametrize(("module", "name"), [("commands", "sweep"), ("portfolios", "sweep-portfolio")])
def test_what_is_run_first_to_compile_has_sessions_too(folder, monkeypatch, module, name):
    monkeypatch.setattr(f"engine.cli.{module}.announce_compilation", lambda *_: True)
    grid = ("--fast", "5:20:5", "--slow", "30:60:15", "--stop", "3")
    assert "Nothing is held overnight" in command(name, folder, *grid, "--flatten", "session")


def test_settings_without_it_are_what_they_were():
    """Folders of parts and the ledger of trials know settings by what ``to_dict`` gives."""
    assert "flatten" not in Settings().to_dict()
    assert Settings.from_dict(Settings().to_dict()) == Settings()
    assert Settings.from_dict(Settings(flatten="15:20").to_dict()).flatten == "15:20"
