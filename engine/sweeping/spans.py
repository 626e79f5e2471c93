"""The fast way through some symbols, with all pairs of a plan and all stops."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.kernels.plan import SPAN, Plan
from engine.kernels.position import Rules
from engine.kernels.symbols import Trails, run_symbols
from engine.prices.history import History
from engine.sweeping.threads import share
from engine.sweeping.workspace import workspace

__all__ = ["asked_of", "run_spans"]


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
    threads: int = 1,
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
    threads : int
        They take one symbol after the other.

    Returns
    -------
    bool (S, rows, K)
        False where the plain loop has to do the cell; True at rows that the plan does not have.
    """
    symbols, asked = len(histories), asked_of(trails, rules)
    sure = np.empty(out.shape[:3], np.bool_)
    sure.fill(True)
    flat, all_sure = out.reshape(symbols, -1), sure.reshape(symbols, -1)
    places = np.frombuffer(b"".join([history.place for history in histories]), np.int64).reshape(symbols, -1)
    turn = np.zeros(1, np.int64)
    stops, longest = 0 if asked is None else len(asked.multiple), max(map(len, histories))

    def work() -> None:
        with workspace() as space:
            memory = space.memory(plan, stops, longest, most)
            run_symbols(places, turn, plan, asked, capital, rules, bars_per_year, most, memory, flat, all_sure)

    share(work, min(threads, symbols))
    return sure


def asked_of(trails: Trails, rules: Rules) -> Trails | None:
    """Give the stops, or None where nothing ends a position but a cross."""
    nothing = rules.sessions is None and len(trails.multiple) == 1 and math.isnan(trails.multiple[0])
    return None if nothing else trails
