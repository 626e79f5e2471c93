"""Averages that depend on their window alone: the correctly rounded quotient of an exact sum.

A running sum keeps the rounding errors of all that has passed through it, so its averages depend on where the history starts, and two averages
that are equal as numbers come out as different doubles (on real NSE closes, 44 crosses differ between two engines of a peer for that reason).
Here prefix sums are integers, whose differences have no error::

    value is a whole tick (at most 5 decimal places)   ->  one integer, in units of 1e-5
    any other double                                   ->  three integers: units of 2^-6, 2^-46 and 2^-86

A window of whole ticks uses the first, any other window the second. Integer overflow of the prefix sums on a long history does no harm, since
the difference is right modulo 2^64; only the sum of one window has to fit. ``tests/naive.py`` does the same with fractions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule

__all__ = ["EXACT", "TICKS_PER_UNIT", "WindowSums", "divide_whole", "exact_mean", "is_whole", "two_sum", "window_sums"]

TICKS_PER_UNIT = 100_000.0
_LARGEST_TICK_VALUE = (
    2147483648.0  # 2^31: up to here a decimal of five places has at most 15 digits, which a double tells apart
)
EXACT = 9007199254740992  # 2^53: integers up to here are exact as doubles
_HIGH, _LIMB = 64.0, 1099511627776.0  # 2^6 and 2^40
_SPLIT = 134217729.0  # 2^27 + 1 (Dekker 1971)


class WindowSums(NamedTuple):
    """Prefix sums of one series of T values; every field is int64 of shape (T + 1,), the three limbs (1,) if all values are whole ticks."""

    ticks: NDArray[np.int64]
    loose: NDArray[np.int64]
    high: NDArray[np.int64]
    middle: NDArray[np.int64]
    low: NDArray[np.int64]


@rule
def is_whole(value: float) -> bool:
    """Tell whether a value is the double nearest to a decimal of five places."""
    nearest: float = np.rint(value * TICKS_PER_UNIT) / TICKS_PER_UNIT
    return (nearest == value) & (abs(value) < _LARGEST_TICK_VALUE)


@kernel
def window_sums(values: NDArray[np.float64]) -> WindowSums:
    """Sum up a series once, for all windows.

    Parameters
    ----------
    values : float64 (T,)
        Finite, not negative, below 2^33.

    Returns
    -------
    WindowSums
    """
    n = len(values)
    ticks = np.zeros(n + 1, np.int64)
    loose = np.zeros(n + 1, np.int64)
    for t in range(n):
        whole = is_whole(values[t])
        ticks[t + 1] = ticks[t] + (np.int64(np.rint(values[t] * TICKS_PER_UNIT)) if whole else np.int64(0))
        loose[t + 1] = loose[t] + np.int64(not whole)
    limbs = n + 1 if loose[n] > 0 else 1
    high, middle, low = np.zeros(limbs, np.int64), np.zeros(limbs, np.int64), np.zeros(limbs, np.int64)
    for t in range(limbs - 1):
        scaled = values[t] * _HIGH
        first = np.floor(scaled)
        scaled = (scaled - first) * _LIMB
        second = np.floor(scaled)
        third = np.rint((scaled - second) * _LIMB)
        high[t + 1] = high[t] + np.int64(first)
        middle[t + 1] = middle[t] + np.int64(second)
        low[t + 1] = low[t] + np.int64(third)
    return WindowSums(ticks, loose, high, middle, low)


@rule
def two_sum(one: float, two: float) -> tuple[float, float]:
    """Add two doubles: the rounded sum, and exactly what rounding took from it (Knuth)."""
    total = one + two
    part = total - one
    return total, (one - (total - part)) + (two - part)


@rule
def quotient(total: float, rest: float, divisor: float) -> float:
    """Divide the unevaluated sum total + rest (rest below half a unit of total) by a divisor, rounded once.

    The remainder of the first quotient is exact by Dekker's product, so adding remainder / divisor rounds correctly.
    """
    first = total / divisor
    spread = _SPLIT * first
    head = spread - (spread - first)
    tail = first - head
    spread = _SPLIT * divisor
    divisor_head = spread - (spread - divisor)
    divisor_tail = divisor - divisor_head
    product = first * divisor
    error = ((head * divisor_head - product) + head * divisor_tail + tail * divisor_head) + tail * divisor_tail
    return first + (((total - product) - error) + rest) / divisor


@rule
def divide_whole(total: int, divisor: float) -> float:
    """Divide an integer, rounded once."""
    if abs(total) <= EXACT:
        return total / divisor
    rounded = float(total)
    return quotient(rounded, float(total - np.int64(rounded)), divisor)


@rule
def mean_of_ticks(total: int, window: int) -> float:
    """Average of a window of whole ticks, from their integer sum."""
    return divide_whole(total, TICKS_PER_UNIT * window)


@rule
def mean_of_limbs(high: int, middle: int, low: int, window: int) -> float:
    """Average of any window, from the integer sums of its three limbs."""
    first = high / _HIGH
    second = middle / (_HIGH * _LIMB)
    total, lost = two_sum(first, second)
    rest = lost + low / (_HIGH * _LIMB * _LIMB)
    rounded = total + rest
    return quotient(rounded, rest - (rounded - total), float(window))


@rule
def exact_mean(sums: WindowSums, end: int, window: int) -> float:
    """Average of the ``window`` values before bar ``end``; the sum of a window stays below 2^63 in every limb up to 2^22 bars."""
    start = end - window
    if sums.loose[end] == sums.loose[start]:
        return mean_of_ticks(sums.ticks[end] - sums.ticks[start], window)
    return mean_of_limbs(
        sums.high[end] - sums.high[start],
        sums.middle[end] - sums.middle[start],
        sums.low[end] - sums.low[start],
        window,
    )
