"""backtesting.py: an object for each bar and order, one cell at a time.

It trades whole units only, so it is given an account so large that a unit is nothing. Its Sharpe and Sortino ratios are of geometric means, its equity takes the fee of a buy
at the close one bar later (and so the drawdown differs), and it never fills an order of the last bar's close.
"""

from __future__ import annotations

import numpy as np

from bench.jobs import METRICS, Job
from bench.peers.given import crossings
from bench.peers.peer import Cells, Run, quiet

__all__ = ["prepare", "signal_on_the_last_bar"]

SCALE = 1e8
"""Of the account: a unit is then some 1e-10 of it."""


def signal_on_the_last_bar(job: Job) -> np.ndarray:
    """Mark the cells whose last signal it leaves out, (symbols, pairs, stops)."""
    last = np.array([crossings(history, job.pairs)[-1] != 0 for history in job.histories])
    return np.broadcast_to(last[:, :, None] & (job.fill == "close"), job.shape[:3])


def strategy_of(base: type) -> type:
    """Write the strategy of its guide, with signals that are there already."""

    class Crossover(base):
        signals = None

        def init(self) -> None:
            self.signal = self.I(lambda: self.signals, plot=False)

        def next(self) -> None:
            if self.signal[-1] == 1:
                self.buy()
            elif self.signal[-1] == -1:
                self.position.close()

    return Crossover


def numbers(result, capital: float) -> tuple[float, ...]:
    """Read the shared metrics of one result."""
    profits = result["_trades"]["PnL"]
    total = result["_equity_curve"]["Equity"].iloc[-1] / (capital * SCALE) - 1.0
    nan = np.nan
    return total, nan, nan, nan, len(profits), profits.mean() / SCALE if len(profits) else nan


def prepare(job: Job) -> Run:
    """Make its tables and signals before the clock starts."""
    with quiet():
        from backtesting import Backtest, Strategy, backtesting
    backtesting._tqdm = lambda bars, **_: bars  # noqa: SLF001  its progress bar has no switch
    strategy = strategy_of(Strategy)
    names = {"open": "Open", "high": "High", "low": "Low", "close": "Close", "volume": "Volume"}
    symbols = [
        (history.to_frame().rename(columns=names), np.ascontiguousarray(crossings(history, job.pairs).T, float))
        for history in job.histories
    ]
    settings = {"cash": job.capital * SCALE, "commission": job.fee, "trade_on_close": job.fill == "close"}

    def run() -> Cells:
        out = np.empty(job.shape)
        with quiet():
            for i, (table, signals) in enumerate(symbols):
                test = Backtest(table, strategy, **settings)
                for p, row in enumerate(signals):
                    out[i, p, 0] = numbers(test.run(signals=row), job.capital)
        return out.reshape(*job.shape[:3], len(METRICS))

    return run
