"""From the crosses of a pair to the legs of its account in a span of bars."""

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
from engine.kernels.drawdown import NO_RUN, ONE, THREE, TWO, Run, join, places_of_run
from engine.kernels.exact import two_sum
from engine.kernels.loop import Bars
from engine.kernels.machine import WORD, index
from engine.kernels.position import Rules, paid, received

__all__ = ["MARKET_ROW", "STEEPEST", "SUM_LOSSES", "SUM_SQUARES", "Span", "fill_market", "lay_legs"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_NEVER = 1 << 61


SUM_RETURNS, SUM_SQUARES, SUM_LOSSES = 0, 1, 2
"""Columns of the market's rows: sums over the bars before t of q = close[t] / close[t-1] - 1, q^2 and min(q, 0)^2; q[0] = 0."""
LAST, BOUGHT, SOLD, STEEPEST = 3, 4, 5, 6
"""Close of bar t - 1; what a buy pays that fills on bar t - 1; what a sale receives that fills on bar t; in the first row, the largest absolute sum of returns."""
MARKET_ROW = 8
"""Numbers in a row: a cache line. Row t begins at t * MARKET_ROW; it is read for what begins after bar t - 1, or ends before bar t."""


class Span(NamedTuple):
    """Bars [start, stop) of the history's ``last``; there is room for ``size`` bars, a multiple of 64."""

    start: int
    stop: int
    size: int
    last: int


@rule
def _add(total: float, lost: float, value: float) -> tuple[float, float]:
    """Add to a sum that is kept as two doubles."""
    after, rest = two_sum(total, value)
    return after, lost + rest


@kernel
def fill_market(bars: Bars, rules: Rules, rows: Floats) -> None:
    """Write what is known of a symbol before any trade, float64 ((T + 1) * MARKET_ROW,), once for all cells.

    The sums before every 64th bar are kept as two doubles, and rounded once; to them the bars since then are added. So no sum is wrong by more than a few units
    in its last place, however long the history is.
    """
    close = bars.close
    n = len(close)
    fills = close if rules.fill_at_close else bars.open
    change = np.empty(n)
    now, before, changes = close[1:], close[:-1], change[1:]
    change[0] = 0.0
    for i in range(len(now)):  # apart from the sums below, which wait for each other: divisions side by side
        changes[i] = now[i] / before[i] - 1.0
    rows[:MARKET_ROW] = 0.0
    rows[SOLD] = received(fills[0], rules.costs)
    returns = squares = losses = 0.0
    lost_returns = lost_squares = lost_losses = steepest = 0.0
    for start in range(0, n, WORD):
        more = more_squares = more_losses = 0.0
        for t in range(start, min(start + WORD, n)):
            row, value = (t + 1) * MARKET_ROW, change[index(t)]
            more, more_squares = more + value, more_squares + value * value
            more_losses += min(value, 0.0) ** 2
            rows[index(row + SUM_RETURNS)], rows[index(row + SUM_SQUARES)] = returns + more, squares + more_squares
            rows[index(row + SUM_LOSSES)], rows[index(row + LAST)] = losses + more_losses, close[index(t)]
            rows[index(row + BOUGHT)] = paid(fills[index(t)], rules.costs)
            rows[index(row + SOLD)] = received(fills[index(min(t + 1, n - 1))], rules.costs)
            steepest = max(steepest, abs(returns + more))
        returns, lost_returns = _add(returns, lost_returns, more)
        squares, lost_squares = _add(squares, lost_squares, more_squares)
        losses, lost_losses = _add(losses, lost_losses, more_losses)
        # The lost part is put back as soon as it reaches the last place of the sum.
        returns, lost_returns = two_sum(returns, lost_returns)
        squares, lost_squares = two_sum(squares, lost_squares)
        losses, lost_losses = two_sum(losses, lost_losses)
    rows[STEEPEST] = steepest


@kernel
def lay_legs(  # noqa: PLR0915  one loop: handing arrays to its parts would take longer than the parts
    rows: Floats,
    atr: Floats,
    exit_bar: Integers,
    exit_price: Floats,
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
    rows : float64 ((T + 1) * MARKET_ROW,)
        Of the market.
    rules, span
    atr : float64 (T,)
        Of the stop; not read if ``rules.multiple`` is nan.
    exit_bar, exit_price : int64, float64 (T,)
        Those of ``stops.Exits`` that can be asked for, looked for up to the span's end.
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
    size, first_bar, last_bar = span.size, span.start, span.stop
    has_stop = not np.isnan(rules.multiple)
    delay = 0 if rules.fill_at_close else 1
    most = 0
    for lane in range(len(lane_pairs)):
        pair = lane_pairs[index(lane)]
        new = not account[SHARES + lane] > 0.0
        i = cross_start[index(pair)]
        count = i + cross_count[index(pair)]
        i += 1 if new and not golden[index(pair)] else 0
        number = exposed = 0
        returns = squares = losses = 0.0
        while i < count or not new:
            if new:
                entry = start = first_bar + int(cross[index(i)])
                i += 1
                if has_stop and (entry < delay or np.isnan(atr[index(entry - delay)])):
                    account[SKIPPED + lane] += 1.0
                    i += 1
                    continue
            else:
                entry, start = int(account[ENTRY + lane]), first_bar
            death = first_bar + int(cross[index(i)]) if i < count else _NEVER
            i += 1
            leave = exit_bar[index(entry)] if has_stop else _NEVER
            stopped = leave <= death - delay and leave < last_bar
            end = leave if stopped else min(death, last_bar)
            holds = end > start
            leg = number * LEG_SIZE + lane
            after, before = (start + 1) * MARKET_ROW, end * MARKET_ROW
            legs[index(leg + BUY)] = rows[index(after + BOUGHT)] if new else np.nan
            # Both are read in any case: a choice of what to read is a branch, and wrong for every third leg.
            sold, got = rows[index(before + SOLD)], exit_price[index(entry if has_stop else 0)]
            legs[index(leg + SELL)] = got if stopped else (sold if death < _NEVER else np.nan)
            legs[index(leg + FIRST_CLOSE)] = rows[index(after + LAST)] if new and holds else np.nan
            legs[index(leg + LAST_CLOSE)] = rows[index(before + LAST)] if holds or not new else np.nan
            run = NO_RUN
            if holds:
                one, two = places_of_run(size, start - first_bar, end - first_bar)
                run = join(
                    Run(runs[one], runs[one + ONE], runs[one + TWO], runs[one + THREE]),
                    Run(runs[two], runs[two + ONE], runs[two + TWO], runs[two + THREE]),
                )
            legs[index(leg + HIGHEST)], legs[index(leg + LOWEST)] = run.highest, run.lowest
            legs[index(leg + FALL)] = run.fall
            since = min(start + new, end) * MARKET_ROW
            returns += rows[index(before + SUM_RETURNS)] - rows[index(since + SUM_RETURNS)]
            squares += rows[index(before + SUM_SQUARES)] - rows[index(since + SUM_SQUARES)]
            losses += rows[index(before + SUM_LOSSES)] - rows[index(since + SUM_LOSSES)]
            exposed += max(end - start, int(new))
            number += 1
            account[ENTRY + lane] = entry
            new = True
        account[RETURNS + lane] += returns
        account[SQUARES + lane] += squares
        account[LOSSES + lane] += losses
        account[EXPOSED + lane] += exposed
        counts[index(lane)] = number
        most = max(most, number)
    counts[len(lane_pairs) :] = 0
    return most
