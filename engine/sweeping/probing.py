"""A small probe of a sweep: how long its tiles take on this machine, and how large their parts are."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

import numpy as np

from engine.grid import Grid
from engine.kernels.metrics import METRIC_COUNT
from engine.results.parts import FORMAT, Tile, kernels_stamp
from engine.results.stream import CellWriter
from engine.sweeping.job import Job
from engine.sweeping.threads import run_in_order
from engine.sweeping.tiles import Work, compute_tile, read_tile

__all__ = ["Probe", "measure", "work_of"]

_PIECES, _SECONDS = 64, 0.05
"""Of the probe, and of each of them, about. With 16 the bytes of a grid of which most cells have too few bars came out 19 percent too low, with 64 it was 2."""
_LEAST_PIECES, _ENOUGH_CELLS, _MOST_LONGER = 16, 8192, 10.0
"""Where so few cells take so long that a piece would have hardly any, pieces take up to ten times longer, and are fewer: with 660 cells each the bytes came out 95 percent too high."""
_FIRST_CELLS = 4096
"""Of what is computed first, to compile or load the kernels and to learn the pace."""


class Probe(NamedTuple):
    """What was measured.

    Attributes
    ----------
    tile, pace, reading : float
        Seconds of a thread: for a tile besides its cells, for a cell x bar, and for reading a cell.
    part, cell : float
        Bytes: of a part besides its cells, and of a cell.
    cells : int
        That were computed.
    """

    tile: float
    pace: float
    reading: float
    part: float
    cell: float
    cells: int

    def seconds(self, tiles: int, work: float, read: int) -> float:
        """Estimate the seconds of one thread for some tiles with so many cells x bars, and for reading cells."""
        return tiles * self.tile + work * self.pace + read * self.reading

    def bytes(self, parts: int, cells: int) -> float:
        """Estimate the bytes of some parts."""
        return parts * self.part + cells * self.cell


def work_of(job: Job, tiles: list[Tile]) -> float:
    """Count cells x bars of some tiles."""
    cells = job.grid.cells
    return float(
        sum(
            (min(tile.stop, (i + 1) * cells) - max(tile.first, i * cells)) * job.prices.length(job.symbols[i])
            for tile in tiles
            for i in range(tile.first // cells, -(-tile.stop // cells))
        )
    )


def measure(job: Job, keep: int | None, tiles: list[Tile], *, written: bool) -> Probe:
    """Compute pieces of some tiles, all over the sweep, on all threads, and write and read them if the sweep will."""
    grid = Grid(job.grid.pairs, job.grid.stops)
    with TemporaryDirectory() as folder:
        held = np.zeros(len(job.symbols))
        work = Work(job.symbols, grid, job.settings, held, "sharpe", keep or 1, Path(folder), "", kernels_stamp())
        if not written:
            work = replace(work, folder=None)
        prober = Prober(job, work)
        first, most = prober.first(tiles[0])
        bars = max(_bars(job, tile) for tile in (tiles[0], tiles[len(tiles) // 2], tiles[-1]))
        longer = min(max(1.0, _ENOUGH_CELLS * bars / most), _MOST_LONGER)
        count, most = max(_LEAST_PIECES, int(_PIECES / longer)), most * longer
        random = np.random.default_rng(0).random((2, count))
        spots = [tiles[int((i + u) / count * len(tiles))] for i, u in enumerate(random[0])]
        some = {_piece(grid, tile, int(most / _bars(job, tile)), u) for tile, u in zip(spots, random[1], strict=True)}
        found: list[_Timed] = []
        if not run_in_order([partial(prober.run, tile) for tile in sorted(some)], job.workers, found.append):
            raise KeyboardInterrupt
        least = prober.smallest() if written else 0
    cells, paths = sum(one.cells for one in found), len(found)
    pace = (sum(one.computing for one in found) - paths * first) / work_of(job, list(some))
    return Probe(
        tile=first,
        pace=max(pace, 1e-12),
        reading=sum(one.reading for one in found) / cells,
        part=least,
        cell=(sum(one.size for one in found) - paths * least) / cells,
        cells=cells,
    )


class _Timed(NamedTuple):
    """A piece that was computed: cells, seconds, bytes."""

    cells: int
    computing: float
    reading: float
    size: int


class Prober:
    """Compute pieces, each twice: what is worked out once for a piece of the grid is done by then, as it is for all symbols but the first."""

    def __init__(self, job: Job, work: Work) -> None:
        self._job, self._work = job, work

    def run(self, tile: Tile) -> _Timed:
        """Compute a piece."""
        histories = [self._job.prices[self._work.symbols[i]] for i in self._work.numbers(tile)]
        compute_tile(self._work, tile, histories)
        started = perf_counter()
        done = compute_tile(self._work, tile, histories).done
        ended = perf_counter()
        if done is not None:
            read_tile(self._work, done)
        return _Timed(tile.stop - tile.first, ended - started, perf_counter() - ended, done.size if done else 0)

    def first(self, tile: Tile) -> tuple[float, float]:
        """Learn the pace: the seconds of a tile with hardly any cells, and the cells x bars of a piece that takes ``_SECONDS``."""
        least, cells = math.inf, _FIRST_CELLS
        while True:
            piece = _piece(self._work.grid, tile, cells, 0.0)
            took = self.run(piece).computing
            least = min(least, took)
            if took - least > _SECONDS / 3 or cells > tile.stop - tile.first:
                return least, _SECONDS / max(took - least, 1e-3) * work_of(self._job, [piece])
            cells *= 8

    def smallest(self) -> int:
        """Give the bytes of a part with hardly any cells."""
        path = Path(str(self._work.folder)) / "smallest.parquet"
        with CellWriter(path, self._job.symbols[:1], self._work.grid, {"format": FORMAT}) as writer:
            writer.add(0, 0, np.full((1, len(self._work.grid.stops), METRIC_COUNT), np.nan))
            writer.close(finished=True)
        return path.stat().st_size


def _bars(job: Job, tile: Tile) -> int:
    """Give the bars of the first symbol of a tile."""
    return job.prices.length(job.symbols[tile.first // job.grid.cells])


def _piece(grid: Grid, tile: Tile, most: int, where: float) -> Tile:
    """Give a piece of a tile with about so many cells: some symbols, or some fast windows of its first symbol, at ``where`` (0 to 1)."""
    cells = grid.cells
    if most >= tile.stop - tile.first:
        return tile
    symbols, together = (tile.stop - tile.first) // cells, max(1, most // cells)
    if symbols > 1:
        groups = -(-symbols // together)
        group = int(where * groups)
        first = tile.first + group * together * cells
        tile, where = Tile(first, min(tile.stop, first + together * cells)), where * groups - group
        if most >= cells:
            return tile
    start, stop, stops = tile.first // cells * cells, tile.stop, len(grid.stops)
    pieces = list(grid.parts(max(most, 1), slice((tile.first - start) // stops, (stop - start) // stops)))
    pairs = pieces[int(where * len(pieces))]
    return Tile(start + pairs.start * stops, start + pairs.stop * stops)
