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

from engine.kernels._jit import kernel, pasted, rule
from engine.kernels.machine import highest_bit, index

__all__ = ["NO_RUN", "ROW", "Run", "fill_runs", "run_between"]

Floats = NDArray[np.float64]
ROW = 4
"""Numbers in a row of the table."""
_SHORT = 8


class Run(NamedTuple):
    """What matters of some closes in a row; of a run of none they are -inf, inf and 1."""

    highest: float
    lowest: float
    fall: float


NO_RUN = Run(-np.inf, np.inf, 1.0)


@rule
def one_close(price: float) -> Run:
    """Give the run of a single close."""
    return Run(price, price, 1.0)


@rule
def join(first: Run, second: Run) -> Run:
    """Put the second run behind the first."""
    fall = min(first.fall, second.fall, second.lowest / first.highest)
    return Run(max(first.highest, second.highest), min(first.lowest, second.lowest), fall)


@kernel
def fill_runs(close: Floats, start: int, stop: int, work: Floats, table: Floats, size: int) -> None:
    """Write the table of the closes [start, stop).

    Parameters
    ----------
    close : float64 (T,)
    work : float64 (6, at least stop - start)
        Overwritten: by bar the run to the end of its block, and the run from its start.
    table : float64 (L * size, ROW)
        Overwritten: highest, lowest, fall of a run by level and bar; 2^L is at least size, and L at least 1; the fourth number is not used, it makes a row half a cache line.
    size : int
        Bars that the table has room for.
    """
    count = stop - start
    to_end, from_start = work[:3], work[3:]
    for i in range(count):  # assigning slices would take two seconds more to compile
        to_end[0, i] = to_end[1, i] = from_start[0, i] = from_start[1, i] = close[start + i]
        to_end[2, i] = from_start[2, i] = 1.0
    for level in range(highest_bit(np.uint64(max(count - 1, 1))) + 1):  # a span of a single bar has a run too
        rows = table[level * size : (level + 1) * size]
        if 1 << level < _SHORT:
            _short_level(to_end, from_start, rows, count, level)
        else:
            _long_level(to_end, from_start, rows, count, 1 << level)


@kernel
def _short_level(to_end: Floats, from_start: Floats, rows: Floats, count: int, level: int) -> None:
    """Write the rows of one level, then join its blocks: bar by bar, for blocks that are shorter than a vector."""
    half = 1 << level
    for i in range(count):
        block = i >> level
        if block & 1:
            run = Run(from_start[0, i], from_start[1, i], from_start[2, i])
            last = (block << level) - 1
            whole = Run(from_start[0, last], from_start[1, last], from_start[2, last])
            joined = join(whole, run)
            from_start[0, i], from_start[1, i], from_start[2, i] = joined.highest, joined.lowest, joined.fall
        else:
            run = Run(to_end[0, i], to_end[1, i], to_end[2, i])
            first = (block + 1) << level
            last = min(first + half, count) - 1
            if first < count:
                whole = Run(from_start[0, last], from_start[1, last], from_start[2, last])
                joined = join(run, whole)
                to_end[0, i], to_end[1, i], to_end[2, i] = joined.highest, joined.lowest, joined.fall
        at = index(i)
        rows[at, 0], rows[at, 1], rows[at, 2], rows[at, 3] = run.highest, run.lowest, run.fall, 0.0


@kernel
def _long_level(to_end: Floats, from_start: Floats, rows: Floats, count: int, half: int) -> None:
    """Do the same block by block and number by number, which makes vectors."""
    for left in range(0, count, 2 * half):
        right, end = left + half, min(left + 2 * half, count)
        _store(to_end[:, left : min(right, count)], rows[left:])
        if right < count:
            _store(from_start[:, right:end], rows[right:])
            before = Run(from_start[0, right - 1], from_start[1, right - 1], from_start[2, right - 1])
            behind = Run(from_start[0, end - 1], from_start[1, end - 1], from_start[2, end - 1])
            _put_behind(to_end[0, left:right], to_end[1, left:right], to_end[2, left:right], behind)
            _put_before(from_start[0, right:end], from_start[1, right:end], from_start[2, right:end], before)


@pasted
def _put_behind(highest: Floats, lowest: Floats, fall: Floats, run: Run) -> None:
    """Put one run behind each of many, which are given by column."""
    for i in range(len(highest)):
        joined = join(Run(highest[i], lowest[i], fall[i]), run)
        highest[i], lowest[i], fall[i] = joined.highest, joined.lowest, joined.fall


@pasted
def _put_before(highest: Floats, lowest: Floats, fall: Floats, run: Run) -> None:
    """Put one run before each of many, which are given by column."""
    for i in range(len(highest)):
        joined = join(run, Run(highest[i], lowest[i], fall[i]))
        highest[i], lowest[i], fall[i] = joined.highest, joined.lowest, joined.fall


@pasted
def _store(runs: Floats, rows: Floats) -> None:
    """Copy runs, by column, into rows."""
    highest, lowest, fall = runs[0], runs[1], runs[2]
    for i in range(len(highest)):
        rows[i, 0] = highest[i]
        rows[i, 1] = lowest[i]
        rows[i, 2] = fall[i]
        rows[i, 3] = 0.0


@pasted
def run_between(table: Floats, size: int, first: int, last: int) -> Run:
    """Give the run of the closes [first, last), counted from the table's first bar; first < last; ``size`` is that of fill_runs."""
    row = highest_bit(np.uint64(first ^ (last - 1) | 1)) * size
    one, two = index(row + first), index(row + last - 1)
    return join(Run(table[one, 0], table[one, 1], table[one, 2]), Run(table[two, 0], table[two, 1], table[two, 2]))
