"""pandas (vectorised): shifts, running products and no loop over bars. It can not do a trailing stop, which depends on its own past.

The columns of a table are the pairs. Closes are taken in hundredths, where sums are exact, so that a tie is a tie here as well.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.jobs import Job
from bench.peers.peer import Cells, Run

__all__ = ["prepare"]


def crosses(close: pd.Series, pairs: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give golden and death crosses, (T, P) each."""
    hundredths = (close * 100.0).round()
    means = {window: hundredths.rolling(window).mean() for window in np.unique(pairs)}
    fast, slow = (pd.concat([means[window] for window in windows], axis=1, ignore_index=True) for windows in pairs.T)
    side = np.sign(fast - slow).replace(0.0, np.nan).ffill()
    return (side == 1.0) & (side.shift() == -1.0), (side == -1.0) & (side.shift() == 1.0)


def backtest(opened: pd.Series, close: pd.Series, job: Job) -> np.ndarray:
    """Give the metrics of every pair of one symbol, (P, METRICS)."""
    golden, death = crosses(close, job.pairs)
    if job.fill == "next_open":
        golden, death = golden.shift(fill_value=False), death.shift(fill_value=False)
    after = golden.astype(float).where(golden | death).ffill().fillna(0.0)
    before = after.shift(fill_value=0.0)
    buys, sells = (after > before), (after < before)
    change = close.pct_change().fillna(0.0)
    growth = 1.0 + before.mul(change, axis=0)
    if job.fill == "close":
        growth = growth.mask(buys, 1.0 / (1.0 + job.fee)).mask(sells, growth * (1.0 - job.fee))
    else:
        at_open = (opened / close.shift()).fillna(1.0)
        growth = growth.mask(buys, buys.mul(close / opened / (1.0 + job.fee), axis=0))
        growth = growth.mask(sells, sells.mul(at_open * (1.0 - job.fee), axis=0))
    equity = job.capital * growth.cumprod()
    returns = growth - 1.0
    year = np.sqrt(job.bars_per_year)
    trades = sells.sum()
    banked = equity.where(after == 0.0).ffill().iloc[-1]  # all-in: what closed trades won or lost is all there is
    columns = (
        equity.iloc[-1] / job.capital - 1.0,
        returns.mean() / returns.std() * year,
        returns.mean() / np.sqrt((returns.clip(upper=0.0) ** 2).mean()) * year,
        (equity / equity.cummax().clip(lower=job.capital) - 1.0).min(),
        trades,
        (banked - job.capital) / trades,
    )
    return np.column_stack([np.asarray(column, float) for column in columns])


def prepare(job: Job) -> Run:
    """Make series of the prices before the clock starts."""
    series = [(pd.Series(history.open), pd.Series(history.close)) for history in job.histories]

    def run() -> Cells:
        return np.stack([backtest(opened, close, job)[:, None] for opened, close in series])

    return run
