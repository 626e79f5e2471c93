"""The crosses of many pairs of averages, 64 bars at a time.

::

    fast > slow         0 0 0 1 1 1 1 0 0 1 ...     one bit a bar, by vector comparisons (``machine.above_words``)
    shifted by a bar    0 0 0 0 1 1 1 1 0 0 ...
    exclusive or        . . . x . . . x . x ...     the bars of the crosses, found by counting trailing zeros

The averages of 64 bars are made for all windows of a block of pairs, compared, and forgotten: they never leave the fastest cache. They are made as codes of 16 bits
(``prefix.fill_codes``), 32 of which are compared by one instruction. Where two codes are too near to each other to tell, which is one bar in some thousands, the averages
themselves are compared (``settle_doubts``).
With fills at the next open a cross is wanted at the bar where its order fills, so the averages are simply looked up one bar late.

A tie is "not above" here, which is not what the contract says of it: a tie keeps the side. Its codes are always in doubt, so that the pairs with a tie are known; the death
crosses of these are looked at, and one that is a tie is settled by walking on (``settle_ties``). A pair whose first bar is a tie, or that is in a tie at the end of a span,
is left to the plain loop.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, pasted
from engine.kernels.machine import WORD, above_words, count_ones, index, trailing_zeros
from engine.kernels.prefix import HARD, MIXED, SINGLE, TICKS, fill_codes, mean_at

__all__ = ["Block", "Crosses", "Words", "find_crosses", "is_tie", "words_of_span"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_LARGEST_CODE = 16_000.0
_NARROWEST = 1e-8
"""Of the prices, as a fraction of them: below that codes would tell apart what is only rounding."""


class Block(NamedTuple):
    """Pairs that are run together: every fast window with the slow windows from a place on; pairs are counted by fast, then slow."""

    windows: Integers  # (F + S,) fast, then slow; ascending each
    fasts: int  # F
    start: Integers  # (F,) place among the slow windows of the first one that is longer
    first_pair: Integers  # (F,) number of the first pair of each fast window
    fast_of: Integers  # (P,) place in windows
    slow_of: Integers  # (P,) place in windows


class Words(NamedTuple):
    """Which average of each pair is above, a bit a bar."""

    bits: NDArray[np.uint64]  # (at least words of a span * P,) word w of pair p at w * P + p
    tied: NDArray[np.bool_]  # (at least P,) whether the two are the same double anywhere in the span
    codes: NDArray[np.int16]  # (at least (F + S) * 64,) averages of 64 bars
    doubts: NDArray[np.uint64]  # (at least 2 * P + 2,) from ``machine.above_words``


class Crosses(NamedTuple):
    """The crosses of the pairs of a block in a span, as bars where orders fill, counted from the span's start; one pair behind the other."""

    bars: NDArray[np.int32]
    start: Integers  # (P,) the first one of each pair in bars
    counts: Integers  # (P,)
    golden: NDArray[np.bool_]  # (P,) whether the first is golden


@kernel
def words_of_span(
    sums: Floats, kind: int, before: int, known: int, close: Floats, origin: int, block: Block, bars: int, words: Words
) -> None:
    """Write for every pair which of its averages is above, a bit a bar; words that end before both averages are defined are left as they are.

    Parameters
    ----------
    sums, kind
        Prefix sums of the closes, from ``prefix.add_up``; not HARD.
    before : int
        Place of the span's first bar in them: the average there is that of the closes before this place.
    known : int
        Bars of the history that the average on the span's first bar could use.
    close : float64 (T,)
    origin : int
        Bar of the first place in the sums; may be negative.
    block : Block
    bars : int
        Bars of the span.
    words : Words
        Overwritten.
    """
    fasts, windows, starts, firsts = block.fasts, block.windows, block.start, block.first_pair
    bits, codes, doubts, tied = words.bits, words.codes, words.doubts, words.tied
    pairs, slows = len(block.fast_of), len(windows) - fasts
    tied[:pairs] = False
    usable = 0
    for word in range((bars + WORD - 1) // WORD):
        place = before + word * WORD
        while usable < slows and windows[fasts + usable] < known + (word + 1) * WORD:
            usable += 1
        if usable == 0:
            continue
        used = windows[: fasts + usable]
        lowest, highest = _range_of(close, origin + place - used[-1], origin + place + WORD)
        wide = max(highest - lowest, _NARROWEST * highest)
        fill_codes(sums, kind, place, used, (lowest + highest) / 2.0, 2.0 * _LARGEST_CODE / wide, codes)
        found = 0
        for i in range(fasts):
            start = starts[i]
            if start < usable:
                first = word * pairs + firsts[i]
                found = above_words(codes, i, fasts + start, usable - start, bits, first, doubts, found)
        if found > 0:
            _settle_doubts(sums, kind, before, known, block, bars, word, found, words)


@pasted
def _range_of(close: Floats, start: int, stop: int) -> tuple[float, float]:
    """Give the lowest and the highest close of some bars, as far as there are such bars."""
    lowest, highest = np.inf, 0.0
    for t in range(max(start, 0), min(stop, len(close))):
        value = close[index(t)]
        lowest, highest = min(lowest, value), max(highest, value)
    return lowest, highest


@kernel
def _settle_doubts(
    sums: Floats, kind: int, before: int, known: int, block: Block, bars: int, word: int, found: int, words: Words
) -> None:
    """Compare the averages themselves on the bars of a word where codes were too near, and find the pairs that have a tie."""
    windows, fast_of, slow_of = block.windows, block.fast_of, block.slow_of
    bits, tied, doubts = words.bits, words.tied, words.doubts
    pairs, one, first = len(fast_of), np.uint64(1), word * WORD
    for i in range(found):
        at, doubt = doubts[2 * i], doubts[2 * i + 1]
        pair = int(at) - word * pairs
        fast, slow = windows[fast_of[pair]], windows[slow_of[pair]]
        sides = bits[at]
        while doubt != 0:
            low = trailing_zeros(doubt)
            doubt &= doubt - one
            for bit in (low, low + WORD // 2):
                if known + first + bit < slow or first + bit >= bars:
                    continue
                order = _compare(sums, kind, before + first + bit, fast, slow)
                mask = one << np.uint64(bit)
                sides = (sides | mask) if order > 0 else (sides & ~mask)
                tied[pair] |= order == 0
        bits[at] = sides


@kernel
def _compare(sums: Floats, kind: int, place: int, fast: int, slow: int) -> int:
    """Give 1, 0 or -1: whether the first of two averages of the closes before a place is above, the same double, or below.

    fast_sum / fast and slow_sum / slow differ by 1 / (fast * slow) or more unless they are equal. Where both products below are less than 2^52 that is more than the
    rounding of either quotient, and the products themselves have no rounding: no division is needed.
    """
    if kind != MIXED:
        now = sums[TICKS, place]
        one, two = (now - sums[TICKS, place - fast]) * slow, (now - sums[TICKS, place - slow]) * fast
        if max(one, two) < (2.0**28 if kind == SINGLE else 2.0**52):
            return int(one > two) - int(one < two)
    above, below = mean_at(sums, kind, place, fast), mean_at(sums, kind, place, slow)
    return int(above > below) - int(above < below)


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
        Made true where a tie cannot be settled.
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
    used = (bars + WORD - 1) // WORD  # the last span may be shorter than its words
    last_word, last_bit = index((used - 1) * pairs), np.uint64((bars - 1) % WORD)
    last_keep = ~np.uint64(0) >> np.uint64(WORD - 1 - (bars - 1) % WORD)
    for pair in range(pairs):
        me = index(pair)
        first = (
            windows[index(slow_of[me])] - known
        )  # the pair's first bar, counted from the span's first; a change is a cross only after it
        begin = max(first, -1) + 1
        skip = begin // WORD if begin < bars else used
        keep = ~np.uint64(0) << np.uint64(begin % WORD)
        carry = np.uint64(above[me])
        if 0 < skip < used:
            carry = bits[index((skip - 1) * pairs + pair)] >> np.uint64(WORD - 1)
        at = place
        for word in range(skip, used):
            sides = bits[index(word * pairs + pair)]
            changes = (sides ^ (sides << one | carry)) & keep
            changes &= last_keep if word == used - 1 else ~np.uint64(0)
            keep = ~np.uint64(0)
            carry = sides >> np.uint64(WORD - 1)
            # Most words have no change, one, two or three: three are always written, so that there is seldom a branch to guess wrong (68 to 40 ns a cell).
            bar, next_at = word * WORD, at + count_ones(changes)
            for k in range(3):
                out[index(at + k)] = np.int32(bar + trailing_zeros(changes))
                changes &= changes - one
            while changes != 0:
                out[index(at + 3)] = np.int32(bar + trailing_zeros(changes))
                changes &= changes - one
                at += 1
            at = next_at
        count, golden = at - place, False
        if count > 0:
            opening = int(out[index(place)])
            golden = bits[index(opening // WORD * pairs + pair)] >> np.uint64(opening % WORD) & one == one
        above[me] = np.int64(bits[last_word + me] >> last_bit & one)
        if tied[me]:
            fast, slow = windows[fast_of[pair]], windows[slow_of[pair]]
            doubtful[pair] |= 0 <= first < bars and is_tie(sums, kind, before + first, fast, slow)
            count = settle_ties(sums, kind, before, fast, slow, bars, out[place:], count, golden)
            doubtful[pair] |= count < 0
            count = max(count, 0)
        starts[me], counts[me], goldens[me] = place, count, golden
        place += count


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
    bars: NDArray[np.int32],
    count: int,
    golden: bool,
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
    bars : int32
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
        t = int(bars[i])
        while t < last and is_tie(sums, kind, before + t, fast, slow):
            t += 1
        if t == last:
            return -1
        falls = mean_at(sums, kind, before + t, fast) < mean_at(sums, kind, before + t, slow)
        if falls:
            bars[kept] = np.int32(t)
            kept += 1
            if i + 1 < count:
                bars[kept] = bars[i + 1]
                kept += 1
        i += 2  # a side that is kept takes the next golden cross away as well
    return kept
