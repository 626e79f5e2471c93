"""What the two loops of ours share: their arguments, and a thread for each symbol."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from bench.jobs import Job
from bench.peers.peer import Cells, Run

__all__ = ["each_symbol"]


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
    tail = (windows, rows, multiples, job.atr_window, job.fill == "close", job.fee, job.capital, job.bars_per_year)
    symbols = [(history.open, history.high, history.low, history.close) for history in job.histories]

    def run() -> Cells:
        out = np.empty(job.shape)
        if job.workers == 1:
            for bars, cells in zip(symbols, out, strict=True):
                sweep(bars, *tail, cells)
        else:
            with ThreadPoolExecutor(job.workers) as pool:
                list(pool.map(lambda bars, cells: sweep(bars, *tail, cells), symbols, out))
        return out

    return run
