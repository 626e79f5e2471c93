"""The plain loop of a portfolio, day by day: what one portfolio is run with, and the reference of the faster way in ``trips``.

A day has these steps (``docs/portfolio.md``)::

    sell_at_open     waiting sells, and stops that the open has jumped over
    buy_in_turn      waiting buys, by priority                                  (next_open)
    follow_stops     stops within the bar, and what may not be held overnight at its close
    order_at_close   crosses ask for sells and buys                             (close: they fill at once)
    with_shares      equity at the last closes
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, pasted
from engine.kernels.crosses import GOLDEN, NO_SIGNAL
from engine.kernels.desk import (
    CASH,
    CLOSED,
    HELD,
    ORDER,
    SHARES,
    SIGNALED,
    SKIPS,
    WITHIN,
    Books,
    Desk,
    Market,
    Outcome,
    Signals,
    book_order,
    book_purchase,
    book_sale,
    keep,
    load,
    mark_holdings,
    open_desk,
    with_shares,
)
from engine.kernels.position import BUY, GAP, NOTHING, SELL, Rules, at_session_end, fill_order, in_bar, place_order
from engine.kernels.purchases import Terms, in_order_of_priority, purchase, rules_for

__all__ = ["simulate_portfolio"]

Floats = NDArray[np.float64]


@kernel
def simulate_portfolio(market: Market, signals: Signals, terms: Terms, rules: Rules, books: Books) -> Outcome:
    """Run one account through all days.

    Parameters
    ----------
    market : Market
    signals : Signals
    terms : Terms
    rules : Rules
        Lot and tick are those of ``terms``; dated charges have a row for each of the N bars, and so have sessions, which count them through all symbols.
    books : Books
        Overwritten.

    Returns
    -------
    Outcome
    """
    symbols = len(market.start) - 1
    desk = open_desk(symbols, terms.capital)
    following = market.start[:-1].copy()  # the next bar of each symbol
    exposed = 0
    fills = market.bars.close if rules.fill_at_close else market.bars.open
    for d in range(market.days):
        for s in range(symbols):
            g = following[s]
            there = g < market.start[s + 1] and market.day[g] == d
            desk.bar[s] = g if there else -1
            following[s] += there
        desk.account[WITHIN] = 0.0
        sell_at_open(market, signals, terms, rules, desk, books)
        if not rules.fill_at_close:
            buy_in_turn(fills, terms, rules, desk, books)
        follow_stops(market, signals, terms, rules, desk, books)
        order_at_close(market, signals, terms, rules, desk, books)
        if rules.fill_at_close:
            sell_at_close(market, terms, rules, desk, books)
            buy_in_turn(fills, terms, rules, desk, books)
        cash = desk.account[CASH]
        books.equity[d], books.cash[d], books.invested[d] = with_shares(cash, desk), cash, with_shares(0.0, desk)
        exposed += desk.account[HELD] > 0.0 or desk.account[WITHIN] > 0.0
    still_open = mark_holdings(desk, books)
    account = desk.account
    return Outcome(int(account[CLOSED]), still_open, int(account[SIGNALED]), int(account[SKIPS]), exposed)


@pasted
def atr_before(market: Market, signals: Signals, s: int, g: int) -> float:
    """ATR of the symbol's bar before g."""
    return signals.atr[g - 1] if g > market.start[s] else np.nan


@kernel
def sell_at_open(market: Market, signals: Signals, terms: Terms, rules: Rules, desk: Desk, books: Books) -> None:
    """Fill waiting sells, and the stops that the open has jumped over."""
    bars = market.bars
    for s in range(len(desk.bar)):
        g = desk.bar[s]
        if g < 0 or not desk.held[s, SHARES] > 0.0:
            continue
        own, position = rules_for(rules, terms, s), load(desk, s)
        if position.order == SELL:
            position, fill = fill_order(position, g, bars.open[g], own)
        else:
            before = atr_before(market, signals, s, g)
            position, fill = in_bar(position, g, bars.open[g], bars.high[g], bars.low[g], before, own)
            if fill.reason != GAP:  # the rest of the bar comes after the purchases of the open
                continue
        book_sale(desk, books, s, g, position, fill)


@kernel
def follow_stops(market: Market, signals: Signals, terms: Terms, rules: Rules, desk: Desk, books: Books) -> None:
    """Test the stops of what is held within the bar, and sell at its close what may not be held after it."""
    bars = market.bars
    for s in range(len(desk.bar)):
        g = desk.bar[s]
        if g < 0 or not desk.held[s, SHARES] > 0.0:
            continue
        own, before = rules_for(rules, terms, s), atr_before(market, signals, s, g)
        position, fill = in_bar(load(desk, s), g, bars.open[g], bars.high[g], bars.low[g], before, own)
        if fill.reason == NOTHING:
            position, fill = at_session_end(position, g, bars.close[g], own)
        if fill.reason == NOTHING:
            keep(desk, s, position)
        else:
            book_sale(desk, books, s, g, position, fill)


@kernel
def order_at_close(market: Market, signals: Signals, terms: Terms, rules: Rules, desk: Desk, books: Books) -> None:
    """Mark at the close, and order what the crosses ask for."""
    for s in range(len(desk.bar)):
        if desk.bar[s] >= 0:
            desk.last[s] = market.bars.close[desk.bar[s]]
    equity = with_shares(desk.account[CASH], desk)
    for s in range(len(desk.bar)):
        g = desk.bar[s]
        if g < 0 or signals.cross[g] == NO_SIGNAL:
            continue
        position = place_order(load(desk, s), signals.cross[g], equity, signals.atr[g], rules_for(rules, terms, s))
        keep(desk, s, position)
        if position.order == BUY and signals.cross[g] == GOLDEN:
            book_order(desk, books, s, g, position, signals.strength[g])


@kernel
def sell_at_close(market: Market, terms: Terms, rules: Rules, desk: Desk, books: Books) -> None:
    """Fill the sells that the close has asked for."""
    for s in range(len(desk.bar)):
        g = desk.bar[s]
        if g >= 0 and desk.held[s, ORDER] == SELL:
            position, fill = fill_order(load(desk, s), g, market.bars.close[g], rules_for(rules, terms, s))
            book_sale(desk, books, s, g, position, fill)


@kernel
def buy_in_turn(fills: Floats, terms: Terms, rules: Rules, desk: Desk, books: Books) -> None:
    """Fill the waiting buys of the symbols with a bar, the most wanted first; ``fills`` (N,) are the prices."""
    count = 0
    for s in range(len(desk.bar)):
        if desk.bar[s] >= 0 and desk.held[s, ORDER] == BUY:
            desk.queue[count] = s
            count += 1
    in_order_of_priority(desk.queue, count, desk.strength, terms)
    for i in range(count):
        s = desk.queue[i]
        g, own = desk.bar[s], rules_for(rules, terms, s)
        held = int(desk.account[HELD])
        made = purchase(load(desk, s), g, fills[g], held, terms.max_positions, terms.max_weight, own)
        book_purchase(desk, books, s, g, made)
