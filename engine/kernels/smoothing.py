"""Exponential and linearly weighted averages; ``docs/signals.md`` defines both.

The weighted one is, like the simple one, the correctly rounded quotient of an exact sum (``exact``). With P the prefix sums of the values and Q those of value times bar,
the weighted sum of the bars [start, end) is ``Q[end] - Q[start] - (start - 1) * (P[end] - P[start])``: integers, right modulo 2^64 whatever has passed through the prefix sums.
They are without a sign, because numba tells LLVM that sums with one do not overflow.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule
from engine.kernels.exact import TICKS_PER_UNIT, divide_whole, is_whole, quotient, two_sum
from engine.kernels.indicators import averages
from engine.kernels.machine import fused

__all__ = ["exponential_averages", "next_exponential", "weighted_averages"]

Floats = NDArray[np.float64]
Unsigned = NDArray[np.uint64]
_HIGH_UNITS = 1048576.0  # 2^20
_LOW_UNITS = 1099511627776.0  # 2^40
_ROOM = 4611686018427387904.0  # 2^62: sums below it fit a signed integer, rounding of the estimate included


@rule
def next_exponential(previous: float, close: float, window: int) -> float:
    """Move the average towards the close by 2 / (window + 1) of the way; over one bar it is the close."""
    if window == 1:
        return close
    return previous + (close - previous) * (2.0 / (window + 1))


@kernel
def exponential_averages(values: Floats, windows: NDArray[np.int64]) -> Floats:
    """Average one series exponentially over several windows; as ``indicators.averages``, seeded with that average of the first window values."""
    out = averages(values, windows)
    for i in range(len(windows)):
        row, window = out[i], windows[i]
        for t in range(window, len(values)):
            row[t] = next_exponential(row[t - 1], values[t], window)
    return out


class _Sums(NamedTuple):
    """Prefix sums of T values and of values times bar, (T + 1,) each: of whole ticks, and of the values themselves in two parts."""

    loose: NDArray[np.int64]  # values that are no whole ticks
    coarse: NDArray[np.int64]  # values that two parts cannot hold
    ticks: Unsigned
    ticks_by_bar: Unsigned
    high: Unsigned
    high_by_bar: Unsigned
    low: Unsigned
    low_by_bar: Unsigned


@kernel
def weighted_averages(values: Floats, windows: NDArray[np.int64]) -> Floats:
    """Average one series with weights 1, 2, ... w over several windows, the last value having the weight w.

    Parameters
    ----------
    values : float64 (T,)
        Not negative.
    windows : int64 (W,)
        Bars, each at least 1.

    Returns
    -------
    float64 (W, T)
        nan where t < window - 1. The bits depend on the window's own values only.
    """
    sums, largest = _sum_up(values), 0.0
    for t in range(len(values)):
        largest = max(largest, values[t])
    out = np.empty((len(windows), len(values)))
    for i in range(len(windows)):
        row, window = out[i], windows[i]
        weights = window * (window + 1) // 2
        row[: window - 1] = np.nan
        fits_ticks, fits = largest * TICKS_PER_UNIT * weights < _ROOM, largest * _HIGH_UNITS * weights < _ROOM
        fits &= _LOW_UNITS * weights < _ROOM
        for t in range(window - 1, len(values)):
            start, end = t + 1 - window, t + 1
            whole = sums.loose[end] == sums.loose[start]
            if whole and fits_ticks:
                total = _weighted(sums.ticks, sums.ticks_by_bar, start, end)
                row[t] = divide_whole(total, TICKS_PER_UNIT * weights)
            elif not whole and fits and sums.coarse[end] == sums.coarse[start]:
                high = _weighted(sums.high, sums.high_by_bar, start, end)
                low = _weighted(sums.low, sums.low_by_bar, start, end)
                row[t] = _divide_parts(high, low, float(weights))
            else:
                row[t] = _one_by_one(values[start:end], whole, weights)
    return out


@kernel
def _sum_up(values: Floats) -> _Sums:
    """Sum up a series once, for all windows."""
    n = len(values)
    loose, coarse = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    sums = np.zeros((6, n + 1), np.uint64)
    for t in range(n):
        whole = is_whole(values[t])
        scaled = values[t] * _HIGH_UNITS
        high = np.floor(scaled)
        low = (scaled - high) * _LOW_UNITS
        good = (low == np.floor(low)) & (scaled < _ROOM)
        ticks = np.uint64(np.rint(values[t] * TICKS_PER_UNIT)) if whole else np.uint64(0)
        parts = (ticks, np.uint64(high) if good else np.uint64(0), np.uint64(low) if good else np.uint64(0))
        loose[t + 1] = loose[t] + (0 if whole else 1)
        coarse[t + 1] = coarse[t] + (0 if good else 1)
        for i in range(3):
            sums[2 * i, t + 1] = sums[2 * i, t] + parts[i]
            sums[2 * i + 1, t + 1] = sums[2 * i + 1, t] + parts[i] * np.uint64(t)
    return _Sums(loose, coarse, sums[0], sums[1], sums[2], sums[3], sums[4], sums[5])


@rule
def _weighted(sums: Unsigned, by_bar: Unsigned, start: int, end: int) -> int:
    """Sum the integers of the bars [start, end) with weights 1, 2, ...; right if that sum is below 2^63."""
    one = np.uint64(1)
    plain = sums[end] - sums[start]
    return int(np.int64(by_bar[end] - by_bar[start] - (np.uint64(start) - one) * plain))


@rule
def _divide_parts(high: int, low: int, divisor: float) -> float:
    """Divide ``high`` units of 2^-20 and ``low`` units of 2^-60, rounded once."""
    high_rounded, low_rounded = float(high), float(low)
    total, rest = two_sum(high_rounded / _HIGH_UNITS, low_rounded / (_HIGH_UNITS * _LOW_UNITS))
    rest += float(high - np.int64(high_rounded)) / _HIGH_UNITS
    rest += float(low - np.int64(low_rounded)) / (_HIGH_UNITS * _LOW_UNITS)
    total, rest = two_sum(total, rest)
    return quotient(total, rest, divisor)


@kernel
def _one_by_one(values: Floats, whole: bool, weights: int) -> float:
    """Average one window by adding its values as pairs of doubles: for prices too large or too fine for integers."""
    total = lost = 0.0
    for i in range(len(values)):
        value = np.rint(values[i] * TICKS_PER_UNIT) if whole else values[i]
        weight = float(i + 1)
        product = value * weight
        total, rest = two_sum(total, product)
        lost += rest + fused(value, weight, -product)
    total, rest = two_sum(total, lost)
    return quotient(total, rest, TICKS_PER_UNIT * weights if whole else float(weights))
