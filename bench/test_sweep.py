"""How long our sweep takes, and how that grows with bars, grid, stops and cores: pytest bench --benchmark-enable."""

from dataclasses import replace

import numpy as np
import pytest

from bench.clock import cores
from bench.jobs import ALL_CASES, DENSE_FAST, DENSE_SLOW, Job, long_market, nse_prices, one_pair, with_case
from bench.peers.ours import call


def timed(benchmark, job):
    call(job)  # compile
    result = benchmark(call, job)
    assert len(result) == job.cells
    benchmark.extra_info["cells"] = job.cells


@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_sweep_of_499_pairs(benchmark, one, case):
    timed(benchmark, with_case(one, case))


@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_sweep_of_33_symbols(benchmark, many, case):
    timed(benchmark, with_case(many, case))


@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_sweep_of_real_prices(benchmark, case):
    prices = nse_prices()
    if prices is None:
        pytest.skip("the NSE data is not here")
    timed(benchmark, with_case(Job(prices), case))


@pytest.mark.parametrize("bars", [1250, 10_000, 100_000])
@pytest.mark.parametrize("case", ALL_CASES[::2], ids=str)
def test_growth_with_bars(benchmark, case, bars):
    timed(benchmark, with_case(Job(long_market(bars)), case))


@pytest.mark.parametrize("case", ALL_CASES[::2], ids=str)
@pytest.mark.parametrize("pairs", [1, 499, 11_855])
def test_growth_with_the_grid(benchmark, one, case, pairs):
    grids = {1: one_pair(one), 499: one, 11_855: replace(one, fast=DENSE_FAST, slow=DENSE_SLOW)}
    assert len(grids[pairs].pairs) == pairs
    timed(benchmark, with_case(grids[pairs], case))


@pytest.mark.parametrize("stops", [1, 3, 10])
def test_growth_with_the_stops(benchmark, one, stops):
    timed(benchmark, replace(one, multiples=tuple(np.linspace(1.0, 5.5, stops).tolist())))


@pytest.mark.parametrize("workers", [1, 2])
def test_growth_with_cores(benchmark, many, workers):
    if len(cores()) < workers:
        pytest.skip("there is one core only")
    timed(benchmark, replace(many, workers=workers))
