"""The fast way through one symbol: span by span, with all pairs of a plan and all stops."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.kernels.accounts import ACCOUNT_SIZE
from engine.kernels.fast import SPAN, Pairs, Plan, run_span
from engine.kernels.finish import Result
from engine.kernels.legs import MARKET_ROW
from engine.kernels.loop import Bars
from engine.kernels.machine import WORD
from engine.kernels.position import Rules
from engine.kernels.stops import Exits, Stops, find_exits

__all__ = ["run_spans"]


def run_spans(
    bars: Bars,
    plan: Plan,
    stops: Stops,
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
    bars : Bars
    plan : Plan
        Its slow windows are not longer than the history.
    stops : Stops
    capital, bars_per_year : float
    rules : Rules
        Long only, sizing ALL_IN; its multiple is replaced by that of each stop.
    out : float64 (rows, K, METRIC_COUNT)
        C-contiguous; overwritten at the rows of the plan's pairs.
    most : int
        Bars that are worked on together, at most.

    Returns
    -------
    bool (rows, K)
        False where the plain loop has to do the cell; True at rows that the plan does not have.
    """
    n, stop_count = len(bars.close), len(stops.multiple)
    spans = -(-n // most)
    size = -(-n // (spans * WORD)) * WORD
    has_stops = not np.isnan(stops.multiple).all()
    shape = (stop_count, n if has_stops else 1)
    exits = Exits(
        np.empty(shape, np.int64), np.empty(shape), np.empty(shape), np.empty(shape), np.empty(shape, np.int64)
    )
    accounts = np.empty((plan.group_start[-1] if spans > 1 else 1, stop_count, ACCOUNT_SIZE))
    pairs = Pairs(np.zeros(len(plan.row), np.int64), np.zeros(len(plan.row), np.bool_))
    rows = np.empty((n + 1) * MARKET_ROW)
    sure = np.ones(out.shape[:2], np.bool_)
    result = Result(capital, bars_per_year, out.reshape(-1), sure.reshape(-1))
    for start in range(0, n, size):
        if has_stops:
            find_exits(bars, stops, rules, start, min(start + size, n), accounts, exits)
        run_span(bars, rows, plan, stops, exits, rules, start, size, pairs, accounts, result)
    return sure
