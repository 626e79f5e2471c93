"""vectorbt as its guide shows it: its own averages, crosses and labelled tables, and then ``Portfolio.from_signals``.

This is what a user gets; ``vectorbt_api`` is what it can do when it is helped. Without a stop only: with one it is as there.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from bench.jobs import Job
from bench.peers.peer import Cells, Run, quiet
from bench.peers.vectorbt_api import metrics_of

__all__ = ["numba_engine"]


def prepare(job: Job, engine_name: str) -> Run:
    """Make tables of the prices before the clock starts."""
    with quiet():
        import vectorbt
    tables = [pd.DataFrame({"open": history.open, "close": history.close}, history.dates) for history in job.histories]
    fast, slow = (windows.tolist() for windows in job.pairs.T)

    def run() -> Cells:
        out = np.empty(job.shape)
        with quiet():
            for i, table in enumerate(tables):
                quick = vectorbt.MA.run(table["close"], window=fast, short_name="fast")
                lazy = vectorbt.MA.run(table["close"], window=slow, short_name="slow")
                entries, exits = quick.ma_crossed_above(lazy), quick.ma_crossed_below(lazy)
                price = table["close"]
                if job.fill == "next_open":
                    entries, exits, price = entries.vbt.fshift(1), exits.vbt.fshift(1), table["open"]
                portfolio = vectorbt.Portfolio.from_signals(
                    table["close"],
                    entries,
                    exits,
                    price=price,
                    fees=job.fee,
                    init_cash=job.capital,
                    min_size=0,
                    freq="D",
                    engine=engine_name,
                )
                out[i, :, 0] = metrics_of(portfolio)
        return out

    return run


numba_engine = partial(prepare, engine_name="numba")
