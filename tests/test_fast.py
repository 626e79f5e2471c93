"""The fast sweep against the plain loop: what is made of trades bit for bit, the other metrics to 1e-10."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.backtesting import kernel_bars
from engine.kernels.bits import cross_bars
from engine.kernels.crosses import crosses
from engine.kernels.fast import fast_tile
from engine.kernels.indicators import average_true_range, averages
from engine.kernels.loop import Tile, simulate, sweep_tile, with_multiple
from engine.kernels.metrics import METRIC_COUNT, METRICS
from engine.settings import Settings
from tests import adapter, naive, strategies

DATA = Path(__file__).parents[2] / "shared" / "data"
EXACT = [METRICS.index(name) for name in adapter.EXACT]


def compare_ways(history, pairs, multiples, atr_window, setting, stop):
    """Hold the fast way to the plain one on every cell; return the plain metrics (pairs, multiples, METRIC_COUNT)."""
    fast, slow = (np.array(column) for column in zip(*pairs, strict=True))
    windows = np.unique(np.r_[fast, slow])
    ranges = average_true_range(history.high, history.low, history.close, np.array([atr_window]), stop.atr == "wilder")
    tile = Tile(
        averages(history.close, windows),
        np.searchsorted(windows, fast),
        np.searchsorted(windows, slow),
        ranges,
        np.zeros(len(multiples), np.int64),
        np.array(multiples),
    )
    bars, rules = kernel_bars(history), setting.kernel_rules(stop)
    shape = (len(pairs), len(multiples), METRIC_COUNT)
    quick, plain = np.full(shape, -1.0), np.full(shape, -2.0)
    fast_tile(bars, tile, slow - 1, setting.capital, rules, setting.bars_per_year, quick)
    sweep_tile(bars, tile, False, setting.capital, rules, setting.bars_per_year, plain)
    assert np.array_equal(quick[..., EXACT], plain[..., EXACT], equal_nan=True)
    equity, trades, signals = np.empty(len(history)), np.empty((len(history) + 1, 8)), np.empty(len(history), np.int8)
    for p, k in np.ndindex(*shape[:2]):
        if np.allclose(quick[p, k], plain[p, k], rtol=1e-10, atol=1e-12, equal_nan=True):
            continue
        crosses(tile.averages[tile.fast[p]], tile.averages[tile.slow[p]], signals)
        simulate(bars, signals, ranges[0], setting.capital, with_multiple(rules, multiples[k]), equity, trades)
        roundings = adapter.rounding(setting.capital, equity, setting.bars_per_year)
        got, expected = (dict(zip(METRICS, way[p, k], strict=True)) for way in (quick, plain))
        adapter.assert_metrics(got, expected, roundings=roundings)
    return plain


@settings(max_examples=500, deadline=None)
@given(strategies.markets(min_bars=3), strategies.rules(), st.sampled_from([[np.nan], [1.0], [np.nan, 0.5, 2.0]]))
def test_any_market_any_rules(bars, rules, multiples):
    pairs = [(f, s) for f in (1, 2, 3, 5) for s in (2, 3, 7, 20) if f < s <= len(bars)]
    arguments = {**adapter.arguments(rules), "sizing": "all_in"}
    stop = engine.TrailingStop(2.0, rules.atr_window, rules.atr, rules.stop_kind)
    history = adapter.history(bars)
    compare_ways(history, pairs, multiples, rules.atr_window, Settings(**arguments), stop)


@settings(max_examples=300, deadline=None)
@given(strategies.markets(min_bars=2), strategies.windows())
def test_crosses_are_those_of_the_contract(bars, pair):
    """Short markets, repeated to be longer than a word of 64 bars: touches, ties and first sides among them."""
    closes = np.array([bar.close for bar in bars] * 4)
    fast, slow = averages(closes, np.array(pair))
    if pair[1] > len(closes):
        return
    out, signals = np.empty(len(closes), np.int64), np.empty(len(closes), np.int8)
    count, golden = cross_bars(fast, slow, pair[1] - 1, out)
    crosses(fast, slow, signals)
    assert out[:count].tolist() == np.flatnonzero(signals).tolist()
    assert count == 0 or golden == (signals[out[0]] == 1)


@pytest.mark.parametrize("length", [63, 64, 65, 66, 127, 128, 129, 130])
def test_crosses_at_the_edges_of_words(length):
    for first in (0, 1, 2):
        for t in range(first, length):
            fast = np.where(np.arange(length) < t, 1.0, 3.0)
            slow = np.full(length, 2.0)
            out = np.empty(length, np.int64)
            count, golden = cross_bars(fast, slow, first, out)
            expected = [t] if t > first else []
            assert out[:count].tolist() == expected
            assert not expected or golden


@pytest.mark.parametrize("fill", ["next_open", "close"])
@pytest.mark.parametrize("kind", ["fixed", "chandelier"])
def test_long_series(fill, kind):
    """A hundred thousand bars: prefix sums must not lose what the plain loop has."""
    bars = 100_000
    rng = np.random.default_rng(5)
    close = np.round(500 * np.exp(np.cumsum(rng.normal(0, 0.003, bars))), 2)
    opened = np.round(close * np.exp(rng.normal(0, 0.001, bars)), 2)
    rows = np.stack([opened, np.maximum(opened, close) + 0.05, np.minimum(opened, close) - 0.05, close], axis=1)
    history = adapter.history([naive.Bar(*row) for row in rows.tolist()])
    setting = Settings(fill=fill, costs=engine.Costs(rate=0.0002, slippage=0.0001))
    stop = engine.TrailingStop(3.0, kind=kind)
    plain = compare_ways(history, [(5, 20), (50, 200), (90, 300)], [np.nan, 3.0, 8.0], 14, setting, stop)
    assert plain[..., METRICS.index("trades")].min() > 100


def test_a_calm_trade_after_a_wild_year():
    """The sums of a trade are small differences of large prefix sums: without the lost bits this is wrong by 1e-7."""
    wild = [100.0 * 2.0 ** (t % 2) for t in range(50)]
    calm = [100.0 + 0.0001 * (30 - abs(30 - t)) + 0.00003 * (t % 3) for t in range(60)]
    bars = [naive.Bar(close, close, close, close) for close in [*([100.0] * 5), *wild, *([100.0] * 25), *calm]]
    rules = naive.Rules(fill="close", capital=1_000_000.0)
    history = adapter.history(bars)
    plain = compare_ways(history, [(1, 20), (2, 20)], [np.nan], 14, Settings(fill="close"), engine.TrailingStop())
    assert plain[..., METRICS.index("trades")].min() >= 1
    assert naive.backtest(bars, 2, 20, rules).trades


@pytest.mark.skipif(not DATA.exists(), reason="the shared prices are not here")
@pytest.mark.parametrize("folder", ["nse_daily", "nse_daily_recent"])
@pytest.mark.parametrize("fill", ["next_open", "close"])
def test_all_real_prices(folder, fill):
    prices = engine.load(DATA / folder, repair=["drop-duplicates", "drop-blank-last", "rescale"])
    pairs = [(fast, slow) for fast in range(5, 101, 15) for slow in range(20, 301, 40) if fast < slow]
    setting = Settings(fill=fill, costs=engine.Costs(rate=0.001))
    for symbol in prices:
        stop = engine.TrailingStop(3.0)
        compare_ways(prices[symbol], pairs, [np.nan, 2.0, 4.0], 14, setting, stop)


def test_the_other_settings_take_the_plain_way():
    prices = engine.simulate(1, 600, seed=2)
    for change in ({"sizing": "all_in_lots"}, {"direction": "long_short"}):
        found = engine.sweep(prices, (5, 10), (20, 50), **change)
        one = engine.backtest(prices, 10, 50, **change)
        assert found.to_frame().loc[("SIM001", 10, 50, 0, 0.0)].equals(one.metrics.iloc[0])
