"""What is known of a symbol before any trade: prices of fills by bar, and sums of the returns of its closes.

The sums are of whole numbers: a return, and its square, is rounded to a unit which is as fine as 64 bits allow for the whole history. Then the sum of a holding is the
difference of two sums without any error but that of each bar's rounding, half a unit, and the sum of no loss at all is 0. In doubles it was wrong by the last place of the
sum up to there, which is a thousand times as much: a cell that was in the market for a bar or two had to be left to a slower loop, and a sweep of 33 symbols took a
twentieth of its time for ten such cells.

It is written span by span, when the span is worked on: 64 bytes a bar, which of a long history lie in no near cache when they are read (100,000 bars took a quarter longer, docs/speed.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule
from engine.kernels.loop import Bars
from engine.kernels.machine import WORD, bits_of, double_of, index
from engine.kernels.position import Rules, paid, received

__all__ = [
    "BOUGHT",
    "LAST",
    "MARKET_ROW",
    "SOLD",
    "SUM_BARS",
    "SUM_LOSSES",
    "SUM_RETURNS",
    "SUM_SQUARES",
    "UNIT_RETURNS",
    "UNIT_SQUARES",
    "fill_market",
    "find_changes",
    "market_size",
]

Floats = NDArray[np.float64]

SUM_RETURNS, SUM_SQUARES, SUM_LOSSES, SUM_BARS = 0, 1, 2, 3
"""Columns of the market's rows: sums over the bars of the span before t of q = close[t] / close[t-1] - 1, q^2 and min(q, 0)^2, in units; q[0] = 0; and t itself. They are integers,
modulo 2^64, and stand in the rows as bits. Bars are counted from the first of the span."""
LAST, BOUGHT, SOLD = 4, 5, 6
"""Close of bar t - 1; what a buy pays that fills on bar t - 1; what a sale receives that fills on bar t, nan behind the span's last bar."""
UNIT_RETURNS, UNIT_SQUARES = 7, BOUGHT
"""In the first row, of which these columns are not used otherwise: the unit of the first sum, and that of the next two."""
MARKET_ROW = 8
"""Numbers in a row: a cache line. Row t begins at t * MARKET_ROW; it is read for what begins after bar t - 1, or ends before bar t."""
_BITS = 61
"""Of a sum over the whole history, at most: one less than an integer has besides its sign, since every loss is rounded up to a unit."""


def market_size(bars: int) -> int:
    """Give the numbers of the rows for a span of so many bars: one for each, one behind the last, and one for what is held when the span begins."""
    return (bars + 2) * MARKET_ROW


@rule
def unit_for(most: float) -> float:
    """Give the smallest power of two of which ``most`` is 2^61 or less; infinite for what is, and 1 for 0."""
    if not 0.0 < most < np.inf:
        return most if most > 0.0 else 1.0
    exponent = int(bits_of(most) >> np.uint64(52)) - 1023
    unit: float = double_of(np.uint64(exponent - (_BITS - 1) + 1023) << np.uint64(52))
    return unit


@kernel
def find_changes(close: Floats, changes: Floats, rows: Floats) -> None:
    """Write close[t] / close[t-1] - 1 of every bar, float64 (at least T,), and the units in which they are added up; before the first span is filled."""
    changes[0] = 0.0
    now, before, after = close[1:], close[:-1], changes[1:]
    for i in range(len(now)):
        after[i] = now[i] / before[i] - 1.0
    _choose_units(changes[: len(close)], rows)


@kernel
def fill_market(bars: Bars, rules: Rules, changes: Floats, start: int, stop: int, rows: Floats) -> None:
    """Write what is known of the bars of a span before any trade, once for all cells.

    Parameters
    ----------
    bars : Bars
    rules : Rules
    changes : float64 (at least T,)
        From ``find_changes``.
    start, stop : int
        The bars of the span.
    rows : float64 (market_size(stop - start),)
        Overwritten but for the units. The last row is read for what was bought in an earlier span: its sums are 0, its prices nan.
    """
    close = bars.close
    n = len(close)
    fills = close if rules.fill_at_close else bars.open
    scale, scale_squares = 1.0 / rows[UNIT_RETURNS], 1.0 / rows[UNIT_SQUARES]
    first = second = third = np.int64(0)
    rows[SUM_RETURNS] = rows[SUM_SQUARES] = rows[SUM_LOSSES] = rows[SUM_BARS] = double_of(np.uint64(0))
    rows[LAST] = close[max(start - 1, 0)]
    rows[SOLD] = received(fills[start], rules.costs)
    for i in range(stop - start):
        row, t = index(i + 1) * index(MARKET_ROW), start + i
        value = changes[index(t)]
        square = np.int64(np.rint(value * value * scale_squares))
        first += np.int64(np.rint(value * scale))
        # A loss is one unit at least, so that its sum is 0 only where there is none; a product, since a choice would be a branch that nobody can guess.
        loss = np.int64(value < 0.0)
        second += max(square, loss)
        third += max(square, loss) * loss
        rows[row + index(SUM_RETURNS)] = double_of(np.uint64(first))
        rows[row + index(SUM_SQUARES)] = double_of(np.uint64(second))
        rows[row + index(SUM_LOSSES)] = double_of(np.uint64(third))
        rows[row + index(SUM_BARS)] = double_of(index(i + 1))
        rows[row + index(LAST)] = close[index(t)]
        rows[row + index(BOUGHT)] = paid(fills[index(t)], rules.costs)
        rows[row + index(SOLD)] = received(fills[index(min(t + 1, n - 1))], rules.costs)
    rows[index(stop - start) * index(MARKET_ROW) + index(SOLD)] = np.nan
    # What is held since before was not bought here, and has earned nothing yet.
    carried = index(stop - start + 1) * index(MARKET_ROW)
    for column in range(MARKET_ROW):
        rows[carried + index(column)] = 0.0 if column <= SUM_BARS else np.nan


@kernel
def _choose_units(change: Floats, rows: Floats) -> None:
    """Choose units of which all returns, and all their squares, together have 61 bits at most."""
    most = most_squares = 0.0
    for start in range(
        0, len(change), WORD
    ):  # a single bar that is far out costs the others only a few bits of the unit
        largest = np.uint64(0)
        for t in range(start, min(start + WORD, len(change))):
            largest = max(largest, bits_of(abs(change[index(t)])))  # positive doubles are in the order of their bits
        most += WORD * double_of(largest)
        most_squares += WORD * double_of(largest) ** 2
    rows[UNIT_RETURNS], rows[UNIT_SQUARES] = unit_for(most), unit_for(most_squares)
