"""Averages of a short series from one prefix sum of 64-bit integers: the quick way to what ``exact`` defines, for differences of prices.

A true range is the difference of two doubles of about the same size, so a whole number of the last place of the smaller one; hardly ever a whole tick, since
100.05 - 100.00 is not the double next to 0.05. In units of a power of two such ranges are integers, whose prefix sums have no error modulo 2^64. (They are without a sign:
numba tells LLVM that sums with one do not overflow, and then a window across the overflow was rounded twice.) The sum of a window is mostly a double as it is, and then the
quotient is a plain division. Of 75 cycles a cell for the ATR 20 are left (docs/speed.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule
from engine.kernels.exact import TICKS_PER_UNIT, divide_whole
from engine.kernels.machine import bits_of, double_of, index, whole_of

__all__ = ["average_whole"]

Floats = NDArray[np.float64]
_BITS = 61
"""Of the sum of a window, at most: one less than an integer has, and one for rounding."""
_FINEST = 86
"""Finer than 2^-86 is rounded by ``exact``."""
_NEAR = 2.0**-51
_HALF, _LOW_BITS, _SMALLER = np.uint64(32), np.uint64(2**32 - 1), 2.0**-32
_ROOM_FOR_HIGH, _ROOM_FOR_LOW = 2.0**84, 2.0**52
"""Doubles whose last 32 bits count multiples of 2^32, and of 1. AVX2 has no instruction that makes integers of 64 bits from doubles, or doubles from them: so both go by halves, in vectors."""


@kernel
def average_whole(values: Floats, windows: NDArray[np.int64], out: Floats) -> bool:
    """Average one series over several windows.

    Parameters
    ----------
    values : float64 (T,)
        Not negative.
    windows : int64 (W,)
    out : float64 (W, T)
        Row i is the average over window i, nan where t < window - 1.

    Returns
    -------
    bool
        False if this way does not do: ``out`` is then of no use. The values are not integers in any one unit, or all of a window may be whole ticks.
    """
    shortest = longest = windows[0]
    for window in windows:
        shortest, longest = min(shortest, window), max(longest, window)
    largest = np.uint64(0)
    for t in range(len(values)):
        largest = max(largest, bits_of(values[t]))  # positive doubles are in the order of their bits
    unit = _unit_for(double_of(largest) * longest)
    wholes, sums = np.empty(len(values), np.int64), np.empty(len(values) + 1, np.uint64)
    if not _count_units(values, unit, shortest, wholes, sums):
        return False
    for i in range(len(windows)):
        window, row = windows[i], out[i]
        divisor, rounded = window * unit, 0
        for t in range(min(window - 1, len(values))):
            row[index(t)] = np.nan
        later, sooner, means = sums[window:], sums[: len(sums) - window], row[window - 1 :]
        for t in range(len(means)):
            high, low = _in_doubles(later[t] - sooner[t])
            near = high + low
            means[t] = near / divisor
            rounded += near - high != low
        for t in range(window - 1 if rounded > 0 else len(values), len(values)):
            total = np.int64(sums[index(t + 1)] - sums[index(t + 1 - window)])
            row[index(t)] = divide_whole(total, divisor)  # type: ignore[arg-type]  # numba's int is of 64 bits
    return True


@rule
def _in_doubles(total: np.uint64) -> tuple[float, float]:
    """Give an integer below 2^63 as the sum of two doubles: so many times 2^32, and the rest."""
    high = double_of((total >> _HALF) | bits_of(_ROOM_FOR_HIGH)) - _ROOM_FOR_HIGH
    return high, double_of((total & _LOW_BITS) | bits_of(_ROOM_FOR_LOW)) - _ROOM_FOR_LOW


@rule
def _unit_for(most: float) -> float:
    """Give the largest power of two whose product with ``most`` is a 64-bit integer that can be rounded to a double and back."""
    exponent = int(bits_of(most) >> np.uint64(52)) - 1023
    unit: float = double_of(np.uint64(min(_BITS - 1 - exponent, _FINEST) + 1023) << np.uint64(52))
    return unit


@kernel
def _count_units(
    values: Floats, unit: float, shortest: int, wholes: NDArray[np.int64], sums: NDArray[np.uint64]
) -> bool:
    """Write the values in units and their prefix sums; False if one is not whole, or if so many values in a row may be whole ticks."""
    broken = 0
    for t in range(len(values)):
        scaled = values[t] * unit
        high = np.rint(scaled * _SMALLER)
        low = scaled - high / _SMALLER
        broken += np.rint(low) != low
        ticks = values[t] * TICKS_PER_UNIT
        loose = np.uint64(not abs(ticks - np.rint(ticks)) <= ticks * _NEAR)
        # The sum is far below 2^62, so that the sign is free to say "surely no whole tick".
        wholes[t] = np.int64((whole_of(high) << _HALF) + whole_of(low) ^ np.uint64(0) - loose)
    if broken > 0:
        return False
    total = sums[0] = np.uint64(0)
    row = most = 0
    for t in range(len(values)):
        loose = wholes[index(t)] < 0
        total += np.uint64(~wholes[index(t)] if loose else wholes[index(t)])
        row = 0 if loose else row + 1
        most = max(most, row)
        sums[index(t + 1)] = total
    return most < shortest
