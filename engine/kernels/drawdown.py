"""Highest, lowest and deepest fall of any run of closes, from two rows of a table.

A disjoint sparse table. Bars are grouped in blocks of 8, 16, 32, ...; on the level of a block size, a bar of a left block knows the run from itself to the end of its
block, a bar of a right block the run from the start of its block to itself::

    level 3    . . . . . . . . | . . . . . . . .        blocks of 8
               ------------->|   |<-------------
    a run [a, b) that crosses the bar is row a joined to row b - 1

The level of a run is the highest bit in which a and b - 1 differ; blocks of 1, 2 and 4 bars are those of ``eights``.
A fall is a ratio: the least close / highest close before it, 1 where nothing fell.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule
from engine.kernels.eights import EIGHT, ROW, fill_eight, join_before, join_behind
from engine.kernels.machine import highest_bit, index

__all__ = [
    "MOST_BARS",
    "NO_RUN",
    "ONE",
    "ROW",
    "TWO",
    "WORK_SIZE",
    "Run",
    "fill_runs",
    "join",
    "places_of_run",
]

Floats = NDArray[np.float64]
MOST_BARS = 2048
"""Of a table."""
_PITCH = MOST_BARS + 72
"""Between the columns of the work: a constant, so that the compiler sees that they do not overlap, and not a power of 2, which would put all in the same lines of the cache."""
_PITCH_PLACES = np.uint64(_PITCH)
_HIGH, _LOW, _FALL, _INVERSE = (np.uint64(column * _PITCH) for column in range(4))
_TO_END, _FROM_START = np.uint64(0), np.uint64(4 * _PITCH)
ONE, TWO = np.uint64(1), np.uint64(2)
WORK_SIZE = 8 * _PITCH


class Run(NamedTuple):
    """What matters of some closes in a row; of a run of none they are -inf, inf and 1."""

    highest: float
    lowest: float
    fall: float


NO_RUN = Run(-np.inf, np.inf, 1.0)


@rule
def join(first: Run, second: Run) -> Run:
    """Put the second run behind the first."""
    fall = min(first.fall, second.fall, second.lowest / first.highest)
    return Run(max(first.highest, second.highest), min(first.lowest, second.lowest), fall)


@kernel
def fill_runs(close: Floats, start: int, stop: int, longest: int, work: Floats, table: Floats, size: int) -> None:
    """Write the table of the closes [start, stop).

    Parameters
    ----------
    close : float64 (T,)
    start, stop : int
    longest : int
        Bars of the longest run that will be asked for.
    work : float64 (WORK_SIZE,)
        Overwritten: by bar the run to the end of its block, and the run from its start.
    table : float64 (L * size * ROW,)
        Overwritten: the numbers of a run, by level and bar; 2^L is at least size, and L at least 3.
    size : int
        Bars that the table has room for, a multiple of 8.
    """
    count = stop - start
    for i in range(count):  # assigning slices would take two seconds more to compile
        price = close[index(start + i)]
        work[index(i) + _HIGH], work[index(i) + _INVERSE] = price, 1.0 / price
    for i in range(count, -(-count // EIGHT) * EIGHT):
        work[index(i) + _HIGH], work[index(i) + _INVERSE] = 1.0, 1.0
    for i in range(0, count, EIGHT):
        fill_eight(work, index(i), _PITCH_PLACES, table, index(i * ROW), index(size * ROW))
    near = -(-longest // EIGHT) * EIGHT
    for level in range(3, highest_bit(np.uint64(max(count - 1, 1))) + 1):
        _long_level(work, table, level * size, count, 1 << level, near)


@kernel
def _long_level(work: Floats, table: Floats, first_row: int, count: int, half: int, near: int) -> None:
    """Write the rows of one level of blocks of 8 bars or more, as far as they are so near to where two blocks meet, then join the blocks.

    Where blocks are as long as that, nothing has to be joined: what is near to their end is in the second half, and what is near to their start in the first.
    """
    for block in range(0, count, 2 * half):
        right = min(block + half, count)
        left, end = max(block, right - near), min(block + 2 * half, count, right + near)
        high, low, fall, inverse = -np.inf, np.inf, 1.0, np.inf  # of no bar: joined to a run it changes nothing
        before = high, low, fall, inverse
        if right < end and half < near:
            last, at = index(right - 1) + _FROM_START, index(end - 1) + _FROM_START
            before = work[last + _HIGH], work[last + _LOW], work[last + _FALL], work[last + _INVERSE]
            high, low, fall, inverse = work[at + _HIGH], work[at + _LOW], work[at + _FALL], work[at + _INVERSE]
        row, wide = index((first_row + left) * ROW), index(right - left)
        join_behind(work, index(left), _PITCH_PLACES, table, row, wide, high, low, fall, inverse)
        if right < end:
            high, low, fall, inverse = before
            row, wide = index((first_row + right) * ROW), index(end - right)
            join_before(work, index(right) + _FROM_START, _PITCH_PLACES, table, row, wide, high, low, fall, inverse)


@rule
def places_of_run(size: int, first: int, last: int) -> tuple[np.uint64, np.uint64]:
    """Say where in the table the two runs begin that make up that of the closes [first, last).

    Both are counted from the table's first bar; first < last; ``size`` is that of fill_runs. ``join`` puts the two together; ``legs`` reads them itself, since handing on the
    table would take longer.
    """
    row = highest_bit(np.uint64(first ^ (last - 1) | 1)) * size
    return index((row + first) * ROW), index((row + last - 1) * ROW)
