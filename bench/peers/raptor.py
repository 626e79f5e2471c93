"""raptorbt (Rust): ``batch_single_backtest``, its call for parameter sweeps.

Its stops are a distance fixed at entry that does not trail, or a trailing fraction of the peak; the latter is the nearer one, with 5 percent for every cell.
Ratios of an account that never traded are 0 there, and not defined in the contract.
"""

from __future__ import annotations

import numpy as np

from bench.jobs import METRICS, Job
from bench.peers.given import crossings
from bench.peers.peer import Cells, Run, quiet

__all__ = ["prepare"]

TRAIL = 0.05


def numbers(result) -> tuple[float, ...]:
    """Read the shared metrics of one result; its drawdown is positive, its percentages are not fractions."""
    found = result.metrics
    closed = found.total_closed_trades
    return (
        found.total_return_pct / 100.0,
        found.sharpe_ratio if found.total_trades else np.nan,
        np.nan if found.sortino_ratio is None or not found.total_trades else found.sortino_ratio,
        -found.max_drawdown_pct / 100.0,
        closed,
        found.expectancy if closed else np.nan,
    )


def prepare(job: Job) -> Run:
    """Make its items, which hold the signals, before the clock starts."""
    with quiet():
        import raptorbt
    timing = {"close": "same_bar_close", "next_open": "next_bar_open"}[job.fill]
    config = raptorbt.BacktestConfig(
        initial_capital=job.capital, fees=job.fee, slippage=0.0, fill_timing=timing, periods_per_year=job.bars_per_year
    )
    if any(job.multiples):
        config.set_trailing_stop(TRAIL)
    calls = []
    for history in job.histories:
        signals = crossings(history, job.pairs).T
        items = [raptorbt.BatchSingleItem(str(i), row == 1, row == -1) for i, row in enumerate(signals)]
        bars = (history.open, history.high, history.low, history.close, history.volume)
        calls.append((history.dates.asi8, *bars, items, config))

    def run() -> Cells:
        out = np.empty(job.shape)
        for i, call in enumerate(calls):
            for k in range(len(job.multiples)):
                results = raptorbt.batch_single_backtest(*call)
                out[i, :, k] = np.array([numbers(result) for _, result in results]).reshape(-1, len(METRICS))
        return out

    return run
