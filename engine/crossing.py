"""From the bars of a symbol to its averages, and to the crosses of a signal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.kernels.crosses import NO_FILTER, Filter, filtered_crosses, filtered_sides
from engine.kernels.indicators import averages
from engine.kernels.momentum import directional_index, strength_index
from engine.kernels.smoothing import exponential_averages, weighted_averages
from engine.prices.history import History
from engine.settings import Settings
from engine.signals import Confirmation, Rsi, Signal

__all__ = ["averages_of", "crosses_of", "filter_of"]

Floats = NDArray[np.float64]


def averages_of(history: History, windows: NDArray[np.int64], signal: Signal) -> Floats:
    """Average the closes over several windows, int64 (W,): float64 (W, T), nan where a window is longer than what there is."""
    kinds = {"sma": averages, "ema": exponential_averages, "wma": weighted_averages}
    found: Floats = kinds[signal.average](history.close, windows)
    return found


def filter_of(history: History, signal: Signal) -> Filter:
    """Give the kernels' form of what a cross needs besides two averages that cross."""
    allowed = NO_FILTER.allowed if signal.confirm is None else _confirmed(history, signal.confirm)
    return Filter(signal.band, signal.delay, signal.hold, allowed)


def crosses_of(history: History, fast: int, slow: int, settings: Settings) -> NDArray[np.int8]:
    """Give the crosses of a symbol, int8 (T,): 1 golden, -1 death, 0 none; or for long/short its sides."""
    both, out = averages_of(history, np.array([fast, slow]), settings.signal), np.empty(len(history), np.int8)
    find = filtered_sides if settings.direction == "long_short" else filtered_crosses
    find(both[0], both[1], filter_of(history, settings.signal), out)
    return out


def _confirmed(history: History, confirm: Confirmation) -> NDArray[np.bool_]:
    """Tell on which bars a golden cross counts, bool (T,); where the index is not defined it does not."""
    if isinstance(confirm, Rsi):
        index = strength_index(history.close, confirm.window)
    else:
        index = directional_index(history.high, history.low, confirm.window)
    above: NDArray[np.bool_] = index > confirm.above
    return above
