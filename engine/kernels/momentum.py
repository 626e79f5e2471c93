"""Wilder's two indices that can confirm a cross (New Concepts in Technical Trading Systems, 1978); ``docs/signals.md`` has the order of the operations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule

__all__ = ["directional_index", "strength_index"]

Floats = NDArray[np.float64]


@rule
def smoothed(mean: float, value: float, t: int, first: int, window: int) -> float:
    """Go on with Wilder's mean of the values of bars ``first``, first + 1, ...: the mean of the first ``window`` of them, each added as its share; then (mean * (n - 1) + value) / n."""
    if t < first + window:
        total = mean + value
        return total / window if t == first + window - 1 else total
    return (mean * (window - 1) + value) / window


@kernel
def strength_index(close: Floats, window: int) -> Floats:
    """RSI: 100 * mean gain / (mean gain + mean loss), float64 (T,); nan before bar ``window``, and where nothing has moved."""
    out = np.full(len(close), np.nan)
    gain = loss = 0.0
    for t in range(1, len(close)):
        change = close[t] - close[t - 1]
        gain = smoothed(gain, max(change, 0.0), t, 1, window)
        loss = smoothed(loss, max(-change, 0.0), t, 1, window)
        if t >= window:
            out[t] = 100.0 * gain / (gain + loss)
    return out


@kernel
def directional_index(high: Floats, low: Floats, window: int) -> Floats:
    """ADX, float64 (T,); nan before bar 2 * window - 1."""
    out = np.full(len(high), np.nan)
    up = down = mean = 0.0
    for t in range(1, len(high)):
        rise, fall = high[t] - high[t - 1], low[t - 1] - low[t]
        up = smoothed(up, rise if rise > max(fall, 0.0) else 0.0, t, 1, window)
        down = smoothed(down, fall if fall > max(rise, 0.0) else 0.0, t, 1, window)
        if t >= window:
            both = up + down
            index = 100.0 * abs(up - down) / both if both > 0.0 else 0.0
            mean = smoothed(mean, index, t, window, window)
        if t >= 2 * window - 1:
            out[t] = mean
    return out
