"""SMA, true range and ATR, as the contract defines them.

Every value at bar t uses bars up to t only. nan means: not defined yet.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel
from engine.kernels.exact import exact_mean, window_sums
from engine.kernels.machine import read_only
from engine.kernels.prefix import HARD, add_up, fill_averages
from engine.kernels.whole import average_whole

__all__ = ["average_true_range", "averages", "true_range"]

Floats = NDArray[np.float64]
_STRETCH = 1024
"""Bars that are summed up together: small enough that sums in doubles are exact, and that they stay in the cache."""


@kernel
def averages(values: Floats, windows: NDArray[np.int64]) -> Floats:
    """Average one series over several windows.

    Parameters
    ----------
    values : float64 (T,)
        Closes.
    windows : int64 (W,)
        Bars, each at least 1.

    Returns
    -------
    float64 (W, T)
        Row i is the SMA of window i; nan where t < window - 1. The bits depend on the window's own values only.
    """
    return _average_all(
        values.copy(), windows
    )  # a copy, so that prices, which are read-only, and true ranges are one type


@kernel
def _average_all(values: Floats, windows: NDArray[np.int64]) -> Floats:
    """Do so."""
    n, lead = len(values), 0
    for window in windows:
        lead = max(lead, window)
    out = np.empty((len(windows), n))
    sums, stretch = np.zeros((4, _STRETCH + lead + 1)), np.empty(len(windows) * _STRETCH)
    for first in range(0, n, _STRETCH):
        last = min(first + _STRETCH, n)
        kind = add_up(read_only(values), first - lead, last, sums)
        if kind == HARD:
            _hard_stretch(values, windows, max(0, first - lead), first, last, out)
            continue
        fill_averages(sums, kind, lead + 1, windows, _STRETCH, stretch)
        for i in range(len(windows)):
            for t in range(first, last):
                out[i, t] = stretch[i * _STRETCH + t - first] if t >= windows[i] - 1 else np.nan
    return out


@kernel
def _hard_stretch(values: Floats, windows: NDArray[np.int64], start: int, first: int, last: int, out: Floats) -> None:
    """Average the bars [first, last) with integers of any size; bars before ``start`` are in no window."""
    sums = window_sums(values[start:last])
    for i in range(len(windows)):
        for t in range(first, last):
            out[i, t] = exact_mean(sums, t + 1 - start, windows[i]) if t >= windows[i] - 1 else np.nan


@kernel
def true_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """TR[t] = max(high - low, abs(high - close[t-1]), abs(low - close[t-1])), TR[0] = high - low; all (T,), currency."""
    out = high - low
    before, later = close[:-1], out[1:]
    for i in range(len(before)):
        later[i] = max(later[i], abs(high[i + 1] - before[i]), abs(low[i + 1] - before[i]))
    return out


@kernel
def average_true_range(high: Floats, low: Floats, close: Floats, windows: NDArray[np.int64], wilder: bool) -> Floats:
    """Average true range of one symbol for several windows.

    Parameters
    ----------
    high, low, close : float64 (T,)
    windows : int64 (W,)
        Bars, each at least 1.
    wilder : bool
        False: the mean of the last n true ranges. True: seeded with the mean of the first n, then (ATR * (n - 1) + TR) / n (Wilder 1978).

    Returns
    -------
    float64 (W, T)
        In currency; nan where t < window - 1.
    """
    ranges = true_range(high, low, close)
    out = np.empty((len(windows), len(close)))
    if not average_whole(ranges, windows, out):
        out = _average_all(ranges, windows)
    if wilder:
        for i in range(len(windows)):
            n = windows[i]
            for t in range(n, len(close)):
                out[i, t] = (out[i, t - 1] * (n - 1) + ranges[t]) / n
    return out
