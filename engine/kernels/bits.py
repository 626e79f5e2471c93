"""The crosses of many pairs of averages, 64 bars at a time.

::

    fast > slow         0 0 0 1 1 1 1 0 0 1 ...     one bit a bar, by vector comparisons (``machine.above_words``)
    shifted by a bar    0 0 0 0 1 1 1 1 0 0 ...
    exclusive or        . . . x . . . x . x ...     the bars of the crosses, found by counting trailing zeros

The averages of 64 bars are made for all windows of a block of pairs, compared, and forgotten: they never leave the fastest cache.
With fills at the next open a cross is wanted at the bar where its order fills, so the averages are simply looked up one bar late.

A tie is "not above" here, which is not what the contract says of it: a tie keeps the side. So at every death cross the averages are looked at, and one that is a
tie is settled by walking on (``settle_ties``); a pair whose first bar is a tie, or that is in a tie at the end of a span, is left to the plain loop.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, pasted
from engine.kernels.machine import WORD, above_words, count_ones, index, trailing_zeros
from engine.kernels.prefix import fill_averages, mean_at

__all__ = ["Block", "cross_bars", "is_tie", "may_be_tie", "settle_ties", "words_of_span"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Block(NamedTuple):
    """Pairs that are run together: every fast window with the slow windows from a place on; pairs are counted by fast, then slow."""

    windows: Integers  # (F + S,) fast, then slow; ascending each
    fasts: int  # F
    start: Integers  # (F,) place among the slow windows of the first one that is longer
    first_pair: Integers  # (F,) number of the first pair of each fast window
    fast_of: Integers  # (P,) place in windows
    slow_of: Integers  # (P,) place in windows


@kernel
def words_of_span(
    sums: Floats,
    kind: int,
    before: int,
    known: int,
    block: Block,
    bars: int,
    size: int,
    tile: Floats,
    words: NDArray[np.uint64],
) -> None:
    """Write for every pair which of its averages is above, a bit a bar; words that end before both averages are defined are left as they are.

    Parameters
    ----------
    sums, kind
        Prefix sums of the closes, from ``prefix.add_up``.
    before : int
        Place of the span's first bar in them: the average there is that of the closes before this place.
    known : int
        Bars of the history that the average on the span's first bar could use.
    block : Block
    bars, size : int
        Bars of the span, and words that there is room for.
    tile : float64 ((F + S) * 64,)
        Overwritten.
    words : uint64 (at least P * size,)
        Overwritten: word w of pair p at p * size + w.
    """
    fasts, windows = block.fasts, block.windows
    slows = len(windows) - fasts
    usable = 0
    for word in range((bars + WORD - 1) // WORD):
        while usable < slows and windows[fasts + usable] < known + (word + 1) * WORD:
            usable += 1
        fill_averages(sums, kind, before + word * WORD, windows[: fasts + usable], WORD, tile)
        for i in range(fasts):
            start = block.start[i]
            if start < usable:
                place = block.first_pair[i] * size + word
                above_words(tile, i, fasts + start, usable - start, words, place, size)


@pasted
def cross_bars(
    words: NDArray[np.uint64], start: int, first: int, last: int, above: int, out: Integers, place: int
) -> tuple[int, bool]:
    """Write the bars, counted from the span's first, on which a pair changes sides.

    Parameters
    ----------
    words : uint64
        The span's words of this pair begin at ``start``.
    first : int
        The pair's first bar, counted from the span's first; a change is a cross only after it.
    last : int
        Bars of the span.
    above : int
        1 if the fast average was above on the bar before the span.
    out : int64
        Overwritten from ``place`` on, where it has room for 5 more than there are bars.

    Returns
    -------
    tuple of int and bool
        How many crosses, and whether the first of them is golden.
    """
    one = np.uint64(1)
    begin = max(first, -1) + 1  # the first bar that can be a cross
    count = 0
    used = (last + WORD - 1) // WORD  # the last span may be shorter than its words
    skip = begin // WORD if begin < last else used
    keep = ~np.uint64(0) << np.uint64(begin % WORD)
    carry = np.uint64(above)
    if 0 < skip < used:
        carry = words[index(start + skip - 1)] >> np.uint64(WORD - 1)
    for word in range(skip, used):
        sides = words[index(start + word)]
        changes = (sides ^ (sides << one | carry)) & keep
        if word == used - 1 and last % WORD:
            changes &= (one << np.uint64(last % WORD)) - one
        keep = ~np.uint64(0)
        carry = sides >> np.uint64(WORD - 1)
        # Most words have no change, one, two or three: three are always written, so that there is seldom a branch to guess wrong (68 to 40 ns a cell).
        found, bar, at = count_ones(changes), word * WORD, place + count
        for k in range(3):
            out[index(at + k)] = bar + trailing_zeros(changes)
            changes &= changes - one
        while changes != 0:
            out[index(at + 3)] = bar + trailing_zeros(changes)
            changes &= changes - one
            at += 1
        count += found
    golden = False
    if count > 0:
        opening = out[index(place)]
        golden = words[index(start + opening // WORD)] >> np.uint64(opening % WORD) & one == one
    return count, golden


@kernel
def is_tie(sums: Floats, kind: int, place: int, fast: int, slow: int) -> bool:
    """Tell whether two averages of the closes before a place are the same double."""
    return mean_at(sums, kind, place, fast) == mean_at(sums, kind, place, slow)


@pasted
def may_be_tie(total: Floats, exact: float, place: int, fast: int, slow: int) -> bool:
    """Tell quickly that two averages of whole numbers differ: False means that they do.

    fast_sum / fast and slow_sum / slow differ by 1 / (fast * slow) or more unless they are equal. Where both products below are less than 2^52 that is more than the
    rounding of either quotient, and the products themselves have no rounding. ``exact`` is 2^52, in units of the sums.
    """
    now = total[index(place)]
    one: float = (now - total[index(place - fast)]) * slow
    two: float = (now - total[index(place - slow)]) * fast
    return (one == two) | (max(one, two) >= exact)


@kernel
def settle_ties(
    sums: Floats, kind: int, before: int, fast: int, slow: int, last: int, bars: Integers, count: int, golden: bool
) -> int:
    """Put right the death crosses that are only ties: a tie keeps the side.

    Parameters
    ----------
    sums, kind, before
        As in ``words_of_span``.
    fast, slow : int
        Windows of the pair.
    last : int
        Bars of the span.
    bars : int64
        The crosses of the span; put right in place.
    count, golden
        From ``cross_bars``.

    Returns
    -------
    int
        How many crosses remain, or -1 where the span ends in a tie that is not settled.
    """
    i = 1 if golden else 0
    kept = i
    while i < count:
        t = bars[i]
        while t < last and is_tie(sums, kind, before + t, fast, slow):
            t += 1
        if t == last:
            return -1
        falls = mean_at(sums, kind, before + t, fast) < mean_at(sums, kind, before + t, slow)
        if falls:
            bars[kept] = t
            kept += 1
            if i + 1 < count:
                bars[kept] = bars[i + 1]
                kept += 1
        i += 2  # a side that is kept takes the next golden cross away as well
    return kept
