"""vectorbt asked for the whole job: from prices to every metric of the contract that it has, by its own indicators and accessors.

The other rows help it: they give it our signals, and ask for six metrics of twelve. A cell of ours is made of prices alone and has all of them, so this is the row
that does what a cell of ours does. Arrays go in instead of labelled tables, which is the fastest way in that we know.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import engine
from bench.jobs import Job
from bench.peers.peer import Cells, Run, quiet
from bench.peers.vectorbt_api import column, fixed_distance, metrics_of

__all__ = ["numba_engine"]


def crosses_of(vectorbt: Any, history: engine.History, job: Job) -> tuple[np.ndarray, np.ndarray]:
    """Find entries and exits by its own averages, (T, P) each."""
    fast, slow = (windows.tolist() for windows in job.pairs.T)
    quick, lazy = (vectorbt.MA.run(history.close, window=windows) for windows in (fast, slow))
    found = quick.ma_crossed_above(lazy), quick.ma_crossed_below(lazy)
    entries, exits = (crosses.to_numpy().reshape(len(history), -1) for crosses in found)  # of one pair it gives (T,)
    if job.fill == "next_open":
        entries, exits = (np.concatenate([np.zeros_like(found[:1]), found[:-1]]) for found in (entries, exits))
    return entries, exits


def stop_of(vectorbt: Any, history: engine.History, job: Job, multiple: float | None) -> dict[str, Any]:
    """Give the stop by its own average true range."""
    if multiple is None:
        return {}
    ranges = vectorbt.ATR.run(history.high, history.low, history.close, window=job.atr_window, ewm=False).atr
    distance = multiple * np.asarray(ranges, float).reshape(-1)
    if job.fill == "next_open":
        distance = np.r_[np.nan, distance[:-1]]
    return {
        "open": column(history.open),
        "high": column(history.high),
        "low": column(history.low),
        "sl_stop": 0.5,
        "sl_trail": True,
        "stop_entry_price": "fillprice",
        "adjust_sl_func_nb": fixed_distance,
        "adjust_sl_args": (distance,),
    }


def every_metric_of(portfolio: Any) -> np.ndarray:
    """Ask for the shared metrics, and for the others of the contract, which are not compared: some of them mean something else there."""
    shared = metrics_of(portfolio)
    closed = portfolio.trades.closed
    for metric in (
        portfolio.final_value(),
        portfolio.annualized_return(year_freq="252 days"),
        portfolio.calmar_ratio(year_freq="252 days"),
        closed.win_rate(),
        closed.profit_factor(),
        portfolio.position_coverage(),
    ):
        if np.asarray(metric).size != len(shared):
            raise ValueError("vectorbt did not give one value for each pair")
    return shared


def prepare(job: Job, engine_name: str) -> Run:
    """Do nothing before the clock starts."""
    with quiet():
        import vectorbt

    def run() -> Cells:
        out = np.empty(job.shape)
        with quiet():
            for i, history in enumerate(job.histories):
                entries, exits = crosses_of(vectorbt, history, job)
                price = column(history.open if job.fill == "next_open" else history.close)
                for k, multiple in enumerate(job.multiples):
                    portfolio = vectorbt.Portfolio.from_signals(
                        close=column(history.close),
                        entries=entries,
                        exits=exits,
                        price=price,
                        fees=job.fee,
                        init_cash=job.capital,
                        min_size=0,
                        freq="D",
                        engine=engine_name,
                        **stop_of(vectorbt, history, job, multiple),
                    )
                    out[i, :, k] = every_metric_of(portfolio)
        return out

    return run


numba_engine = partial(prepare, engine_name="numba")
