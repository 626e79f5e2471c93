"""vectorbt as its users call it: ``Portfolio.from_signals`` on the columns of all pairs of a symbol at once.

Made equal to the contract by settings: ``min_size=0`` (its default drops small orders without a word), a year of 252 days (default 365), closed trades only, stops by the
fill price. An infinite ratio is one without a denominator, which the contract calls not defined.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numba
import numpy as np

import engine
from bench.jobs import Job
from bench.peers.given import crossings, distances, shifted
from bench.peers.peer import Cells, Run, quiet

__all__ = ["fixed_distance", "numba_engine", "rust_engine", "stop_settings"]


@numba.njit
def fixed_distance(context, distance):
    """Turn our distance in currency, fixed at the signal, into vectorbt's fraction of the peak."""
    return distance[context.init_i] / context.curr_price, True


def column(values: np.ndarray) -> np.ndarray:
    """Give a series the shape that broadcasts over pairs, (T, 1)."""
    return values[:, None]


def stop_settings(history: engine.History, job: Job, multiple: float | None, engine_name: str) -> dict[str, Any]:
    """Give what makes their trailing stop ours; callbacks never go to Rust, so there it stays a fraction of the peak."""
    if multiple is None:
        return {}
    distance = distances(history, job, multiple)
    if job.fill == "next_open":
        distance = np.r_[np.nan, distance[:-1]]
    if engine_name == "rust":
        fraction = np.nan_to_num(distance / (history.open if job.fill == "next_open" else history.close))
        return {"sl_stop": column(fraction), "sl_trail": True, "stop_entry_price": "fillprice"}
    return {
        "sl_stop": 0.5,  # replaced by the callback before the first test
        "sl_trail": True,
        "stop_entry_price": "fillprice",
        "adjust_sl_func_nb": fixed_distance,
        "adjust_sl_args": (distance,),
    }


def metrics_of(portfolio: Any) -> np.ndarray:
    """Ask a portfolio for the shared metrics, (P, METRICS)."""
    closed = portfolio.trades.closed
    columns = (
        portfolio.total_return(),
        portfolio.sharpe_ratio(year_freq="252 days"),
        portfolio.sortino_ratio(year_freq="252 days"),
        portfolio.max_drawdown(),
        closed.count(),
        closed.pnl.mean(),
    )
    found = np.column_stack([np.asarray(column, float).reshape(-1) for column in columns])
    found[np.isinf(found)] = np.nan
    return found


def prepare(job: Job, engine_name: str) -> Run:
    """Take signals and distances before the clock starts; build portfolios and ask for their metrics while it runs."""
    with quiet():
        import vectorbt
    calls = []
    for history in job.histories:
        signals = crossings(history, job.pairs)
        if job.fill == "next_open":
            signals = shifted(signals)
        common = {
            "close": column(history.close),
            "entries": signals == 1,
            "exits": signals == -1,
            "price": column(history.open if job.fill == "next_open" else history.close),
            "fees": job.fee,
            "init_cash": job.capital,
            "min_size": 0,
            "freq": "D",
            "engine": engine_name,
        }
        bars = {name: column(getattr(history, name)) for name in ("open", "high", "low")}
        stops = [stop_settings(history, job, multiple, engine_name) for multiple in job.multiples]
        calls.append([{**common, **bars, **stop} if stop else common for stop in stops])

    def run() -> Cells:
        out = np.empty(job.shape)
        with quiet():
            for i, arguments in enumerate(calls):
                for k, argument in enumerate(arguments):
                    out[i, :, k] = metrics_of(vectorbt.Portfolio.from_signals(**argument))
        return out

    return run


numba_engine = partial(prepare, engine_name="numba")
rust_engine = partial(prepare, engine_name="rust")
