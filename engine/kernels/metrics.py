"""Equity and trades to the numbers of the contract; nan is: not defined."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, pasted, rule
from engine.kernels.moments import Moments, moments

__all__ = [
    "METRICS",
    "METRIC_COUNT",
    "TradeSums",
    "add_profit",
    "no_trades",
    "summarise",
    "write_metrics",
]

Floats = NDArray[np.float64]

METRICS = (
    "final_capital",
    "total_return",
    "cagr",
    "sharpe",
    "sortino",
    "max_drawdown",
    "calmar",
    "trades",
    "profit_per_trade",
    "win_rate",
    "profit_factor",
    "exposure",
    "skipped",
)
"""The contract's metrics in its order, and the number of skipped signals."""
METRIC_COUNT = len(METRICS)


@rule
def ratio(above: float, below: float) -> float:
    """Divide; a denominator of 0 makes it undefined, never infinite."""
    return above / below if below != 0.0 else np.nan


class TradeSums(NamedTuple):
    """Closed round trips so far."""

    closed: int
    wins: int
    gain: float  # sum of the profits above 0
    loss: float  # sum of the others, positive


@rule
def no_trades() -> TradeSums:
    """Begin."""
    return TradeSums(0, 0, 0.0, 0.0)


@rule
def add_profit(sums: TradeSums, profit: float) -> TradeSums:
    """Count one round trip; only a net profit above 0 is a win."""
    if profit > 0.0:
        return TradeSums(sums.closed + 1, sums.wins + 1, sums.gain + profit, sums.loss)
    return TradeSums(sums.closed + 1, sums.wins, sums.gain, sums.loss - profit)


@kernel
def summarise(
    capital: float,
    equity: Floats,
    trades: Floats,
    closed: int,
    skipped: int,
    exposed: int,
    bars_per_year: float,
    out: Floats,
) -> None:
    """Write all metrics of one backtest.

    Parameters
    ----------
    capital : float
    equity : float64 (T,)
    trades : float64 (at least closed, 8)
        As the loops write it; only the profit of the first ``closed`` rows is read.
    closed, skipped, exposed : int
    bars_per_year : float
    out : float64 (METRIC_COUNT,)
        In the order of METRICS.
    """
    n = len(equity)
    sums = no_trades()
    for i in range(closed):
        sums = add_profit(sums, trades[i, 6])
    write_metrics(capital, equity[n - 1], n, moments(capital, equity), sums, skipped, exposed, bars_per_year, out, 0)


@pasted
def write_metrics(
    capital: float,
    final: float,
    n: int,
    found: Moments,
    sums: TradeSums,
    skipped: float,
    exposed: float,
    bars_per_year: float,
    out: Floats,
    place: int,
) -> None:
    """Write the metrics of a backtest of n bars from its sums; ``out`` is float64 with room for METRIC_COUNT from ``place`` on."""
    cagr = (final / capital) ** (bars_per_year / n) - 1.0 if found.solvent else np.nan
    if np.isinf(cagr):  # a few bars that doubled many times: nothing that could be called yearly
        cagr = np.nan
    scale = np.sqrt(bars_per_year) if found.solvent else np.nan
    out[place] = final
    out[place + 1] = final / capital - 1.0
    out[place + 2] = cagr
    out[place + 3] = ratio(found.mean, found.deviation) * scale
    out[place + 4] = ratio(found.mean, found.downside) * scale
    out[place + 5] = found.max_drawdown
    out[place + 6] = ratio(cagr, -found.max_drawdown)
    out[place + 7] = sums.closed
    out[place + 8] = ratio(sums.gain - sums.loss, float(sums.closed))
    out[place + 9] = ratio(float(sums.wins), float(sums.closed))
    out[place + 10] = ratio(sums.gain, sums.loss)
    out[place + 11] = exposed / n
    out[place + 12] = skipped
