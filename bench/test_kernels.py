"""How long the parts take: pytest bench --benchmark-enable. Never a gate by itself; the numbers are of one machine."""

import numpy as np
import pytest

import engine
from bench.jobs import ALL_CASES, with_case
from bench.peers.ours import prepare_loop
from engine.backtesting import kernel_bars
from engine.kernels.crosses import crosses
from engine.kernels.indicators import average_true_range, averages
from engine.kernels.loop import simulate
from engine.kernels.metrics import METRIC_COUNT
from engine.settings import Settings

BARS = 1250


@pytest.fixture(scope="module")
def history(one):
    return one.histories[0]


@pytest.fixture(scope="module")
def signals(history):
    both = averages(history.close, np.array([10, 50]))
    out = np.empty(BARS, np.int8)
    crosses(both[0], both[1], out)
    return out


@pytest.mark.parametrize("windows", [1, 60])
def test_averages(benchmark, history, windows):
    lengths = np.arange(5, 301, 5)[-windows:]
    averages(history.close, lengths)  # compile
    assert benchmark(averages, history.close, lengths).shape == (windows, BARS)


def test_average_true_range(benchmark, history):
    arguments = (history.high, history.low, history.close, np.array([14]), False)
    average_true_range(*arguments)
    assert benchmark(average_true_range, *arguments).shape == (1, BARS)


def test_crosses(benchmark, history):
    both = averages(history.close, np.array([10, 50]))
    out = np.empty(BARS, np.int8)
    crosses(both[0], both[1], out)
    benchmark(crosses, both[0], both[1], out)
    assert set(np.unique(out)) == {-1, 0, 1}


@pytest.mark.parametrize("multiple", [None, 3.0])
def test_plain_loop_over_one_cell(benchmark, history, signals, multiple):
    atr = average_true_range(history.high, history.low, history.close, np.array([14]), False)[0]
    rules = Settings(costs=engine.Costs(rate=0.001)).kernel_rules(engine.TrailingStop(multiple) if multiple else None)
    equity, trades = np.empty(BARS), np.empty((BARS + 1, 8))
    arguments = (kernel_bars(history), signals, atr, 1e5, rules, equity, trades)
    assert simulate(*arguments).closed > 0
    benchmark(simulate, *arguments)


@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_plain_loop_over_499_pairs(benchmark, one, case):
    run = prepare_loop(with_case(one, case))
    run()
    assert benchmark(run).shape == (1, 499, 1, METRIC_COUNT)
