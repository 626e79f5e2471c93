"""Sweeps of any size in constant memory: the best cells of each symbol, and what they were picked from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import InputError
from engine.grid import Grid
from engine.kernels.metrics import METRIC_COUNT, METRICS
from engine.results.counting import Histogram, Leaders, Pool
from engine.results.tables import best_rows, cell_index, find_stop, held_series, metric_table
from engine.settings import Settings, TrailingStop

__all__ = ["Pool", "ReducedSweep", "Reducer", "Reduction"]

Floats = NDArray[np.float64]

_TOTAL_RETURN = METRICS.index("total_return")
_BLOCK = 1 << 15
"""Cells that are looked at together: what is made of a block stays in the cache, and is small beside the piece."""


class Reduction(NamedTuple):
    """What a ``Reducer`` has taken, as plain numbers: small, whatever was taken, so that it can go from one process to another.

    Attributes
    ----------
    leaders : list of (int64 (n,), float64 (n, METRIC_COUNT))
        Places and rows that lead, of each symbol.
    bins, counts : int64 (m,)
        Of the histogram.
    cells, made, beat : int
        As in ``Pool``, as numbers of cells.
    """

    leaders: list[tuple[NDArray[np.int64], Floats]]
    bins: NDArray[np.int64]
    counts: NDArray[np.int64]
    cells: int
    made: int
    beat: int


class Reducer:
    """Take the cells of a sweep piece by piece, and keep the best of each symbol.

    Memory: at most 2 x ``keep`` cells of each symbol, and 32 MiB of counts.

    Parameters
    ----------
    symbols : sequence of str
    grid : Grid
    held : float64 (symbols,)
        Total return of buying and holding each symbol, as a fraction.
    metric : str
        What the best cells have the most of.
    keep : int
        How many cells of each symbol, at least 1.

    Raises
    ------
    InputError
        No such metric, or ``keep`` makes no sense.
    """

    def __init__(self, symbols: Sequence[str], grid: Grid, held: Floats, metric: str, keep: int) -> None:
        if metric not in METRICS:
            raise InputError(f"there is no metric {metric!r}; it must be one of: {', '.join(METRICS)}")
        if isinstance(keep, bool) or not isinstance(keep, int) or keep < 1:
            raise InputError(f"keep is {keep!r}; it must be a whole number, 1 or more")
        self._symbols, self._grid, self._held, self._metric, self._keep = tuple(symbols), grid, held, metric, keep
        self._column = METRICS.index(metric)
        self._leaders = [Leaders(keep, self._column) for _ in self._symbols]
        self._histogram = Histogram()
        self._cells = self._made = self._beat = 0

    def add(self, symbol: int, first_pair: int, values: Floats) -> None:
        """Take a piece of one symbol; the pieces of a symbol come in the order of the pairs.

        Parameters
        ----------
        symbol, first_pair : int
            Positions in ``symbols`` and in ``grid.pairs``.
        values : float64 (pairs, stops, METRIC_COUNT)
            nan in all metrics where a cell was not run. It may be written over afterwards.
        """
        self.add_rows(symbol * self._grid.cells + first_pair * len(self._grid.stops), values.reshape(-1, METRIC_COUNT))

    def add_rows(self, place: int, rows: Floats) -> None:
        """Take rows (n, METRIC_COUNT) that lie from ``place`` on among all cells: symbol times the cells of the grid, plus the place in the grid."""
        end = place + len(rows)
        for symbol in range(place // self._grid.cells, -(-end // self._grid.cells)):
            first = max(place, symbol * self._grid.cells)
            for start in range(first, min(end, (symbol + 1) * self._grid.cells), _BLOCK):
                stop = min(start + _BLOCK, end, (symbol + 1) * self._grid.cells)
                self._add_block(symbol, start, rows[start - place : stop - place])

    def _add_block(self, symbol: int, place: int, rows: Floats) -> None:
        """Take rows (n, METRIC_COUNT) that lie from ``place`` on among all cells."""
        ranked = np.ascontiguousarray(rows[:, self._column])
        returns = np.ascontiguousarray(rows[:, _TOTAL_RETURN])
        self._cells += int(np.count_nonzero(~np.isnan(returns)))
        self._made += int(np.count_nonzero(returns > 0))
        self._beat += int(np.count_nonzero(returns > self._held[symbol]))
        self._histogram.add(ranked)
        self._leaders[symbol].add(place, ranked, rows)

    def reduction(self) -> Reduction:
        """Give what was taken so far, for ``merge``."""
        leaders = [leaders.kept() for leaders in self._leaders]
        return Reduction(leaders, *self._histogram.counts, self._cells, self._made, self._beat)

    def merge(self, symbol: int, taken: Reduction) -> None:
        """Take what a reducer of the symbols from ``symbol`` on took; the reductions of a symbol come in the order of the pairs."""
        for i, (places, rows) in enumerate(taken.leaders, symbol):
            self._leaders[i].join(places + symbol * self._grid.cells, rows)
        self._histogram.merge(taken.bins, taken.counts)
        self._cells += taken.cells
        self._made += taken.made
        self._beat += taken.beat

    @property
    def pool(self) -> Pool:
        """What was taken so far."""
        return Pool.counted(self._cells, self._made, self._beat, self._histogram.median, exact=False)

    @property
    def cells(self) -> pd.DataFrame:
        """The best of what was taken so far, as ``SweepTable.best(metric, "symbol", keep)`` gives them."""
        kept = [leaders.kept() for leaders in self._leaders]
        index = cell_index(self._symbols, self._grid, np.concatenate([places for places, _ in kept]))
        frame = metric_table(np.concatenate([rows for _, rows in kept]), index)
        return best_rows(frame, self._symbols, self._metric, "symbol", self._keep)

    def result(self, **known: Any) -> ReducedSweep:
        """Join what was taken with the fields of ``ReducedSweep`` from ``left_out`` on."""
        held = held_series(self._held.copy(), self._symbols)
        return ReducedSweep(
            self._symbols, self._grid, self.cells, self._metric, self._keep, self.pool, buy_and_hold=held, **known
        )


@dataclass(frozen=True, eq=False)
class ReducedSweep:
    """The best cells of each symbol of a sweep; the others were counted, and written to a file if one was named.

    Attributes
    ----------
    symbols : tuple of str
        Those that were run.
    grid : Grid
        Pairs and stops.
    cells : DataFrame
        The ``keep`` best of each symbol by ``metric``, as ``SweepTable.best(metric, "symbol", keep)`` gives them.
    metric : str
    keep : int
    pool : Pool
        What the best were picked from.
    buy_and_hold, left_out, too_short, settings, digest, finished, looped
        As in ``SweepTable``.
    path : Path or None
        The Parquet file with all cells, if they were written.
    """

    symbols: tuple[str, ...]
    grid: Grid
    cells: pd.DataFrame
    metric: str
    keep: int
    pool: Pool
    buy_and_hold: pd.Series[float]
    left_out: Mapping[str, str]
    too_short: Mapping[str, str]
    settings: Settings
    digest: str
    finished: bool = True
    looped: int | None = None
    path: Path | None = None

    def __repr__(self) -> str:
        """One line that says what this is."""
        state = "" if self.finished else ", interrupted"
        size = f"{len(self.symbols)} symbols x {self.grid.cells} cells"
        return f"<ReducedSweep {size}, best {self.keep} of each by {self.metric}{state}>"

    def _repr_html_(self) -> str:
        """Give what a notebook shows."""
        from engine.results.showing import show_reduced  # noqa: PLC0415  only notebooks need it

        return show_reduced(self)

    def __len__(self) -> int:
        """Count the cells, kept or not."""
        return len(self.symbols) * self.grid.cells

    def to_frame(self) -> pd.DataFrame:
        """Give the best cells, a row each, with the index and columns of ``SweepTable.to_frame``."""
        return self.cells.copy()

    def best(self, metric: str | None = None, per: Literal["symbol", "all"] = "symbol", k: int = 1) -> pd.DataFrame:
        """Give the best of the kept cells; the same rows as ``SweepTable.best`` gives.

        Parameters
        ----------
        metric : str or None
            None is the metric of the sweep; another one is refused, since its best cells may not have been kept.
        per : {"symbol", "all"}
            The best of every symbol, or the best of all.
        k : int
            How many, from 1 to ``keep``.

        Raises
        ------
        InputError
        """
        found = best_rows(self.cells, self.symbols, metric or self.metric, per, k)
        if metric not in (None, self.metric):
            raise InputError(f"this sweep kept its best cells by {self.metric}; sweep again with metric={metric!r}")
        if k > self.keep:
            raise InputError(f"k is {k}, but the sweep kept {self.keep} for each symbol; sweep again with keep={k}")
        return found

    def stop_of(self, atr_window: int, multiple: float) -> TrailingStop | None:
        """Find the stop of an index entry.

        Raises
        ------
        InputError
            The sweep has no such stop.
        """
        return find_stop(self.grid, atr_window, multiple)
