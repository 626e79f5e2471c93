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
    CASH,
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
    WINS,
    WORST,
    WORTH,
)
from engine.kernels.legs import Span
from engine.kernels.machine import index
from engine.kernels.market import UNIT_RETURNS, UNIT_SQUARES
from engine.kernels.metrics import METRIC_COUNT, ratio
from engine.kernels.power import power

__all__ = ["Result", "finish"]

Floats = NDArray[np.float64]

_ROUNDING = 4.0
"""Units by which a bar's return or square is wrong: fourteen times the standard error of rounding; the errors of several bars add up as those of chance do."""
_PRECISION = 1e-11
"""Wanted of every sum; the metrics then keep to 1e-10."""
_FAINT = 1e-9
"""Squares of returns that add up to less are themselves only known to 1e-11, since a return is a rounded quotient less 1."""
_CANCELLED = 1e-4
_SHALLOW = 1e-5


class Result(NamedTuple):
    """What an account is at the beginning, what its metrics need besides it, and where they go."""

    begun: Floats  # (ACCOUNT_SIZE,) from ``accounts.new_accounts``
    bars_per_year: float
    out: Floats  # (cells * METRIC_COUNT,)
    sure: NDArray[np.bool_]  # (cells,) False if the plain loop has to do the cell


@kernel
def finish(
    a: Floats, lanes: int, span: Span, rows: Floats, result: Result, cells: NDArray[np.int64], columns: Floats
) -> None:
    """Write the metrics of 32 accounts after the last span.

    The returns of a holding and their squares are rounded to units that are the same for the whole history (``market``), whatever the holding itself adds up to.
    That matters to an account which was in the market only while the market was very calm. What else is given to the plain loop: a variance that is a small rest of large
    squares, and a drawdown that is a small rest of 1; but one that has done nothing but buy on the last bar, and gain by it, has none.

    Parameters
    ----------
    a : float64 (ACCOUNT_SIZE,)
    lanes : int
        Accounts that there are.
    span : Span
        The last one.
    rows : float64 (at least MARKET_ROW,)
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
    n, unit, unit_squares = span.last, _ROUNDING * rows[UNIT_RETURNS], _ROUNDING * rows[UNIT_SQUARES]
    capital, yearly = result.begun[CASH], result.bars_per_year / n
    scale, freedom = np.sqrt(result.bars_per_year), (1.0 / (n - 1.0) if n > 1 else np.nan)
    least_squares = unit_squares / _PRECISION
    each = 1.0 / n  # a product takes a tenth of a division; where a quotient may have to be 0 or 1 exactly, it is none
    for i in range(LANES):
        returns, squares, losses, worst = a[RETURNS + i], a[SQUARES + i], a[LOSSES + i], a[WORST + i]
        closed, gain, loss = a[CLOSED + i], a[GAIN + i], a[LOSS + i]
        mean = returns * each
        variance = max(0.0, squares - n * mean * mean) * freedom
        deviation = np.sqrt(variance)
        roundings = np.sqrt(a[EXPOSED + i] + 1.0)
        least = max(roundings * least_squares, _FAINT)
        calm = (squares < least) | ((losses < least) & (losses != 0.0))
        blurred = roundings * unit > max(_PRECISION * abs(returns), 1e-14 * deviation * n)
        growth = a[WORTH + i] / capital
        risen = (closed == 0.0) & (a[EXPOSED + i] == 1.0) & (growth > 1.0)  # by more than rounding, or it is calm
        cancelled = (variance * (n - 1) < _CANCELLED * squares) | ((1.0 - worst < _SHALLOW) & (not risen))
        traded = (closed > 0.0) | (a[SHARES + i] > 0.0)
        columns[_SURE + i] = 1.0 if (a[WORTH + i] > 0.0) & (not (traded & (calm | blurred | cancelled))) else 0.0
        cagr = power(growth, yearly) - 1.0
        cagr = np.nan if np.isinf(cagr) else cagr
        columns[i] = a[WORTH + i]
        columns[LANES + i] = growth - 1.0
        columns[2 * LANES + i] = cagr
        columns[3 * LANES + i] = ratio(mean, deviation) * scale
        columns[4 * LANES + i] = ratio(mean, np.sqrt(losses * each)) * scale
        columns[5 * LANES + i] = worst - 1.0
        columns[6 * LANES + i] = ratio(cagr, 1.0 - worst)
        columns[7 * LANES + i] = closed
        columns[8 * LANES + i] = ratio(gain - loss, closed)
        columns[9 * LANES + i] = ratio(a[WINS + i], closed)
        columns[10 * LANES + i] = ratio(gain, loss)
        columns[11 * LANES + i] = a[EXPOSED + i] / n
        columns[12 * LANES + i] = a[SKIPPED + i]
