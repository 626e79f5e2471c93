"""What an account of many symbols has at hand from day to day, and how it is written down."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, pasted
from engine.kernels.loop import Bars, record_trade
from engine.kernels.position import CROSS, OPEN, SKIPPED, Fill, Position
from engine.kernels.purchases import FREELY, Purchase

__all__ = [
    "CASH",
    "CLOSED",
    "HELD",
    "ORDER",
    "ORDER_EQUITY",
    "SHARES",
    "SIGNALED",
    "SIGNAL_FIELDS",
    "SKIPS",
    "WITHIN",
    "Books",
    "Desk",
    "Market",
    "Outcome",
    "Signals",
    "book_order",
    "book_purchase",
    "book_sale",
    "keep",
    "load",
    "mark_holdings",
    "new_books",
    "open_desk",
    "with_shares",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SIGNAL_FIELDS = (
    "symbol",
    "signal_bar",
    "fill_bar",
    "strength",
    "equity",
    "distance",
    "wanted",
    "quantity",
    "price",
    "limited",
)
"""Columns of the table of signals, float64; ``fill_bar`` is -1 while the order waits."""

CASH, HELD, CLOSED, SIGNALED, SKIPS, WITHIN = range(6)
"""Places of an account: money, open positions, rows of trades and of signals, skipped signals, round trips within the day."""
SHARES, ENTRY_BAR, PEAK, STOP, DISTANCE, ORDER, ORDER_EQUITY, ENTRY_PRICE, ENTRY_VALUE, ENTRY_FEE, ROW = range(11)
"""Columns of a holding: ``position.Position``, its buy, and the row of its signal."""


class Market(NamedTuple):
    """The bars of S symbols one behind the other, N in all, on D days."""

    bars: Bars  # (N,) each
    start: Integers  # (S + 1,) first bar of each symbol
    day: Integers  # (N,) number of the day of each bar
    days: int


class Signals(NamedTuple):
    """Of every bar, (N,) each."""

    cross: NDArray[np.int8]
    strength: Floats  # of a cross: what decides between two buys
    atr: Floats


class Books(NamedTuple):
    """What is written: by day, and a row for each trade and signal, with room for as many as there are golden crosses."""

    equity: Floats  # (D,)
    cash: Floats  # (D,)
    invested: Floats  # (D,) shares at the last close
    trades: Floats  # (rows, 9) TRADE_FIELDS and the symbol, bars counted through all symbols; open ones last
    signals: Floats  # (rows, 10) SIGNAL_FIELDS
    orders: Integers  # (S,) BUY, SELL or 0: what waits after the last day


class Outcome(NamedTuple):
    """What else there is to say."""

    closed: int
    open: int
    signals: int
    skipped: int
    exposed: int  # days


class Desk(NamedTuple):
    """What is at hand."""

    account: Floats  # (6,)
    held: Floats  # (S, 11)
    last: Floats  # (S,) last close, 0 before the first
    bar: Integers  # (S,) today's bar, -1 if there is none
    queue: Integers  # (S,)
    strength: Floats  # (S,) of the waiting buy


@kernel
def new_books(days: int, symbols: int, rows: int) -> Books:
    """Get the memory for what a portfolio writes; ``rows`` are the golden crosses at most."""
    return Books(
        np.empty(days),
        np.empty(days),
        np.empty(days),
        np.empty((rows, 9)),
        np.empty((rows, 10)),
        np.empty(symbols, np.int64),
    )


@kernel
def open_desk(symbols: int, capital: float) -> Desk:
    """Begin with nothing but cash."""
    account, held = np.zeros(6), np.zeros((symbols, 11))
    account[CASH] = capital
    nothing = np.full(symbols, -1, np.int64)
    return Desk(account, held, np.zeros(symbols), nothing, np.empty(symbols, np.int64), np.zeros(symbols))


@pasted
def load(desk: Desk, s: int) -> Position:
    """Take the position of a symbol, with all the cash of the account."""
    return Position(
        desk.account[CASH],
        desk.held[s, SHARES],
        int(desk.held[s, ENTRY_BAR]),
        desk.held[s, PEAK],
        desk.held[s, STOP],
        desk.held[s, DISTANCE],
        int(desk.held[s, ORDER]),
        desk.held[s, ORDER_EQUITY],
    )


@pasted
def keep(desk: Desk, s: int, position: Position) -> None:
    """Put the position of a symbol back, and its cash into the account."""
    desk.account[CASH] = position.cash
    desk.held[s, SHARES], desk.held[s, ENTRY_BAR] = position.shares, position.entry_bar
    desk.held[s, PEAK], desk.held[s, STOP], desk.held[s, DISTANCE] = position.peak, position.stop, position.distance
    desk.held[s, ORDER], desk.held[s, ORDER_EQUITY] = position.order, position.order_equity


@kernel
def book_order(desk: Desk, books: Books, s: int, g: int, position: Position, strength: float) -> None:
    """Write down the buy that the cross of bar g asks for."""
    row = int(desk.account[SIGNALED])
    desk.account[SIGNALED] += 1.0
    desk.strength[s], desk.held[s, ROW] = strength, row
    signals = books.signals
    signals[row, 0], signals[row, 1], signals[row, 2], signals[row, 3] = s, g, -1.0, strength
    signals[row, 4], signals[row, 5] = position.order_equity, position.distance
    signals[row, 6], signals[row, 7], signals[row, 8] = np.nan, 0.0, np.nan
    signals[row, 9] = FREELY


@kernel
def book_purchase(desk: Desk, books: Books, s: int, g: int, made: Purchase) -> None:
    """Write down how a buy was filled, cut or skipped on bar g."""
    keep(desk, s, made.position)
    fill, signals, row = made.fill, books.signals, int(desk.held[s, ROW])
    signals[row, 2], signals[row, 6], signals[row, 7] = g, made.wanted, fill.quantity
    signals[row, 8], signals[row, 9] = fill.price, made.limited
    if fill.reason == SKIPPED:
        desk.account[SKIPS] += 1.0
        return
    desk.account[HELD] += 1.0
    desk.held[s, ENTRY_PRICE], desk.held[s, ENTRY_VALUE], desk.held[s, ENTRY_FEE] = fill.price, fill.value, fill.fee


@pasted
def entry_of(desk: Desk, s: int, quantity: float) -> Fill:
    """Give the buy of a position."""
    return Fill(desk.held[s, ENTRY_PRICE], quantity, desk.held[s, ENTRY_VALUE], desk.held[s, ENTRY_FEE], CROSS)


@kernel
def book_sale(desk: Desk, books: Books, s: int, g: int, position: Position, fill: Fill) -> None:
    """Write down the round trip that a sale on bar g ends."""
    keep(desk, s, position)
    row = int(desk.account[CLOSED])
    record_trade(books.trades, row, position.entry_bar, entry_of(desk, s, -fill.quantity), g, fill)
    books.trades[row, 8] = s
    desk.account[CLOSED] += 1.0
    desk.account[HELD] -= 1.0
    desk.account[WITHIN] += position.entry_bar == g


@kernel
def mark_holdings(desk: Desk, books: Books) -> int:
    """Write what is still held after the last day, at its last close, and which orders wait; give the number of the holdings."""
    row = int(desk.account[CLOSED])
    for s in range(len(desk.last)):
        books.orders[s] = int(desk.held[s, ORDER])
        shares, last = desk.held[s, SHARES], desk.last[s]
        if shares > 0.0:
            mark = Fill(last, -shares, shares * last, 0.0, OPEN)
            record_trade(books.trades, row, int(desk.held[s, ENTRY_BAR]), entry_of(desk, s, shares), -1, mark)
            books.trades[row, 8] = s
            row += 1
    return row - int(desk.account[CLOSED])


@pasted
def with_shares(total: float, desk: Desk) -> float:
    """Add the shares at the last closes to an amount, symbol by symbol: to the cash it is the equity, to nothing what is invested."""
    for s in range(len(desk.last)):
        total += desk.held[s, SHARES] * desk.last[s]
    return total
