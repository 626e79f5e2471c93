"""What is timed and compared: one job is one grid of backtests over some symbols, the same for every peer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import engine

__all__ = [
    "ALL_CASES",
    "FAST",
    "METRICS",
    "SLOW",
    "Case",
    "Job",
    "long_market",
    "market",
    "nse_prices",
    "one_pair",
    "with_case",
]

METRICS = ("total_return", "sharpe", "sortino", "max_drawdown", "trades", "profit_per_trade")
"""The metrics of the contract that peers have too, in the order of the last axis of every result."""

FAST, SLOW = range(5, 101, 5), range(20, 301, 10)
DENSE_FAST, DENSE_SLOW = range(5, 101), range(20, 301, 2)
MULTIPLE = 3.0

NSE = Path(__file__).resolve().parents[2] / "shared" / "data" / "nse_daily"


@dataclass(frozen=True)
class Case:
    """A stop or none, and a fill."""

    stopped: bool
    fill: str

    def __str__(self) -> str:
        """Give the heading of its column."""
        return f"{'ATR stop' if self.stopped else 'no stop'} {self.fill}"


ALL_CASES = tuple(Case(stopped, fill) for stopped in (False, True) for fill in ("close", "next_open"))


@dataclass(frozen=True, eq=False)
class Job:
    """Every symbol with every pair of averages and every stop: all-in, long only, one fee rate.

    Parameters
    ----------
    prices : engine.Prices
    fast, slow : iterable of int
        Windows in bars; every pair with fast < slow.
    multiples : tuple of float or None
        Of the ATR; None is no stop.
    fill : {"close", "next_open"}
    rows : int64 (P,) or None
        Only these of the pairs, for a peer that is too slow for all of them.
    workers : int
        Threads, for the peers that have them.
    """

    prices: engine.Prices
    fast: Iterable[int] = FAST
    slow: Iterable[int] = SLOW
    multiples: tuple[float | None, ...] = (None,)
    fill: str = "close"
    rows: NDArray[np.int64] | None = None
    workers: int = 1
    fee: float = 0.001
    capital: float = 100_000.0
    atr_window: int = 14
    bars_per_year: int = 252

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """Give fast and slow window of every pair, (P, 2)."""
        pairs = np.array([(fast, slow) for fast in self.fast for slow in self.slow if fast < slow])
        return pairs if self.rows is None else pairs[self.rows]

    @property
    def histories(self) -> list[engine.History]:
        """Give the bars of every symbol."""
        return [self.prices[symbol] for symbol in self.prices]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Give the shape of every result: symbols, pairs, stops, METRICS."""
        return len(self.prices), len(self.pairs), len(self.multiples), len(METRICS)

    @property
    def cells(self) -> int:
        """Count the backtests."""
        return int(np.prod(self.shape[:3]))

    @property
    def bars(self) -> int:
        """Count the bars of all symbols."""
        return sum(len(history) for history in self.histories)

    @property
    def case(self) -> Case:
        """Tell which of the cases this is."""
        return Case(any(self.multiples), self.fill)

    def some(self, cells: int) -> Job:
        """Keep about so many cells, pairs spread evenly over the grid; at least one, and only as many symbols as are needed."""
        for_each_symbol = len(self.pairs) * len(self.multiples)
        symbols = min(len(self.prices), max(1, cells // for_each_symbol))
        pairs = min(len(self.pairs), max(1, cells // (symbols * len(self.multiples))))
        if (symbols, pairs) == (len(self.prices), len(self.pairs)):
            return self
        rows = np.unique(np.linspace(0, len(self.pairs) - 1, pairs).astype(np.int64))
        kept = rows if self.rows is None else self.rows[rows]
        return replace(self, prices=self.prices.select(list(self.prices)[:symbols]), rows=kept)


def with_case(job: Job, case: Case) -> Job:
    """Give the same job with another stop and fill."""
    return replace(job, multiples=(MULTIPLE,) if case.stopped else (None,), fill=case.fill)


def one_pair(job: Job) -> Job:
    """Give the job of a single pair."""
    return replace(job, fast=(10,), slow=(50,), rows=None)


def market(symbols: int, bars: int = 1250) -> engine.Prices:
    """Make the seeded random walk of all figures."""
    return engine.simulate(symbols, bars, seed=42)


def long_market(bars: int) -> engine.Prices:
    """Make a long random walk whose median keeps its level, so that neither prices nor accounts run to zero or to 1e17."""
    volatility = 0.004
    return engine.simulate(1, bars, seed=42, volatility=volatility, drift=volatility**2 / 2, frequency="min")


def nse_prices(bars: int = 1250) -> engine.Prices | None:
    """Read the last bars of the real NSE prices that lie beside the repository; None where they do not."""
    for folder in (NSE, Path("../shared/data/nse_daily")):
        if folder.is_dir():
            whole = engine.load(folder, repair=["drop-duplicates"]).histories.values()
            parts = [history.between(len(history) - bars, len(history)) for history in whole if len(history) >= bars]
            return engine.Prices.from_histories(parts)
    return None
