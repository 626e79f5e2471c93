"""The crosses of many pairs of averages, 64 bars at a time.

::

    fast > slow         0 0 0 1 1 1 1 0 0 1 ...     one bit a bar (``words``)
    shifted by a bar    0 0 0 0 1 1 1 1 0 0 ...
    exclusive or        . . . x . . . x . x ...     the bars of the crosses, found by counting trailing zeros

A tie is "not above" here, which is not what the contract says of it: a tie keeps the side. So the death crosses of a pair that has a tie are looked at, and one that is a
tie is settled by walking on (``settle_ties``), from span to span if need be. A pair whose first bar is a tie is left to the plain loop.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, pasted
from engine.kernels.eights import EIGHT
from engine.kernels.machine import WORD, count_ones, index, trailing_zeros
from engine.kernels.prefix import HARD, mean_at
from engine.kernels.sides import mark_sides
from engine.kernels.vectors import write_ones
from engine.kernels.words import Block, Words

__all__ = ["NO_CROSS", "Crosses", "find_crosses", "is_tie", "settle_ties"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


NO_CROSS = np.int16(32767)
"""Behind the crosses of a pair: later than any bar of a span, so that ``legs`` need not ask whether there is another one."""


class Crosses(NamedTuple):
    """The crosses of the pairs of a block in a span, as bars where orders fill, counted from the span's start; one pair behind the other, NO_CROSS between them."""

    bars: NDArray[np.int16]
    start: Integers  # (P,) the first one of each pair in bars
    counts: Integers  # (P,)
    golden: NDArray[np.bool_]  # (P,) whether the first is golden


@kernel
def find_crosses(
    sums: Floats,
    kind: int,
    before: int,
    known: int,
    block: Block,
    bars: int,
    words: Words,
    above: Integers,
    doubtful: NDArray[np.bool_],
    crosses: Crosses,
) -> None:
    """Write the crosses of all pairs of a block in a span.

    Parameters
    ----------
    sums, kind, before, known, block, bars
        As in ``words_of_span``; if the kind is HARD every pair is doubtful.
    words : Words
    above : int64 (P,)
        1 where the fast average was above on the bar before the span; made that of the span's last bar.
    doubtful : bool (P,)
        Made true where the first bar of a pair is a tie.
    crosses : Crosses
        Overwritten.
    """
    bits, tied, out = words.bits, words.tied, crosses.bars
    starts, counts, goldens = crosses.start, crosses.counts, crosses.golden
    fast_of, slow_of, windows = block.fast_of, block.slow_of, block.windows
    pairs, place, one = len(fast_of), 0, np.uint64(1)
    if kind == HARD:
        doubtful[:] = True
        counts[:] = 0
        return
    changed, every, groups = words.changed, ~np.uint64(0), -(-bars // (WORD * WORD))
    mark_changes(bits, pairs, bars, above, changed)
    for pair in range(pairs):
        me = index(pair)
        first = (
            windows[index(slow_of[me])] - known
        )  # the pair's first bar, counted from the span's first; a change is a cross only after it
        begin = max(first, -1) + 1
        at, word = place, begin // WORD
        if begin < bars:
            bits[index(word * pairs + pair)] &= every << np.uint64(begin % WORD)
        keep = every << np.uint64(word % WORD)
        for sixty_four in range(word // WORD, groups if begin < bars else 0):
            left = changed[index(sixty_four * pairs + pair)] & keep
            keep = every
            while left != 0:
                word = sixty_four * WORD + trailing_zeros(left)
                changes = bits[index(word * pairs + pair)]
                write_ones(changes, word * WORD, out, at)
                at += count_ones(changes)
                left &= left - one
        count = at - place
        golden = (count > 0) & (above[me] + count & 1 == 0)  # in turn with death crosses, and the last led to this side
        if tied[me]:
            fast, slow = windows[fast_of[pair]], windows[slow_of[pair]]
            doubtful[pair] |= 0 <= first < bars and is_tie(sums, kind, before + first, fast, slow)
            if count > 0:
                count = settle_ties(sums, kind, before, fast, slow, bars, out[place:], count, golden)
                # A tie that goes on in the next span keeps the side, too.
                above[me] = (0 if golden else 1) ^ (count & 1)
        starts[me], counts[me], goldens[me] = place, count, golden
        place += count + 1
        out[index(place - 1)] = NO_CROSS


@kernel
def mark_changes(bits: NDArray[np.uint64], pairs: int, bars: int, above: Integers, changed: NDArray[np.uint64]) -> None:
    """Turn the sides of all pairs into their changes, a bit a bar, and note which words have one: more than half have none.

    Parameters
    ----------
    bits : uint64 (at least words of the span * pairs,)
        As in ``Words``; overwritten.
    pairs, bars : int
    above : int64 (pairs,)
        1 where the fast average was above on the bar before the span; made that of the span's last bar.
    changed : uint64 (at least words of the span / 64, rounded up, * pairs,)
        Overwritten: bit w % 64 of changed[w // 64 * pairs + p] says that word w of pair p has a change.
    """
    words = (bars + WORD - 1) // WORD
    for group in range(0, words, WORD):
        count, row = min(words - group, WORD), group // WORD * pairs
        last = min(bars - (group + count - 1) * WORD, WORD) - 1  # the last span may be shorter than its words
        together = pairs // EIGHT * EIGHT
        for pair in range(0, together, EIGHT):
            mark_sides(bits, pairs, group * pairs + pair, count, last, above, pair, changed, row + pair)
        for pair in range(together, pairs):
            changed[row + pair] = _mark_pair(bits, pairs, group * pairs + pair, count, last, above, pair)


@pasted
def _mark_pair(
    bits: NDArray[np.uint64], pairs: int, first: int, words: int, last: int, above: Integers, pair: int
) -> np.uint64:
    """Do what ``sides.mark_sides`` does, for one pair that is left over."""
    one, every, found = np.uint64(1), ~np.uint64(0), np.uint64(0)
    for word in range(words):
        end = np.uint64(last if word == words - 1 else WORD - 1)
        sides = bits[index(word * pairs + first)]
        changes = (sides ^ (sides << one | np.uint64(above[pair]))) & (every >> (np.uint64(WORD - 1) - end))
        bits[index(word * pairs + first)] = changes
        found |= np.uint64(changes != 0) << np.uint64(word)
        above[pair] = np.int64(sides >> end & one)
    return found


@kernel
def is_tie(sums: Floats, kind: int, place: int, fast: int, slow: int) -> bool:
    """Tell whether two averages of the closes before a place are the same double."""
    return mean_at(sums, kind, place, fast) == mean_at(sums, kind, place, slow)


@kernel
def settle_ties(
    sums: Floats,
    kind: int,
    before: int,
    fast: int,
    slow: int,
    last: int,
    bars: NDArray[np.int16],
    count: int,
    golden: bool,
) -> int:
    """Put right the death crosses that are only ties: a tie keeps the side. One that the span ends in is no cross yet; the next span begins with it.

    Parameters
    ----------
    sums, kind, before
        As in ``words_of_span``.
    fast, slow : int
        Windows of the pair.
    last : int
        Bars of the span.
    bars : int16
        The crosses of the span; put right in place.
    count, golden
        From ``cross_bars``.

    Returns
    -------
    int
        How many crosses remain.
    """
    i = 1 if golden else 0
    kept = i
    while i < count:
        t = int(bars[i])
        while t < last and is_tie(sums, kind, before + t, fast, slow):
            t += 1
        falls = t < last and mean_at(sums, kind, before + t, fast) < mean_at(sums, kind, before + t, slow)
        if falls:
            bars[kept] = np.int16(t)
            kept += 1
            if i + 1 < count:
                bars[kept] = bars[i + 1]
                kept += 1
        i += 2  # a side that is kept takes the next golden cross away as well
    return kept
