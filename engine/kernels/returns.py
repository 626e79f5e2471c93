"""What every cell earned on every bar, for the statistics of a sweep: a sweep itself keeps only sums of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel
from engine.kernels.crosses import GOLDEN, NO_SIGNAL, filtered_crosses, filtered_sides
from engine.kernels.desk import Market, new_books
from engine.kernels.events import simulate_events
from engine.kernels.loop import Bars, Tile, long_short, with_multiple
from engine.kernels.position import Rules
from engine.kernels.purchases import Terms
from engine.kernels.trips import Leaves, Rows, find_trips, new_trips, run_trips

__all__ = ["add_returns", "write_returns"]

Floats = NDArray[np.float64]


@kernel
def add_returns(
    bars: Bars,
    tile: Tile,
    short_below: bool,
    capital: float,
    rules: Rules,
    day: NDArray[np.int64],
    out: Floats,
) -> None:
    """Add the returns of every cell of a tile to those of other symbols on the same days; by the middle way, or the plain loop for long/short.

    Parameters
    ----------
    bars : Bars
    tile : Tile
    short_below : bool
        The contract's long/short backtest instead of the long-only one.
    capital : float
    rules : Rules
        Its multiple is replaced by that of each stop.
    day : int64 (T,)
        Of every bar, ascending.
    out : float64 (P, K, D)
        ``E[t] / E[t-1] - 1`` of bar t is added at its day; nan from the bar on which nothing is left of an account.
    """
    n = len(bars.close)
    signals, events = np.empty(n, np.int8), np.empty(n, np.int64)
    equity, trades = np.empty(n), np.empty((n + 1, 8))
    for p in range(len(tile.fast)):
        fast, slow = tile.averages[tile.fast[p]], tile.averages[tile.slow[p]]
        count = 0
        if short_below:
            filtered_sides(fast, slow, tile.filter, signals)
        else:
            filtered_crosses(fast, slow, tile.filter, signals)
            for t in range(n):
                events[count] = t
                count += signals[t] != NO_SIGNAL
        golden = count > 0 and signals[events[0]] == GOLDEN
        for k in range(len(tile.multiple)):
            if short_below:
                long_short(bars.close, signals, capital, equity, trades)
            else:
                atr, one = tile.ranges[tile.range_row[k]], with_multiple(rules, tile.multiple[k])
                simulate_events(bars, events[:count], golden, atr, capital, one, equity, trades)
            _add_changes(capital, equity, day, out[p, k])


@kernel
def write_returns(market: Market, closes: Floats, rows: Rows, terms: Terms, rules: Rules, out: Floats) -> None:
    """Write the returns of one account on all symbols for every pair and stop; as ``trips.sweep_trips``, but for ``out``, float64 (P, K, D)."""
    symbols = len(market.start) - 1
    room = len(market.day) // 2 + symbols
    trips, books = new_trips(room), new_books(market.days, symbols, room)
    days = np.arange(market.days)
    out[:] = 0.0
    for p in range(len(rows.fast)):
        count = find_trips(market, rows.averages[rows.fast[p]], rows.averages[rows.slow[p]], trips)
        for k in range(len(rows.multiple)):
            one, atr = with_multiple(rules, rows.multiple[k]), rows.atr[rows.atr_row[k]]
            leaves = Leaves(rows.leaves.bar[k], rows.leaves.price[k], rows.leaves.reason[k])
            run_trips(market, closes, trips, count, leaves, atr, terms, one, books)
            _add_changes(terms.capital, books.equity, days, out[p, k])


@kernel
def _add_changes(capital: float, equity: Floats, day: NDArray[np.int64], row: Floats) -> None:
    """Add the returns of one equity curve (T,) to a row (D,)."""
    before = capital
    for t in range(len(equity)):
        change = equity[t] / before - 1.0
        row[day[t]] += change if equity[t] > 0.0 and before > 0.0 else np.nan
        before = equity[t]
