"""From the crosses of 32 pairs to the legs of their accounts in a span of bars, row by row.

::

    row 0    what an account held when the span began
    row 1    the first golden cross of each, and the death cross or stop behind it
    row 2    the second, ...

An account that has no leg in a row has one of none there. So the loop over a row is the same for all, its end comes where the processor expects it, and no leg waits for another one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule
from engine.kernels.accounts import (
    BUY,
    ENTRY,
    EXPOSED,
    FALL,
    FIRST_CLOSE,
    HIGHEST,
    LANES,
    LAST_CLOSE,
    LEG_SIZE,
    LOSSES,
    LOWEST,
    RETURNS,
    SELL,
    SHARES,
    SKIPPED,
    SQUARES,
)
from engine.kernels.bits import Crosses
from engine.kernels.drawdown import NO_RUN, ONE, TWO, Run, join, places_of_run
from engine.kernels.machine import chosen, index
from engine.kernels.market import (
    BOUGHT,
    LAST,
    MARKET_ROW,
    SOLD,
    SUM_BARS,
    SUM_LOSSES,
    SUM_RETURNS,
    SUM_SQUARES,
    UNIT_RETURNS,
    UNIT_SQUARES,
)
from engine.kernels.position import Rules
from engine.kernels.stops import NO_ENTRY, NOT_YET, Exits
from engine.kernels.vectors import FOUR, add_difference

__all__ = ["MARKS_SIZE", "Span", "lay_legs", "leave_out"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


_DEATH, _SIGNALS, _SUMS = (LANES * column for column in range(3))
MARKS_SIZE = _SUMS + FOUR * LANES
"""Columns of the marks: place of the death cross before the first golden one, number of golden ones; and four sums for each lane."""


class Span(NamedTuple):
    """Bars [start, stop) of the history's ``last``; there is room for ``size`` bars, a multiple of 64."""

    start: int
    stop: int
    size: int
    last: int


@kernel
def lay_legs(  # noqa: PLR0912, PLR0915  one loop: handing arrays to its parts would take longer than the parts
    rows: Floats,
    exits: Exits | None,
    stop: int,
    rules: Rules,
    span: Span,
    runs: Floats,
    crosses: Crosses,
    lane_pairs: Integers,
    account: Floats,
    marks: Integers,
    legs: Floats,
) -> int:
    """Write the legs of up to 32 accounts in a span, and book what does not depend on their cash: returns within holdings, exposure, skipped signals.

    Parameters
    ----------
    rows : float64 (market_size(bars of the span),)
        Of the market.
    exits : Exits or None
        Of shape (K, T), those that can be asked for, looked for up to the span's end. None is no stop at all, and a version of its own.
    stop : int
        Row of the exits.
    rules, span
    runs : float64 (L * span.size * ROW,)
        From ``drawdown.fill_runs``.
    crosses : Crosses
        Of the pairs of a block.
    lane_pairs : int64 (lanes,)
        The pair of each account.
    account : float64 (ACCOUNT_SIZE,)
    marks : int64 (MARKS_SIZE,)
        Overwritten. Given, since a function that gets memory and may fail counts references to all that it is handed: a tenth of its time.
    legs : float64 (at least (bars of the span + 1) * LEG_SIZE,)
        Overwritten.

    Returns
    -------
    int
        Rows that were written.
    """
    # Arrays are taken out of their tuples once: a tuple that is handed on counts references, 1,000 cycles a cell in all.
    cross, cross_start, cross_count, golden = crosses.bars, crosses.start, crosses.counts, crosses.golden
    if exits is not None:
        exit_bar, exit_price = exits.bar[stop], exits.price[stop]
    size, first_bar, bars = span.size, span.start, span.stop - span.start
    # A stop takes precedence over a sale at the close of the same bar, not over one at its open.
    within = 1 if rules.fill_at_close else 0
    lanes, most, first_row = len(lane_pairs), 0, 1
    for lane in range(lanes):
        pair, goes_on = index(lane_pairs[index(lane)]), account[SHARES + lane] > 0.0
        # No choice, which may become a branch that nobody can guess.
        first = cross_start[pair] + 1 - (golden[pair] & (not goes_on))
        signals = cross_start[pair] + cross_count[pair] - first + 1 >> 1
        marks[index(lane + _DEATH)], marks[index(lane + _SIGNALS)] = first - 1, signals
        for column in range(FOUR):
            marks[index(_SUMS + FOUR * lane + column)] = 0
        most, first_row = max(most, signals), min(first_row, 1 - goes_on)
    for lane in range(lanes, LANES):
        marks[index(lane + _SIGNALS)] = -1
    for row in range(first_row, most + 1):
        for lane in range(LANES):
            me, leg = index(lane), index((row - first_row) * LEG_SIZE + lane)
            if row > marks[me + index(_SIGNALS)] or (row == 0 and not account[SHARES + lane] > 0.0):
                leave_out(legs, leg)
                continue
            i = index(marks[me + index(_DEATH)] + 2 * row)
            if row > 0:
                # Counted from the span's first bar, as all that follows; a sum, since int() leaves 16 bits as they are.
                start = 0 + int(cross[i - index(1)])
                entry, after = first_bar + start, start + 1
            else:
                entry, start, after = int(account[ENTRY + lane]), 0, bars + 1
            leave = NOT_YET if exits is None else exit_bar[index(entry)]
            if leave == NO_ENTRY:
                account[SKIPPED + lane] += 1.0
                account[EXPOSED + lane] -= 1.0
                leave_out(legs, leg)
                continue
            death = 0 + int(cross[i])  # after the last cross, a bar behind the span's end
            end = min(death, bars, leave - first_bar)
            sold = rows[index(end * MARKET_ROW + SOLD)]
            if exits is not None:
                # Both are read in any case: a choice of what to read is a branch, and wrong for every third leg.
                sold = chosen(leave - first_bar < min(death + within, bars), exit_price[index(entry)], sold)
            if end <= start:
                leave_out(legs, leg)
                legs[leg + index(BUY)] = rows[index(after * MARKET_ROW + BOUGHT)]
                if row == 0:
                    legs[leg + index(LAST_CLOSE)] = rows[index(LAST)]
                legs[leg + index(SELL)] = sold
                continue
            legs[leg + index(SELL)] = sold
            after, behind = index(after * MARKET_ROW), index(end * MARKET_ROW)
            legs[leg + index(BUY)] = rows[after + index(BOUGHT)]
            legs[leg + index(FIRST_CLOSE)] = rows[after + index(LAST)]
            legs[leg + index(LAST_CLOSE)] = rows[behind + index(LAST)]
            add_difference(marks, index(_SUMS + FOUR * lane), rows, behind, after)
            one, two = places_of_run(size, start, end)
            run = join(
                Run(runs[one], runs[one + ONE], runs[one + TWO]),
                Run(runs[two], runs[two + ONE], runs[two + TWO]),
            )
            legs[leg + index(HIGHEST)], legs[leg + index(LOWEST)] = run.highest, run.lowest
            legs[leg + index(FALL)] = run.fall
    unit, unit_squares = rows[UNIT_RETURNS], rows[UNIT_SQUARES]
    for lane in range(lanes):
        four, signals = index(_SUMS + FOUR * lane), marks[index(lane + _SIGNALS)]
        account[RETURNS + lane] += marks[four + index(SUM_RETURNS)] * unit
        account[SQUARES + lane] += marks[four + index(SUM_SQUARES)] * unit_squares
        account[LOSSES + lane] += marks[four + index(SUM_LOSSES)] * unit_squares
        # The bar of an entry is not between two of those that are counted.
        account[EXPOSED + lane] += marks[four + index(SUM_BARS)] + signals
        if span.stop < span.last and signals > 0:
            account[ENTRY + lane] = first_bar + int(cross[index(marks[index(lane + _DEATH)] + 2 * signals - 1)])
    return int(most + 1 - first_row)


@rule
def leave_out(legs: Floats, leg: np.uint64) -> None:
    """Write a leg of none."""
    legs[leg + index(BUY)] = legs[leg + index(SELL)] = np.nan
    legs[leg + index(FIRST_CLOSE)] = legs[leg + index(LAST_CLOSE)] = np.nan
    legs[leg + index(HIGHEST)], legs[leg + index(LOWEST)] = NO_RUN.highest, NO_RUN.lowest
    legs[leg + index(FALL)] = NO_RUN.fall
