"""What a search of the whole grid finds in a market: the best of every symbol, and the best setting on all symbols."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.grid import Grid
from engine.kernels.metrics import METRIC_COUNT, METRICS
from engine.prices.history import History
from engine.results.tables import CellKeys
from engine.selection.trials import Pool, trial_blocks
from engine.settings import Settings
from engine.sweeping.cells import Part

__all__ = ["Search"]

Floats = NDArray[np.float64]
Best = tuple[Floats, NDArray[np.int64]]
"""Highest values and their places in the grid (pair times stops, plus stop); nan and -1 where nothing is defined."""

_MOST_CELLS = 65_536
"""Whose metrics are in memory together: 7 MB a thread."""
_MOST_BYTES = 64 << 20
"""Of the returns that a thread makes in one go."""


@dataclass(frozen=True, eq=False)
class Search:
    """A sweep of which only the best is kept, for many markets of the same symbols; each thread uses its own memory again.

    Parameters
    ----------
    grid : Grid
    settings : Settings
    metric : str
        That the best cells have the most of.
    """

    grid: Grid
    settings: Settings
    metric: str
    _own: threading.local = field(default_factory=threading.local)

    def cells(self, pool: Pool) -> Best:
        """Find the best cell of each symbol, (S,) each; of equal ones the first in the grid."""
        symbols, stops = len(pool.histories), len(self.grid.stops)
        best, place = np.full(symbols, np.nan), np.full(symbols, -1, np.int64)
        for pairs in self.grid.parts(_MOST_CELLS):
            part = Part(self.grid, pairs, self.settings)
            width = part.shape[0] * stops
            together = max(1, _MOST_CELLS // width)
            for first in range(0, symbols, together):
                some = slice(first, min(first + together, symbols))
                values = self._run(part, pool.histories[some])
                at = values.argmax(axis=1)
                highest = values[np.arange(len(at)), at]
                better = highest > np.where(np.isnan(best[some]), -np.inf, best[some])
                best[some] = np.where(better, highest, best[some])
                place[some] = np.where(better, pairs.start * stops + at, place[some])
        return best, place

    def _run(self, part: Part, histories: tuple[History, ...]) -> Floats:
        """Give the metric of all cells of a part, float64 (symbols, cells); minus infinity where it is not defined."""
        shape = (len(histories), *part.shape, METRIC_COUNT)
        size = int(np.prod(shape))
        if len(getattr(self._own, "memory", ())) < size:
            self._own.memory = np.empty(size)
        out = self._own.memory[:size].reshape(shape)
        part.run(histories, out)
        values = out[..., METRICS.index(self.metric)].reshape(len(histories), -1)
        return np.where(np.isnan(values), -np.inf, values)

    def settings_on_all(self, pool: Pool, symbols: frozenset[str]) -> tuple[float, int]:
        """Find the setting with the highest Sharpe ratio of the returns of some symbols with equal money in each every day, and its place; nan and -1 if none is defined."""
        best, place = np.nan, -1
        market = joined(pool, symbols)
        for trials in trial_blocks(market, self.grid, self.settings, workers=1, most_bytes=_MOST_BYTES):
            ratios = sharpe_of(trials.returns, self.settings.bars_per_year)
            if not np.isnan(ratios).all():
                at = int(np.nanargmax(ratios))
                if not ratios[at] <= best:
                    best, place = float(ratios[at]), trials.first + at
        return best, place

    def name(self, place: int) -> Mapping[str, Any]:
        """Name a place in the grid: fast, slow, atr_window, multiple; nothing for -1."""
        if place < 0:
            return {}
        return {key: values[0].item() for key, values in CellKeys(self.grid).of(np.array([place])).items()}


def joined(pool: Pool, symbols: frozenset[str]) -> Pool:
    """Keep some symbols, and the days on which one of them has a bar."""
    if len(symbols) == len(pool.histories):
        return pool
    kept = [s for s, history in enumerate(pool.histories) if history.symbol in symbols]
    count = np.zeros(len(pool.days))
    for s in kept:
        count[pool.day[s]] += 1.0
    days = np.flatnonzero(count)
    day = tuple(np.searchsorted(days, pool.day[s]) for s in kept)
    return Pool(tuple(pool.histories[s] for s in kept), pool.days[days], day, count[days], pool.left_out)


def sharpe_of(returns: Floats, bars_per_year: float) -> Floats:
    """Give the contract's Sharpe ratio of every row of float64 (N, D), nan where it does not vary or is not defined."""
    deviation = returns.std(axis=1, ddof=1) if returns.shape[1] > 1 else np.full(len(returns), np.nan)
    deviation[np.ptp(returns, axis=1) == 0.0] = np.nan
    ratios: Floats = returns.mean(axis=1) / deviation * np.sqrt(bars_per_year)
    return ratios
