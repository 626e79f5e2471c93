"""What every cell earned on every bar, the fast way: from its crosses and the exits of its stop, without looking at its bars one by one.

::

    crosses            ^         v            ^     v        of a pair, as the bars on which its orders fill (``bits``)
    returns   0 0 0 0  a c c c c b  0 0 0 0 0 a c c b 0 0    a: bought to the first close   b: the last close to the sale
                                                             c: close to close, the same for all cells of a symbol

An account that holds nothing but shares earns what they do, so the returns within holdings are copied, and only those of the first and last bar are computed, by the rules of ``money``: for one unit of cash and for one share, since
costs are a fraction of the value. So cells that hold the same on a day have the same return on it, bit for bit, and a tie between them is one. A whole history
is worked on together: unlike in ``fast``, nothing is looked up in tables that have to stay in a cache. Held to the plain way (``returns``) by ``tests/test_trials.py``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, pasted
from engine.kernels.bits import Crosses
from engine.kernels.fast import find_block
from engine.kernels.indicators import average_true_range
from engine.kernels.legs import Span
from engine.kernels.loop import Bars, with_multiple
from engine.kernels.machine import WORD, index
from engine.kernels.plan import SPAN, Plan, Scratch, block_of
from engine.kernels.position import Rules, all_in_order, closing_order, paid, received
from engine.kernels.prefix import add_up
from engine.kernels.stops import NO_ENTRY, NOT_YET, Exits, Stops, exits_of, find_exits, go_on
from engine.kernels.symbols import Trails
from engine.kernels.walks import walks_of

__all__ = ["LONGEST", "Shares", "add_holdings"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LONGEST = 32_000
"""Bars that can be worked on together: crosses are kept as numbers of 16 bits."""
_NEVER = 1 << 61
_WORK_SIZE = SPAN.bit_length() * SPAN
"""For the exits of a span."""


class Shares(NamedTuple):
    """One symbol, and what its shares earn on the D days of a pool."""

    bars: Bars
    day: Integers  # (T,) of every bar, ascending
    changes: Floats  # (D,) close / close before - 1 on the day of every bar but the first; 0 on all other days


class _Leaves(NamedTuple):
    """Where one stop, or the end of a session, ends positions, by entry bar, (T,) each; not read if nothing does."""

    asked: bool
    bar: Integers
    price: Floats


@kernel
def add_holdings(
    shares: Shares,
    plan: Plan,
    trails: Trails | None,
    rules: Rules,
    scratch: Scratch,
    out: Floats,
    sure: NDArray[np.bool_],
) -> None:
    """Add the returns of every pair of a plan with every stop to those of other symbols on the same days.

    Parameters
    ----------
    shares : Shares
        At most LONGEST bars.
    plan : Plan
        Its slow windows are not longer than the history.
    trails : Trails or None
        None is no stop at all, and no sessions; out has then as many stops as it has, all alike.
    rules : Rules
        Long only, sizing ALL_IN, costs that are a fraction of the order's value; the multiple is replaced by that of each stop.
    scratch : Scratch
        For this plan and as many bars.
    out : float64 (rows, K, D)
        Added to.
    sure : bool (rows,)
        Given as True; made False where the first bar is a tie, or the closes cannot be added up, and nothing was added.
    """
    bars, pairs = shares.bars, scratch.pairs
    n = len(bars.close)
    multiples = np.full(1, np.nan) if trails is None else trails.multiple
    exits = _new_exits(len(multiples), 1 if trails is None else n)
    if trails is None:
        stops = Stops(np.empty((1, 1)), np.zeros(1, np.int64), multiples)
    else:
        ranges = average_true_range(bars.high, bars.low, bars.close, trails.windows, trails.wilder)
        stops = Stops(ranges, trails.row, multiples)
        nobody, walks, work = np.empty((0, len(multiples), 1)), walks_of(), np.empty(_WORK_SIZE)
        for start in range(0, n, SPAN):
            find_exits(bars, stops, rules, start, min(start + SPAN, n), nobody, walks, work, exits)
    pairs.above[:] = 0
    pairs.doubtful[:] = False
    delay = 0 if rules.fill_at_close else 1
    span, origin = Span(0, n, -(-n // WORD) * WORD, n), -delay - plan.longest
    kind = add_up(bars.close, origin, n - delay, scratch.sums)
    for b in range(len(plan.window_start) - 1):
        first, last = plan.pair_start[b], plan.pair_start[b + 1]
        find_block(bars.close, origin, scratch, kind, plan.longest + 1, block_of(plan, b), span, delay, first, last)
        rows, doubtful = plan.row[first:last], pairs.doubtful[first:last]
        for k in range(len(multiples)):
            one, exits_here = with_multiple(rules, multiples[k]), exits_of(exits, k)
            leaves = _Leaves(trails is not None, exits_here.bar, exits_here.price)
            if trails is not None:  # asked alone: only then is what it guards left out of the version without stops
                _look_on(bars, stops.atr[stops.row[k]], one, scratch.crosses, len(rows), exits_here)
            _add_block(shares, leaves, one, scratch.crosses, rows, doubtful, out[:, k])
        for pair in range(len(rows)):
            sure[rows[pair]] &= not doubtful[pair]


@pasted
def _new_exits(stops: int, n: int) -> Exits:
    """Get memory for the exits of so many stops."""
    shape = stops, n
    return Exits(
        np.empty(shape, np.int64), np.empty(shape), np.empty(shape), np.empty(shape), np.empty(shape, np.int64)
    )


@kernel
def _look_on(bars: Bars, atr: Floats, rules: Rules, crosses: Crosses, pairs: int, exits: Exits) -> None:
    """Find the exits of entries that had none by the end of their span of bars; the stop is tested bar by bar there."""
    n = len(bars.close)
    if n <= SPAN or np.isnan(rules.multiple):
        return
    for pair in range(pairs):
        first, count = crosses.start[pair], crosses.counts[pair]
        for i in range(first + (0 if crosses.golden[pair] else 1), first + count, 2):
            entry = 0 + int(crosses.bars[i])  # a type of its own without the sum: int() leaves 16 bits as they are
            if exits.bar[entry] == NOT_YET and exits.looked[entry] < n:
                go_on(bars, atr, rules, entry, n, exits)


@kernel
def _add_block(
    shares: Shares,
    leaves: _Leaves,
    rules: Rules,
    crosses: Crosses,
    rows: Integers,
    doubtful: NDArray[np.bool_],
    out: Floats,
) -> None:
    """Add the returns of the accounts of a block, holding by holding, to their rows of ``out``, float64 (rows, D)."""
    # Arrays are taken out of their tuples once: a tuple that is handed on counts references (legs.py).
    close, day, changes, costs = shares.bars.close, shares.day, shares.changes, rules.costs
    cross, starts, counts, goldens = crosses.bars, crosses.start, crosses.counts, crosses.golden
    asked, exit_bar, exit_price = leaves.asked, leaves.bar, leaves.price
    fills, delay = (close, 0) if rules.fill_at_close else (shares.bars.open, 1)
    n = len(close)
    for pair in range(len(rows)):
        if doubtful[pair]:
            continue
        row = out[rows[pair]]
        first, last = starts[pair], starts[pair] + counts[pair]
        for i in range(first + (0 if goldens[pair] else 1), last, 2):
            entry = int(cross[index(i)])
            leave = exit_bar[index(entry)] if asked else NOT_YET
            if leave == NO_ENTRY:
                continue
            death = int(cross[index(i + 1)]) if i + 1 < last else _NEVER
            stopped = leave <= death - delay
            end = leave if stopped else min(death, n)
            quantity = all_in_order(1.0, paid(fills[index(entry)], costs), costs).quantity
            sold, held = quantity, 1.0
            if end > entry:
                row[index(day[index(entry)])] += quantity * close[index(entry)] - 1.0
                for d in range(day[index(entry)] + 1, day[index(end - 1)] + 1):
                    row[index(d)] += changes[index(d)]
                sold, held = 1.0, close[index(end - 1)]
            if end == n:
                break
            price = exit_price[index(entry)] if stopped else received(fills[index(end)], costs)
            sale = closing_order(sold, price, costs)
            row[index(day[index(end)])] += (sale.value - sale.fee) / held - 1.0
