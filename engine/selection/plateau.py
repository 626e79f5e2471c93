"""The neighbourhood of a cell on the grid of windows and stops, and the middle of the widest plateau.

A rule that works because of something in the market works with nearly the same windows as well; a peak that stands alone is more likely luck. So the cell that is recommended is not the
highest one, but the one with the most good cells around it: good cells are those at least half way from the median of all cells to the peak (as the width of a peak is measured at half its height), the plateau is the
largest connected region of them, and its middle is the cell that is furthest from the plateau's border. The share of one half is a convention, no result of theory: it is an argument.

Steps are steps in the lists of windows, not bars: a grid should be chosen such that a step is about as large a change everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError

__all__ = ["Neighbours", "Plateau", "Surface", "neighbours_of", "widest_plateau"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Cell = tuple[int, int, int]

AXES = ("fast window", "slow window", "stop")


@dataclass(frozen=True)
class Surface:
    """One value for every cell of a grid of one symbol.

    Parameters
    ----------
    fast, slow : int64 (F,), (W,)
        Windows, increasing.
    stops : float64 (K,)
        Multiples of one kind of stop, increasing; inf is no stop, which is what a wide one comes to.
    values : float64 (F, W, K)
        What is judged, higher is better; nan where there is no such cell or its value is not defined.
    profitable : bool (F, W, K)
        Where the total return is above 0; only read where there is a value.

    Raises
    ------
    InputError
    """

    fast: NDArray[np.int64]
    slow: NDArray[np.int64]
    stops: Floats
    values: Floats
    profitable: Flags

    def __post_init__(self) -> None:
        for name, axis in zip(AXES, (self.fast, self.slow, self.stops), strict=True):
            if len(axis) == 0 or not (axis[1:] > axis[:-1]).all():
                raise InputError(
                    f"the grid has {name}s that do not increase; give each once, from the smallest to the largest"
                )
        shape = (len(self.fast), len(self.slow), len(self.stops))
        if self.values.shape != shape or self.profitable.shape != shape:
            raise InputError(f"the values have the shape {self.values.shape}; expected is {shape}")
        if np.isinf(self.values).any():
            raise InputError("a value is infinite; what is not defined must be nan")

    @property
    def exists(self) -> Flags:
        """Tell which cells have a value, bool (F, W, K)."""
        return ~np.isnan(self.values)


class Neighbours(NamedTuple):
    """What the cells around a cell are worth."""

    cells: int  # that exist
    median: float  # nan if there are none
    worst: float
    profitable: float  # share of them
    edges: tuple[str, ...]  # in words, where the grid ends beside the cell: the neighbours beyond are not known


def neighbours_of(surface: Surface, cell: Cell) -> Neighbours:
    """Judge the neighbours of a cell: all cells at most one step away in fast window, slow window and stop, diagonals too; at most 26.

    Parameters
    ----------
    surface : Surface
    cell : (int, int, int)
        Places in ``fast``, ``slow`` and ``stops``.

    Raises
    ------
    InputError
        There is no such cell.
    """
    _check(surface, cell)
    places = [other for other in _around(surface.values.shape, cell) if other != cell]
    values = np.array([surface.values[other] for other in places])
    profitable = np.array([surface.profitable[other] for other in places], np.bool_)
    known = ~np.isnan(values)
    edges = tuple(text for axis in range(3) for text in _edges(surface, axis, cell[axis], cell[axis]))
    if not known.any():
        return Neighbours(0, math.nan, math.nan, math.nan, edges)
    values = values[known]
    share = float(profitable[known].mean())
    return Neighbours(len(values), float(np.median(values)), float(values.min()), share, edges)


@dataclass(frozen=True)
class Plateau:
    """The largest connected region of good cells.

    Attributes
    ----------
    level : float
        Value from which a cell is good; nan where ``undefined`` says why.
    cells : bool (F, W, K)
        Those of the plateau.
    centre : (int, int, int) or None
        Its middle: places in ``fast``, ``slow`` and ``stops``.
    steps : int
        How far the middle is from the nearest cell that is not of the plateau, or from the end of the grid: 1 if it is on the border.
    neighbours : Neighbours or None
        Of the middle.
    edges : tuple of str
        In words, where the plateau reaches the end of the grid and may go on beyond.
    undefined : str
        Why there is no plateau; else empty.
    """

    level: float
    cells: Flags
    centre: Cell | None
    steps: int
    neighbours: Neighbours | None
    edges: tuple[str, ...]
    undefined: str = ""

    @property
    def size(self) -> int:
        """Number of its cells."""
        return int(np.count_nonzero(self.cells))

    def holds(self, cell: Cell) -> bool:
        """Tell whether a cell, such as the highest one, is on it."""
        return bool(self.cells[cell])


def widest_plateau(surface: Surface, share: float = 0.5) -> Plateau:
    """Find the largest connected region of good cells, and its middle.

    A cell is good if its value is at least ``median + share * (peak - median)`` of all cells that exist. Good cells are connected one step in one direction apart, not diagonally. Of regions of
    the same size, the one with the higher median value counts. The middle is the cell with the most steps (diagonals too) to a cell that is not of the region; cells that
    do not exist, and the end of the grid, count as such, since nothing is known of what lies there; but an axis on which the grid has one place only does not count. Of several
    such cells, the one whose neighbours have the highest median is taken, then the one with the highest value, then the first.

    Parameters
    ----------
    surface : Surface
    share : float
        0 to 1.

    Raises
    ------
    InputError
    """
    if not 0.0 <= share <= 1.0:
        raise InputError(f"the share of the height is {share}; it must lie between 0 and 1")
    exists = surface.exists
    if not exists.any():
        nothing = np.zeros(exists.shape, np.bool_)
        return Plateau(math.nan, nothing, None, 0, None, (), "No cell has a value, so there is no plateau.")
    values = surface.values[exists]
    middle, peak = float(np.median(values)), float(values.max())
    level = peak if share == 1.0 else middle + share * (peak - middle)
    good = exists & (surface.values >= level)
    cells = _widest(good, surface.values)
    steps = _steps_inside(cells)
    inmost = [_cell(place) for place in np.argwhere(steps == steps.max())]
    centre = max(inmost, key=lambda cell: _rank(surface, cell))  # the first of several
    return Plateau(
        level=level,
        cells=cells,
        centre=centre,
        steps=int(steps.max()),
        neighbours=neighbours_of(surface, centre),
        edges=_reached(surface, cells),
    )


def _rank(surface: Surface, cell: Cell) -> tuple[float, float]:
    """Order cells that are equally far inside."""
    median = neighbours_of(surface, cell).median
    return -math.inf if math.isnan(median) else median, float(surface.values[cell])


def _check(surface: Surface, cell: Cell) -> None:
    """Refuse a cell that is not there."""
    inside = all(0 <= place < length for place, length in zip(cell, surface.values.shape, strict=True))
    if not inside or np.isnan(surface.values[cell]):
        raise InputError(f"the grid has no cell {cell} with a value")


def _cell(place: NDArray[np.int64]) -> Cell:
    """Give three places as a cell."""
    return int(place[0]), int(place[1]), int(place[2])


def _around(shape: tuple[int, ...], cell: Cell) -> list[Cell]:
    """Give the cells of the grid at most one step away, itself among them."""
    fast, slow, stop = (range(max(0, at - 1), min(length, at + 2)) for at, length in zip(cell, shape, strict=True))
    return [(i, j, k) for i in fast for j in slow for k in stop]


def _regions(good: Flags) -> NDArray[np.int64]:
    """Give every good cell the number of its connected region, from 1 in the order of their first cells; 0 elsewhere."""
    padded = np.pad(good, 1)
    strides = [padded.shape[1] * padded.shape[2], padded.shape[2], 1]
    left = bytearray(padded.tobytes())
    numbers, regions = np.zeros(padded.size, np.int64), 0
    for start in np.flatnonzero(padded).tolist():
        if not left[start]:
            continue
        region = [start]
        left[start] = 0
        for at in region:  # which grows as it is walked through
            for stride in strides:
                for other in (at - stride, at + stride):
                    if left[other]:
                        left[other] = 0
                        region.append(other)
        regions += 1
        numbers[region] = regions
    return numbers.reshape(padded.shape)[1:-1, 1:-1, 1:-1]


def _widest(good: Flags, values: Floats) -> Flags:
    """Give the largest connected region; of several the one with the highest median value, then the first."""
    numbers = _regions(good)
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0
    largest = [numbers == number for number in np.flatnonzero(sizes == sizes.max()).tolist()]
    return max(largest, key=lambda region: float(np.median(values[region])))


def _steps_inside(region: Flags) -> NDArray[np.int64]:
    """Count the steps to the nearest cell that is not of the region, by taking its border away again and again; 0 outside."""
    steps = np.zeros(region.shape, np.int64)
    axes = [axis for axis in range(region.ndim) if region.shape[axis] > 1]
    while region.any():
        steps += region
        if not axes:
            break
        for (
            axis
        ) in axes:  # one axis after the other: together they take away what has a neighbour outside, diagonals too
            width = [(int(axis == other),) * 2 for other in range(region.ndim)]
            padded = np.moveaxis(np.pad(region, width), axis, 0)
            region = np.moveaxis(padded[:-2] & padded[1:-1] & padded[2:], 0, axis)
    return steps


def _edges(surface: Surface, axis: int, first: int, last: int) -> Iterator[str]:
    """Say at which ends of an axis the places from ``first`` to ``last`` arrive; an axis of one place has no ends."""
    places = (surface.fast, surface.slow, surface.stops)[axis]
    if len(places) == 1:
        return
    if first == 0:
        yield f"the smallest {AXES[axis]}, {_say(places[0])}"
    if last == len(places) - 1 and not math.isinf(places[-1]):  # there is nothing beyond no stop
        yield f"the largest {AXES[axis]}, {_say(places[-1])}"


def _say(place: float) -> str:
    """Write a window or a multiple."""
    return f"{float(place):g}"


def _reached(surface: Surface, cells: Flags) -> tuple[str, ...]:
    """Say where the plateau reaches the end of the grid."""
    found = np.argwhere(cells)
    lows, highs = found.min(axis=0), found.max(axis=0)
    return tuple(text for axis in range(3) for text in _edges(surface, axis, int(lows[axis]), int(highs[axis])))
