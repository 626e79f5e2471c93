"""How long portfolios take, and that both ways give the same: pytest bench --benchmark-enable."""

import numpy as np

from bench.portfolios import plain_portfolios, portfolios, ten_years

PART = range(5, 101, 45), range(20, 301, 90)


def test_portfolios(benchmark):
    run = portfolios(ten_years(8), *PART)
    assert np.isfinite(benchmark(run)[..., 0]).all()


def test_plain_portfolios_are_the_same(benchmark):
    prices = ten_years(8)
    run = plain_portfolios(prices, *PART)
    assert np.allclose(benchmark(run), portfolios(prices, *PART)(), rtol=1e-10, atol=1e-12, equal_nan=True)
