"""What the two loops of ours share: their arguments, the ATR, and a thread for each symbol.

The loops call no compiled function of another file: numba's cache would go on with the old one when that is edited.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

from bench.jobs import Job
from bench.peers.peer import Cells, Run

__all__ = ["each_symbol"]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def average_true_range(high, low, close, window):
    """Add up the true ranges of every window anew: over so few values that is exact, and so a stop is ours to the last bit."""
    out = np.empty(len(close))
    ranges = high - low
    for t in range(1, len(out)):
        ranges[t] = max(ranges[t], abs(high[t] - close[t - 1]), abs(low[t] - close[t - 1]))
    for t in range(len(out)):
        out[t] = ranges[t - window + 1 : t + 1].sum() / window if t >= window - 1 else np.nan
    return out


def each_symbol(sweep: Callable[..., None], job: Job) -> Run:
    """Give the function that calls a compiled ``sweep`` for every symbol."""
    shortest = int(job.pairs[:, 1].min())
    if (
        any(job.multiples) and shortest < job.atr_window
    ):  # a signal could come before the ATR: the contract skips it, the loops do not
        raise ValueError(f"slow window of {shortest} is shorter than the ATR's {job.atr_window}")
    windows = np.unique(job.pairs)
    rows = np.searchsorted(windows, job.pairs)
    multiples = np.array([np.nan if multiple is None else multiple for multiple in job.multiples])
    tail = (windows, rows, multiples, job.fill == "close", job.fee, job.capital, job.bars_per_year)
    symbols = [(history.open, history.high, history.low, history.close) for history in job.histories]

    def one(bars: tuple[np.ndarray, ...], cells: np.ndarray) -> None:
        sweep(bars, average_true_range(*bars[1:], job.atr_window), *tail, cells)

    def run() -> Cells:
        out = np.empty(job.shape)
        if job.workers == 1:
            list(map(one, symbols, out))
        else:
            with ThreadPoolExecutor(job.workers) as pool:
                list(pool.map(one, symbols, out))
        return out

    return run
