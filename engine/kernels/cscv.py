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

from engine.kernels._jit import kernel, pasted, rule
from engine.kernels.machine import index, trailing_zeros

__all__ = ["FLAT", "LANES", "Halves", "add_blocks", "judge_halves", "sharpe_of_sums"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FLAT = 1e-12
"""A variance below this share of the mean square cannot be told from 0 in sums of doubles: the returns count as all equal."""
LANES = 8
"""Running sums side by side in ``add_blocks``; one would wait for every addition."""
_TILE = 64  # trials; the rows of both tables then take half a megabyte, and stay near
_ROW = 2 * _TILE
_DOUBT = 1e-15
"""More than a product and a quotient are rounded together, as a share of either."""


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
    return float(mean / np.sqrt(rest / (bars - 1.0)))


@rule
def _height(total: float, square: float, limit: float) -> float:
    """Order trials as their Sharpe ratios do; 0 where all returns are equal (limit is bars * (1 - FLAT)), also where all are 0, which gives nan here."""
    height = total * abs(total) / square
    return height if abs(height) < limit else 0.0


@kernel
def _fill(values: Floats, first: int, size: int, block: int, table: Floats, start: int) -> None:
    """Write the sums of every subset of S/2 blocks from ``block`` on, for a tile of trials; bit S/2 - 1 - j of a row's number is block j."""
    half = len(values) // 2
    for i in range(size):
        table[index(start + i)] = 0.0
    for row in range(1, 1 << half):
        before = row & (row - 1)  # without its last block, so that blocks are added in their order
        place, earlier = start + row * _ROW, start + before * _ROW
        last = block + half - 1 - trailing_zeros(np.uint64(row))
        for i in range(size):
            table[index(place + i)] = table[index(earlier + i)] + values[index(last), index(first + i)]


@kernel
def _fill_all(sums: Floats, squares: Floats, first: int, size: int, table: Floats) -> None:
    """Write all rows: of the first S/2 blocks, then of the others; each has the sums of a tile, then the squares."""
    half = len(sums) // 2
    for part in range(2):
        start = part * (_ROW << half)
        _fill(sums, first, size, part * half, table, start)
        _fill(squares, first, size, part * half, table, start + _TILE)


@rule
def _left(mask: int, half: int) -> int:
    """Give the place of a half's row of the first blocks."""
    return ((mask >> half) & ((1 << half) - 1)) * _ROW


@rule
def _right(mask: int, half: int) -> int:
    """Give the place of its row of the other blocks."""
    return ((1 << half) + (mask & ((1 << half) - 1))) * _ROW


@pasted
def _any_above(table: Floats, left: int, right: int, size: int, height: float) -> bool:
    """Tell whether any trial of a tile is above a height of 0 or more; True is sometimes wrong, False never, and no division is needed for it.

    If s |s| / q, rounded, is above the height, then s |s| is above height * q, by far less than the bound is below it: so it is above bound * q, rounded. In a trial without a trade
    both are 0. The loop has no exit, so that LLVM makes vectors of it.
    """
    bound, above = height * (1.0 - _DOUBT), 0
    for i in range(size):
        total = table[index(left + i)] + table[index(right + i)]
        square = table[index(left + _TILE + i)] + table[index(right + _TILE + i)]
        above += total * abs(total) > bound * square
    return above > 0


@pasted
def _write_heights(table: Floats, left: int, right: int, size: int, limit: float, heights: Floats) -> None:
    """Write the height of every trial of a tile."""
    for i in range(size):
        total = table[index(left + i)] + table[index(right + i)]
        square = table[index(left + _TILE + i)] + table[index(right + _TILE + i)]
        heights[index(i)] = _height(total, square, limit)


@kernel
def _pick(sums: Floats, squares: Floats, masks: Integers, bars: Integers, pick: Integers) -> None:
    """Find the highest trial of every half."""
    half = len(sums) // 2
    table, best, heights = np.empty(2 * _ROW << half), np.empty(len(masks)), np.empty(_TILE)
    for k in range(len(masks)):
        best[k] = -np.inf
    for first in range(0, sums.shape[1], _TILE):
        size = min(_TILE, sums.shape[1] - first)
        _fill_all(sums, squares, first, size, table)
        for k in range(len(masks)):
            left, right = _left(masks[k], half), _right(masks[k], half)
            if best[k] >= 0.0 and not _any_above(table, left, right, size, best[k]):
                continue
            _write_heights(table, left, right, size, bars[k] * (1.0 - FLAT), heights)
            for i in range(size):
                if heights[i] > best[k]:
                    best[k], pick[k] = heights[i], first + i


@kernel
def _describe(
    sums: Floats, squares: Floats, masks: Integers, bars: Integers, days: int, out: Halves, heights: Floats
) -> None:
    """Write what became of every pick, and its height in the other half."""
    blocks = len(sums)
    half = blocks // 2
    for k in range(len(masks)):
        total = square = others = other_square = 0.0
        for start in (0, half):  # the sum of each part by itself, as in the table: the same bits
            part = part_square = other_part = other_part_square = 0.0
            for block in range(start, start + half):
                inside = float((masks[k] >> (blocks - 1 - block)) & 1)
                value, value_square = sums[block, out.pick[k]], squares[block, out.pick[k]]
                part += inside * value
                part_square += inside * value_square
                other_part += (1.0 - inside) * value
                other_part_square += (1.0 - inside) * value_square
            total += part
            square += part_square
            others += other_part
            other_square += other_part_square
        rest = float(days - bars[k])
        heights[k] = _height(others, other_square, rest * (1.0 - FLAT))
        out.inside[k] = sharpe_of_sums(total, square, float(bars[k]))
        out.outside[k] = sharpe_of_sums(others, other_square, rest)
        out.mean[k] = others / rest


@pasted
def _count(table: Floats, left: int, right: int, size: int, limit: float, height: float) -> tuple[int, int]:
    """Count the trials of a tile that are lower, and those that are equal."""
    below = equal = 0
    for i in range(size):
        total = table[index(left + i)] + table[index(right + i)]
        found = _height(total, table[index(left + _TILE + i)] + table[index(right + _TILE + i)], limit)
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
    table = np.empty(2 * _ROW << half)
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
        _fill_all(sums, squares, first, size, table)
        for k in range(len(masks)):
            left, right = _left(~masks[k], half), _right(~masks[k], half)
            below, equal = _count(table, left, right, size, (days - bars[k]) * (1.0 - FLAT), heights[k])
            out.below[k] += below
            out.equal[k] += equal
