"""How long the kernels take: pytest bench --benchmark-enable. Never a gate by itself; the numbers are of one machine."""

import numpy as np
import pytest

import engine
from engine.backtesting import kernel_bars
from engine.kernels.crosses import crosses
from engine.kernels.indicators import averages
from engine.kernels.loop import simulate
from engine.settings import Settings

COSTS = engine.Costs(rate=0.001)
GRID = (range(5, 101, 5), range(20, 301, 10))
STOPS = {"no stop": None, "trailing stop": engine.TrailingStop(3.0)}


@pytest.fixture(scope="module")
def prices():
    return engine.simulate(1, 1250, seed=42)


def test_averages(benchmark, prices):
    close, windows = prices["SIM001"].close, np.arange(5, 301, 5)
    averages(close, windows)  # compile
    assert benchmark(averages, close, windows).shape == (60, 1250)


def test_plain_loop(benchmark, prices):
    history = prices["SIM001"]
    both = averages(history.close, np.array([10, 50]))
    signals = np.empty(len(history), np.int8)
    crosses(both[0], both[1], signals)
    equity, trades, atr = np.empty(1250), np.empty((1251, 8)), np.full(1250, np.nan)
    arguments = (kernel_bars(history), signals, atr, 1e5, Settings(costs=COSTS).kernel_rules(None), equity, trades)
    assert simulate(*arguments).closed > 0
    benchmark(simulate, *arguments)


@pytest.mark.parametrize("stop", STOPS)
def test_sweep_of_499_pairs(benchmark, prices, stop):
    engine.sweep(prices, 5, 20, STOPS[stop])  # compile
    result = benchmark(engine.sweep, prices, *GRID, STOPS[stop], costs=COSTS, workers=1)
    assert len(result) == 499
