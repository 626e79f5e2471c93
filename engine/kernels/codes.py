"""Averages as small numbers: good enough to tell nearly always which of two is above, and quick to make and to compare.

Closes are rounded to whole numbers of a small unit, whose prefix sums are 32-bit integers; an average of 64 bars becomes 64 codes of 16 bits in single precision, sixteen
by one instruction. From exact prefix sums in doubles it took 64 cycles a cell, so 35 (docs/speed.md).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule
from engine.kernels.machine import WORD, bits_of, double_of, index
from engine.kernels.sides import write_codes

__all__ = ["LARGEST_CODE", "NARROWEST", "Coarse", "fill_coarse", "fill_codes", "fill_ranges", "join_ranges", "range_of"]

Floats = NDArray[np.float64]

LARGEST_CODE = 32_000.0
"""Nearly what 16 bits can hold: two codes may differ by twice as much, so that differences are cut off (``sides.above_words``)."""
NARROWEST = 1e-8
"""Of the prices, as a fraction of them: below that codes would tell apart what is only rounding."""
_LARGEST_SUM = 2.0**29
"""Of a window, in units: far from the end of 32 bits, beyond which only sums of windows that hardly matter go."""
_UNITS = 128_000.0
"""The closes of a word are taken to lie so many units apart, at least: then an average, which is wrong by half a unit at most, is wrong by a quarter of a code."""


_MOST_UNITS = 2.0**23
"""From the lowest to the highest close: then all codes of a word keep within 2^22 of the middle, as ``_ROUND`` asks."""
_ROUND = 1.5 * 2.0**23
"""A number below 2^22 that is added to it in single precision is rounded to a whole one, which then stands in the lowest bits."""


class Coarse(NamedTuple):
    """How closes were rounded: (close - middle) / unit."""

    middle: float
    unit: float


@kernel
def range_of(close: Floats, start: int, stop: int) -> tuple[float, float]:
    """Give the lowest and the highest close of some bars, as far as there are such bars; prices are above 0."""
    lowest, highest = bits_of(np.inf), bits_of(0.0)
    for t in range(max(start, 0), min(stop, len(close))):
        # Positive doubles are in the order of their bits, whose least and largest become vectors.
        value = bits_of(close[index(t)])
        lowest, highest = min(lowest, value), max(highest, value)
    return double_of(lowest), double_of(highest)


@kernel
def fill_ranges(close: Floats, origin: int, count: int, lowest: Floats, highest: Floats) -> None:
    """Write the lowest and the highest close of every 64 bars of ``count`` from ``origin`` on; inf and 0 where there are none.

    Parameters
    ----------
    close : float64 (T,)
    origin, count : int
        ``origin`` may be negative.
    lowest, highest : float64 (at least count / 64, rounded up,)
        Overwritten.
    """
    for block in range(-(-count // WORD)):
        start = origin + block * WORD
        lowest[index(block)], highest[index(block)] = range_of(close, start, min(start + WORD, origin + count))


@kernel
def join_ranges(lowest: Floats, highest: Floats, start: int, stop: int) -> tuple[float, float]:
    """Give the lowest and the highest of the ranges [start, stop) of ``fill_ranges``, of which some have closes."""
    low, high = lowest[index(start)], highest[index(start)]
    for block in range(start + 1, stop):
        low, high = min(low, lowest[index(block)]), max(high, highest[index(block)])
    return low, high


@kernel
def fill_coarse(
    close: Floats,
    origin: int,
    count: int,
    lowest: float,
    highest: float,
    longest: int,
    sums: NDArray[np.int32],
    halves: NDArray[np.int32],
) -> Coarse:
    """Write the prefix sums of the rounded closes of ``count`` bars from ``origin`` on, modulo 2^32; bars that there are not count as the middle.

    Parameters
    ----------
    close : float64 (T,)
    origin, count : int
        ``origin`` may be negative.
    lowest, highest : float
        Of these closes.
    longest : int
        Window that will be asked for.
    sums : int32 (at least count + 1,)
        Overwritten.
    halves : int32 (N,)
        Overwritten with the same: those of even places from the start, those of odd places from the middle on; N is even, and at least count + 2.
    """
    middle, wide = (lowest + highest) / 2.0, max(highest - lowest, NARROWEST * highest)
    scale = min(2.0 * _LARGEST_SUM / longest, _MOST_UNITS) / wide
    first, last = max(origin, 0), min(origin + count, len(close))
    for i in range(first - origin + 1):
        sums[index(i)] = 0
    for t in range(first, last):
        sums[index(t - origin + 1)] = np.int32(np.rint((close[index(t)] - middle) * scale))
    total = np.int64(0)
    for i in range(first - origin + 1, last - origin + 1):
        total += sums[index(i)]
        sums[index(i)] = np.int32(total)
    for i in range(last - origin + 1, count + 1):
        sums[index(i)] = np.int32(total)
    odd = len(halves) // 2
    for i in range((count + 1) // 2):
        halves[index(i)], halves[index(odd + i)] = sums[index(2 * i)], sums[index(2 * i + 1)]
    halves[index(count // 2)] = sums[index(count // 2 * 2)]
    return Coarse(middle, 1.0 / scale)


@rule
def _place(halves: NDArray[np.int32], place: int) -> int:
    """Say where in the halves the sum of a place stands."""
    return place // 2 + place % 2 * (len(halves) // 2)


@kernel
def fill_codes(
    halves: NDArray[np.int32],
    coarse: Coarse,
    end: int,
    windows: NDArray[np.int64],
    fasts: int,
    lowest: float,
    highest: float,
    codes: NDArray[np.uint32],
) -> None:
    """Write averages of 64 bars that follow each other, two in a number: code i of window w is half i % 2 of codes[w * 32 + i // 2], for bar ``sides.code_order()[i]``.

    Codes are whole numbers from -LARGEST_CODE to LARGEST_CODE; those of the first ``fasts`` windows are more by 1 for ``sides.above_words``. Apart from that, one that is
    smaller by 2 or more is that of a larger average: a code is wrong by half by its own rounding, a quarter by that of the closes and an eighth by single precision.

    Two codes come out of two vectors by a shift and a blend, where their closes are two bars apart in each: 37 cycles a cell on a processor with AVX2, where taking the lower halves of
    a vector took 68 (docs/speed.md).

    Parameters
    ----------
    halves, coarse
        From ``fill_coarse``.
    end : int
        Place in the sums: the first average is that of the closes before it.
    windows : int64 (W,)
    fasts : int
    lowest, highest : float
        Of all closes in these windows, or of some more.
    codes : uint32 (at least W * 32,)
        Overwritten.
    """
    wide = max(highest - lowest, NARROWEST * highest, _UNITS * coarse.unit)
    scale = 2.0 * LARGEST_CODE / wide
    shift = (coarse.middle - (lowest + highest) / 2.0) * -scale
    one_end, two_end = _place(halves, end), _place(halves, end + 1)
    for w in range(len(windows)):
        row, start = w * (WORD // 2), end - windows[w]
        one_start, two_start = _place(halves, start), _place(halves, start + 1)
        factor = np.float32(coarse.unit * -scale / windows[w])
        base = np.float32(_ROUND + shift + (1.0 if w < fasts else 0.0))
        write_codes(halves, one_end, one_start, two_end, two_start, factor, base, codes, row)
