"""Tiles: runs of cells that are worked on by themselves, on a thread or on another machine, and leave a part on the disk and a few numbers.

A tile takes about a second. It streams: its cells are computed some at a time, handed to the file and counted, so that its memory does not grow with it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError
from engine.grid import Grid
from engine.kernels.metrics import METRIC_COUNT
from engine.prices.history import History
from engine.results.parts import FORMAT, Done, Tile, kernels_stamp
from engine.results.reduced import Reducer, Reduction
from engine.results.storage import load_rows
from engine.results.stream import CellWriter
from engine.settings import Settings
from engine.sweeping.cells import Part

__all__ = ["MOST_SENT", "Outcome", "Work", "compute_tile", "cut", "read_tile"]

Floats = NDArray[np.float64]

_MOST_CELLS = 1 << 21
"""Of a tile: 140 MB on the disk."""
_MOST_WORK, _LEAST_WORK = 3_000_000_000, 200_000_000
"""Cells x bars of a tile: a second, and 60 ms if the whole sweep is small."""
_MOST_BARS = 320_000
"""Of the symbols of a tile, if it has several: their prices are in memory together, 15 MB."""
MOST_SENT = 1 << 18
"""Cells of a tile that are all sent back: 27 MB, of which a worker holds a few."""
_TOGETHER = 1 << 16
"""Cells that are computed in one go: 7 MB of metrics."""


@dataclass(frozen=True, eq=False)
class Work:
    """What a worker has to know of a sweep beside the prices.

    Attributes
    ----------
    symbols : tuple of str
    grid : Grid
    settings : Settings
    held : float64 (symbols,)
        Total return of buying and holding.
    metric : str
    keep : int
        Cells of each symbol; 0 sends all of them back.
    folder : Path or None
        Where the parts go.
    stamp : str
        Of the sweep, which the parts carry.
    made_by : str
        ``kernels_stamp()`` of the process that wants it done.
    """

    symbols: tuple[str, ...]
    grid: Grid
    settings: Settings
    held: Floats
    metric: str
    keep: int
    folder: Path | None
    stamp: str
    made_by: str

    def numbers(self, tile: Tile) -> range:
        """Give the positions of the symbols of a tile."""
        return range(tile.first // self.grid.cells, -(-tile.stop // self.grid.cells))

    def reducer(self, numbers: range) -> Reducer:
        """Make a reducer of some symbols."""
        part = slice(numbers.start, numbers.stop)
        return Reducer(self.symbols[part], self.grid, self.held[part], self.metric, self.keep)


class Outcome(NamedTuple):
    """What a tile leaves.

    Attributes
    ----------
    tile : Tile
    reduction : Reduction or None
        Of its symbols; None if all cells are sent back.
    looped : int
        Cells that the fast way left to a slower one.
    done : Done or None
        Its part, if it was written.
    values : float64 (cells, METRIC_COUNT) or None
        All of its cells, if they are sent back.
    """

    tile: Tile
    reduction: Reduction | None
    looped: int
    done: Done | None = None
    values: Floats | None = None


def cut(grid: Grid, bars: Sequence[int], most_cells: int = _MOST_CELLS) -> list[int]:
    """Cut a sweep into tiles; the cuts depend on the sweep only, not on who works on it.

    Parameters
    ----------
    grid : Grid
    bars : sequence of int
        Of each symbol.
    most_cells : int
        Of a tile, as far as whole fast windows allow.

    Returns
    -------
    list of int
        Edges among all cells, from 0 to their number. A tile is some whole symbols, or some whole fast windows of one symbol.
    """
    goal = min(_MOST_WORK, max(_LEAST_WORK, grid.cells * sum(bars) // 64))
    parts_of: dict[
        int, list[int]
    ] = {}  # most cells of a tile to the ends of its parts: few lengths, and many symbols of each
    edges, first = [0], 0
    together = 0  # bars of the symbols that wait for a cut
    for i, (length, following) in enumerate(zip(bars, [*bars[1:], 0], strict=True)):
        most = max(1, min(most_cells, goal // length))
        together += length
        if grid.cells > most:
            if first < i * grid.cells:
                edges.append(i * grid.cells)
            if most not in parts_of:
                parts_of[most] = [pairs.stop * len(grid.stops) for pairs in grid.parts(most)]
            edges += [i * grid.cells + stop for stop in parts_of[most]]
        # With the next one it would be too large.
        elif (i + 2) * grid.cells - first <= most and together + following <= _MOST_BARS and following:
            continue
        else:
            edges.append((i + 1) * grid.cells)
        first, together = edges[-1], 0
    return edges


def compute_tile(work: Work, tile: Tile, histories: Sequence[History]) -> Outcome:
    """Compute a tile, and write its part if there is a folder, or send back all of its cells if they are to be kept.

    Parameters
    ----------
    work : Work
    tile : Tile
    histories : sequence of History
        Of its symbols.

    Raises
    ------
    InputError
        This is another goldencross than that of the sweep.
    OutputError
    """
    if work.made_by != kernels_stamp():
        raise InputError(
            f"this worker has goldencross with kernels {kernels_stamp()}, and the sweep was asked for by one with {work.made_by}; install the same on all"
        )
    if not work.keep:
        return _all_cells(work, tile, histories)
    numbers = work.numbers(tile)
    start = numbers.start * work.grid.cells
    reducer, looped = work.reducer(numbers), 0
    room = np.empty(
        0
    )  # the same memory for all pieces: in a worker of Dask, malloc gives large blocks back at once, and each new one is cleared
    with ExitStack() as stack:
        writer = None
        if work.folder is not None:
            about = {"format": FORMAT, "part": {**tile._asdict(), "stamp": work.stamp}}
            symbols = work.symbols[numbers.start : numbers.stop]
            path = work.folder / tile.name
            writer = stack.enter_context(CellWriter(path, symbols, work.grid, about, tile.first - start))
        for i, part, some in _pieces(work, tile, histories):
            shape = (len(some), *part.shape, METRIC_COUNT)
            size = math.prod(shape)
            if size > len(room):
                room = np.empty(size)
            values = room[:size].reshape(shape)
            looped += part.run(some, values)
            for at, cells in enumerate(values, i):
                reducer.add(at, part.pairs.start, cells)
                if writer is not None:
                    writer.add(at, part.pairs.start, cells)
        if writer is not None:
            writer.close(finished=True)
    done = Done.of(work.folder, tile, looped) if work.folder is not None else None
    return Outcome(tile, reducer.reduction(), looped, done)


def _all_cells(work: Work, tile: Tile, histories: Sequence[History]) -> Outcome:
    """Compute a tile that is kept as it is."""
    values, place, looped = np.empty((tile.stop - tile.first, METRIC_COUNT)), 0, 0
    for _, part, some in _pieces(work, tile, histories):
        shape = (len(some), *part.shape, METRIC_COUNT)
        after = place + math.prod(shape[:-1])
        looped += part.run(some, values[place:after].reshape(shape))
        place = after
    return Outcome(tile, None, looped, values=values)


def _pieces(work: Work, tile: Tile, histories: Sequence[History]) -> Iterator[tuple[int, Part, Sequence[History]]]:
    """Cut a tile into what is computed in one go: position of the first symbol among those of the tile, part of the grid, histories."""
    grid, stops = work.grid, len(work.grid.stops)
    if len(histories) == 1:
        first = work.numbers(tile).start * grid.cells
        within = slice((tile.first - first) // stops, (tile.stop - first) // stops)
        for pairs in grid.parts(_TOGETHER, within):
            yield 0, Part(grid, pairs, work.settings), histories
        return
    parts = [Part(grid, pairs, work.settings) for pairs in grid.parts(_TOGETHER)]
    together = max(1, _TOGETHER // grid.cells) if len(parts) == 1 else 1
    for i in range(0, len(histories), together):
        for part in parts:
            yield i, part, histories[i : i + together]


def read_tile(work: Work, done: Done) -> Outcome | None:
    """Read a part that is done, instead of computing it again; None if it is not as it was written."""
    if work.folder is None or not done.is_intact(work.folder):
        return None
    numbers = work.numbers(done.tile)
    reducer = work.reducer(numbers)
    place = done.first - numbers.start * work.grid.cells
    for rows in load_rows(work.folder / done.tile.name):
        reducer.add_rows(place, rows)
        place += len(rows)
    if place + numbers.start * work.grid.cells != done.stop:
        return None
    return Outcome(done.tile, reducer.reduction(), done.looped, done)
