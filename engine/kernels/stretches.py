"""Where a trailing stop with a fixed distance ends positions: eight bars at a step.

While the distance stays and the low comes before the high, a stop ends a position on the first bar whose low is at or below ``peak - distance``. In a stretch of bars it
cannot have done so unless one of two things holds, of which the first needs the peak before the stretch and the second only the stretch::

    lowest low <= peak - distance           from the peak that was there before
    deepest drop >= distance                from a high of the stretch to a later low

The three numbers of every stretch of 2, 4 and 8 bars come from those of half the length. So all positions take steps of eight bars until one of the two holds, and then
find the bar in steps of 4, 2 and 1 bars. A bar at a time this took 154 cycles a cell (docs/speed.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel
from engine.kernels.drawdown import MOST_BARS
from engine.kernels.machine import blended, chosen, index

__all__ = [
    "DISTANCE",
    "GOES_ON",
    "LANES_SIZE",
    "PASSED",
    "PEAK",
    "TABLE_SIZE",
    "TOGETHER",
    "fill_stretches",
    "find_bars",
    "pass_stretches",
]

Floats = NDArray[np.float64]
TOGETHER = 16
"""Positions that are worked on side by side; they begin on bars that follow each other, so that their stretches do so too."""
PEAK, DISTANCE, PASSED, GOES_ON = (TOGETHER * column for column in range(4))
LANES_SIZE = 4 * TOGETHER
_AHEAD = 3
"""Stretches between two looks whether all have ended."""
_LONGEST = 8
_PAD = 64
"""Bars behind the last one that end nothing: more than a look reaches."""
_PITCH = MOST_BARS + _PAD + 8
_HIGH, _LOW, _DROP = (np.uint64(column * _PITCH) for column in range(3))
_LEVEL = np.uint64(3 * _PITCH)
"""From the columns of a length to those of twice the length; the first are those of single bars."""
TABLE_SIZE = 12 * _PITCH
_ROUNDING = 2.0**-50
"""Added to a drop, of the price: peak - distance is rounded, and a drop that is called too deep only costs a step."""


@kernel
def fill_stretches(highs: Floats, lows: Floats, first: int, last: int, table: Floats) -> None:
    """Write what is known of the stretches that begin on the bars [first, last), as far as they lie before ``last``.

    Parameters
    ----------
    highs, lows : float64 (T,)
    first, last : int
        At most MOST_BARS bars.
    table : float64 (TABLE_SIZE,)
        Overwritten.
    """
    count = last - first
    for i in range(count):
        table[index(i) + _HIGH], table[index(i) + _LOW] = highs[index(first + i)], lows[index(first + i)]
    for i in range(count, count + _PAD):
        table[index(i) + _HIGH], table[index(i) + _LOW] = -np.inf, np.inf
    for i in range(count + _PAD):
        table[index(i) + _DROP] = -np.inf
    half, level = 1, np.uint64(0)
    while half < _LONGEST:
        for i in range(count + _PAD - _LONGEST):
            one, two = index(i) + level, index(i + half) + level
            high = table[one + _HIGH]
            drop = high - table[two + _LOW] + high * _ROUNDING
            both = one + _LEVEL
            table[both + _HIGH] = max(high, table[two + _HIGH])
            table[both + _LOW] = min(table[one + _LOW], table[two + _LOW])
            table[both + _DROP] = max(table[one + _DROP], table[two + _DROP], drop)
        half, level = 2 * half, level + _LEVEL
        for i in range(count + _PAD - _LONGEST, count + _PAD):  # what the next length reads beyond
            both = index(i) + level
            table[both + _HIGH], table[both + _LOW], table[both + _DROP] = -np.inf, np.inf, -np.inf


@kernel
def pass_stretches(table: Floats, start: int, limit: int, lanes: Floats) -> None:
    """Take sixteen positions past all stretches of eight bars in which they surely go on.

    Parameters
    ----------
    table : float64 (TABLE_SIZE,)
    start : int
        Bar of the table on which the first position is tested first; the others are so on those after it.
    limit : int
        Bars of the table.
    lanes : float64 (LANES_SIZE,)
        The columns PEAK, DISTANCE and GOES_ON (1 or 0) are given. PEAK and PASSED become those before the stretch in which the position may end; GOES_ON remains 1 where
        there is none.
    """
    level = np.uint64(3) * _LEVEL
    for i in range(TOGETHER):
        lanes[PASSED + i] = 0.0
    waiting = 1
    while waiting > 0 and start < limit:
        waiting = 0
        for i in range(TOGETHER):
            peak, distance, passed = lanes[PEAK + i], lanes[DISTANCE + i], lanes[PASSED + i]
            goes_on, running = lanes[GOES_ON + i] > 0.0, peak
            for k in range(_AHEAD):
                at = index(start + _LONGEST * k + i) + level
                goes_on &= (table[at + _LOW] > running - distance) & (table[at + _DROP] < distance)
                # Read in any case: a vector that is read under a mask comes ten cycles later.
                running = max(running, table[at + _HIGH])
                peak = blended(goes_on, running, peak)
                passed += blended(goes_on, float(_LONGEST), 0.0)
            lanes[PEAK + i], lanes[PASSED + i], lanes[GOES_ON + i] = peak, passed, 1.0 if goes_on else 0.0
            waiting += goes_on
        start += _AHEAD * _LONGEST


@kernel
def find_bars(table: Floats, start: int, limit: int, lanes: Floats) -> None:
    """Find the bars on which they end, after ``pass_stretches``: PASSED becomes the bars before, PEAK the peak before, GOES_ON 1 where there is no such bar after all."""
    for i in range(TOGETHER):
        if lanes[GOES_ON + i] > 0.0:
            continue
        begin, distance, peak = start + i, lanes[DISTANCE + i], lanes[PEAK + i]
        at, level, length = begin + int(lanes[PASSED + i]), np.uint64(2) * _LEVEL, _LONGEST // 2
        for _ in range(3):
            here = index(at) + level
            high, low, drop = table[here + _HIGH], table[here + _LOW], table[here + _DROP]
            goes_on = (low > peak - distance) & (drop < distance)
            peak = max(peak, chosen(goes_on, high, -np.inf))
            at += length if goes_on else 0
            length, level = length // 2, level - _LEVEL
        while at < limit and table[index(at) + _LOW] > peak - distance:  # seldom: a drop that was too deep by rounding
            peak = max(peak, table[index(at) + _HIGH])
            at += 1
        lanes[PEAK + i], lanes[PASSED + i] = peak, float(at - begin)
        lanes[GOES_ON + i] = 1.0 if at >= limit else 0.0
