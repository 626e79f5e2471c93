"""SMA, true range and ATR, as the contract defines them.

Every value at bar t uses bars up to t only. nan means: not defined yet.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel
from engine.kernels.exact import rolling_mean, window_sums

__all__ = ["average_true_range", "averages", "true_range"]

Floats = NDArray[np.float64]


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
    out = np.empty((len(windows), len(values)))
    sums = window_sums(values)
    for i in range(len(windows)):
        rolling_mean(sums, windows[i], out[i])
    return out


@kernel
def true_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """TR[t] = max(high - low, abs(high - close[t-1]), abs(low - close[t-1])), TR[0] = high - low; all (T,), currency."""
    out = np.empty(len(close))
    for t in range(len(close)):
        out[t] = high[t] - low[t]
        if t > 0:
            out[t] = max(out[t], abs(high[t] - close[t - 1]), abs(low[t] - close[t - 1]))
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
    out = averages(ranges, windows)
    if wilder:
        for i in range(len(windows)):
            n = windows[i]
            for t in range(n, len(close)):
                out[i, t] = (out[i, t - 1] * (n - 1) + ranges[t]) / n
    return out
