"""Where a trailing stop with a fixed distance ends positions: 32 that begin on bars behind each other walk through the bars together, in numbers of 16 bits.

While the distance stays and the low comes before the high, a stop ends a position on the first bar whose low is at or below ``peak - distance``. Prices become codes, whole
numbers of a small unit, so that one instruction looks at sixteen positions, and the bar that they look at is another one for each, the next one for the next::

    entry on bar   e    e+1  e+2  ...  e+31
    step k         e+k  e+1+k     ...           32 lows and highs that lie one behind the other

A code is wrong by half a unit, and the distance is taken to be two units shorter: so no position walks on past the bar that ends it, and few stop before. Whoever asks for the bar tests the prices
themselves, from there on. The peak until then is exact: the highest of two runs of 1, 2, 4, ... bars that together are those walked on (a sparse table, Bender and Farach-Colton 2000).

Eight bars at a step in doubles, from a table of what ends a position within 2, 4 and 8 bars, took half as long again (docs/speed.md).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.core import cgutils
from numpy.typing import NDArray

from engine.kernels._jit import inline_code, kernel, rule
from engine.kernels.codes import NARROWEST, range_of
from engine.kernels.drawdown import MOST_BARS
from engine.kernels.machine import highest_bit, index, whole_of

__all__ = ["PASSED", "Scale", "Walks", "code_bars", "join_highest", "places_of_peak", "walk_all", "walks_of"]

Floats = NDArray[np.float64]

_TOGETHER = 32
"""Positions that walk together: two vectors of AVX2, so that what one waits for leaves time for the other."""
_STEPS = 8
"""Bars between two looks whether all have ended."""
_PITCH = MOST_BARS + 72
"""Between the columns: so many bars, and more behind the last one than a walk reaches."""
_HIGH, _LOW, _PEAK, _DISTANCE, PASSED = (np.uint64(column * _PITCH) for column in range(5))
_ir: Any = cgutils.ir  # type: ignore[attr-defined]
_LARGEST = 32_000.0
_SHORTER = 1.51
"""Units that a distance is shortened by: a peak and a low are wrong by half a unit each, rounding down takes another half, and what doubles round a thousandth."""
_NEVER = np.int16(32767)
"""Code of a low that ends nothing; a distance that is so much below 0 ends a position at once."""


class Walks(NamedTuple):
    """Memory for the walks of the positions that begin in a span; ``walks_of`` gets it."""

    paid: Floats  # (MOST_BARS,) by entry what was paid for a share
    distance: Floats  # (MOST_BARS,) by entry that of the stop; nan where no position begins
    codes: NDArray[np.int16]  # (5 * _PITCH,) by bar its high and low; by entry what was paid, the distance, bars passed


class Scale(NamedTuple):
    """How prices become codes: (price - lowest) * factor."""

    lowest: float
    factor: float


@kernel
def walks_of() -> Walks:
    """Get the memory."""
    return Walks(np.empty(MOST_BARS), np.empty(MOST_BARS), np.empty(5 * _PITCH, np.int16))


@kernel
def code_bars(highs: Floats, lows: Floats, dearer: float, first: int, last: int, codes: NDArray[np.int16]) -> Scale:
    """Write the codes of the highs and lows of the bars [first, last), MOST_BARS at most.

    Parameters
    ----------
    highs, lows : float64 (T,)
    dearer : float
        What a buy pays for 1 of its fill.
    first, last : int
    codes : int16 (5 * _PITCH,)
        Overwritten.

    Returns
    -------
    Scale
        For ``walk_all``.
    """
    count = last - first
    lowest, highest = range_of(lows, first, last)[0], range_of(highs, first, last)[1]
    highest *= max(dearer, 1.0)
    factor = _LARGEST / max(highest - lowest, NARROWEST * highest)
    for i in range(count):
        codes[index(i) + _HIGH] = _code((highs[index(first + i)] - lowest) * factor)
        codes[index(i) + _LOW] = _code((lows[index(first + i)] - lowest) * factor)
    for i in range(count, count + _TOGETHER + _STEPS + 1):
        codes[index(i) + _HIGH], codes[index(i) + _LOW] = np.int16(0), _NEVER
    return Scale(lowest, factor)


@rule
def _code(value: float) -> np.int16:
    """Round a number of units."""
    return np.int16(whole_of(value))


@kernel
def walk_all(prices: Floats, distances: Floats, count: int, later: int, scale: Scale, codes: NDArray[np.int16]) -> int:
    """Write how many bars each position surely goes on: the next one may end it, or is the first behind the last bar.

    Parameters
    ----------
    prices, distances : float64 (at least count,)
        What was paid, and the distance of the stop, of the positions that begin on the bars of ``code_bars``; nan where none begins.
    count : int
        Of the bars.
    later : int
        Bars from the entry to the first bar that can end it.
    scale : Scale
    codes : int16 (5 * _PITCH,)
        Column PASSED is overwritten.

    Returns
    -------
    int
        The most bars that one goes on.
    """
    most = 0
    for i in range(count):
        peak, distance = (prices[index(i)] - scale.lowest) * scale.factor, distances[index(i)] * scale.factor - _SHORTER
        # What was paid more for than a code can say is looked at from its first bar on; nan is not less either.
        begins = (distance < np.inf) & (peak <= _LARGEST + 1.0)
        codes[index(i) + _PEAK] = _code(max(peak, 0.0) if begins else 0.0)
        codes[index(i) + _DISTANCE] = _code(min(distance, _LARGEST) if begins else -float(_NEVER))
    for i in range(count, count + _TOGETHER):
        codes[index(i) + _PEAK], codes[index(i) + _DISTANCE] = np.int16(0), -_NEVER
    for i in range(0, count, _TOGETHER):
        most = max(most, _walk_together(codes, index(i), index(i + later), count - i - later))
    return min(most, count)


@inline_code
def _walk_together(_context: Any, codes: Any, _entry: Any, _bar: Any, _most: Any) -> Any:
    """Take the positions of 32 entries through ``most`` bars, or some more; write the bars that each passed, and give how many bars the last one took, rounded up."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, entry, bar, most = arguments
        data = context.make_array(signature.args[0])(context, builder, array).data
        codes_of = _ir.VectorType(_ir.IntType(16), _TOGETHER)
        none, every = _ir.Constant(codes_of, None), _ir.Constant(codes_of, [-1] * _TOGETHER)

        def column(name: np.uint64, at: Any) -> Any:
            place = builder.add(at, _ir.Constant(at.type, int(name)))
            return builder.bitcast(builder.gep(data, [place]), codes_of.as_pointer())

        def kept(value: Any) -> Any:
            return cgutils.alloca_once_value(builder, value)  # type: ignore[no-untyped-call]

        distance = builder.load(column(_DISTANCE, entry), align=2)
        stops = kept(builder.sub(builder.load(column(_PEAK, entry), align=2), distance))
        going, passed, steps = kept(every), kept(none), kept(_ir.Constant(most.type, 0))
        again, done = builder.append_basic_block("again"), builder.append_basic_block("done")
        builder.cbranch(builder.icmp_signed("<", builder.load(steps), most), again, done)
        builder.position_at_end(again)
        step, go_on, stop, count = (builder.load(slot) for slot in (steps, going, stops, passed))
        for i in range(_STEPS):
            here = builder.add(bar, builder.add(step, _ir.Constant(step.type, i)))
            low, high = (builder.load(column(name, here), align=2) for name in (_LOW, _HIGH))
            go_on = builder.and_(go_on, builder.sext(builder.icmp_signed(">", low, stop), codes_of))
            count = builder.sub(count, go_on)
            higher = builder.sub(high, distance)  # of those that have ended, too: no harm, and nothing waits for it
            stop = builder.select(builder.icmp_signed(">", higher, stop), higher, stop)
        step = builder.add(step, _ir.Constant(step.type, _STEPS))
        for slot, value in ((going, go_on), (stops, stop), (passed, count), (steps, step)):
            builder.store(value, slot)
        bits = _ir.IntType(16 * _TOGETHER)
        some = builder.icmp_unsigned("!=", builder.bitcast(go_on, bits), _ir.Constant(bits, 0))
        builder.cbranch(builder.and_(some, builder.icmp_signed("<", step, most)), again, done)
        builder.position_at_end(done)
        builder.store(builder.load(passed), column(PASSED, entry), align=2)
        return builder.load(steps)

    place = types.uint64
    return types.int64(codes, place, place, types.int64), generate


@kernel
def join_highest(highs: Floats, first: int, last: int, most: int, highest: Floats) -> None:
    """Write the highest highs of runs of 1, 2, 4, ... bars of the bars [first, last), up to those that runs of ``most`` bars are made of.

    Parameters
    ----------
    highs : float64 (T,)
    first, last, most : int
    highest : float64 (at least L * (last - first),)
        Overwritten; 2^L is more than ``most``.
    """
    count, half = last - first, 1
    for i in range(count):
        highest[index(i)] = highs[index(first + i)]
    for level in range(highest_bit(np.uint64(max(most, 1)))):
        one, two = index(level * count), index((level + 1) * count)
        for i in range(count - 2 * half + 1):
            high, later = highest[one + index(i)], highest[one + index(i + half)]
            highest[two + index(i)] = max(later, high)
        half *= 2


@rule
def places_of_peak(count: int, first: int, bars: int) -> tuple[np.uint64, np.uint64]:
    """Say where in the table of ``join_highest``, of ``count`` bars, the two numbers stand whose larger one is the highest of so many bars, 1 at least, from the first on."""
    level = highest_bit(np.uint64(bars))
    row = level * count + first
    return index(row), index(row + bars - (1 << level))
