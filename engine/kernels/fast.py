"""The fast sweep: a cell costs what its trades cost, not what its bars cost.

With ``all_in`` sizing, equity is cash while flat and shares * close while long, so between two fills nothing has to be simulated::

    close     ....  e  .  .  .  .  .  .  x  ....
    equity    cash [E  s*c s*c ...  s*c] cash'          E = s * close[e]
    returns     0  | r |   prefix sums  | r'| 0          r = E / cash - 1, r' = cash' / (s * close[x-1]) - 1
    drawdown       |  highest, lowest and fall of [e, x), two rows of a table

One symbol is worked on by spans of bars that fit the cache, so that a bar costs the same however long the history is; what an account is at the end of a span is where
it starts in the next. In a span, and for a block of pairs::

    words      which average is above, a bit a bar
    bits       the crosses, as the bars where their orders fill
    legs       every holding as far as it lies in the span: prices, closes, run
    accounts   the legs of 32 accounts at once: buy, hold, sell by the rules of ``position``, without a branch
    finish     sums to metrics

The exit of a trailing stop depends on the entry bar, not on the pair: ``stops`` finds it once. Trades equal those of the plain loop bit for bit, metrics to 1e-10
(``tests/test_fast.py``). A cell that this way cannot do, or not to that precision, is marked and left to the plain loop: a pair whose first bar is a tie, an account that is used up,
returns that cancel, drawdowns of next to nothing (``finish``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, pasted, rule
from engine.kernels.accounts import ACCOUNT_SIZE, LANES, settle
from engine.kernels.bits import Crosses, find_crosses
from engine.kernels.drawdown import fill_runs
from engine.kernels.finish import Result, finish
from engine.kernels.legs import Span, lay_legs
from engine.kernels.loop import Bars, with_multiple
from engine.kernels.machine import fetch_to_write, index
from engine.kernels.market import fill_market, find_changes
from engine.kernels.metrics import METRIC_COUNT
from engine.kernels.plan import Plan, Scratch, block_of
from engine.kernels.position import Rules
from engine.kernels.prefix import HARD, add_up
from engine.kernels.stops import Exits, Stops
from engine.kernels.words import Block, words_of_span

__all__ = ["find_block", "order_by_legs", "run_span"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@pasted
def run_span(
    bars: Bars,
    changes: Floats,
    rows: Floats,
    plan: Plan,
    stops: Stops,
    exits: Exits | None,
    rules: Rules,
    start: int,
    size: int,
    longest: int,
    scratch: Scratch,
    accounts: Floats,
    result: Result,
) -> None:
    """Take all accounts of a plan through one span.

    Parameters
    ----------
    bars : Bars
    changes : float64 (at least T,)
        Of the closes; written in the first span.
    rows : float64 (market_size(size),)
        Of the market; overwritten.
    plan : Plan
    stops : Stops
    exits : Exits or None
        Of shape (K, T), from ``stops.find_exits``; None if there are no stops.
    rules : Rules
        Long only, sizing ALL_IN; its multiple is replaced by that of each stop.
    start, size : int
        First bar of the span, and bars of a span, a multiple of 64.
    longest : int
        Closes of the span that a position can see, at most.
    scratch : Scratch
        For this plan, and for spans of this size or larger ones.
    accounts : float64 (groups, K, ACCOUNT_SIZE)
        Begun in the first span. If there is only one span, one group is enough: all use the same memory in turn.
    result : Result
        Written in the last span.
    """
    n, lead = len(bars.close), plan.longest
    span = Span(start, min(start + size, n), size, n)
    if start == 0:
        find_changes(bars.close, changes, rows)
    fill_market(bars, rules, changes, start, span.stop, rows)
    delay = 0 if rules.fill_at_close else 1
    origin = start - delay - lead
    kind = add_up(bars.close, origin, span.stop - delay, scratch.sums)
    fill_runs(bars.close, start, span.stop, longest, scratch.work, scratch.runs, size)
    for b in range(len(plan.window_start) - 1):
        block, first, last = block_of(plan, b), plan.pair_start[b], plan.pair_start[b + 1]
        find_block(bars.close, origin, scratch, kind, lead + 1, block, span, delay, first, last)
        run_block(rows, plan, b, stops, exits, rules, span, scratch, accounts, result)


@pasted
def find_block(
    close: Floats,
    origin: int,
    scratch: Scratch,
    kind: int,
    before: int,
    block: Block,
    span: Span,
    delay: int,
    first: int,
    last: int,
) -> None:
    """Find the crosses of the pairs [first, last) of a plan, which are a block; in the first span, put the pairs in order."""
    known, bars, sums, pairs = span.start + 1 - delay, span.stop - span.start, scratch.sums, scratch.pairs
    if kind != HARD:
        words_of_span(sums, kind, before, known, close, origin, block, bars, scratch.words)
    above, doubtful, order = pairs.above[first:last], pairs.doubtful[first:last], pairs.order[first:last]
    find_crosses(sums, kind, before, known, block, bars, scratch.words, above, doubtful, scratch.crosses)
    if span.start == 0:
        order_by_legs(scratch.crosses, order)


_MOST = 256


@kernel
def order_by_legs(crosses: Crosses, order: Integers) -> None:
    """Write the places of so many pairs, those with few golden crosses first; more than 255 are not told apart.

    Accounts that lie side by side then have as many legs as each other, so that a processor can learn when the last one comes.
    """
    count, golden = crosses.counts, crosses.golden
    start = np.zeros(_MOST + 1, np.int64)
    for i in range(len(order)):
        start[index(_legs_told(count[index(i)], golden[index(i)]) + 1)] += 1
    for i in range(_MOST):
        start[index(i + 1)] += start[index(i)]
    for i in range(len(order)):
        key = index(_legs_told(count[index(i)], golden[index(i)]))
        order[index(start[key])] = i
        start[key] += 1


@rule
def _legs_told(crosses: int, golden: bool) -> int:
    """Count the golden ones of so many crosses in turn, of which the first is golden or not, up to the most that is told apart."""
    return min((crosses + golden) >> 1, _MOST - 1)


@pasted
def run_block(
    rows: Floats,
    plan: Plan,
    b: int,
    stops: Stops,
    exits: Exits | None,
    rules: Rules,
    span: Span,
    scratch: Scratch,
    accounts: Floats,
    result: Result,
) -> None:
    """Take all accounts of a block through one span; begin them in the first, write their metrics in the last."""
    start, stop, group_start = plan.pair_start[b], plan.pair_start[b + 1], plan.group_start[b]
    legs, cells, runs = scratch.legs, scratch.cells, scratch.runs
    crosses, order, doubtful, cell_rows = scratch.crosses, scratch.pairs.order, scratch.pairs.doubtful, plan.row
    metrics, sure, begun, stop_count = result.out, result.sure, result.begun, len(stops.multiple)
    for k in range(stop_count):
        one = with_multiple(rules, stops.multiple[k])
        for first in range(start, stop, LANES):
            lanes = min(LANES, stop - first)
            account = accounts[group_start + (first - start) // LANES if len(accounts) > 1 else 0, k]
            if span.start == 0:
                for i in range(ACCOUNT_SIZE):
                    account[index(i)] = begun[index(i)]
            chosen = order[first : first + lanes]
            most = lay_legs(rows, exits, k, one, span, runs, crosses, chosen, account, scratch.marks, legs)
            if span.stop == span.last:
                for i in range(lanes):
                    cell = cell_rows[start + chosen[i]] * stop_count + k
                    cells[i] = cell
                    for metric in (0, METRIC_COUNT // 2, METRIC_COUNT - 1):
                        fetch_to_write(metrics, index(cell * METRIC_COUNT + metric))
            settle(account, legs, most, one.costs)
            if span.stop == span.last:
                finish(account, lanes, span, rows, result, cells, legs)
                for i in range(lanes):
                    sure[cells[i]] &= not doubtful[start + chosen[i]]
