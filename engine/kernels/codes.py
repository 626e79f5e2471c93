"""Averages as small numbers: good enough to tell nearly always which of two is above, and quick to make and to compare.

Closes are rounded to whole numbers of a small unit, whose prefix sums are 32-bit integers; an average of 64 bars becomes 64 codes of 16 bits in single precision, sixteen
by one instruction. From exact prefix sums in doubles it took 64 cycles a cell, so 35 (docs/speed.md).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel
from engine.kernels.machine import WORD, bits_of, double_of, index

__all__ = ["LARGEST_CODE", "NARROWEST", "Coarse", "fill_coarse", "fill_codes", "range_of"]

Floats = NDArray[np.float64]

LARGEST_CODE = 16_000.0
NARROWEST = 1e-8
"""Of the prices, as a fraction of them: below that codes would tell apart what is only rounding."""
_LARGEST_SUM = 2.0**29
"""Of a window, in units: far from the end of 32 bits, beyond which only sums of windows that hardly matter go."""
_UNITS = 64_000.0
"""The closes of a word are taken to lie so many units apart, at least: then an average, which is wrong by half a unit at most, is wrong by a quarter of a code."""


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
def fill_coarse(close: Floats, origin: int, count: int, longest: int, sums: NDArray[np.int32]) -> Coarse:
    """Write the prefix sums of the rounded closes of ``count`` bars from ``origin`` on, modulo 2^32; bars that there are not count as the middle.

    Parameters
    ----------
    close : float64 (T,)
    origin, count : int
        ``origin`` may be negative.
    longest : int
        Window that will be asked for.
    sums : int32 (at least count + 1,)
        Overwritten.
    """
    lowest, highest = range_of(close, origin, origin + count)
    middle, wide = (lowest + highest) / 2.0, max(highest - lowest, NARROWEST * highest)
    scale = 2.0 * _LARGEST_SUM / longest / wide
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
    return Coarse(middle, 1.0 / scale)


@kernel
def fill_codes(
    sums: NDArray[np.int32],
    coarse: Coarse,
    end: int,
    windows: NDArray[np.int64],
    lowest: float,
    highest: float,
    codes: NDArray[np.int16],
) -> None:
    """Write averages of 64 bars that follow each other: codes[w * 64 + i] is that of bar i and window w, from -LARGEST_CODE to LARGEST_CODE, cut to a whole number.

    A code that is larger by 2 or more is that of a larger average: before it is cut a code is wrong by less than half, a quarter by the rounding of the closes and an
    eighth by single precision.

    Parameters
    ----------
    sums, coarse
        From ``fill_coarse``.
    end : int
        Place in the sums: the first average is that of the closes before it.
    windows : int64 (W,)
    lowest, highest : float
        Of all closes in these windows.
    codes : int16 (at least W * 64,)
        Overwritten.
    """
    wide = max(highest - lowest, NARROWEST * highest, _UNITS * coarse.unit)
    scale = 2.0 * LARGEST_CODE / wide
    shift = np.float32((coarse.middle - (lowest + highest) / 2.0) * scale)
    for w in range(len(windows)):
        row, start = w * WORD, end - windows[w]
        factor = np.float32(coarse.unit * scale / windows[w])
        for i in range(WORD):
            total = np.int32(sums[index(end + i)] - sums[index(start + i)])
            codes[index(row + i)] = np.int16(np.int32(np.float32(total) * factor + shift))
