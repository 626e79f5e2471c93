"""Averages and ATR: correctly rounded, dependent on their window alone, and a tie is a tie."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.kernels.crosses import NO_FILTER, crosses, filtered_sides
from engine.kernels.exact import is_whole
from engine.kernels.indicators import average_true_range, averages, true_range
from engine.kernels.whole import average_whole
from tests import naive, strategies

ordinary = settings(max_examples=200, deadline=None)
prices = st.one_of(
    st.integers(1, 10**9).map(lambda paise: paise / 100),
    st.floats(1e-6, 1e9, allow_subnormal=False),
    st.floats(1, 1e6, width=32),
)


def sma(values: list[float], window: int) -> list[float | None]:
    found = averages(np.array(values), np.array([window]))[0]
    return [None if np.isnan(value) else value for value in found]


@ordinary
@given(st.lists(prices, min_size=1, max_size=40), st.integers(1, 45))
def test_averages_are_correctly_rounded(values, window):
    assert sma(values, window) == naive.sma(values, window)


@ordinary
@given(st.lists(prices, min_size=2, max_size=40), st.integers(1, 10), st.data())
def test_an_average_depends_on_its_window_alone(values, window, data):
    start = data.draw(st.integers(0, len(values) - 1))
    whole, part = sma(values, window), sma(values[start:], window)
    assert part[window - 1 :] == whole[start + window - 1 :]


def test_an_outlier_leaves_no_trace():
    calm = [100.05, 100.1, 100.15, 100.2]
    assert sma([0.1, 1e9, *calm], 4)[-1] == sma(calm, 4)[-1]
    assert sma([1 / 3, 1e9 / 7, *calm], 4)[-1] == sma(calm, 4)[-1]


def test_equal_averages_are_equal_doubles():
    # As doubles, the sums of these paise differ in their last bits.
    values = [0.1, 0.2, 0.3, 0.1, 0.2, 0.3]
    assert sma(values, 3)[-1] == sma(values, 6)[-1] == 0.2
    constant = [1 / 3] * 30
    assert set(sma(constant, 7)[6:]) == set(sma(constant, 30)[29:]) == {1 / 3}


def test_a_million_bars_keep_every_bit():
    rng = np.random.default_rng(1)
    values = np.round(np.exp(rng.normal(5, 1, 1_000_000)), 2)
    found = averages(values, np.array([200]))[0]
    for t in (199, 500_000, 999_999):
        exact = sum(Fraction(str(value)) for value in values[t - 199 : t + 1]) / 200
        assert found[t] == float(exact)


def test_largest_prices_stay_exact():
    values = [999_999_999.99999] * 300
    assert sma(values, 300)[-1] == values[0]
    rng = np.random.default_rng(2)
    loose = (1e9 * rng.random(3000)).tolist()
    assert sma(loose, 2500)[-1] == naive.mean(loose[-2500:])


@ordinary
@given(prices)
def test_whole_ticks_are_decimals_of_five_places(value):
    assert is_whole(value) == (naive.whole_ticks(value) is not None)


@ordinary
@given(strategies.markets(), st.integers(1, 20), st.sampled_from(["sma", "wilder"]))
def test_average_true_range(bars, window, kind):
    _, high, low, close = (np.array(column) for column in zip(*bars, strict=True))
    assert true_range(high, low, close).tolist() == naive.true_range(bars)
    found = average_true_range(high, low, close, np.array([window]), kind == "wilder")[0]
    assert [None if np.isnan(value) else value for value in found] == naive.atr(bars, window, kind)


def test_averages_of_differences_are_rounded_once():
    """Against fractions; sums of windows that are doubles and sums that are not, prefix sums beyond 2^63, whole ticks among the others."""
    rng = np.random.default_rng(0)
    for window in range(2, 21):
        close = np.round(100 * np.exp(rng.normal(0, 0.02, 300).cumsum()), 2)
        values = abs(np.diff(close)) + (np.arange(299) % 2) * rng.integers(1, 100 << 43, 299) / 2**43
        out = np.empty((1, len(values)))
        assert average_whole(values, np.array([window]), out)
        for t in range(window - 1, len(values)):
            assert out[0, t] == float(sum(map(Fraction, values[t + 1 - window : t + 1])) / window)


@ordinary
@given(strategies.markets(), strategies.windows())
def test_sides_and_crosses(bars, pair):
    closes = [bar.close for bar in bars]
    fast, slow = (naive.sma(closes, window) for window in pair)
    both = averages(np.array(closes), np.array(pair))
    out = np.empty(len(bars), np.int8)
    filtered_sides(both[0], both[1], NO_FILTER, out)
    assert out.tolist() == naive.sides(fast, slow)
    crosses(both[0], both[1], out)
    assert out.tolist() == naive.crosses(fast, slow)


def test_windows_beside_it_do_not_matter():
    rng = np.random.default_rng(3)
    values = np.round(rng.uniform(50, 60, 400), 2)
    alone = averages(values, np.array([50]))[0]
    crowd = averages(values, np.array([3, 50, 200, 7]))[1]
    assert np.array_equal(alone, crowd, equal_nan=True)


def test_a_window_longer_than_the_series_is_nan():
    assert np.isnan(averages(np.array([1.0, 2.0, 3.0]), np.array([5, 2]))[0]).all()
