"""The fast sweep for crosses of any signal: lines given as they are, with band, delay and confirmation, 64 bars at a time.

::

    fast > slow * (1 + band)   0 0 0 1 1 1 0 0 0 0 ...    two words, a bit a bar; between the two sets of bars the side is kept
    fast < slow * (1 - band)   1 1 0 0 0 0 0 0 1 1 ...
    side                       - - - + + + + + - - ...    changes at the next bit of the other word, found by counting trailing zeros

What a pair is at the end of a span of bars is where it begins in the next. The crosses then go the way of ``fast``: legs, accounts, metrics. Ties need no settling here, since the lines themselves are compared.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, pasted
from engine.kernels.accounts import ACCOUNT_SIZE, new_accounts
from engine.kernels.bits import NO_CROSS
from engine.kernels.compare import words_beyond
from engine.kernels.crosses import ABOVE, BELOW, DEATH, GOLDEN, NO_SIGNAL, Filter, cross, held
from engine.kernels.drawdown import fill_runs
from engine.kernels.fast import order_by_legs, run_block
from engine.kernels.finish import Result
from engine.kernels.indicators import average_true_range
from engine.kernels.legs import Span
from engine.kernels.loop import Bars
from engine.kernels.machine import WORD, index, trailing_zeros, uncounted
from engine.kernels.market import fill_market, find_changes
from engine.kernels.plan import Plan, Scratch
from engine.kernels.position import Rules
from engine.kernels.stops import Stops, find_exits
from engine.kernels.symbols import Memory, Trails, span_size

__all__ = ["Lines", "run_lines"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Lines(NamedTuple):
    """The averages of a symbol."""

    values: Floats  # (W, T), nan where not defined
    row: Integers  # of each of the plan's windows, its row in values
    filter: Filter


STATE_SIZE = 5
SIDE, SINCE, KEPT, DROPPED, FREE = range(STATE_SIZE)
"""Columns of what is remembered of a pair: its side, the first bar of it, the last side that lasted long enough, whether the golden cross of that did not count, and where the next one opens again (``crosses.held``)."""


@kernel
def run_lines(
    bars: Bars,
    lines: Lines,
    plan: Plan,
    trails: Trails | None,
    capital: float,
    rules: Rules,
    bars_per_year: float,
    most: int,
    memory: Memory,
    out: Floats,
    sure: NDArray[np.bool_],
) -> None:
    """Backtest every pair of a plan with every stop on one symbol; as ``symbols.run_symbols`` but for the crosses, which are those of ``lines``.

    Parameters
    ----------
    bars : Bars
    lines : Lines
    plan, trails, capital, rules, bars_per_year, most, memory
        As in ``run_symbols``.
    out : float64 (rows * K * METRIC_COUNT,)
    sure : bool (rows * K,)
    """
    lines, plan, memory, out, sure = (
        uncounted(lines),
        uncounted(plan),
        uncounted(memory),
        uncounted(out),
        uncounted(sure),
    )
    multiples = np.full(1, np.nan) if trails is None else trails.multiple
    rows, exits, pairs, scratch = memory.market, memory.exits, memory.scratch.pairs, memory.scratch
    n = len(bars.close)
    size = span_size(n, most)
    accounts = np.empty((plan.group_start[-1] if n > most else 1, len(multiples), ACCOUNT_SIZE))
    if trails is None:
        stops = Stops(np.empty((1, 1)), np.zeros(1, np.int64), multiples)
    else:
        ranges = average_true_range(bars.high, bars.low, bars.close, trails.windows, trails.wilder)
        stops = Stops(ranges, trails.row, multiples)
    pairs.doubtful[:] = False
    states = np.zeros((len(plan.row), STATE_SIZE), np.int64)
    result = Result(new_accounts(capital), bars_per_year, out, sure)
    find_changes(bars.close, memory.changes, rows)
    for start in range(0, n, size):
        span, longest = Span(start, min(start + size, n), size, n), size
        if trails is not None:
            walks = memory.walks
            longest = find_exits(bars, stops, rules, start, span.stop, accounts, walks, scratch.runs, exits)  # type: ignore[arg-type]  # there are stops
        fill_market(bars, rules, memory.changes, start, span.stop, rows)
        fill_runs(bars.close, start, span.stop, longest, scratch.work, scratch.runs, size)
        for b in range(len(plan.window_start) - 1):
            _find_block(lines, plan, b, 0 if rules.fill_at_close else 1, span, states, scratch)
            run_block(rows, plan, b, stops, exits, rules, span, scratch, accounts, result)


@pasted
def _find_block(lines: Lines, plan: Plan, b: int, delay: int, span: Span, states: Integers, scratch: Scratch) -> None:
    """Find the crosses of the pairs of a block in a span; in the first span, put the pairs in order."""
    first, last = plan.pair_start[b], plan.pair_start[b + 1]
    crosses, rows = scratch.crosses, lines.row[plan.window_start[b] : plan.window_start[b + 1]]
    start, stop, place = max(span.start - delay, 0), span.stop - delay, 0
    for pair in range(last - first):
        fast, slow = rows[plan.fast_of[first + pair]], rows[plan.slow_of[first + pair]]
        found, state = crosses.bars[place:], states[first + pair]
        golden, count = find_spells(lines.values[fast], lines.values[slow], lines.filter, start, stop, state, found)
        if lines.filter.hold > 0:
            golden, count = hold_spells(golden, count, lines.filter.hold, start, stop, state, found)
        for i in range(count):
            found[i] += delay - span.start + start
        crosses.start[pair], crosses.counts[pair], crosses.golden[pair] = place, count, golden
        place += count + 1
        crosses.bars[place - 1] = NO_CROSS
    if span.start == 0:
        order_by_legs(crosses, scratch.pairs.order[first:last])


@kernel
def find_spells(
    fast: Floats, slow: Floats, given: Filter, start: int, stop: int, state: Integers, out: NDArray[np.int16]
) -> tuple[bool, int]:
    """Write the crosses of one pair on the bars [start, stop), counted from start.

    Parameters
    ----------
    fast, slow : float64 (T,)
    given : Filter
    start, stop : int
    state : int64 (STATE_SIZE,)
        All 0 before the first bar; gone on with from span to span.
    out : int16
        Overwritten.

    Returns
    -------
    bool
        Whether the first is golden.
    int
        How many there are.
    """
    more, less, one = 1.0 + given.band, 1.0 - given.band, np.uint64(1)
    side, since, kept, dropped = state[SIDE], state[SINCE], state[KEPT], state[DROPPED]
    golden, count = False, 0
    for base in range(start, stop, WORD):
        length = min(WORD, stop - base)
        if length == WORD:
            up, down = words_beyond(fast, slow, base, more, less)
        else:
            up = down = np.uint64(0)
            for i in range(length):
                quick, lazy = fast[index(base + i)], slow[index(base + i)]
                up |= np.uint64(quick > lazy * more) << np.uint64(i)
                down |= np.uint64(quick < lazy * less) << np.uint64(i)
        while True:
            wanted = down if side == ABOVE else (up if side == BELOW else up | down)
            bit = trailing_zeros(wanted)
            changed = base + bit if wanted != 0 else base + length
            # A side counts once it has lasted; what was kept before tells which cross that is.
            counts_at = since + given.delay
            if side != kept and counts_at < changed:
                signal = cross(kept, side)
                kept = side
                if signal == GOLDEN:
                    dropped = np.int64(len(given.allowed) > 0 and not given.allowed[counts_at])
                if signal != 0 and dropped == 0:
                    golden = signal == GOLDEN if count == 0 else golden
                    out[index(count)] = np.int16(counts_at - start)
                    count += 1
                if signal == DEATH:
                    dropped = np.int64(0)
            if wanted == 0:
                break
            side = ABOVE if (up >> np.uint64(bit)) & one != 0 else BELOW
            since = changed
            keep = ~np.uint64(0) << np.uint64(bit)
            up, down = up & keep, down & keep
    state[SIDE], state[SINCE], state[KEPT], state[DROPPED] = side, since, kept, dropped
    return golden, count


@kernel
def hold_spells(
    golden: bool, count: int, hold: int, start: int, stop: int, state: Integers, crosses: NDArray[np.int16]
) -> tuple[bool, int]:
    """Have each golden cross of one pair on the bars [start, stop) hold for so many bars; arguments and result are as those of ``find_spells``, which gave the crosses.

    They are written over: from one golden cross to the next two are read, and at most two are written, the death cross that is due and the golden one.
    """
    free, settled, written, first = int(state[FREE]), start, 0, False
    for i in range(0 if golden else 1, count, 2):
        t = start + int(crosses[index(i)])
        if settled <= free - 1 < t:
            crosses[index(written)] = np.int16(free - 1 - start)
            written += 1
        signal, free = held(GOLDEN, t, free, hold)
        if signal != NO_SIGNAL:
            first = signal == GOLDEN if written == 0 else first
            crosses[index(written)] = np.int16(t - start)
            written += 1
        settled = t + 1
    if settled <= free - 1 < stop:
        crosses[index(written)] = np.int16(free - 1 - start)
        written += 1
    state[FREE] = free
    return first, written
