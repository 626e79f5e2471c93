"""Other averages, bands, delays, confirmations and holds: kernels and backtests against the plain reference, and every way that a signal takes."""

import json
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import engine
from engine.accounts.facade import account_arguments
from engine.cli.app import app
from engine.crossing import averages_of, filter_of
from engine.errors import InputError
from engine.grid import Grid
from engine.kernels._jit import kernel
from engine.kernels.compare import words_beyond
from engine.kernels.crosses import NO_FILTER, filtered_crosses
from engine.kernels.metrics import METRICS
from engine.kernels.momentum import directional_index, strength_index
from engine.kernels.plan import SPAN
from engine.kernels.smoothing import exponential_averages, weighted_averages
from engine.kernels.spells import STATE_SIZE, find_spells, hold_spells
from engine.selection.ledger_lines import plain
from engine.selection.ledger_notes import entry_of
from engine.selection.trials import trials_of
from engine.settings import Settings
from engine.signals import Signal
from tests import adapter, handmade, naive, naive_signals, strategies
from tests.test_fast import compare_ways
from tests.test_indicators import prices

some = settings(max_examples=150, deadline=None)
many = settings(max_examples=300, deadline=None)

CONFIRMATIONS = {"rsi": engine.Rsi, "adx": engine.Adx}


@st.composite
def signals(draw):
    return naive_signals.Signal(
        average=draw(st.sampled_from(["sma", "ema", "wma"])),
        band=draw(st.sampled_from([0.0, 0.0, 0.001, 0.01, 0.3])),
        delay=draw(st.sampled_from([0, 0, 1, 2, 5])),
        index=draw(st.sampled_from([None, None, "rsi", "adx"])),
        window=draw(st.sampled_from([1, 2, 5, 14])),
        above=draw(st.sampled_from([0.0, 25.0, 50.0, 70.0])),
        hold=draw(st.sampled_from([0, 0, 1, 2, 3, 10, 70, 300])),
    )


def ours(signal):
    confirm = CONFIRMATIONS[signal.index](signal.window, signal.above) if signal.index else None
    return Signal(signal.average, signal.band, signal.delay, confirm, signal.hold)


def values_of(row):
    return [None if np.isnan(value) else value for value in row.tolist()]


# Kernels


@many
@given(st.lists(prices, min_size=1, max_size=40), st.integers(1, 45))
def test_weighted_averages_are_correctly_rounded(values, window):
    (row,) = weighted_averages(np.array(values), np.array([window]))
    assert values_of(row) == naive_signals.wma(values, window)


def test_weighted_averages_of_large_prices_and_long_histories():
    rng = np.random.default_rng(3)
    for values in (rng.uniform(1e6, 2e9, 300).round(2), rng.uniform(1e6, 2e9, 300), rng.uniform(1e-6, 1e-3, 300)):
        (row,) = weighted_averages(values, np.array([200]))
        assert values_of(row)[250:] == naive_signals.wma(values.tolist(), 200)[250:]
    values = np.round(np.exp(rng.normal(8, 1, 400_000)), 2)
    (row,) = weighted_averages(values, np.array([200]))
    for t in (199, 200_000, 399_999):
        assert row[t] == naive_signals.weighted_mean(values[t - 199 : t + 1].tolist())


@many
@given(st.lists(prices, min_size=1, max_size=40), st.integers(1, 45))
def test_exponential_averages_are_the_reference(values, window):
    (row,) = exponential_averages(np.array(values), np.array([window]))
    assert values_of(row) == naive_signals.ema(values, window)


def test_exponential_averages_are_those_of_pandas():
    close = engine.simulate(1, 500, seed=1)["SIM001"].close
    for window in (2, 10, 50):
        (row,) = exponential_averages(close, np.array([window]))
        seeded = pd.Series([close[:window].mean(), *close[window:]])
        assert np.allclose(row[window - 1 :], seeded.ewm(span=window, adjust=False).mean(), rtol=1e-13)


@many
@given(strategies.markets(), st.integers(1, 20))
def test_indices_are_the_reference(bars, window):
    high, low, close = (np.array(column) for column in list(zip(*bars, strict=True))[1:])
    assert values_of(strength_index(close, window)) == naive_signals.rsi(close.tolist(), window)
    assert values_of(directional_index(high, low, window)) == naive_signals.adx(bars, window)


def test_strength_is_that_of_pandas_and_of_a_hand():
    close = engine.simulate(1, 500, seed=1)["SIM001"].close
    change = np.diff(close)
    means = []
    for part in (np.maximum(change, 0.0), np.maximum(-change, 0.0)):
        means.append(pd.Series([part[:14].mean(), *part[14:]]).ewm(alpha=1 / 14, adjust=False).mean().to_numpy())
    assert np.allclose(strength_index(close, 14)[14:], 100 - 100 / (1 + means[0] / means[1]), rtol=1e-12)
    # Gains 1, 0, then 2; losses 0, 1, then 0: means 0.5 and 0.5, then 1.25 and 0.25.
    assert values_of(strength_index(np.array([10.0, 11.0, 10.0, 12.0]), 2)) == [None, None, 50.0, 100 * 1.25 / 1.5]


def test_direction_of_a_hand():
    # Highs rise by 2, fall, rise by 1; lows fall by 0, by 1, rise: up 2, 0, 1; down 0, 1, 0. Means over 2: (1, 0.5), then (1, 0.25): indices 100/3 and 60.
    high, low = np.array([10.0, 12.0, 11.0, 12.0]), np.array([8.0, 8.0, 7.0, 8.0])
    found = directional_index(high, low, 2)
    assert np.isnan(found[:3]).all()
    assert found[3] == pytest.approx((100 / 3 + 60) / 2, rel=1e-15)


# Backtests


@many
@given(strategies.markets(), strategies.windows(), strategies.rules(), signals())
def test_backtest_is_the_reference(bars, pair, rules, signal):
    assume(len(bars) >= pair[1] and rules.multiple != 0)
    arguments = {**adapter.arguments(rules), "signal": ours(signal)}
    result = engine.backtest(adapter.prices(bars), *pair, stop=adapter.stop(rules), **arguments)
    adapter.assert_same(result, naive_signals.backtest(bars, *pair, signal, rules))


@some
@given(strategies.markets(), strategies.windows(), signals())
def test_long_short_goes_by_the_same_sides(bars, pair, signal):
    assume(len(bars) >= pair[1] and signal.index is None and not signal.hold)
    result = engine.backtest(adapter.prices(bars), *pair, direction="long_short", signal=ours(signal))
    side, equity = naive_signals.sides_of(bars, *pair, signal), [100_000.0]
    for t in range(1, len(bars)):
        equity.append(equity[-1] * (1 + side[t - 1] * (bars[t].close / bars[t - 1].close - 1)))
    assert result.equity[adapter.SYMBOL].tolist() == equity


@some
@given(strategies.markets(min_bars=30), strategies.windows(), strategies.rules(), signals(), st.data())
def test_the_future_never_changes_the_past(bars, pair, rules, signal, data):
    assume(rules.multiple != 0)
    end = data.draw(st.integers(pair[1], len(bars))) if len(bars) >= pair[1] else assume(False)
    arguments = {"stop": adapter.stop(rules), **adapter.arguments(rules), "signal": ours(signal)}
    whole, part = (engine.backtest(adapter.prices(some), *pair, **arguments) for some in (bars, bars[:end]))
    symbol = adapter.SYMBOL
    assert part.equity[symbol].tolist() == whole.equity[symbol].tolist()[:end]


@some
@given(strategies.markets(), strategies.windows(), strategies.rules())
def test_no_band_no_delay_no_confirmation_is_the_golden_cross(bars, pair, rules):
    assume(len(bars) >= pair[1] and rules.multiple != 0)
    result = engine.backtest(
        adapter.prices(bars), *pair, stop=adapter.stop(rules), **adapter.arguments(rules), signal=Signal("sma", 0, 0)
    )
    adapter.assert_same(result, naive.backtest(bars, *pair, rules))


@pytest.mark.parametrize("average", ["sma", "ema", "wma"])
def test_a_window_of_one_bar_is_the_close(average):
    history = engine.simulate(1, 300, seed=2)["SIM001"]
    assert np.array_equal(averages_of(history, np.array([1]), Signal(average))[0], history.close)


# A hold, by hand


def lines_of(golden, death, bars):
    """Return two lines that cross on these bars and on no others."""
    above, side = [], False
    for t in range(bars):
        side = (side or t in golden) and t not in death
        above.append(side)
    return [np.where(above, 2.0, 0.0), np.ones(bars)]


@pytest.mark.parametrize(
    ("golden", "death", "hold", "expected"),
    [
        # A death cross within the period is none, and the averages' own death cross after it neither.
        ([5], [7], 4, [(5, 1), (9, -1)]),
        ([5], [20], 4, [(5, 1), (9, -1)]),
        # A golden cross within the period is none, though its side lasts; the next one opens.
        ([5, 8, 14], [6, 12], 4, [(5, 1), (9, -1), (14, 1), (18, -1)]),
        # On the bar of the forced death cross it is none; on the bar after that it opens.
        ([5, 9], [7], 4, [(5, 1), (9, -1)]),
        ([5, 10], [7], 4, [(5, 1), (9, -1), (10, 1), (14, -1)]),
        # One bar: every other bar can open.
        ([5, 7, 9], [6, 8], 1, [(5, 1), (6, -1), (7, 1), (8, -1), (9, 1), (10, -1)]),
        # The last bar is 29: the forced death cross is on it, or the history ends before.
        ([5], [7], 24, [(5, 1), (29, -1)]),
        ([5], [7], 25, [(5, 1)]),
        ([5], [7], 10**9, [(5, 1)]),
    ],
)
def test_a_hold_by_hand(golden, death, hold, expected):
    lines, needs, found = lines_of(golden, death, 30), NO_FILTER._replace(hold=hold), np.empty(30, np.int8)
    filtered_crosses(*lines, needs, found)
    assert [(t, found[t]) for t in np.flatnonzero(found)] == expected
    for size in range(1, 31):
        assert in_pieces(lines, needs, range(0, 30, size)) == expected


def test_a_hold_goes_on_over_spans_of_full_size():
    """Golden crosses on the last bars of a span, forced death crosses around the first of the next, with fills at the open and at the close."""
    for place in (SPAN - 2, SPAN - 1, SPAN, SPAN + 1):
        for hold in (1, 2, 3, SPAN, 2 * SPAN + 1):
            lines = lines_of([place - 700, place, 2 * SPAN + 5], [place - 1, place + 2], 3 * SPAN)
            needs, found = NO_FILTER._replace(hold=hold), np.empty(3 * SPAN, np.int8)
            filtered_crosses(*lines, needs, found)
            expected = [(t, found[t]) for t in np.flatnonzero(found)]
            assert len(expected) >= 2
            assert in_pieces(lines, needs, range(0, 3 * SPAN, SPAN)) == expected


@pytest.mark.parametrize(
    ("hold", "bars", "trades", "pending"),
    [
        (3, 20, [(20.0, 29.0, 50.0, 450.0, "cross"), (25.0, 26.0, 58.0, 58.0, "cross")], "buy"),
        (7, 20, [(20.0, 25.0, 50.0, 250.0, "cross")], "buy"),
        (10, 17, [(20.0, 30.0, 50.0, 500.0, "open")], "sell"),
        (11, 17, [(20.0, 30.0, 50.0, 500.0, "open")], "none"),
    ],
)
def test_the_example_of_the_page(hold, bars, trades, pending):
    result = engine.backtest(adapter.prices(handmade.MAIN[:bars]), 2, 3, capital=1000, signal=Signal(hold=hold))
    columns = ["entry_price", "exit_price", "quantity", "profit", "exit_reason"]
    assert list(result.trades[columns].itertuples(index=False, name=None)) == trades
    assert result.pending[adapter.SYMBOL] == pending


@pytest.mark.parametrize("fill", ["next_open", "close"])
def test_a_position_without_a_stop_lasts_as_long_as_its_hold(fill):
    result = engine.backtest(engine.simulate(1, 2000, seed=7), 5, 20, fill=fill, signal=Signal(hold=10))
    closed, bars = result.trades.dropna(subset="exit_date"), result.equity["SIM001"].index
    assert len(closed) > 20
    assert set(bars.get_indexer(closed["exit_date"]) - bars.get_indexer(closed["entry_date"])) == {10}


def test_crosses_are_ignored_until_the_period_of_a_position_is_over_that_a_stop_has_ended():
    """The stop ends the position in the bar after its entry; the golden cross two bars later lies in the period, the next one does not."""
    closes = [10, 10, 9, 12, 12, 5, 5, 9, 5, 5, 5, 12, 12, 12, 12, 12]
    bars = [naive.Bar(close, close, close, close) for close in map(float, closes)]
    arguments = {"stop": engine.TrailingStop(0.5, 1), "fill": "close"}
    free, held = (
        engine.backtest(adapter.prices(bars), 1, 2, **arguments, signal=signal) for signal in (None, Signal(hold=6))
    )
    entries = [
        [closes[t] for t in result.equity[adapter.SYMBOL].index.get_indexer(result.trades["entry_date"])]
        for result in (free, held)
    ]
    assert entries == [[12, 9, 12], [12, 12]]
    assert held.trades["exit_reason"].iloc[0] == free.trades["exit_reason"].iloc[0] == "gap"


# Every way that takes a signal

SIGNALS = [
    Signal("ema"),
    Signal("wma", band=0.01),
    Signal("sma", delay=3),
    Signal("ema", 0.005, 1, engine.Rsi(14, 55.0)),
    Signal(confirm=engine.Adx(10, 20.0)),
    Signal(hold=10),
    Signal("wma", 0.005, 1, engine.Rsi(14, 50.0), hold=3),
]


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("setting", [{}, {"sizing": "all_in_lots"}, {"fill": "close", "costs": engine.Costs(0.001)}])
def test_every_cell_of_a_sweep_is_its_backtest(signal, setting):
    market, stops = engine.simulate(2, 400, seed=4), [None, engine.TrailingStop(2.5)]
    found = engine.sweep(market, (1, 3, 5), (10, 21), stops, **setting, signal=signal)
    trades = 0
    for (symbol, *cell), row in found.to_frame().iterrows():
        alone = found.cell(symbol, *cell)
        assert alone.settings.signal == signal
        adapter.assert_metrics(row, alone.metrics.iloc[0].to_dict(), (*adapter.METRICS, "skipped"))
        trades += alone.metrics["trades"].iloc[0]
    assert trades > 20


@pytest.mark.parametrize("signal", SIGNALS)
def test_trials_are_those_of_the_signal(signal):
    market, stops = engine.simulate(1, 400, seed=4), [None, engine.TrailingStop(2.5)]
    found = trials_of(market, Grid.of((1, 3, 5), (10, 21), stops), Settings(signal=signal))
    for key, row in zip(found.keys().itertuples(index=False), found.returns, strict=True):
        stop = engine.TrailingStop(key.multiple) if key.multiple else None
        equity = engine.backtest(market, key.fast, key.slow, stop, signal=signal).equity["SIM001"].to_numpy()
        assert np.allclose(row, equity / np.r_[100_000.0, equity[:-1]] - 1, rtol=1e-12, atol=1e-15)


def test_what_is_judged_has_the_signal_of_the_sweep():
    signal = Signal("ema", 0.005, 1, engine.Rsi(14, 50.0))
    market = engine.simulate(2, 500, seed=4)
    found = engine.sweep(market, (2, 5), (10, 20), signal=signal)
    report = engine.luck(found)
    held = trials_of(market, found.grid, found.settings)
    assert np.array_equal(report.candidates.returns, held.returns[report.candidates.best])
    golden = engine.luck(engine.sweep(market, (2, 5), (10, 20)))
    assert report.to_dict() != golden.to_dict()


def test_a_saved_sweep_keeps_its_signal(tmp_path):
    signal = Signal("wma", 0.01, 2, engine.Adx(10, 20.0), 5)
    found = engine.sweep(engine.simulate(1, 100), (2, 5), (10, 20), signal=signal)
    found.save(tmp_path / "cells.parquet")
    assert engine.SweepResult.load(tmp_path / "cells.parquet").settings == found.settings


def test_settings_from_before_there_were_signals_are_the_golden_cross():
    values = Settings().to_dict()
    del values["signal"]
    assert Settings.from_dict(values) == Settings()


def test_a_signal_without_a_hold_is_written_as_before_there_was_one():
    signal, values = Signal("ema", 0.01, 2), {"average": "ema", "band": 0.01, "delay": 2, "confirm": None}
    assert signal.to_dict() == values
    assert Signal.from_dict(values) == signal


# The fast way


@some
@given(st.lists(st.tuples(st.sampled_from([np.nan, 0.0, 1.0, 1.01, 2.0]), st.floats(0, 2)), min_size=70, max_size=70))
def test_words_say_what_is_beyond(numbers):
    one, other = (np.array(column) for column in zip(*numbers, strict=True))
    up, down = words(one, other, 5, 1.01, 0.99)
    for i in range(64):
        assert up >> i & 1 == (one[5 + i] > other[5 + i] * 1.01)
        assert down >> i & 1 == (one[5 + i] < other[5 + i] * 0.99)


@kernel
def words(one, other, place, more, less):
    return words_beyond(one, other, place, more, less)


@some
@given(strategies.markets(), strategies.windows(), signals(), st.sampled_from([1, 7, 64, 65, 200]))
def test_crosses_found_in_pieces_are_those_of_every_bar(bars, pair, signal, size):
    history = adapter.history(bars)
    lines, needs = averages_of(history, np.array(pair), ours(signal)), filter_of(history, ours(signal))
    expected = np.empty(len(bars), np.int8)
    filtered_crosses(*lines, needs, expected)
    assert in_pieces(lines, needs, range(0, len(bars), size)) == [(t, expected[t]) for t in np.flatnonzero(expected)]


def in_pieces(lines, needs, starts):
    """Return the bars and kinds of the crosses, from one span to the next."""
    bars, state, found = len(lines[0]), np.zeros(STATE_SIZE, np.int64), []
    for start in starts:
        stop, out = min(start + starts.step, bars), np.full(bars + 1, -1, np.int16)
        golden, count = find_spells(*lines, needs, start, stop, state, out)
        if needs.hold:
            golden, count = hold_spells(golden, count, needs.hold, start, stop, state, out)
        found += [(start + int(out[i]), 1 if golden == (i % 2 == 0) else -1) for i in range(count)]
    return found


@many
@given(
    strategies.markets(min_bars=3),
    strategies.rules(),
    signals(),
    st.sampled_from([[np.nan], [np.nan, 0.5, 2.0]]),
    st.sampled_from([1, 5]),
    st.sampled_from([64, 128, SPAN]),
)
def test_the_fast_way_is_the_plain_loop(bars, rules, signal, multiples, times, most):
    """Markets of up to 120 bars, once or five times over: spans begin and end amid holdings, delays and dropped crosses."""
    bars = bars * times
    windows = (1, 2, 3, 5), [slow for slow in (2, 3, 7, 20) if slow <= len(bars)]
    setting = Settings(**{**adapter.arguments(rules), "sizing": "all_in"}, signal=ours(signal))
    stop = engine.TrailingStop(2.0, rules.atr_window, rules.atr, rules.stop_kind)
    compare_ways(adapter.history(bars), windows, multiples, rules.atr_window, setting, stop, least_sure=0.0, most=most)


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("fill", ["next_open", "close"])
def test_the_fast_way_is_sure_of_nearly_all(signal, fill):
    history = engine.simulate(1, 5000, seed=7)["SIM001"]
    setting = Settings(fill=fill, costs=engine.Costs(rate=0.001), signal=signal)
    windows = (1, 5, 20), (10, 50, 200)
    plain = compare_ways(history, windows, [np.nan, 3.0], 14, setting, engine.TrailingStop(), most=1024)
    assert plain[..., METRICS.index("trades")].min() > 3


# The command


def output(*words):
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_command_takes_every_part_of_a_signal(tmp_path):
    words = ["--average", "ema", "--band", "0.01", "--delay", "2", "--confirm", "rsi:10:45", "--hold", "10"]
    signal = Signal("ema", 0.01, 2, engine.Rsi(10, 45.0), 10)
    shown = output("backtest", "--fast", "1", "--slow", "50", *words)
    for line in (
        "Averages: exponential.",
        "Band: the fast average has to be 1 percent beyond the slow one before the side changes.",
        "Delay: a cross counts once its side has lasted 2 bars more.",
        "Confirmation: a golden cross counts only where the RSI of 10 bars is above 45 at its close; others are dropped, and are no skipped signals.",
        "Hold: what a golden cross buys is sold on a signal 10 bars after it; crosses until then are ignored.",
    ):
        assert line in shown.splitlines()
    cells = tmp_path / "cells.parquet"
    document = json.loads(
        output("sweep", "--fast", "5", "--slow", "50,60", "--out", str(cells), "--format", "json", *words)
    )
    assert Signal.from_dict(document["settings"]["signal"]) == signal
    loaded = engine.SweepResult.load(cells, engine.sample())
    assert loaded.settings.signal == signal
    expected = engine.luck(loaded)
    judged = json.loads(output("luck", str(cells), "--quick", "--format", "json"))
    assert judged["sharpe"] == expected.to_dict()["sharpe"]
    walked = json.loads(
        output("walkforward", "--fast", "5", "--slow", "50,60", "--folds", "2", "--format", "json", *words)
    )
    assert Signal.from_dict(walked["settings"]["signal"]) == signal


def test_the_ledger_tells_signals_apart_and_knows_its_old_lines():
    market, windows = engine.simulate(1, 100), ((2, 5), (10, 20))
    golden, same, other = (
        entry_of(engine.sweep(market, *windows, signal=signal), market) for signal in (None, Signal(), Signal("ema"))
    )
    assert golden == same != other
    values = Settings().to_dict()
    for name in ("bars_per_year", "risk", "lot", "signal"):
        del values[name]
    assert golden.tried.setting == sha256(plain([values, None]).encode()).hexdigest()[:16]
    values["signal"] = {"average": "ema", "band": 0.0, "delay": 0, "confirm": None}  # there was no hold
    assert other.tried.setting == sha256(plain([values, None]).encode()).hexdigest()[:16]
    held = entry_of(engine.sweep(market, *windows, signal=Signal("ema", hold=10)), market)
    assert held.tried.setting != other.tried.setting


@pytest.mark.parametrize("text", ["rsi:x", "macd:14:50", "rsi:14:50:1", "none:3", "rsi:14.5", "adx:14:100"])
def test_a_confirmation_that_makes_no_sense_is_refused_in_one_line(text):
    done = CliRunner().invoke(app, ["backtest", "--confirm", text])
    assert done.exit_code == 2
    assert "Traceback" not in done.output


# Classic rules


@pytest.mark.parametrize(("kind", "name", "hold"), [("variable", "VMA", 0), ("fixed", "FMA", 10)])
def test_the_rules_of_brock_lakonishok_and_lebaron(kind, name, hold):
    market, rules = engine.simulate(1, 400, seed=1), engine.rules.brock_lakonishok_lebaron(kind)
    assert [rule.name for rule in rules[:2]] == [f"{name} (1, 50, 0)", f"{name} (1, 50, 0.01)"]
    assert len({(rule.fast, rule.slow, rule.signal.band) for rule in rules}) == len(rules) == 10
    assert {rule.signal.hold for rule in rules} == {hold}
    for rule in rules[:4]:
        alone = engine.backtest(market, rule.fast, rule.slow, signal=rule.signal, fill="close")
        row = rule.sweep(market, fill="close").to_frame().iloc[0]
        adapter.assert_metrics(row, alone.metrics.iloc[0].to_dict())


def test_the_rules_are_the_variable_ones_unless_asked():
    assert engine.rules.brock_lakonishok_lebaron() == engine.rules.brock_lakonishok_lebaron("variable")


# What makes no sense


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Signal("hull"), "average is 'hull'"),
        (lambda: Signal(band=-0.01), "band is -0.01"),
        (lambda: Signal(band=1.0), "0.01 is 1 percent"),
        (lambda: Signal(delay=1.5), "delay is 1.5"),
        (lambda: Signal(delay=10**30), "90,000 bars or less"),
        (lambda: Signal(hold=-1), "hold is -1"),
        (lambda: Signal(hold=True), "hold is True"),
        (lambda: Signal(hold=10**9 + 1), "90,000 bars or less"),
        (lambda: engine.Rsi(10**30), "90,000 bars or less"),
        (lambda: Signal(confirm="rsi"), "engine.Rsi"),
        (lambda: engine.Rsi(0), "RSI window is 0"),
        (lambda: engine.Adx(14, 100), "nothing would ever be above"),
        (lambda: Settings(signal="ema"), "engine.Signal"),
        (
            lambda: engine.backtest(
                engine.simulate(1, 60), 2, 5, direction="long_short", signal=Signal(confirm=engine.Rsi())
            ),
            "a confirmation is .* leave one of them out",
        ),
        (
            lambda: engine.sweep(engine.simulate(1, 60), 2, 5, direction="long_short", signal=Signal(hold=10)),
            "a hold is .* leave one of them out",
        ),
        (lambda: engine.rules.brock_lakonishok_lebaron("trading range"), "kind is 'trading range'"),
        (lambda: account_arguments(Settings(signal=Signal("ema")), None), "golden cross only"),
    ],
)
def test_what_makes_no_sense_is_refused(make, said):
    with pytest.raises(InputError, match=said):
        make()
