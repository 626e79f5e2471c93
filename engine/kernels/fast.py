"""The fast sweep: a cell costs what its trades cost, not what its bars cost.

With ``all_in`` sizing, equity is cash while flat and shares * close while long, so between two fills nothing has to be simulated::

    close     ....  e  .  .  .  .  .  .  x  ....
    equity    cash [E  s*c s*c ...  s*c] cash'          E = s * close[e]
    returns     0  | r |   prefix sums  | r'| 0          r = E / cash - 1, r' = cash' / (s * close[x-1]) - 1
    drawdown       looked at only if lowest / highest close of [e, x) could beat the worst so far

- the crosses come as bars (``bits``); a bar on which nothing happens is never visited;
- mean, square and downside of the returns within a trade are differences of prefix sums over the symbol's own returns;
- the exit of a trailing stop depends on the entry bar, not on the pair of averages: it is found once for every entry bar, by the rules of ``position``;
- buys and sells are the rules of ``position``, so trades equal those of the plain loop bit for bit (``tests/test_fast.py``); metrics agree to 1e-10.

Whole lots and risk sizing leave cash beside the shares; they, and long/short, are served by the plain loop.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule
from engine.kernels.bits import cross_bars
from engine.kernels.loop import Bars, Tile, with_multiple
from engine.kernels.metrics import Moments, add_profit, no_trades, write_metrics
from engine.kernels.position import (
    CROSS,
    NO_FILL,
    NOTHING,
    SKIPPED,
    STOP,
    Fill,
    Position,
    Rules,
    buy,
    in_bar,
    new_position,
    sell,
    sell_for,
)

__all__ = ["fast_tile"]

Floats = NDArray[np.float64]
_UNKNOWN, _NEVER = -2, -1


class Closes(NamedTuple):
    """What is known of a symbol's closes before any trade.

    Row t + 1 of the prefix sums includes bar t. Each sum is a pair of doubles, the rounded sum and what rounding lost, because a calm trade after a wild
    year is a small difference of large sums (``test_a_calm_trade_after_a_wild_year`` fails without).
    """

    close: Floats  # (T,)
    sums: (
        Floats  # (T + 1, 6): pairs of the sums of q[t] = close[t] / close[t-1] - 1, of q^2 and of min(q, 0)^2; q[0] = 0
    )
    highest: Floats  # (L, T): highest close of the 2^l bars from t
    lowest: Floats  # (L, T)


class Exits(NamedTuple):
    """Where a trailing stop of one multiple ends a position, by entry bar; (T,) each, filled as they are asked for."""

    bar: NDArray[np.int64]  # _UNKNOWN, _NEVER, or the bar of the exit
    price: Floats  # as received, slippage included


class Path(NamedTuple):
    """Equity's history so far, as sums."""

    returns: float
    squares: float
    losses: float
    peak: float
    worst: float  # deepest drawdown, 0 or negative


@rule
def _add_to(sums: Floats, t: int, column: int, value: float) -> None:
    """Carry a pair over bar t: the rounded sum, and the exact error of its rounding (Knuth's two-sum)."""
    before = sums[t, column]
    after = before + value
    part = after - before
    sums[t + 1, column] = after
    sums[t + 1, column + 1] = sums[t, column + 1] + ((before - (after - part)) + (value - part))


@rule
def sum_between(sums: Floats, start: int, end: int, column: int) -> float:
    """Sum over the bars [start, end) of one of the columns, as if it had been added up alone."""
    rounded: float = sums[end, column] - sums[start, column]
    lost: float = sums[end, column + 1] - sums[start, column + 1]
    return rounded + lost


@kernel
def prepare(close: Floats) -> Closes:
    """Sum up a symbol's closes (T,) once, for all cells."""
    n = len(close)
    sums = np.zeros((n + 1, 6))
    for t in range(1, n):
        change = close[t] / close[t - 1] - 1.0
        _add_to(sums, t, 0, change)
        _add_to(sums, t, 2, change * change)
        _add_to(sums, t, 4, min(change, 0.0) ** 2)
    levels = 1
    while 2**levels <= n:
        levels += 1
    highest, lowest = np.empty((levels, n)), np.empty((levels, n))
    highest[0], lowest[0] = close, close
    for level in range(1, levels):
        half = 2 ** (level - 1)
        for t in range(n - 2 * half + 1):
            highest[level, t] = max(highest[level - 1, t], highest[level - 1, t + half])
            lowest[level, t] = min(lowest[level - 1, t], lowest[level - 1, t + half])
    return Closes(close, sums, highest, lowest)


@rule
def stop_exit(bars: Bars, entry: int, bought: Position, atr: Floats, rules: Rules) -> tuple[int, Fill]:
    """Follow one position from its entry bar to the bar whose stop ends it, with the rule of the plain loop."""
    position = bought
    fill = NO_FILL
    first = entry + 1 if rules.fill_at_close else entry
    for t in range(first, len(bars.close)):
        atr_before = atr[t - 1] if t > 0 else np.nan
        position, fill = in_bar(position, t, bars.open[t], bars.high[t], bars.low[t], atr_before, rules)
        if fill.reason != NOTHING:
            return t, fill
    return _NEVER, fill


@rule
def is_stopped(bars: Bars, exits: Exits, entry: int, death: int, bought: Position, atr: Floats, rules: Rules) -> bool:
    """Tell whether the stop ends a position not later than the bar of its death cross; finds the exit if nobody has asked before."""
    if np.isnan(rules.multiple):
        return False
    if exits.bar[entry] == _UNKNOWN:
        exits.bar[entry], fill = stop_exit(bars, entry, bought, atr, rules)
        exits.price[entry] = fill.price
    leave = int(exits.bar[entry])
    return leave != _NEVER and leave <= death


@rule
def through_trade(path: Path, closes: Closes, shares: float, entry: int, end: int) -> Path:
    """Carry equity's drawdown through the bars [entry, end) of a holding, and its returns through (entry, end)."""
    level = 0
    while 2 ** (level + 1) <= end - entry:
        level += 1
    last = end - 2**level
    highest = shares * max(closes.highest[level, entry], closes.highest[level, last])
    lowest = shares * min(closes.lowest[level, entry], closes.lowest[level, last])
    peak, worst = path.peak, path.worst
    if lowest < (1.0 + worst) * max(peak, highest):
        for t in range(entry, end):
            worth = shares * closes.close[t]
            peak = max(peak, worth)
            if worth < (1.0 + worst) * peak:
                worst = worth / peak - 1.0
    return Path(
        path.returns + sum_between(closes.sums, entry + 1, end, 0),
        path.squares + sum_between(closes.sums, entry + 1, end, 2),
        path.losses + sum_between(closes.sums, entry + 1, end, 4),
        max(peak, highest),
        worst,
    )


@rule
def step_to(path: Path, before: float, after: float, from_holding: bool) -> Path:
    """Carry equity over one bar on which something was filled; drawdown at an entry is looked at with its holding."""
    change = after / before - 1.0
    peak, worst = path.peak, path.worst
    if from_holding:
        peak = max(peak, after)
        worst = min(worst, after / peak - 1.0)
    return Path(path.returns + change, path.squares + change * change, path.losses + min(change, 0.0) ** 2, peak, worst)


@kernel
def fast_cell(
    bars: Bars,
    closes: Closes,
    events: NDArray[np.int64],
    count: int,
    first_golden: bool,
    exits: Exits,
    atr: Floats,
    capital: float,
    rules: Rules,
    bars_per_year: float,
    out: Floats,
) -> None:
    """Backtest one cell from its crosses; ``out`` is as in ``metrics.summarise``."""
    n = len(bars.close)
    delay = 0 if rules.fill_at_close else 1
    fills = bars.close if rules.fill_at_close else bars.open
    position = new_position(capital)
    path = Path(0.0, 0.0, 0.0, capital, 0.0)
    sums = no_trades()
    skipped = exposed = 0
    final = capital
    solvent = True
    for i in range(0 if first_golden else 1, count, 2):
        entry = events[i] + delay
        if entry >= n:
            break
        before = position.cash
        distance = rules.multiple * atr[events[i]]
        asked = Position(before, 0.0, -1, -np.inf, -np.inf, distance, 1, before)
        position, bought = buy(asked, entry, fills[entry], rules)
        if bought.reason == SKIPPED:
            skipped += 1
            continue
        death = events[i + 1] if i + 1 < count else n
        stopped = is_stopped(bars, exits, entry, death, position, atr, rules)
        leave = exits.bar[entry] if stopped else death + delay
        shares = position.shares
        end = min(leave, n)
        exposed += max(end - entry, 1)
        worth = before
        if end > entry:
            path = step_to(path, before, shares * bars.close[entry], False)
            path = through_trade(path, closes, shares, entry, end)
            worth = shares * bars.close[end - 1]
        if leave >= n:
            final = worth
            break
        if stopped:
            position, sold = sell_for(position, exits.price[entry], STOP, rules)
        else:
            position, sold = sell(position, fills[leave], CROSS, rules)
        path = step_to(path, worth, position.cash, True)
        solvent = solvent and position.cash > 0.0
        sums = add_profit(sums, (sold.value - sold.fee) - (bought.value + bought.fee))
        final = position.cash
    mean = path.returns / n
    variance = max(0.0, path.squares - n * mean * mean) / (n - 1) if n > 1 else np.nan
    found = Moments(mean, np.sqrt(variance), np.sqrt(path.losses / n), path.worst, solvent)
    write_metrics(capital, final, n, found, sums, skipped, exposed, bars_per_year, out)


@kernel
def fast_tile(
    bars: Bars, tile: Tile, first: NDArray[np.int64], capital: float, rules: Rules, bars_per_year: float, out: Floats
) -> None:
    """Backtest every cell of a tile, as ``loop.sweep_tile`` does, by its trades.

    Parameters
    ----------
    bars : Bars
    tile : Tile
    first : int64 (P,)
        Bar from which both averages of a pair are defined, below T.
    capital, bars_per_year : float
    rules : Rules
        Long only, sizing ALL_IN.
    out : float64 (P, K, METRIC_COUNT)
        Overwritten.
    """
    n, stops = len(bars.close), len(tile.multiple)
    closes = prepare(bars.close)
    events = np.empty(n, np.int64)
    exit_bar = np.full((stops, n), _UNKNOWN, np.int64)
    exit_price = np.empty((stops, n))
    for p in range(len(tile.fast)):
        fast, slow = tile.averages[tile.fast[p]], tile.averages[tile.slow[p]]
        count, first_golden = cross_bars(fast, slow, first[p], events)
        for k in range(stops):
            fast_cell(
                bars,
                closes,
                events,
                count,
                first_golden,
                Exits(exit_bar[k], exit_price[k]),
                tile.ranges[tile.range_row[k]],
                capital,
                with_multiple(rules, tile.multiple[k]),
                bars_per_year,
                out[p, k],
            )
