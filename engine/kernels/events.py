"""The middle way, for whole lots and risk sizing: the plain loop's rules on the bars where something can happen, its equity on all.

Between two fills equity is cash + shares * close, which needs no rule. So bars on which the account is flat are skipped, and bars on which it holds without a stop;
with a stop every bar of a holding is tested. The three steps of a bar stand here once more: as one function for both loops they make the plain one five times slower
(105,000 to 22,000 cells/s, whether numba pastes it or calls it). Trades, equity and metrics equal those of ``loop.simulate`` bit for bit (``tests/test_fast.py``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel
from engine.kernels.crosses import DEATH, GOLDEN, NO_SIGNAL, filtered_crosses
from engine.kernels.loop import Bars, Ledger, Outcome, Tile, mark_open, note, with_multiple
from engine.kernels.metrics import summarise
from engine.kernels.position import (
    NO_FILL,
    NOTHING,
    Rules,
    at_close,
    at_open,
    at_session_end,
    in_bar,
    new_position,
)

__all__ = ["simulate_events", "sweep_events"]

Floats = NDArray[np.float64]


@kernel
def simulate_events(
    bars: Bars,
    events: NDArray[np.int64],
    golden: bool,
    atr: Floats,
    capital: float,
    rules: Rules,
    equity: Floats,
    trades: Floats,
) -> Outcome:
    """Run one account from one cross to the next; arrays and result as in ``loop.simulate``.

    Parameters
    ----------
    events : int64 (E,)
        Bars of the crosses, golden and death in turn.
    golden : bool
        Whether the first of them is golden.
    """
    n, count = len(bars.close), len(events)
    watched = rules.sessions is not None or not np.isnan(rules.multiple)  # every bar of a holding
    position, ledger = new_position(capital), Ledger(NO_FILL, 0, 0, -1)
    exposed = done = 0  # bars before ``done`` have their equity
    for i in range(0 if golden else 1, count, 2):
        start, death = events[i], events[i + 1] if i + 1 < count else n
        equity[done:start] = position.cash
        t = start
        while t < n:
            if position.order != 0:
                position, fill = at_open(position, t, bars.open[t], rules)
                ledger = note(ledger, trades, position, t, fill)
            if position.shares > 0.0 and watched:
                atr_before = atr[t - 1] if t > 0 else np.nan
                position, fill = in_bar(position, t, bars.open[t], bars.high[t], bars.low[t], atr_before, rules)
                if fill.reason != NOTHING:
                    ledger = note(ledger, trades, position, t, fill)
                position, fill = at_session_end(position, t, bars.close[t], rules)
                if fill.reason != NOTHING:
                    ledger = note(ledger, trades, position, t, fill)
            if t in (start, death):
                signal = GOLDEN if t == start else DEATH
                position, fill = at_close(position, t, bars.close[t], signal, atr[t], rules)
                if fill.reason != NOTHING:
                    ledger = note(ledger, trades, position, t, fill)
            # On the bar of a sale at the open the next golden cross can come: its turn counts the bar.
            turn = i + 2 < count and t == events[i + 2]
            exposed += (position.shares > 0.0 or ledger.round_trip_bar == t) and not turn
            equity[t] = position.cash + position.shares * bars.close[t]
            t += 1
            if position.order == 0 and position.shares == 0.0:
                break
            if position.order == 0 and not watched:
                for later in range(t, min(death, n)):
                    equity[later] = position.cash + position.shares * bars.close[later]
                exposed += min(death, n) - t
                t = min(death, n)
        done = max(done, t)
    equity[done:] = position.cash
    mark_open(ledger, trades, position, bars.close[-1])
    return Outcome(ledger.closed, ledger.skipped, exposed, position)


@kernel
def sweep_events(bars: Bars, tile: Tile, capital: float, rules: Rules, bars_per_year: float, out: Floats) -> None:
    """Backtest every cell of a tile, long only; as ``loop.sweep_tile``."""
    n = len(bars.close)
    signals, events = np.empty(n, np.int8), np.empty(n, np.int64)
    equity, trades = np.empty(n), np.empty((n + 1, 8))
    for p in range(len(tile.fast)):
        filtered_crosses(tile.averages[tile.fast[p]], tile.averages[tile.slow[p]], tile.filter, signals)
        count = 0
        for t in range(n):
            events[count] = t
            count += signals[t] != NO_SIGNAL
        golden = count > 0 and signals[events[0]] == GOLDEN
        for k in range(len(tile.multiple)):
            atr, one = tile.ranges[tile.range_row[k]], with_multiple(rules, tile.multiple[k])
            outcome = simulate_events(bars, events[:count], golden, atr, capital, one, equity, trades)
            summarise(
                capital, equity, trades, outcome.closed, outcome.skipped, outcome.exposed, bars_per_year, out[p, k]
            )
