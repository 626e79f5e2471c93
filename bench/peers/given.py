"""What the packaged peers get for nothing: our crosses and our ATR, made before the clock starts.

Their averages round differently, so that at ties their signals are other ones (and vectorbt's two engines differ from each other). To be given them is a favour:
a cell of ours pays for its averages and crosses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import engine
from bench.jobs import Job
from engine.kernels.crosses import crosses
from engine.kernels.indicators import average_true_range, averages

__all__ = ["crossings", "distances", "shifted"]


def crossings(history: engine.History, pairs: NDArray[np.int64]) -> NDArray[np.int8]:
    """Give 1 golden, -1 death, 0 neither for every bar and pair, (T, P), C order."""
    windows = np.unique(pairs)
    means = averages(history.close, windows)
    out = np.empty((len(pairs), len(history)), np.int8)
    for row, (fast, slow) in zip(out, np.searchsorted(windows, pairs), strict=True):
        crosses(means[fast], means[slow], row)
    return np.ascontiguousarray(out.T)


def distances(history: engine.History, job: Job, multiple: float) -> NDArray[np.float64]:
    """Give the distance of a stop whose signal comes at each bar, (T,), currency."""
    bars = history.high, history.low, history.close
    result: NDArray[np.float64] = multiple * average_true_range(*bars, np.array([job.atr_window]), wilder=False)[0]
    return result


def shifted(signals: NDArray[np.int8]) -> NDArray[np.int8]:
    """Move signals to the next bar, at whose open they fill."""
    return np.concatenate([np.zeros_like(signals[:1]), signals[:-1]])
