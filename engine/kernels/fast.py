"""The fast sweep: a cell costs what its trades cost, not what its bars cost.

With ``all_in`` sizing, equity is cash while flat and shares * close while long, so between two fills nothing has to be simulated::

    close     ....  e  .  .  .  .  .  .  x  ....
    equity    cash [E  s*c s*c ...  s*c] cash'          E = s * close[e]
    returns     0  | r |   prefix sums  | r'| 0          r = E / cash - 1, r' = cash' / (s * close[x-1]) - 1
    drawdown       |  highest, lowest and fall of [e, x), two rows of a table

One symbol is worked on by spans of bars that fit the cache, so that a bar costs the same however long the history is; what an account is at the end of a span is where
it starts in the next. In a span, and for a block of pairs::

    bits       the crosses, 64 bars at a time, as the bars where their orders fill
    legs       every holding as far as it lies in the span: prices, closes, run
    accounts   the legs of 32 accounts at once: buy, hold, sell by the rules of ``position``, without a branch
    finish     sums to metrics

The exit of a trailing stop depends on the entry bar, not on the pair: ``stops`` finds it once. Trades equal those of the plain loop bit for bit, metrics to 1e-10
(``tests/test_fast.py``). A cell that this way cannot do, or not to that precision, is marked and left to the plain loop: ties without an end, an account that is used up,
returns that cancel, drawdowns of next to nothing (``finish``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule
from engine.kernels.accounts import LANES, LEG_SIZE, open_accounts, settle
from engine.kernels.bits import Block, cross_bars, is_tie, may_be_tie, settle_ties, words_of_span
from engine.kernels.drawdown import ROW, fill_runs
from engine.kernels.finish import Result, finish
from engine.kernels.legs import Crosses, Span, fill_market, lay_legs
from engine.kernels.loop import Bars, with_multiple
from engine.kernels.machine import WORD, highest_bit, index
from engine.kernels.metrics import METRIC_COUNT
from engine.kernels.position import Rules
from engine.kernels.prefix import HARD, MIXED, SINGLE, TICKS, add_up
from engine.kernels.stops import Exits, Stops, exits_of

__all__ = ["SPAN", "Pairs", "Plan", "run_span"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SPAN = 2048
"""Bars that are worked on together, at most: what belongs to them stays in a cache of 1 MiB."""


class Plan(NamedTuple):
    """The blocks of pairs of a grid, one behind the other: B blocks, W windows, F fast windows, P pairs in all."""

    windows: Integers  # (W,)
    window_start: Integers  # (B + 1,)
    start: Integers  # (F,) as in Block
    fast_start: Integers  # (B + 1,)
    first_pair: Integers  # (F,) as in Block
    fast_of: Integers  # (P,) as in Block
    slow_of: Integers  # (P,)
    pair_start: Integers  # (B + 1,)
    row: Integers  # (P,) where a pair's metrics go
    group_start: Integers  # (B + 1,) groups of 32 pairs before the block
    longest: int  # window of all
    most_windows: int  # of a block
    most_pairs: int  # of a block


class Pairs(NamedTuple):
    """What is remembered of the pairs of a plan from span to span; (P,) each."""

    above: Integers  # 1 if the fast average is above at the end of the span
    doubtful: NDArray[np.bool_]  # a tie could not be settled


class Scratch(NamedTuple):
    """Memory that every span and block uses again."""

    sums: Floats  # prefix sums of the closes
    tile: Floats  # averages of 64 bars
    words: NDArray[np.uint64]  # of a block
    crosses: Crosses
    legs: Floats
    counts: Integers


@rule
def block_of(plan: Plan, b: int) -> Block:
    """Cut one block out."""
    f, g, w, p = plan.fast_start[b], plan.fast_start[b + 1], plan.window_start[b], plan.pair_start[b]
    return Block(
        plan.windows[w : plan.window_start[b + 1]],
        g - f,
        plan.start[f:g],
        plan.first_pair[f:g],
        plan.fast_of[p : plan.pair_start[b + 1]],
        plan.slow_of[p : plan.pair_start[b + 1]],
    )


@rule
def aligned(size: int) -> Floats:
    """Get memory for so many doubles at an address that 64 divides: a vector that lies in two cache lines takes twice the time."""
    memory = np.empty(size + 8)
    start = -(memory.ctypes.data // 8) % 8
    return memory[start : start + size]


@rule
def scratch_of(plan: Plan, bars: int) -> Scratch:
    """Get the memory for spans of so many bars."""
    crosses = Crosses(
        np.empty(LANES * (bars + 5), np.int64), bars + 5, np.empty(LANES, np.int64), np.empty(LANES, np.bool_)
    )
    return Scratch(
        np.zeros((4, bars + plan.longest + 2)),
        aligned(plan.most_windows * WORD),
        np.empty(plan.most_pairs * (bars // WORD), np.uint64),
        crosses,
        np.empty(max((bars + 1) * LEG_SIZE, (METRIC_COUNT + 1) * LANES)),
        np.empty(LANES, np.int64),
    )


@kernel
def run_span(
    bars: Bars,
    rows: Floats,
    plan: Plan,
    stops: Stops,
    exits: Exits,
    rules: Rules,
    start: int,
    size: int,
    pairs: Pairs,
    accounts: Floats,
    result: Result,
) -> None:
    """Take all accounts of a plan through one span.

    Parameters
    ----------
    bars : Bars
    rows : float64 ((T + 1) * MARKET_ROW,)
        Of the market; written in the first span.
    plan : Plan
    stops : Stops
    exits : Exits
        Of shape (K, T), from ``stops.find_exits``; of any shape (K, at least 1) without stops.
    rules : Rules
        Long only, sizing ALL_IN; its multiple is replaced by that of each stop.
    start, size : int
        First bar of the span, and bars of a span, a multiple of 64.
    pairs : Pairs
    accounts : float64 (groups, K, ACCOUNT_SIZE)
        Begun in the first span. If there is only one span, one group is enough: all use the same memory in turn.
    result : Result
        Written in the last span.
    """
    n, lead = len(bars.close), plan.longest
    work, runs = np.empty((6, size)), np.empty((highest_bit(np.uint64(2 * size)) * size, ROW))
    span = Span(start, min(start + size, n), size, n, runs)
    if start == 0:
        fill_market(bars, rules, rows)
    scratch = scratch_of(plan, size)
    delay = 0 if rules.fill_at_close else 1
    kind = add_up(bars.close, start - delay - lead, span.stop - delay, scratch.sums)
    if kind == HARD:
        pairs.doubtful[:] = True
    fill_runs(bars.close, start, span.stop, work, runs, size)
    for b in range(len(plan.window_start) - 1):
        run_block(rows, plan, b, stops, exits, rules, span, kind, scratch, pairs, accounts, result)


@kernel
def run_block(
    rows: Floats,
    plan: Plan,
    b: int,
    stops: Stops,
    exits: Exits,
    rules: Rules,
    span: Span,
    kind: int,
    scratch: Scratch,
    pairs: Pairs,
    accounts: Floats,
    result: Result,
) -> None:
    """Take all accounts of a block through one span; begin them in the first, write their metrics in the last."""
    block, count = block_of(plan, b), len(stops.multiple)
    size, before = span.size // WORD, plan.longest + 1
    known, bars_here = span.start + (1 if rules.fill_at_close else 0), span.stop - span.start
    words_of_span(scratch.sums, kind, before, known, block, bars_here, size, scratch.tile, scratch.words)
    start, stop = plan.pair_start[b], plan.pair_start[b + 1]
    for first in range(start, stop, LANES):
        lanes = min(LANES, stop - first)
        group = plan.group_start[b] + (first - start) // LANES if len(accounts) > 1 else 0
        find_crosses(scratch, kind, before, block, span, rules.fill_at_close, first - start, lanes, first, pairs)
        for k in range(count):
            one = with_multiple(rules, stops.multiple[k])
            account, atr, leaves = accounts[group, k], stops.atr[stops.row[k]], exits_of(exits, k)
            if span.start == 0:
                open_accounts(account, result.capital)
            crosses, legs, counts = scratch.crosses, scratch.legs, scratch.counts
            most = lay_legs(rows, atr, leaves, one, span, crosses, lanes, account, legs, counts)
            settle(account, legs, counts, most, rules.costs)
            if span.stop == span.last:
                for i in range(lanes):
                    counts[i] = plan.row[first + i] * count + k
                finish(account, lanes, span, rows, result, counts, legs)
                for i in range(lanes):
                    result.sure[counts[i]] &= not pairs.doubtful[first + i]


@kernel
def find_crosses(
    scratch: Scratch,
    kind: int,
    before: int,
    block: Block,
    span: Span,
    fill_at_close: bool,
    in_block: int,
    lanes: int,
    in_plan: int,
    pairs: Pairs,
) -> None:
    """Write the crosses of 32 pairs in a span; remember which are above at its end, and which could not be settled."""
    crosses, words, sums = scratch.crosses, scratch.words, scratch.sums
    bars = crosses.bars
    total, exact = sums[TICKS], 0.0 if kind == MIXED else (2.0**28 if kind == SINGLE else 2.0**52)
    size, last = span.size // WORD, span.stop - span.start
    delay = 0 if fill_at_close else 1
    for lane in range(lanes):
        pair = in_plan + lane
        fast, slow = block.windows[block.fast_of[in_block + lane]], block.windows[block.slow_of[in_block + lane]]
        start, place = (in_block + lane) * size, lane * crosses.room
        first = slow - 1 + delay - span.start
        count, golden = cross_bars(words, start, first, last, pairs.above[pair], bars, place)
        pairs.above[pair] = np.int64(words[index(start + size - 1)] >> np.uint64(WORD - 1))
        if 0 <= first < last and may_be_tie(total, exact, before + first, fast, slow):
            pairs.doubtful[pair] |= is_tie(sums, kind, before + first, fast, slow)
        suspects = 0
        for i in range(place + golden, place + count, 2):
            suspects += may_be_tie(total, exact, before + bars[index(i)], fast, slow)
        if suspects > 0:
            count = settle_ties(sums, kind, before, fast, slow, last, bars[place:], count, golden)
            pairs.doubtful[pair] |= count < 0
            count = max(count, 0)
        crosses.counts[lane], crosses.golden[lane] = count, golden
