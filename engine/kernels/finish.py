"""From the sums of an account to its metrics, and whether they are exact enough."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel
from engine.kernels.accounts import (
    CLOSED,
    EXPOSED,
    GAIN,
    LOSS,
    LOSSES,
    RETURNS,
    SHARES,
    SKIPPED,
    SQUARES,
    TROUBLE,
    WINS,
    WORST,
    WORTH,
)
from engine.kernels.legs import MARKET_ROW, STEEPEST, SUM_LOSSES, SUM_SQUARES, Span
from engine.kernels.machine import index
from engine.kernels.metrics import METRIC_COUNT, Moments, TradeSums, write_metrics

__all__ = ["Result", "finish"]

Floats = NDArray[np.float64]

_ROUNDING = 2.0**-49
"""Eight times the standard error of a leg's sums, as a fraction of the sums over the whole history; the errors of several legs add up as those of chance do."""
_PRECISION = 1e-11
"""Wanted of every sum; the metrics then keep to 1e-10."""
_CANCELLED = 1e-4
_SHALLOW = 1e-5


class Result(NamedTuple):
    """Where metrics go, and what they need besides the account."""

    capital: float
    bars_per_year: float
    out: Floats  # (cells * METRIC_COUNT,)
    sure: NDArray[np.bool_]  # (cells,) False if the plain loop has to do the cell


@kernel
def finish(a: Floats, lanes: int, span: Span, rows: Floats, result: Result, cells: NDArray[np.int64]) -> None:
    """Write the metrics of 32 accounts after the last span.

    Sums over a holding are differences of prefix sums over the whole history, each wrong by a few units in its last place, whatever the holding itself adds up to.
    That matters to an account which was in the market only while the market was calm. What else is given to the plain loop: a variance that is a small rest of large
    squares, a drawdown that is a small rest of 1, a sum of losses that is 0 by rounding.

    Parameters
    ----------
    a : float64 (ACCOUNT_SIZE,)
    lanes : int
        Accounts that there are.
    span : Span
        The last one.
    rows : float64 ((T + 1) * MARKET_ROW,)
        Of the market.
    result : Result
    cells : int64 (at least lanes,)
        Number of the cell of each.
    """
    out, sure, n = result.out, result.sure, span.last
    spans = (n + span.size - 1) // span.size
    steepest = rows[STEEPEST]
    all_squares, all_losses = rows[n * MARKET_ROW + SUM_SQUARES], rows[n * MARKET_ROW + SUM_LOSSES]
    for i in range(lanes):
        returns, squares, losses, worst = a[RETURNS + i], a[SQUARES + i], a[LOSSES + i], a[WORST + i]
        mean = returns / n
        variance = max(0.0, squares - n * mean * mean) / (n - 1) if n > 1 else np.nan
        unit = np.sqrt(a[CLOSED + i] + 1.0 + spans) * _ROUNDING
        calm = (unit * all_squares > _PRECISION * squares) | (unit * all_losses > _PRECISION * losses)
        blurred = unit * steepest > max(_PRECISION * abs(returns), 1e-14 * np.sqrt(variance) * n)
        cancelled = (variance * (n - 1) < _CANCELLED * squares) | (1.0 - worst < _SHALLOW)
        traded = (a[CLOSED + i] > 0.0) | (a[SHARES + i] > 0.0)
        place = index(cells[i])
        sure[place] = (a[TROUBLE + i] == 0.0) & (not (traded & (calm | blurred | cancelled)))
        found = Moments(mean, np.sqrt(variance), np.sqrt(losses / n), worst - 1.0, True)
        trades = TradeSums(int(a[CLOSED + i]), int(a[WINS + i]), a[GAIN + i], a[LOSS + i])
        write_metrics(
            result.capital,
            a[WORTH + i],
            n,
            found,
            trades,
            a[SKIPPED + i],
            a[EXPOSED + i],
            result.bars_per_year,
            out,
            cells[i] * METRIC_COUNT,
        )
