"""Exact averages from prefix sums in doubles, for a stretch of bars: the quick way to what ``exact`` defines.

Doubles add without error as long as every partial sum is a whole number of some unit and stays below 2^53 of it. So a stretch is of one kind:

    WHOLE     every value is a whole tick                one prefix sum, of ticks
    SINGLE    every value is a float32 (as Yahoo sends)  one prefix sum, of the values
    MIXED     anything else                              the ticks, and the values split into a high and a low part
    HARD      too large or too fine for these            left to ``exact``

The quotient is rounded once. For WHOLE and SINGLE by Markstein's step (IBM J. Res. Dev. 34, 1990): q = total * (1/w), then q + (total - q w) * (1/w) with two fused
operations. With a total below 2^53 and a divisor that is a whole number far below it, no quotient is half way between two doubles or nearer to that than one part in
2 * divisor, which the step's own error (2^-52) cannot bridge; so it is the correctly rounded quotient. ``tests/test_indicators.py`` compares with fractions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule
from engine.kernels.exact import EXACT, TICKS_PER_UNIT, is_whole, two_sum
from engine.kernels.machine import fused

__all__ = ["HARD", "MIXED", "SINGLE", "WHOLE", "add_up", "fill_averages", "mean_at"]

Floats = NDArray[np.float64]

HARD, WHOLE, SINGLE, MIXED = 0, 1, 2, 3
_SINGLE_UNITS = 16777216.0  # 2^24: a float32 of 0.5 or more is a multiple of 2^-24
_HIGH_UNITS = 4194304.0  # 2^22
_LOW_UNITS = 1152921504606846976.0  # 2^60
TICKS, HIGH, LOW, LOOSE = 0, 1, 2, 3
"""Rows of the prefix sums. SINGLE uses the first row for the values themselves."""


@kernel
def kind_of(values: Floats) -> int:
    """Tell of which kind the values are; every sum over them, or over a part of them, is then exact."""
    largest = 0.0
    loose = 0
    for t in range(len(values)):  # one question a loop, so that each becomes vectors
        largest = max(largest, abs(values[t]))
        loose += 0 if is_whole(values[t]) else 1
    total = largest * len(values)
    if loose == 0 and total * TICKS_PER_UNIT < EXACT:
        return WHOLE
    others = 0
    for t in range(len(values)):
        scaled = values[t] * _SINGLE_UNITS
        others += 0 if (np.float64(np.float32(values[t])) == values[t]) & (np.rint(scaled) == scaled) else 1
    if others == 0 and total * _SINGLE_UNITS < EXACT:
        return SINGLE
    others = 0
    for t in range(len(values)):
        low = (values[t] - np.rint(values[t] * _HIGH_UNITS) / _HIGH_UNITS) * _LOW_UNITS
        others += 0 if np.rint(low) == low else 1
    lows = len(values) * _LOW_UNITS / _HIGH_UNITS / 2.0
    if others == 0 and total * max(TICKS_PER_UNIT, _HIGH_UNITS) < EXACT and lows < EXACT:
        return MIXED
    return HARD


@kernel
def add_up(values: Floats, start: int, stop: int, sums: Floats) -> int:
    """Write the prefix sums of values[start:stop]; bars before the first count as 0.

    Parameters
    ----------
    values : float64 (T,)
    start, stop : int
        ``start`` may be negative.
    sums : float64 (4, at least stop - start + 1)
        Overwritten: sums[:, i] is that of the bars before start + i. Rows that a kind does not need are left as they are.

    Returns
    -------
    int
        The kind.
    """
    first = max(start, 0)
    given, lead = values[first:stop], first - start
    kind = kind_of(given)
    for row in range(4 if kind == MIXED else 1):
        sums[row, : lead + 1] = 0.0
    ticks = sums[TICKS, lead:]
    if kind == WHOLE:
        for i in range(len(given)):
            ticks[i + 1] = ticks[i] + np.rint(given[i] * TICKS_PER_UNIT)
    elif kind == SINGLE:
        for i in range(len(given)):
            ticks[i + 1] = ticks[i] + given[i]
    elif kind == MIXED:
        high, low, loose = sums[HIGH, lead:], sums[LOW, lead:], sums[LOOSE, lead:]
        for i in range(len(given)):
            whole, part = is_whole(given[i]), np.rint(given[i] * _HIGH_UNITS) / _HIGH_UNITS
            ticks[i + 1] = ticks[i] + (np.rint(given[i] * TICKS_PER_UNIT) if whole else 0.0)
            high[i + 1], low[i + 1] = high[i] + part, low[i] + (given[i] - part)
            loose[i + 1] = loose[i] + (0.0 if whole else 1.0)
    return kind


@rule
def divide(total: float, divisor: float, reciprocal: float) -> float:
    """Divide a whole number below 2^53 by a small one, rounded once; ``reciprocal`` is 1 / divisor."""
    near = total * reciprocal
    remainder = fused(-near, divisor, total)
    quotient: float = fused(remainder, reciprocal, near)
    return quotient


@rule
def divide_pair(high: float, low: float, divisor: float) -> float:
    """Divide the sum of two doubles by a small whole number, rounded once."""
    total, rest = two_sum(high, low)
    near = total / divisor
    quotient: float = near + (fused(-near, divisor, total) + rest) / divisor
    return quotient


@rule
def mean_at(sums: Floats, kind: int, end: int, window: int) -> float:
    """Average of the ``window`` values before place ``end`` of the prefix sums."""
    start = end - window
    scale = 1.0 if kind == SINGLE else TICKS_PER_UNIT
    divisor = scale * window
    decimal = divide(sums[TICKS, end] - sums[TICKS, start], divisor, 1.0 / divisor)
    if kind != MIXED or sums[LOOSE, end] == sums[LOOSE, start]:
        return decimal
    return divide_pair(sums[HIGH, end] - sums[HIGH, start], sums[LOW, end] - sums[LOW, start], float(window))


@kernel
def fill_averages(sums: Floats, kind: int, end: int, windows: NDArray[np.int64], size: int, out: Floats) -> None:
    """Write averages of bars that follow each other: out[w * size + i] is ``mean_at(sums, kind, end + i, windows[w])``, by the same rules without a branch.

    All windows in one call, since handing on arrays takes longer than 64 averages.
    """
    ticks, high, low, loose = sums[TICKS], sums[HIGH], sums[LOW], sums[LOOSE]
    for w in range(len(windows)):
        start, row = end - windows[w], out[w * size : (w + 1) * size]
        divisor = (1.0 if kind == SINGLE else TICKS_PER_UNIT) * windows[w]
        reciprocal = 1.0 / divisor
        above, below = ticks[end : end + size], ticks[start : start + size]
        for i in range(size):
            row[i] = divide(above[i] - below[i], divisor, reciprocal)
        if kind != MIXED:
            continue
        high_above, high_below = high[end : end + size], high[start : start + size]
        low_above, low_below = low[end : end + size], low[start : start + size]
        loose_above, loose_below = loose[end : end + size], loose[start : start + size]
        for i in range(size):
            binary = divide_pair(high_above[i] - high_below[i], low_above[i] - low_below[i], float(windows[w]))
            row[i] = row[i] if loose_above[i] == loose_below[i] else binary
