"""The fast way through some symbols, with all pairs of a plan and all stops."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.kernels.loop import Bars
from engine.kernels.plan import SPAN, Plan
from engine.kernels.position import Rules
from engine.kernels.symbols import Memory, Trails, memory_of, run_symbols
from engine.prices.history import History

__all__ = ["asked_of", "memory_for", "run_spans"]


def run_spans(
    histories: Sequence[History],
    plan: Plan,
    trails: Trails,
    capital: float,
    rules: Rules,
    bars_per_year: float,
    out: NDArray[np.float64],
    *,
    most: int = SPAN,
) -> NDArray[np.bool_]:
    """Backtest every pair of a plan with every stop.

    Parameters
    ----------
    histories : sequence of History
        S symbols.
    plan : Plan
        Its slow windows are not longer than any of the histories.
    trails : Trails
    capital, bars_per_year : float
    rules : Rules
        Long only, sizing ALL_IN; its multiple is replaced by that of each stop.
    out : float64 (S, rows, K, METRIC_COUNT)
        C-contiguous; overwritten at the rows of the plan's pairs.
    most : int
        Bars that are worked on together, at most.

    Returns
    -------
    bool (S, rows, K)
        False where the plain loop has to do the cell; True at rows that the plan does not have.
    """
    symbols = len(histories)
    lengths = [len(history.close) for history in histories]
    offsets = np.zeros(symbols + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    sure = np.ones(out.shape[:3], np.bool_)
    flat, all_sure = out.reshape(symbols, -1), sure.reshape(symbols, -1)
    asked = asked_of(trails, rules)
    memory = memory_for(plan, 0 if asked is None else len(asked.multiple), max(lengths), most)
    bars = _side_by_side(histories, int(offsets[-1]), with_range=asked is not None)
    run_symbols(bars, offsets, plan, asked, capital, rules, bars_per_year, most, memory, flat, all_sure)
    return sure


def asked_of(trails: Trails, rules: Rules) -> Trails | None:
    """Give the stops, or None where nothing ends a position but a cross."""
    nothing = rules.sessions is None and len(trails.multiple) == 1 and np.isnan(trails.multiple[0])
    return None if nothing else trails


_kept = threading.local()
"""Of each thread, the memory of the last call: on 499 pairs getting it anew would take a fifth of the time that the work takes."""


def memory_for(plan: Plan, stops: int, bars: int, most: int) -> Memory:
    """Get the memory for a call, or take that of the call before if it fits."""
    fits = (plan.most_windows, plan.most_pairs, plan.longest, len(plan.row), stops, bars, most)
    if getattr(_kept, "fits", None) != fits:
        _kept.memory, _kept.fits = memory_of(plan, stops, bars, most), fits
    memory: Memory = _kept.memory
    return memory


def _side_by_side(histories: Sequence[History], bars: int, *, with_range: bool) -> Bars:
    """Copy some symbols one behind the other; highs and lows are read by stops only."""
    if len(getattr(_kept, "bars", ())) < 4 * bars:
        _kept.bars = np.empty(4 * bars)
    columns = [_kept.bars[i * bars : (i + 1) * bars] for i in range(4)]
    np.concatenate([history.open for history in histories], out=columns[0])
    if with_range:
        np.concatenate([history.high for history in histories], out=columns[1])
        np.concatenate([history.low for history in histories], out=columns[2])
    np.concatenate([history.close for history in histories], out=columns[3])
    for column in columns:  # as the prices are, so that nothing is compiled for a second type
        column.flags.writeable = False
    return Bars(*columns)
