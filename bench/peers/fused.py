"""The fastest bar-by-bar loop that we can write: averages by prefix sums, then one pass over the bars a cell, six numbers, no equity array.

While flat it only compares two averages; while it holds, a bar is a handful of additions and a multiplication. Prices are taken to be whole hundredths, as in ``plain``.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from bench.jobs import Job
from bench.peers.looping import each_symbol
from bench.peers.peer import Run

__all__ = ["prepare"]

compiled = numba.njit(cache=True, nogil=True, error_model="numpy")


class Sums(NamedTuple):
    """What the metrics need of the bars so far."""

    total: float
    squares: float
    losses: float
    peak: float
    depth: float  # lowest equity as a share of the peak before it


@compiled
def add(sums, change, worth):
    """Take in one bar; the division happens only where a drawdown gets deeper."""
    loss = min(change, 0.0)
    peak = max(sums.peak, worth)
    depth = worth / peak if worth < sums.depth * peak else sums.depth
    return Sums(sums.total + change, sums.squares + change * change, sums.losses + loss * loss, peak, depth)


@compiled
def side_of(fast, slow, before):
    if fast > slow:
        return 1
    return -1 if fast < slow else before


@compiled
def hold(bars, ratio, fast, slow, t, entry, shares, held, highest, distance, at_close, sums):
    """Hold from bar t until a sale; gives its bar and price (nan at the end), the side and the equity before it, and the sums."""
    opens, high, low, close = bars
    side = 1
    while t < len(close):
        level = highest - distance
        if side == -1:
            return t, opens[t], side, held, sums
        if low[t] <= level:
            return t, min(opens[t], level) if t > entry else level, side, held, sums
        side = side_of(fast[t], slow[t], side)
        if side == -1 and at_close:
            return t, close[t], side, held, sums
        highest = max(highest, high[t])
        worth = shares * close[t]
        sums = add(sums, ratio[t] if t > entry else worth / held - 1.0, worth)
        held = worth
        t += 1
    return t, np.nan, side, held, sums


@compiled
def cell(bars, ratio, fast, slow, first, distances, at_close, fee, capital, bars_per_year, out):
    opens, close = bars[0], bars[3]
    cash = capital
    sums = Sums(0.0, 0.0, 0.0, capital, 1.0)
    side = closed = 0
    gained = 0.0
    t = first
    while t < len(close):
        before = side
        side = side_of(fast[t], slow[t], before)
        t += 1
        if side <= before or before == 0:
            continue
        if t == len(close) and not at_close:
            break
        entry, paid = t - at_close, cash
        price = close[entry] if at_close else opens[entry]
        shares, held = cash / (1.0 + fee) / price, cash
        if at_close:
            held = shares * price
            sums = add(sums, held / paid - 1.0, held)
        t, sold, side, held, sums = hold(
            bars, ratio, fast, slow, t, entry, shares, held, price, distances[t - 1], at_close, sums
        )
        cash = held
        if t < len(close):
            cash = shares * sold - fee * (shares * sold)
            sums = add(sums, cash / held - 1.0, cash)
            gained += cash - paid
            closed += 1
    measure(sums, len(close), cash / capital - 1.0, gained, closed, bars_per_year, out)


@compiled
def measure(sums, n, total_return, gained, closed, bars_per_year, out):
    mean = sums.total / n
    variance = (sums.squares - sums.total * mean) / (n - 1)
    scale = np.sqrt(bars_per_year)
    out[0] = total_return
    out[1] = mean / np.sqrt(variance) * scale if variance > 0.0 else np.nan
    out[2] = mean / np.sqrt(sums.losses / n) * scale if sums.losses > 0.0 else np.nan
    out[3] = sums.depth - 1.0
    out[4] = closed
    out[5] = gained / closed if closed > 0 else np.nan


@compiled
def sweep(bars, atr, windows, pairs, multiples, at_close, fee, capital, bars_per_year, out):
    close = bars[3]
    n = len(close)
    sums = np.zeros(n + 1)
    ratio = np.zeros(n)
    for t in range(n):
        sums[t + 1] = sums[t] + np.rint(close[t] * 100.0)
        ratio[t] = close[t] / close[t - 1] - 1.0 if t > 0 else 0.0
    averages = np.full((len(windows), n), np.nan)
    for i in range(len(windows)):
        window = windows[i]
        for t in range(window - 1, n):
            averages[i, t] = (sums[t + 1] - sums[t + 1 - window]) / window
    for k in range(len(multiples)):
        distances = multiples[k] * atr
        for p in range(len(pairs)):
            fast, slow = averages[pairs[p, 0]], averages[pairs[p, 1]]
            first = windows[pairs[p, 1]] - 1
            cell(bars, ratio, fast, slow, first, distances, at_close, fee, capital, bars_per_year, out[p, k])


def prepare(job: Job) -> Run:
    return each_symbol(sweep, job)
