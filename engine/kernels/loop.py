"""The plain bar loop over the rules of ``position``, and the two things around it: long/short, and tiles of a sweep.

This loop is the reference of everything faster: whatever skips bars must give the same trades bit for bit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule
from engine.kernels.crosses import NO_FILTER, NO_SIGNAL, Filter, filtered_crosses, filtered_sides
from engine.kernels.metrics import summarise
from engine.kernels.money import changed
from engine.kernels.position import (
    CROSS,
    NO_FILL,
    NOTHING,
    OPEN,
    SKIPPED,
    Fill,
    Position,
    Rules,
    at_close,
    at_open,
    at_session_end,
    in_bar,
    new_position,
)

__all__ = [
    "TRADE_FIELDS",
    "Bars",
    "Outcome",
    "Tile",
    "long_short",
    "simulate",
    "sweep_tile",
    "with_multiple",
]

Floats = NDArray[np.float64]

TRADE_FIELDS = ("entry_bar", "entry_price", "exit_bar", "exit_price", "quantity", "fees", "profit", "exit_reason")
"""Columns of the trade table that the loops write, float64 (at most T + 1, 8)."""


class Bars(NamedTuple):
    """One symbol; every field float64 (T,), currency per share."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats


class Outcome(NamedTuple):
    """What a loop has to say besides equity and trades."""

    closed: int  # round trips; a row after them is the position still open
    skipped: int
    exposed: int  # bars that end with a position, or were entered and left within
    position: Position  # after the last bar


@rule
def record_trade(trades: Floats, row: int, entry_bar: int, entry: Fill, exit_bar: int, leave: Fill) -> None:
    """Write one round trip into its row of the trade table."""
    trades[row, 0] = entry_bar
    trades[row, 1] = entry.price
    trades[row, 2] = exit_bar
    trades[row, 3] = leave.price
    trades[row, 4] = entry.quantity
    trades[row, 5] = entry.fee + leave.fee
    trades[row, 6] = (leave.value - leave.fee) - (entry.value + entry.fee)
    trades[row, 7] = leave.reason


class Ledger(NamedTuple):
    """What the loop remembers of the fills so far."""

    entry: Fill  # the last buy
    closed: int
    skipped: int
    round_trip_bar: int  # the last bar that was entered and left within


@rule
def note(ledger: Ledger, trades: Floats, position: Position, t: int, fill: Fill) -> Ledger:
    """Book a fill, or a skipped signal, of bar t; ``position`` is that after the fill."""
    if fill.reason == SKIPPED:
        return Ledger(ledger.entry, ledger.closed, ledger.skipped + 1, ledger.round_trip_bar)
    if fill.quantity > 0.0:
        return Ledger(fill, ledger.closed, ledger.skipped, ledger.round_trip_bar)
    record_trade(trades, ledger.closed, position.entry_bar, ledger.entry, t, fill)
    within = t if position.entry_bar == t else ledger.round_trip_bar
    return Ledger(ledger.entry, ledger.closed + 1, ledger.skipped, within)


@rule
def mark_open(ledger: Ledger, trades: Floats, position: Position, last: float) -> None:
    """Write the row of a position that is still open after the last bar, at its close."""
    if position.shares > 0.0:
        mark = Fill(last, -position.shares, position.shares * last, 0.0, OPEN)
        record_trade(trades, ledger.closed, position.entry_bar, ledger.entry, -1, mark)


@kernel
def simulate(
    bars: Bars, signals: NDArray[np.int8], atr: Floats, capital: float, rules: Rules, equity: Floats, trades: Floats
) -> Outcome:
    """Run one account through all bars of one symbol.

    Parameters
    ----------
    bars : Bars
    signals : int8 (T,)
        1 golden cross (entry), -1 death cross (exit), 0 neither, at the close of each bar.
    atr : float64 (T,)
        Used only if ``rules.multiple`` is a number.
    capital : float
    rules : Rules
    equity : float64 (T,)
        Overwritten: cash + shares * close after every bar.
    trades : float64 (T + 1, 8)
        Overwritten with TRADE_FIELDS; the first ``closed`` rows are round trips, one more if a position is open.

    Returns
    -------
    Outcome
    """
    position = new_position(capital)
    ledger = Ledger(NO_FILL, 0, 0, -1)
    exposed = 0
    for t in range(len(signals)):
        if position.order != 0:
            position, fill = at_open(position, t, bars.open[t], rules)
            ledger = note(ledger, trades, position, t, fill)
        if position.shares > 0.0:
            atr_before = atr[t - 1] if t > 0 else np.nan
            position, fill = in_bar(position, t, bars.open[t], bars.high[t], bars.low[t], atr_before, rules)
            if fill.reason != NOTHING:
                ledger = note(ledger, trades, position, t, fill)
            position, fill = at_session_end(position, t, bars.close[t], rules)
            if fill.reason != NOTHING:
                ledger = note(ledger, trades, position, t, fill)
        if signals[t] != NO_SIGNAL:
            position, fill = at_close(position, t, bars.close[t], signals[t], atr[t], rules)
            if fill.reason != NOTHING:
                ledger = note(ledger, trades, position, t, fill)
        exposed += position.shares > 0.0 or ledger.round_trip_bar == t
        equity[t] = position.cash + position.shares * bars.close[t]
    mark_open(ledger, trades, position, bars.close[-1])
    return Outcome(ledger.closed, ledger.skipped, exposed, position)


@kernel
def long_short(close: Floats, side: NDArray[np.int8], capital: float, equity: Floats, trades: Floats) -> Outcome:
    """Be long above and short below: r[t] = side[t-1] * (close[t] / close[t-1] - 1), without costs; arrays as in ``simulate``."""
    worth = capital
    closed = exposed = 0
    entry_bar = -1
    for t in range(len(side)):
        if t > 0:
            worth = worth * (1.0 + side[t - 1] * (close[t] / close[t - 1] - 1.0))
        equity[t] = worth
        exposed += side[t] != 0
        if t > 0 and side[t] == side[t - 1]:
            continue
        if entry_bar >= 0:
            _record_stretch(trades, closed, entry_bar, t, close, side, equity, CROSS)
            closed += 1
        entry_bar = t if side[t] != 0 else -1
    if entry_bar >= 0:
        _record_stretch(trades, closed, entry_bar, len(side) - 1, close, side, equity, OPEN)
        trades[closed, 2] = -1
    return Outcome(closed, 0, exposed, new_position(worth))


@rule
def _record_stretch(
    trades: Floats,
    row: int,
    first: int,
    last: int,
    close: Floats,
    side: NDArray[np.int8],
    equity: Floats,
    reason: int,
) -> None:
    """Write one stretch of equal side into its row of the trade table."""
    entry = Fill(close[first], side[first] * equity[first] / close[first], equity[first], 0.0, CROSS)
    leave = Fill(close[last], -entry.quantity, equity[last], 0.0, reason)
    record_trade(trades, row, first, entry, last, leave)


class Tile(NamedTuple):
    """A block of cells of one symbol: every pair with every stop. Averages and ATRs are made once and shared."""

    averages: Floats  # (W, T)
    fast: NDArray[np.int64]  # (P,) row in averages
    slow: NDArray[np.int64]  # (P,) row in averages
    ranges: Floats  # (A, T) ATR rows, at least one
    range_row: NDArray[np.int64]  # (K,) row in ranges of each stop
    multiple: Floats  # (K,) of the ATR; nan is no stop
    filter: Filter = NO_FILTER  # of the crosses of every pair


@kernel
def sweep_tile(
    bars: Bars, tile: Tile, short_below: bool, capital: float, rules: Rules, bars_per_year: float, out: Floats
) -> None:
    """Backtest every cell of a tile with the plain loop.

    Parameters
    ----------
    bars : Bars
    tile : Tile
    short_below : bool
        The contract's long/short backtest instead of the long-only one.
    capital, bars_per_year : float
    rules : Rules
        Its multiple is replaced by that of each stop.
    out : float64 (P, K, METRIC_COUNT)
        Overwritten with the metrics in the order of METRICS.
    """
    n = len(bars.close)
    signals = np.empty(n, np.int8)
    equity = np.empty(n)
    trades = np.empty((n + 1, 8))
    for p in range(len(tile.fast)):
        fast, slow = tile.averages[tile.fast[p]], tile.averages[tile.slow[p]]
        if short_below:
            filtered_sides(fast, slow, tile.filter, signals)
        else:
            filtered_crosses(fast, slow, tile.filter, signals)
        for k in range(len(tile.multiple)):
            if short_below:
                outcome = long_short(bars.close, signals, capital, equity, trades)
            else:
                atr = tile.ranges[tile.range_row[k]]
                outcome = simulate(bars, signals, atr, capital, with_multiple(rules, tile.multiple[k]), equity, trades)
            summarise(
                capital, equity, trades, outcome.closed, outcome.skipped, outcome.exposed, bars_per_year, out[p, k]
            )


@rule
def with_multiple(rules: Rules, multiple: float) -> Rules:
    """Exchange the stop's multiple."""
    return changed(rules, multiple, rules.lot, rules.tick, rules.sessions)
