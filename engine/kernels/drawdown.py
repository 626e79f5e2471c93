"""Highest, lowest and deepest fall of any run of closes, from two rows of a table.

A disjoint sparse table. Bars are grouped in blocks of 8, 16, 32, ...; on the level of a block size, a bar of a left block knows the run from itself to the end of its
block, a bar of a right block the run from the start of its block to itself::

    level 3    . . . . . . . . | . . . . . . . .        blocks of 8
               ------------->|   |<-------------
    a run [a, b) that crosses the bar is row a joined to row b - 1

The level of a run is the highest bit in which a and b - 1 differ. A run within one block of 8 is walked through.
A fall is a ratio: the least close / highest close before it, 1 where nothing fell.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule
from engine.kernels.machine import highest_bit, index

__all__ = [
    "MOST_BARS",
    "NO_RUN",
    "ONE",
    "ROW",
    "THREE",
    "TWO",
    "WORK_SIZE",
    "Run",
    "fill_runs",
    "join",
    "places_of_run",
]

Floats = NDArray[np.float64]
ROW = 4
"""Numbers in a row of the table."""
MOST_BARS = 2048
"""Of a table."""
_PITCH = MOST_BARS + 72
"""Between the columns of the work: a constant, so that the compiler sees that they do not overlap, and not a power of 2, which would put all in the same lines of the cache."""
_HIGH, _LOW, _FALL, _INVERSE = (np.uint64(column * _PITCH) for column in range(4))
_TO_END, _FROM_START = np.uint64(0), np.uint64(4 * _PITCH)
ONE, TWO, THREE = np.uint64(1), np.uint64(2), np.uint64(3)
WORK_SIZE = 8 * _PITCH
_SHORT = 8


class Run(NamedTuple):
    """What matters of some closes in a row; of a run of none they are -inf, inf and 1."""

    highest: float
    lowest: float
    fall: float
    inverse: float  # 1 / highest, so that joining needs no division


NO_RUN = Run(-np.inf, np.inf, 1.0, 0.0)


@rule
def one_close(price: float) -> Run:
    """Give the run of a single close."""
    return Run(price, price, 1.0, 1.0 / price)


@rule
def join(first: Run, second: Run) -> Run:
    """Put the second run behind the first. The inverse of the larger one is the smaller inverse, rounding and all; a fall is rounded twice."""
    fall = min(first.fall, second.fall, second.lowest * first.inverse)
    inverse = min(first.inverse, second.inverse)
    return Run(max(first.highest, second.highest), min(first.lowest, second.lowest), fall, inverse)


@kernel
def fill_runs(close: Floats, start: int, stop: int, work: Floats, table: Floats, size: int) -> None:
    """Write the table of the closes [start, stop).

    Parameters
    ----------
    close : float64 (T,)
    work : float64 (WORK_SIZE,)
        Overwritten: by bar the run to the end of its block, and the run from its start.
    table : float64 (L * size * ROW,)
        Overwritten: the numbers of a run, by level and bar; 2^L is at least size, and L at least 1.
    size : int
        Bars that the table has room for.
    """
    count = stop - start
    for i in range(count):  # assigning slices would take two seconds more to compile
        at, price = index(i), close[index(start + i)]
        inverse = 1.0 / price
        work[at + _HIGH], work[at + _LOW], work[at + _FALL], work[at + _INVERSE] = price, price, 1.0, inverse
        at += _FROM_START
        work[at + _HIGH], work[at + _LOW], work[at + _FALL], work[at + _INVERSE] = price, price, 1.0, inverse
    for level in range(highest_bit(np.uint64(max(count - 1, 1))) + 1):  # a span of a single bar has a run too
        if 1 << level < _SHORT:
            _short_level(work, table, level * size, count, level)
        else:
            _long_level(work, table, level * size, count, 1 << level)


@kernel
def _short_level(work: Floats, rows: Floats, first_row: int, count: int, level: int) -> None:
    """Write the rows of one level, then join its blocks: bar by bar, for blocks that are shorter than a vector."""
    half = 1 << level
    for i in range(count):
        block = i >> level
        odd = block & 1
        # An odd block goes on from the last bar of the even one before it; an even one takes in the odd one behind it, as far as there is one.
        other = (block << level) - 1 if odd else min(((block + 1) << level) + half, count) - 1
        mine, theirs = index(i) + (_FROM_START if odd else _TO_END), index(other) + _FROM_START
        alone = odd == 0 and (block + 1) << level >= count
        run = Run(work[mine + _HIGH], work[mine + _LOW], work[mine + _FALL], work[mine + _INVERSE])
        whole = Run(work[theirs + _HIGH], work[theirs + _LOW], work[theirs + _FALL], work[theirs + _INVERSE])
        row = index((first_row + i) * ROW)
        rows[row], rows[row + ONE] = run.highest, run.lowest
        rows[row + TWO], rows[row + THREE] = run.fall, run.inverse
        if not alone:
            joined = join(whole, run) if odd else join(run, whole)
            work[mine + _HIGH], work[mine + _LOW] = joined.highest, joined.lowest
            work[mine + _FALL], work[mine + _INVERSE] = joined.fall, joined.inverse


@kernel
def _long_level(work: Floats, rows: Floats, first_row: int, count: int, half: int) -> None:
    """Do the same block by block, which makes vectors; written out, since a call that hands on an array would prevent them."""
    for left in range(0, count, 2 * half):
        right, end = min(left + half, count), min(left + 2 * half, count)
        before, behind = NO_RUN, NO_RUN
        if right < end:
            last, at = index(right - 1) + _FROM_START, index(end - 1) + _FROM_START
            before = Run(work[last + _HIGH], work[last + _LOW], work[last + _FALL], work[last + _INVERSE])
            behind = Run(work[at + _HIGH], work[at + _LOW], work[at + _FALL], work[at + _INVERSE])
        for i in range(left, right):
            at, row = index(i), index((first_row + i) * ROW)
            run = Run(work[at + _HIGH], work[at + _LOW], work[at + _FALL], work[at + _INVERSE])
            rows[row], rows[row + ONE] = run.highest, run.lowest
            rows[row + TWO], rows[row + THREE] = run.fall, run.inverse
            joined = join(run, behind)
            work[at + _HIGH], work[at + _LOW] = joined.highest, joined.lowest
            work[at + _FALL], work[at + _INVERSE] = joined.fall, joined.inverse
        for i in range(right, end):
            at, row = index(i) + _FROM_START, index((first_row + i) * ROW)
            run = Run(work[at + _HIGH], work[at + _LOW], work[at + _FALL], work[at + _INVERSE])
            rows[row], rows[row + ONE] = run.highest, run.lowest
            rows[row + TWO], rows[row + THREE] = run.fall, run.inverse
            joined = join(before, run)
            work[at + _HIGH], work[at + _LOW] = joined.highest, joined.lowest
            work[at + _FALL], work[at + _INVERSE] = joined.fall, joined.inverse


@rule
def places_of_run(size: int, first: int, last: int) -> tuple[np.uint64, np.uint64]:
    """Say where in the table the two runs begin that make up that of the closes [first, last).

    Both are counted from the table's first bar; first < last; ``size`` is that of fill_runs. ``join`` puts the two together; ``legs`` reads them itself, since handing on the
    table would take longer.
    """
    row = highest_bit(np.uint64(first ^ (last - 1) | 1)) * size
    return index((row + first) * ROW), index((row + last - 1) * ROW)
