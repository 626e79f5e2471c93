"""The halves of combinatorially symmetric cross-validation: which trial each one picks, and where that trial ranks in the other half.

All that a Sharpe ratio needs of some blocks of days are two sums for each block, of returns and of their squares. The sums of every subset of the first S/2 blocks and of every
subset of the others are kept in two tables for a tile of trials; a half is then one row of each, added. So the sums of a half depend on nothing but its own blocks, added in
their order: two trials whose returns are the same in a half are a tie in it, which running sums (a block in, a block out) would break by their rounding.

Trials are ordered by ``s |s| / q`` (s the sum of n returns, q the sum of their squares), which rises with the Sharpe ratio and needs no root:
``SR^2 = (n - 1) / n * x / (n - x)`` where ``x = s^2 / q``, which is below n.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule
from engine.kernels.machine import bits_of, index, trailing_zeros

__all__ = ["FLAT", "LANES", "Halves", "add_blocks", "judge_halves", "sharpe_of_sums"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FLAT = 1e-12
"""A variance below this share of the mean square cannot be told from 0 in sums of doubles: the returns count as all equal."""
LANES = 8
"""Running sums side by side in ``add_blocks``; one would wait for every addition."""
_TILE = 64  # trials; the four tables of 256 rows then are half a megabyte, and stay near (N = 1000: a third faster than in one piece)
_SIGN = np.int64(2**63 - 1)


class Halves(NamedTuple):
    """What was found for M halves; every array is (M,)."""

    pick: Integers  # the trial with the highest Sharpe ratio in the half; the first of them if there are several
    below: Integers  # trials with a lower Sharpe ratio than the pick's in the other half
    equal: Integers  # trials with the same one, the pick among them
    inside: Floats  # Sharpe ratio of the pick in the half, per bar
    outside: Floats  # in the other half
    mean: Floats  # its mean return in the other half, per bar


@kernel
def add_blocks(returns: Floats, edges: Integers, sums: Floats, squares: Floats) -> None:
    """Add up the returns of every trial, and their squares, block by block.

    Equal returns give equal sums, whichever trial has them.

    Parameters
    ----------
    returns : float64 (n, D)
        C-contiguous.
    edges : int64 (S + 1,)
        Where the blocks begin, and D.
    sums, squares : float64 (n, S)
        Overwritten.
    """
    total, square = np.empty(LANES), np.empty(LANES)
    for i in range(len(returns)):
        for block in range(len(edges) - 1):
            first, last = edges[block], edges[block + 1]
            for lane in range(LANES):
                total[lane] = square[lane] = 0.0
            whole = first + (last - first) // LANES * LANES
            for t in range(first, whole, LANES):
                for lane in range(LANES):
                    value = returns[i, index(t + lane)]
                    total[lane] += value
                    square[lane] += value * value
            for t in range(whole, last):
                total[t - whole] += returns[i, t]
                square[t - whole] += returns[i, t] * returns[i, t]
            sums[i, block], squares[i, block] = _together(total), _together(square)


@rule
def _together(lanes: Floats) -> float:
    """Add up the lanes, in their order."""
    total = 0.0
    for lane in range(LANES):
        total += lanes[lane]
    return total


@rule
def sharpe_of_sums(total: float, square: float, bars: float) -> float:
    """Give the Sharpe ratio per bar, ddof 1; 0 where the returns are all equal, as they are of a trial that does not trade."""
    mean = total / bars
    rest = square - total * mean
    if not rest > FLAT * square:
        return 0.0
    return mean / np.sqrt(rest / (bars - 1.0))


@rule
def _height(total: float, square: float, limit: float) -> float:
    """Order trials as their Sharpe ratios do; 0 where all returns are equal (limit is bars * (1 - FLAT)), also where all are 0, which gives nan here."""
    height = total * abs(total) / square
    return height if abs(height) < limit else 0.0


@rule
def _key(height: float) -> int:
    """Give a whole number that orders as the height does: LLVM takes the highest of many whole numbers in vectors, but not of doubles."""
    bits = np.int64(bits_of(height + 0.0))  # the sum makes 0 of minus 0
    return bits ^ ((bits >> np.int64(63)) & _SIGN)


@kernel
def _fill(sums: Floats, first: int, size: int, block: int, half: int, table: Floats) -> None:
    """Write the sums of every subset of ``half`` blocks from ``block`` on, for a tile of trials; bit half - 1 - j of a row's number is block j."""
    for i in range(size):
        table[i] = 0.0
    for row in range(1, 1 << half):
        before = row & (row - 1)  # without its last block, so that blocks are added in their order
        added = sums[block + half - 1 - trailing_zeros(np.uint64(row))]
        for i in range(size):
            table[index(row * _TILE + i)] = table[index(before * _TILE + i)] + added[index(first + i)]


@kernel
def _fill_all(sums: Floats, squares: Floats, first: int, size: int, tables: Floats) -> None:
    """Write the four tables: sums of the first blocks, sums of the others, squares of both."""
    half = len(sums) // 2
    for part in range(2):
        _fill(sums, first, size, part * half, half, tables[part])
        _fill(squares, first, size, part * half, half, tables[2 + part])


@kernel
def _highest(tables: Floats, left: int, right: int, size: int, limit: float) -> int:
    """Give the key of the highest trial of a tile in a half."""
    one, other, square, squares = tables[0], tables[1], tables[2], tables[3]
    best = -_SIGN
    for i in range(size):
        total = one[index(left + i)] + other[index(right + i)]
        best = max(best, _key(_height(total, square[index(left + i)] + squares[index(right + i)], limit)))
    return best


@kernel
def _find(tables: Floats, left: int, right: int, size: int, limit: float, wanted: int) -> int:
    """Give the first trial of a tile that has a key."""
    for i in range(size):
        total, square = tables[0, left + i] + tables[1, right + i], tables[2, left + i] + tables[3, right + i]
        if _key(_height(total, square, limit)) == wanted:
            return i
    return -1


@kernel
def _pick(sums: Floats, squares: Floats, masks: Integers, bars: Integers, pick: Integers) -> None:
    """Find the highest trial of every half."""
    half = len(sums) // 2
    tables = np.empty((4, _TILE << half))
    low = np.int64((1 << half) - 1)
    best = np.empty(len(masks), np.int64)
    for k in range(len(masks)):
        best[k] = -_SIGN
    for first in range(0, sums.shape[1], _TILE):
        size = min(_TILE, sums.shape[1] - first)
        _fill_all(sums, squares, first, size, tables)
        for k in range(len(masks)):
            left, right = (masks[k] >> half) * _TILE, (masks[k] & low) * _TILE
            limit = bars[k] * (1.0 - FLAT)
            found = _highest(tables, left, right, size, limit)
            if found > best[k]:
                best[k] = found
                pick[k] = first + _find(tables, left, right, size, limit, found)


@kernel
def _describe(
    sums: Floats, squares: Floats, masks: Integers, bars: Integers, days: int, out: Halves, heights: Floats
) -> None:
    """Write what became of every pick, and its height in the other half."""
    blocks = len(sums)
    half = blocks // 2
    total, square = np.empty((2, 2)), np.empty((2, 2))  # in the other half and in this one, of the first blocks and of the others
    for k in range(len(masks)):
        for side in range(2):
            total[side, 0] = total[side, 1] = square[side, 0] = square[side, 1] = 0.0
        for block in range(blocks):
            side, part = (masks[k] >> (blocks - 1 - block)) & 1, block // half
            total[side, part] += sums[block, out.pick[k]]
            square[side, part] += squares[block, out.pick[k]]
        others = float(days - bars[k])
        outside, outside_square = total[0, 0] + total[0, 1], square[0, 0] + square[0, 1]
        heights[k] = _height(outside, outside_square, others * (1.0 - FLAT))
        out.inside[k] = sharpe_of_sums(total[1, 0] + total[1, 1], square[1, 0] + square[1, 1], float(bars[k]))
        out.outside[k] = sharpe_of_sums(outside, outside_square, others)
        out.mean[k] = outside / others


@kernel
def _count(tables: Floats, left: int, right: int, size: int, limit: float, height: float) -> tuple[int, int]:
    """Count the trials of a tile that are lower, and those that are equal."""
    one, other, square, squares = tables[0], tables[1], tables[2], tables[3]
    below = equal = 0
    for i in range(size):
        total = one[index(left + i)] + other[index(right + i)]
        found = _height(total, square[index(left + i)] + squares[index(right + i)], limit)
        below += found < height
        equal += found == height
    return below, equal


@kernel
def judge_halves(sums: Floats, squares: Floats, lengths: Integers, masks: Integers, out: Halves) -> None:
    """Pick the best trial of every half, and rank it in the other half.

    Parameters
    ----------
    sums, squares : float64 (S, N)
        Of the returns of every trial in every block, C-contiguous; S even.
    lengths : int64 (S,)
        Days of every block.
    masks : int64 (M,)
        The halves: bit S - 1 - j is set if block j is in.
    out : Halves
        Overwritten.
    """
    blocks = len(sums)
    half = blocks // 2
    tables = np.empty((4, _TILE << half))
    low = np.int64((1 << half) - 1)
    bars, heights, days = np.empty(len(masks), np.int64), np.empty(len(masks)), 0
    for block in range(blocks):
        days += lengths[block]
    for k in range(len(masks)):
        bars[k] = out.below[k] = out.equal[k] = 0
        for block in range(blocks):
            bars[k] += ((masks[k] >> (blocks - 1 - block)) & 1) * lengths[block]
    _pick(sums, squares, masks, bars, out.pick)
    _describe(sums, squares, masks, bars, days, out, heights)
    for first in range(0, sums.shape[1], _TILE):
        size = min(_TILE, sums.shape[1] - first)
        _fill_all(sums, squares, first, size, tables)
        for k in range(len(masks)):
            others = ~masks[k]
            left, right = ((others >> half) & low) * _TILE, (others & low) * _TILE
            below, equal = _count(tables, left, right, size, (days - bars[k]) * (1.0 - FLAT), heights[k])
            out.below[k] += below
            out.equal[k] += equal
