"""How long it takes to judge the best of a sweep: pytest bench --benchmark-enable."""

import math
import time
from itertools import combinations, islice

import numpy as np
import pytest

from engine.selection.effective import effective_trials, participation_ratio
from engine.selection.overfitting import overfitting_of
from engine.selection.plateau import Surface, widest_plateau
from engine.selection.sharpe import moments_of, sharpe_ratios

DAYS = 1248
SOME = 100  # of the 12,870 halves for the plain form, which takes minutes for all


@pytest.fixture(scope="module")
def returns():
    return np.ascontiguousarray(np.random.default_rng(0).normal(0, 0.01, (DAYS, 1000)).T)


def plainly(returns, blocks, most):
    """Give the logits of the first halves as one would write it: join the days, mean by deviation, rank."""
    pieces = np.array_split(np.arange(returns.shape[1]), blocks)
    logits = []
    for half in islice(combinations(range(blocks), blocks // 2), most):
        inside = returns[:, np.concatenate([pieces[i] for i in half])]
        outside = returns[:, np.concatenate([pieces[i] for i in range(blocks) if i not in half])]
        pick = np.argmax(inside.mean(axis=1) / inside.std(axis=1, ddof=1))
        others = outside.mean(axis=1) / outside.std(axis=1, ddof=1)
        w = ((others < others[pick]).sum() + 1) / (len(returns) + 1)
        logits.append(math.log(w / (1 - w)))
    return logits


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("trials", [499, 1000])
def test_all_halves_of_sixteen_blocks(benchmark, returns, trials, workers):
    some = returns[:trials].copy()
    found = overfitting_of(some, 16, workers)  # compile
    benchmark(overfitting_of, some, 16, workers)
    start = time.perf_counter()
    logits = plainly(some, 16, SOME)
    plain = (time.perf_counter() - start) / SOME * len(found.logits)
    np.testing.assert_allclose(found.logits[:SOME], logits, rtol=1e-12, atol=1e-15)
    if benchmark.stats:
        benchmark.extra_info["times as fast as the plain form"] = round(plain / benchmark.stats.stats.median)


def test_effective_trials(benchmark, returns):
    assert benchmark(effective_trials, returns).trials == 1000


def test_participation_ratio(benchmark, returns):
    assert 1 < benchmark(participation_ratio, returns) < 1000


def test_sharpe_ratios(benchmark, returns):
    assert benchmark(sharpe_ratios, returns).shape == (1000,)


def test_moments(benchmark, returns):
    assert benchmark(moments_of, returns[0]).bars == DAYS


def test_widest_plateau(benchmark):
    values = np.random.default_rng(1).normal(0, 1, (60, 60, 5)).cumsum(axis=0).cumsum(axis=1)
    surface = Surface(np.arange(1, 61), np.arange(1, 61), np.arange(1.0, 6.0), values, values > 0)
    assert benchmark(widest_plateau, surface).size > 1
