"""The fast way through a portfolio: from event to event instead of from bar to bar.

When a position would be left, and at what price, depends on its symbol and entry bar, not on the account: the account decides only whether it is entered, and with how many shares. So every golden cross
is one possible trip, known before the account is looked at::

    symbol A   ......e=======x..........e====x....      e  entry     x  exit: death cross or stop
    symbol B   ...e=====x.........e===========x...
    account    ...^..^..^....^....^.....^....^^...      only these days have something to decide

The exits of a stop are found once for all pairs (``find_leaves``), the trips of a pair once for all stops (``find_trips``), and ``run_trips`` takes the account through them, by the same rules and bookkeeping as
the plain loop. Between two events equity is cash and a sum of shares times closes: a few vector instructions a day. Trades and equity equal those of ``portfolio`` bit for bit (``tests/test_portfolio.py``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, pasted
from engine.kernels.crosses import DEATH, GOLDEN, cross, side
from engine.kernels.desk import (
    CASH,
    CLOSED,
    HELD,
    SHARES,
    SIGNALED,
    SKIPS,
    WITHIN,
    Books,
    Desk,
    Market,
    Outcome,
    book_order,
    book_purchase,
    book_sale,
    load,
    mark_holdings,
    new_books,
    open_desk,
)
from engine.kernels.loop import with_multiple
from engine.kernels.metrics import summarise
from engine.kernels.money import buy_price
from engine.kernels.position import (
    BUY,
    CROSS,
    GAP,
    NOTHING,
    SESSION,
    Position,
    Rules,
    follow_stop,
    sell,
)
from engine.kernels.purchases import Terms, in_order_of_priority, purchase, rules_for
from engine.kernels.sessions import last_bar

__all__ = ["Leaves", "Rows", "Trips", "find_leaves", "find_trips", "new_trips", "run_trips", "sweep_trips"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_NEVER = -1
_AT_OPEN, _IN_BAR, _AT_CLOSE = 0, 1, 2
"""When within a day a position is left."""


class Leaves(NamedTuple):
    """Where one stop ends a position, by entry bar, (N,) each."""

    bar: Integers  # -1 if it never does
    price: Floats  # of the fill, before slippage and tick
    reason: NDArray[np.int8]  # STOP or GAP


class Trips(NamedTuple):
    """Every golden cross of one pair, by symbol, then by bar; room for more than there are."""

    symbol: Integers
    golden: Integers  # bar of the cross
    death: Integers  # of the death cross after it, -1 if there is none
    strength: Floats


class _Plan(NamedTuple):
    """Which trips may begin, and which positions end, on each day; lists that are linked, -1 is the end."""

    entering: Integers  # (D,) the first trip
    next_entering: Integers  # (M,)
    leaving: Integers  # (D,) the first symbol
    next_leaving: Integers  # (S,)
    bar: Integers  # (S,) of the exit
    price: Floats  # (S,)
    reason: Integers  # (S,)
    when: Integers  # (S,)
    trip: Integers  # (S,) that waits to be entered today
    holders: Integers  # (S,) the symbols that are held, in order


@kernel
def find_leaves(market: Market, s: int, atr: Floats, terms: Terms, rules: Rules, leaves: Leaves) -> None:
    """Write the exits of symbol ``s`` for every bar on which a position could begin; ``atr`` is (N,)."""
    own, bars, first, last = rules_for(rules, terms, s), market.bars, market.start[s], market.start[s + 1]
    fills = bars.close if rules.fill_at_close else bars.open
    later = 1 if rules.fill_at_close else 0  # a position that began at the close is tested from the next bar on
    for entry in range(first, last):
        signal = entry if rules.fill_at_close else entry - 1
        leaves.bar[entry] = _NEVER
        if signal < first or np.isnan(atr[signal]):
            continue
        fixed, peak, stop = rules.multiple * atr[signal], buy_price(fills[entry], own), -np.inf
        for t in range(entry + later, last):
            distance = fixed
            if rules.chandelier:
                distance = rules.multiple * atr[t - 1] if t > first else np.nan
            test = follow_stop(
                stop, peak, distance, entry < t, bars.open[t], bars.high[t], bars.low[t], rules.high_first
            )
            if test.reason != NOTHING:
                leaves.bar[entry], leaves.price[entry], leaves.reason[entry] = t, test.price, test.reason
                break
            stop, peak = test.stop, test.peak


@kernel
def new_trips(room: int) -> Trips:
    """Get memory for so many trips."""
    return Trips(np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room))


@kernel
def find_trips(market: Market, fast: Floats, slow: Floats, trips: Trips) -> int:
    """Write the trips of one pair from its averages, (N,) each; give their number."""
    count = 0
    for s in range(len(market.start) - 1):
        before, is_open = 0, False
        for t in range(market.start[s], market.start[s + 1]):
            now = side(before, fast[t], slow[t])
            if now == before:
                continue
            signal = cross(before, now)
            before = now
            if signal == GOLDEN:
                trips.symbol[count], trips.golden[count], trips.death[count] = s, t, _NEVER
                trips.strength[count] = (fast[t] - slow[t]) / slow[t]
                is_open = True
                count += 1
            elif signal == DEATH and is_open:
                trips.death[count - 1] = t
    return count


@kernel
def _plan_of(market: Market, trips: Trips, count: int, rules: Rules) -> _Plan:
    """Sort the trips by the day on which they may begin, in the order of the symbols."""
    symbols = len(market.start) - 1
    entering, next_entering = np.full(market.days, -1, np.int64), np.empty(count, np.int64)
    delay = 0 if rules.fill_at_close else 1
    for m in range(count - 1, -1, -1):
        entry = trips.golden[m] + delay
        if entry < market.start[trips.symbol[m] + 1]:
            d = market.day[entry]
            next_entering[m], entering[d] = entering[d], m
    return _Plan(
        entering,
        next_entering,
        np.full(market.days, -1, np.int64),
        np.empty(symbols, np.int64),
        np.empty(symbols, np.int64),
        np.empty(symbols),
        np.empty(symbols, np.int64),
        np.empty(symbols, np.int64),
        np.empty(symbols, np.int64),
        np.empty(symbols, np.int64),
    )


@kernel
def run_trips(
    market: Market,
    closes: Floats,
    trips: Trips,
    count: int,
    leaves: Leaves,
    atr: Floats,
    terms: Terms,
    rules: Rules,
    books: Books,
) -> Outcome:
    """Take one account through its trips.

    Parameters
    ----------
    market : Market
    closes : float64 (D, S)
        Last close of each symbol on each day of the account, 0 before its first.
    trips, count : Trips, int
        From ``find_trips``.
    leaves : Leaves
        From ``find_leaves``; not read without a stop.
    atr : float64 (N,)
        Not read without a stop.
    terms : Terms
    rules : Rules
    books : Books
        Overwritten, but for ``cash``, ``invested`` and the order of the signals.

    Returns
    -------
    Outcome
    """
    plan, desk = _plan_of(market, trips, count, rules), open_desk(len(market.start) - 1, terms.capital)
    exposed = done = 0  # days before ``done`` have their equity
    for d in range(market.days):
        if plan.entering[d] < 0 and plan.leaving[d] < 0:
            continue
        exposed += _mark(closes, plan, desk, books, done, d)
        done = d
        desk.account[WITHIN] = 0.0
        _leave(plan, terms, rules, desk, books, d, _AT_OPEN)
        if not rules.fill_at_close:
            _enter(plan, market, trips, leaves, atr, terms, rules, desk, books, d)
        _leave(plan, terms, rules, desk, books, d, _IN_BAR)
        if rules.fill_at_close:
            _mark(closes, plan, desk, books, d, d + 1)  # what the orders of this close go by
            _leave(plan, terms, rules, desk, books, d, _AT_CLOSE)
            _enter(plan, market, trips, leaves, atr, terms, rules, desk, books, d)
        exposed += desk.account[WITHIN] > 0.0 and desk.account[HELD] == 0.0
    exposed += _mark(closes, plan, desk, books, done, market.days)
    desk.last[:] = closes[-1]
    account, still_open = desk.account, mark_holdings(desk, books)
    return Outcome(int(account[CLOSED]), still_open, int(account[SIGNALED]), int(account[SKIPS]), exposed)


@pasted
def _mark(closes: Floats, plan: _Plan, desk: Desk, books: Books, first: int, last: int) -> int:
    """Write the equity of the days [first, last), on which nothing is bought or sold; give the number of those with a position."""
    held, cash = int(desk.account[HELD]), desk.account[CASH]
    for d in range(first, last):
        total = cash
        for i in range(held):
            s = plan.holders[i]
            total += desk.held[s, SHARES] * closes[d, s]
        books.equity[d] = total
    return last - first if held > 0 else 0


@pasted
def _hold(plan: _Plan, s: int, held: int) -> None:
    """Put a symbol among the ``held`` that are held already, in the order of the symbols."""
    i = held
    while i > 0 and plan.holders[i - 1] > s:
        plan.holders[i] = plan.holders[i - 1]
        i -= 1
    plan.holders[i] = s


@pasted
def _drop(plan: _Plan, s: int, held: int) -> None:
    """Take a symbol out of the ``held`` ones."""
    i = 0
    while plan.holders[i] != s:
        i += 1
    for j in range(i, held - 1):
        plan.holders[j] = plan.holders[j + 1]


@pasted
def _leave(plan: _Plan, terms: Terms, rules: Rules, desk: Desk, books: Books, d: int, when: int) -> None:
    """Sell what ends at this moment of the day."""
    s = plan.leaving[d]
    while s >= 0:
        if plan.when[s] == when:
            g = plan.bar[s]
            position, fill = sell(load(desk, s), g, plan.price[s], plan.reason[s], rules_for(rules, terms, s))
            _drop(plan, s, int(desk.account[HELD]))
            book_sale(desk, books, s, g, position, fill)
        s = plan.next_leaving[s]


@pasted
def _enter(
    plan: _Plan,
    market: Market,
    trips: Trips,
    leaves: Leaves,
    atr: Floats,
    terms: Terms,
    rules: Rules,
    desk: Desk,
    books: Books,
    d: int,
) -> None:
    """Make the purchases of this moment of the day, the most wanted first."""
    count, m = 0, plan.entering[d]
    while m >= 0:
        s = trips.symbol[m]
        plan.trip[s], desk.strength[s], desk.queue[count] = m, trips.strength[m], s
        count += 1
        m = plan.next_entering[m]
    if count > 1:
        in_order_of_priority(desk.queue, count, desk.strength, terms)
    fills, delay = (market.bars.close, 0) if rules.fill_at_close else (market.bars.open, 1)
    for i in range(count):
        s = desk.queue[i]
        m, own = plan.trip[s], rules_for(rules, terms, s)
        golden = trips.golden[m]
        g = golden + delay
        distance = rules.multiple * atr[golden] if not np.isnan(rules.multiple) else np.nan
        equity = books.equity[market.day[golden]]
        order = Position(desk.account[CASH], 0.0, -1, -np.inf, -np.inf, distance, BUY, equity)
        book_order(desk, books, s, golden, order, trips.strength[m])
        made = purchase(order, g, fills[g], int(desk.account[HELD]), terms.max_positions, terms.max_weight, own)
        if made.fill.quantity > 0.0:
            _hold(plan, s, int(desk.account[HELD]))
            _plan_exit(plan, market, leaves, rules, s, g, trips.death[m])
        book_purchase(desk, books, s, g, made)


@pasted
def _plan_exit(plan: _Plan, market: Market, leaves: Leaves, rules: Rules, s: int, entry: int, death: int) -> None:
    """Note on which day the position of a symbol ends, if it does: by its stop, by the clock, or by the death cross, whichever comes first."""
    bars, stopped = market.bars, leaves.bar[entry] if not np.isnan(rules.multiple) else _NEVER
    ended = last_bar(rules.sessions, entry)
    if ended >= 0 and not 0 <= stopped <= ended and (death < 0 or ended <= death):
        # As within the bar: nothing is bought between the stops and this, and the loop sells both in one turn.
        g, price, reason, when = ended, bars.close[ended], SESSION, _IN_BAR
    elif stopped >= 0 and (death < 0 or stopped <= death):
        g, reason = stopped, int(leaves.reason[entry])
        price, when = leaves.price[entry], _AT_OPEN if reason == GAP else _IN_BAR
    elif death >= 0 and rules.fill_at_close:
        g, price, reason, when = death, bars.close[death], CROSS, _AT_CLOSE
    elif death >= 0 and death + 1 < market.start[s + 1]:
        g, price, reason, when = death + 1, bars.open[death + 1], CROSS, _AT_OPEN
    else:
        return
    plan.bar[s], plan.price[s], plan.reason[s], plan.when[s] = g, price, reason, when
    d = market.day[g]
    before, after = -1, plan.leaving[d]
    while 0 <= after < s:
        before, after = after, plan.next_leaving[after]
    plan.next_leaving[s] = after
    if before < 0:
        plan.leaving[d] = s
    else:
        plan.next_leaving[before] = s


class Rows(NamedTuple):
    """Averages and stops of a sweep of portfolios, by rows of arrays that all its cells share."""

    averages: Floats  # (W, N)
    fast: Integers  # (P,) row of the averages
    slow: Integers  # (P,)
    atr: Floats  # (A, N)
    atr_row: Integers  # (K,)
    multiple: Floats  # (K,) nan is no stop
    leaves: Leaves  # (K, N)


@kernel
def sweep_trips(
    market: Market, closes: Floats, rows: Rows, terms: Terms, rules: Rules, bars_per_year: float, out: Floats
) -> None:
    """Run one account for every pair and stop.

    Parameters
    ----------
    market, closes, terms, rules
        As in ``run_trips``; the multiple of the rules is replaced.
    rows : Rows
    bars_per_year : float
    out : float64 (P, K, METRIC_COUNT)
        Overwritten.
    """
    symbols = len(market.start) - 1
    room = len(market.day) // 2 + symbols
    trips, books = new_trips(room), new_books(market.days, symbols, room)
    for p in range(len(rows.fast)):
        count = find_trips(market, rows.averages[rows.fast[p]], rows.averages[rows.slow[p]], trips)
        for k in range(len(rows.multiple)):
            one, atr = with_multiple(rules, rows.multiple[k]), rows.atr[rows.atr_row[k]]
            leaves = Leaves(rows.leaves.bar[k], rows.leaves.price[k], rows.leaves.reason[k])
            done = run_trips(market, closes, trips, count, leaves, atr, terms, one, books)
            summarise(
                terms.capital,
                books.equity,
                books.trades,
                done.closed,
                done.skipped,
                done.exposed,
                bars_per_year,
                out[p, k],
            )
