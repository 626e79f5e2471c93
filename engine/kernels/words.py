"""Which of two averages is above, for many pairs, 64 bars at a time: a bit a bar.

The averages of 64 bars are made for all windows of a block of pairs, compared, and forgotten: they never leave the fastest cache. They are made as codes of 16 bits
(``codes``), 32 of which are compared by one instruction. Where two codes are too near to each other to tell, which is one bar in some thousands, the averages
themselves are compared. A tie is always among these, so the pairs that have one are known.
With fills at the next open a cross is wanted at the bar where its order fills, so the averages are simply looked up one bar late.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule
from engine.kernels.codes import fill_coarse, fill_codes, fill_ranges, join_ranges
from engine.kernels.machine import WORD, trailing_zeros
from engine.kernels.prefix import MIXED, SINGLE, TICKS, mean_at
from engine.kernels.sides import above_words

__all__ = ["Block", "Words", "words_of_span"]

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


class Words(NamedTuple):
    """Which average of each pair is above, a bit a bar."""

    bits: NDArray[np.uint64]  # (at least words of a span * P,) word w of pair p at w * P + p
    changed: NDArray[np.uint64]  # (at least words of a span / 64, rounded up, * P,) from ``bits.mark_changes``
    tied: NDArray[np.bool_]  # (at least P,) whether the two are the same double anywhere in the span
    lowest: Floats  # ((bars of a span + longest window) / 64, rounded up, + 1,) from ``codes.fill_ranges``
    highest: Floats  # likewise
    sums: NDArray[np.int32]  # (bars of a span + longest window + 2,) from ``codes.fill_coarse``
    halves: NDArray[np.int32]  # (two or more than that, even,) the same in another order
    codes: NDArray[np.uint32]  # (at least (F + S) * 32,) averages of 64 bars
    doubts: NDArray[np.uint64]  # (at least 2 * P,) from ``sides.above_words``


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
    bits, halves, codes, doubts, tied = words.bits, words.halves, words.codes, words.doubts, words.tied
    pairs, slows = len(block.fast_of), len(windows) - fasts
    tied[:pairs] = False
    usable, used_words = 0, (bars + WORD - 1) // WORD
    count, lows, highs = before + used_words * WORD - 1, words.lowest, words.highest
    fill_ranges(close, origin, count, lows, highs)
    lowest, highest = join_ranges(lows, highs, 0, -(-count // WORD))
    coarse = fill_coarse(close, origin, count, lowest, highest, windows[-1], words.sums, halves)
    for word in range(used_words):
        place = before + word * WORD
        while usable < slows and windows[fasts + usable] < known + (word + 1) * WORD:
            usable += 1
        if usable == 0:
            continue
        used = windows[: fasts + usable]
        lowest, highest = join_ranges(lows, highs, (place - used[-1]) // WORD, -(-(place + WORD - 1) // WORD))
        fill_codes(halves, coarse, place, used, fasts, lowest, highest, codes)
        found = 0
        for i in range(fasts):
            start = starts[i]
            if start < usable:
                first = word * pairs + firsts[i]
                found = above_words(codes, i, fasts + start, usable - start, bits, first, doubts, found)
        if found > 0:
            _settle_doubts(sums, kind, before, known, block, bars, word, found, words)


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
            bit = trailing_zeros(doubt)
            doubt &= doubt - one
            if known + first + bit < slow or first + bit >= bars:
                continue
            order = _compare(sums, kind, before + first + bit, fast, slow)
            mask = one << np.uint64(bit)
            sides = (sides | mask) if order > 0 else (sides & ~mask)
            tied[pair] |= order == 0
        bits[at] = sides


@rule
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
