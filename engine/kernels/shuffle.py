"""Markets whose days are in another order: the same moves, chained into new prices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule
from engine.kernels.exact import EXACT, TICKS_PER_UNIT
from engine.kernels.loop import Bars

__all__ = ["chain_moves", "split_moves"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

GAP, HIGH, LOW, CLOSE = 0, 1, 2, 3
"""Columns of the moves: open / close before, then high, low and close / open."""

_LOW_ENOUGH = 64.0
"""Lowest price that is aimed at: a whole tick (1e-5) is then at most 2^-22 of any price, as fine as the float32 that data vendors send."""
_LARGEST = 1073741824.0  # 2^30, half of what ``exact.is_whole`` takes
_MOST_BARS = 4096
"""Over which a sum of closes has to be exact: a span of the sweep, and the longest window before it."""


@kernel
def split_moves(bars: Bars, out: Floats) -> None:
    """Split the bars of one symbol into moves.

    Parameters
    ----------
    bars : Bars
        (T,) each.
    out : float64 (T, 4)
        GAP, HIGH, LOW, CLOSE as ratios. The first bar has no close before it: its gap is 1.
    """
    before = bars.open[0] if len(bars.open) > 0 else 1.0
    for t in range(len(bars.open)):
        opened = bars.open[t]
        out[t, GAP] = opened / before
        out[t, HIGH], out[t, LOW], out[t, CLOSE] = bars.high[t] / opened, bars.low[t] / opened, bars.close[t] / opened
        before = bars.close[t]


@rule
def scale_of(lowest: float, highest: float, bars: int) -> float:
    """Give the power of two by which prices are multiplied before they are rounded to whole ticks: nothing that matters is lost, and sums of them stay exact."""
    scale = 1.0
    most = min(_LARGEST, EXACT / TICKS_PER_UNIT / max(1, min(bars, _MOST_BARS)))
    while lowest * scale < _LOW_ENOUGH and 2.0 * highest * scale < most:
        scale *= 2.0
    while highest * scale >= most:
        scale *= 0.5
    return scale


@kernel
def chain_moves(
    moves: Floats,
    bar: Integers,
    order: Integers,
    base: Floats,
    free: bool,
    out: Floats,
    day: Integers,
    offsets: Integers,
) -> None:
    """Chain the moves of all symbols into prices, the days in a given order.

    Prices become whole ticks (1e-5), with which averages are exact and fast. Multiplying and rounding keep the order of two numbers, so high >= open, close >= low still hold.

    Parameters
    ----------
    moves : float64 (N, 4)
        From ``split_moves``, symbols one behind the other.
    bar : int64 (S, D)
        Row in ``moves`` of each symbol's bar on each day; -1 where it has none.
    order : int64 (D',)
        Day whose moves come first, second, ...
    base : float64 (S,)
        Price before the first bar.
    free : bool
        The level of prices does not matter, so that they may be scaled by a power of two.
    out : float64 (4, N')
        Overwritten with open, high, low, close, symbols one behind the other.
    day : int64 (N',)
        Overwritten with the place in ``order`` of each bar.
    offsets : int64 (S + 1,)
        Overwritten with the first bar of each symbol.
    """
    place = 0
    for s in range(len(base)):
        level, lowest, highest, first = base[s], np.inf, 0.0, place
        offsets[s] = first
        for i in range(len(order)):
            row = bar[s, order[i]]
            if row < 0:
                continue
            opened = level * moves[row, GAP]
            level = opened * moves[row, CLOSE]
            out[0, place], out[3, place], day[place] = opened, level, i
            out[1, place], out[2, place] = opened * moves[row, HIGH], opened * moves[row, LOW]
            highest, lowest = max(highest, out[1, place]), min(lowest, out[2, place])
            place += 1
        scale = scale_of(lowest, highest, place - first) if free and place > first else 1.0
        for field in range(4):
            for j in range(first, place):
                out[field, j] = max(np.rint(out[field, j] * scale * TICKS_PER_UNIT), 1.0) / TICKS_PER_UNIT
    offsets[len(base)] = place
