"""From the crosses of a pair to the legs of its account in a span of bars."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel
from engine.kernels.accounts import (
    BUY,
    ENTRY,
    EXPOSED,
    FALL,
    FIRST_CLOSE,
    HIGHEST,
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

__all__ = ["Span", "lay_legs"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Span(NamedTuple):
    """Bars [start, stop) of the history's ``last``; there is room for ``size`` bars, a multiple of 64."""

    start: int
    stop: int
    size: int
    last: int


@kernel
def lay_legs(  # noqa: PLR0915  one loop: handing arrays to its parts would take longer than the parts
    rows: Floats,
    exits: Exits | None,
    stop: int,
    rules: Rules,
    span: Span,
    runs: Floats,
    crosses: Crosses,
    lane_pairs: Integers,
    account: Floats,
    legs: Floats,
    counts: Integers,
) -> int:
    """Write the legs of up to 32 accounts in a span, and book what does not depend on their cash: returns within holdings, exposure, skipped signals.

    Parameters
    ----------
    rows : float64 ((bars of the span + 1) * MARKET_ROW,)
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
    legs : float64 (at least (bars of the span + 1) * LEG_SIZE,)
        Overwritten.
    counts : int64 (LANES,)
        Overwritten with the number of legs of each.

    Returns
    -------
    int
        The largest number of legs.
    """
    # Arrays are taken out of their tuples once: a tuple that is handed on counts references, 1,000 cycles a cell in all.
    cross, cross_start, cross_count, golden = crosses.bars, crosses.start, crosses.counts, crosses.golden
    if exits is not None:
        exit_bar, exit_price = exits.bar[stop], exits.price[stop]
    size, first_bar, bars = span.size, span.start, span.stop - span.start
    within = (
        1 if rules.fill_at_close else 0
    )  # a stop takes precedence over a sale at the close of the same bar, not over one at its open
    most, unit, unit_squares = 0, rows[UNIT_RETURNS], rows[UNIT_SQUARES]
    sums = np.empty(FOUR, np.int64)
    for lane in range(len(lane_pairs)):
        pair = index(lane_pairs[index(lane)])
        new = not account[SHARES + lane] > 0.0
        i = cross_start[pair]
        count = i + cross_count[pair]
        i += 1 if new and not golden[pair] else 0
        leg, entry, opened = lane, 0, 0 if new else -1
        for column in range(FOUR):
            sums[column] = 0
        while i < count or not new:
            if new:
                # Counted from the span's first bar, as all that follows; a sum, since int() leaves 16 bits as they are.
                start = 0 + int(cross[index(i)])
                entry = first_bar + start
                i += 1
            else:
                entry, start = int(account[ENTRY + lane]), 0
            leave = NOT_YET if exits is None else exit_bar[index(entry)]
            if leave == NO_ENTRY:
                account[SKIPPED + lane] += 1.0
                i += 1
                continue
            death = 0 + int(cross[index(i)])  # after the last cross, a bar behind the span's end
            i += 1
            stopped = leave - first_bar < min(death + within, bars)
            end = leave - first_bar if stopped else min(death, bars)
            after, before = (start + 1) * MARKET_ROW, end * MARKET_ROW
            bought, closed = rows[index(after + BOUGHT)], rows[index(before + LAST)]
            legs[index(leg + BUY)] = bought if new else np.nan
            # Both are read in any case: a choice of what to read is a branch, and wrong for every third leg.
            sold = chosen(death < bars, rows[index(before + SOLD)], np.nan)
            if exits is not None:
                sold = chosen(stopped, exit_price[index(entry)], sold)
            legs[index(leg + SELL)] = sold
            run = NO_RUN
            if end > start:
                legs[index(leg + FIRST_CLOSE)] = rows[index(after + LAST)] if new else np.nan
                legs[index(leg + LAST_CLOSE)] = closed
                one, two = places_of_run(size, start, end)
                run = join(
                    Run(runs[one], runs[one + ONE], runs[one + TWO]),
                    Run(runs[two], runs[two + ONE], runs[two + TWO]),
                )
                add_difference(sums, rows, index(before), index((start + new) * MARKET_ROW))
            else:
                legs[index(leg + FIRST_CLOSE)] = np.nan
                legs[index(leg + LAST_CLOSE)] = np.nan if new else closed
            legs[index(leg + HIGHEST)], legs[index(leg + LOWEST)] = run.highest, run.lowest
            legs[index(leg + FALL)] = run.fall
            leg += LEG_SIZE
            new = True
        number = int(index(leg - lane) // index(LEG_SIZE))
        account[RETURNS + lane] += sums[SUM_RETURNS] * unit
        account[SQUARES + lane] += sums[SUM_SQUARES] * unit_squares
        account[LOSSES + lane] += sums[SUM_LOSSES] * unit_squares
        account[EXPOSED + lane] += sums[SUM_BARS] + number + opened  # the bar of an entry is not between two of them
        account[ENTRY + lane] = entry
        counts[index(lane)] = number
        most = max(most, number)
    counts[len(lane_pairs) :] = 0
    return int(most)
