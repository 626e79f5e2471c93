"""From the sums of 32 accounts to their metrics, and whether these are exact enough.

The formulas are those of ``metrics.write_metrics``, which writes one backtest after the other; here every metric is computed for all accounts before the next, which makes
vectors (of 120 cycles a cell 50 are left), and the power is ``power.power``. ``tests/test_fast.py`` holds them to each other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, pasted
from engine.kernels.accounts import (
    CLOSED,
    EXPOSED,
    GAIN,
    LANES,
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
from engine.kernels.metrics import METRIC_COUNT, ratio
from engine.kernels.power import power

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
def finish(
    a: Floats, lanes: int, span: Span, rows: Floats, result: Result, cells: NDArray[np.int64], columns: Floats
) -> None:
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
    columns : float64 (at least (METRIC_COUNT + 1) * LANES,)
        Overwritten.
    """
    _fill_columns(a, span, rows, result, columns)
    out, sure = result.out, result.sure
    for i in range(lanes):
        cell = index(cells[i])
        for metric in range(METRIC_COUNT):
            out[cell * index(METRIC_COUNT) + index(metric)] = columns[index(metric * LANES + i)]
        sure[cell] = columns[index(_SURE + i)] > 0.0


_SURE = METRIC_COUNT * LANES
"""Behind the columns of the metrics."""


@pasted
def _fill_columns(a: Floats, span: Span, rows: Floats, result: Result, columns: Floats) -> None:
    """Write metric by metric, in the order of ``metrics.METRICS``, and 1 where it can be relied upon."""
    n = span.last
    spans = (n + span.size - 1) // span.size
    steepest = rows[STEEPEST]
    all_squares, all_losses = rows[n * MARKET_ROW + SUM_SQUARES], rows[n * MARKET_ROW + SUM_LOSSES]
    capital, yearly = result.capital, result.bars_per_year / n
    scale, degrees = np.sqrt(result.bars_per_year), (n - 1.0 if n > 1 else np.nan)
    for i in range(LANES):
        returns, squares, losses, worst = a[RETURNS + i], a[SQUARES + i], a[LOSSES + i], a[WORST + i]
        closed, gain, loss = a[CLOSED + i], a[GAIN + i], a[LOSS + i]
        mean = returns / n
        variance = max(0.0, squares - n * mean * mean) / degrees
        deviation = np.sqrt(variance)
        unit = np.sqrt(closed + 1.0 + spans) * _ROUNDING
        calm = (unit * all_squares > _PRECISION * squares) | (unit * all_losses > _PRECISION * losses)
        blurred = unit * steepest > max(_PRECISION * abs(returns), 1e-14 * deviation * n)
        cancelled = (variance * (n - 1) < _CANCELLED * squares) | (1.0 - worst < _SHALLOW)
        traded = (closed > 0.0) | (a[SHARES + i] > 0.0)
        columns[_SURE + i] = 1.0 if (a[TROUBLE + i] == 0.0) & (not (traded & (calm | blurred | cancelled))) else 0.0
        growth = a[WORTH + i] / capital
        cagr = power(growth, yearly) - 1.0
        cagr = np.nan if np.isinf(cagr) else cagr
        columns[i] = a[WORTH + i]
        columns[LANES + i] = growth - 1.0
        columns[2 * LANES + i] = cagr
        columns[3 * LANES + i] = ratio(mean, deviation) * scale
        columns[4 * LANES + i] = ratio(mean, np.sqrt(losses / n)) * scale
        columns[5 * LANES + i] = worst - 1.0
        columns[6 * LANES + i] = ratio(cagr, 1.0 - worst)
        columns[7 * LANES + i] = closed
        columns[8 * LANES + i] = ratio(gain - loss, closed)
        columns[9 * LANES + i] = ratio(a[WINS + i], closed)
        columns[10 * LANES + i] = ratio(gain, loss)
        columns[11 * LANES + i] = a[EXPOSED + i] / n
        columns[12 * LANES + i] = a[SKIPPED + i]
