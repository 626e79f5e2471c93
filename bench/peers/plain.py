"""The loop that a capable person writes in an afternoon: one function a step, an equity array, then the metrics over it.

Prices are taken to be whole hundredths. In hundredths the sums of a moving average are exact, so that a tie is a tie here as well.
"""

from __future__ import annotations

import numba
import numpy as np

from bench.jobs import Job
from bench.peers.looping import each_symbol
from bench.peers.peer import Run

__all__ = ["prepare"]

step = numba.njit(cache=True, nogil=True, error_model="numpy")


@step
def moving_average(hundredths, window, out):
    total = 0.0
    for t in range(len(out)):
        total += hundredths[t]
        if t >= window:
            total -= hundredths[t - window]
        out[t] = total / window if t >= window - 1 else np.nan


@step
def find_crosses(fast, slow, out):
    side = 0
    for t in range(len(out)):
        before = side
        if fast[t] > slow[t]:
            side = 1
        elif fast[t] < slow[t]:
            side = -1
        out[t] = side if side * before == -1 else 0


@step
def trade(bars, crosses, atr, multiple, at_close, fee, capital, equity, profits):  # noqa: PLR0912  such a loop looks like this
    """Go through the bars in the order of the contract; gives the number of closed trades."""
    opens, high, low, close = bars
    cash, shares, paid, closed, pending = capital, 0.0, 0.0, 0, 0
    entry_bar, peak, distance = -1, 0.0, np.nan
    for t in range(len(equity)):
        buy_at = sell_at = np.nan
        if pending == 1:
            buy_at = opens[t]
        elif pending == -1:
            sell_at = opens[t]
        pending = 0
        if buy_at > 0.0:
            paid, shares, cash, entry_bar, peak = cash, cash / (1.0 + fee) / buy_at, 0.0, t, buy_at
        if shares > 0.0 and not sell_at > 0.0:
            stop = peak - distance
            if entry_bar < t and opens[t] <= stop:
                sell_at = opens[t]
            elif low[t] <= stop:
                sell_at = stop
            peak = max(peak, high[t])
        if crosses[t] == -1 and shares > 0.0 and not sell_at > 0.0:
            if at_close:
                sell_at = close[t]
            else:
                pending = -1
        if sell_at > 0.0:
            cash = shares * sell_at - fee * (shares * sell_at)
            profits[closed] = cash - paid
            closed += 1
            shares = 0.0
        if crosses[t] == 1 and shares == 0.0:
            distance = multiple * atr[t]
            if at_close:
                paid, shares, cash, entry_bar, peak = cash, cash / (1.0 + fee) / close[t], 0.0, t, close[t]
            else:
                pending = 1
        equity[t] = cash + shares * close[t]
    return closed


@step
def measure(equity, profits, closed, capital, bars_per_year, out):
    n = len(equity)
    returns = np.empty(n)
    before = peak = capital
    total = losses = worst = squares = gained = 0.0
    for t in range(n):
        returns[t] = equity[t] / before - 1.0
        before = equity[t]
        total += returns[t]
        losses += min(returns[t], 0.0) ** 2
        peak = max(peak, equity[t])
        worst = min(worst, equity[t] / peak - 1.0)
    mean = total / n
    for t in range(n):
        squares += (returns[t] - mean) ** 2
    for i in range(closed):
        gained += profits[i]
    spread, loss = np.sqrt(squares / (n - 1)), np.sqrt(losses / n)
    out[0] = equity[-1] / capital - 1.0
    out[1] = mean / spread * np.sqrt(bars_per_year) if spread > 0.0 else np.nan
    out[2] = mean / loss * np.sqrt(bars_per_year) if loss > 0.0 else np.nan
    out[3] = worst
    out[4] = closed
    out[5] = gained / closed if closed > 0 else np.nan


@step
def sweep(bars, atr, windows, pairs, multiples, at_close, fee, capital, bars_per_year, out):
    n = len(atr)
    hundredths = np.rint(bars[3] * 100.0)
    averages = np.empty((len(windows), n))
    for i in range(len(windows)):
        moving_average(hundredths, windows[i], averages[i])
    equity, profits, crosses = np.empty(n), np.empty(n), np.empty(n, np.int8)
    for p in range(len(pairs)):
        find_crosses(averages[pairs[p, 0]], averages[pairs[p, 1]], crosses)
        for k in range(len(multiples)):
            closed = trade(bars, crosses, atr, multiples[k], at_close, fee, capital, equity, profits)
            measure(equity, profits, closed, capital, bars_per_year, out[p, k])


def prepare(job: Job) -> Run:
    return each_symbol(sweep, job)
