"""Where a trailing stop, or the end of a session, ends a position, for every bar on which one could begin.

The exit depends on symbol, entry bar and stop, not on the pair of averages: it is found once and shared by all pairs. Sixteen entries that follow each other walk through
the bars together, so that the rule of ``position`` is applied to all of them by the same instructions; with the usual stop small numbers say first which bar may be the last (``walks``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, pasted, rule
from engine.kernels.accounts import ENTRY, LANES, SHARES
from engine.kernels.loop import Bars, with_multiple
from engine.kernels.machine import chosen, index
from engine.kernels.position import NOTHING, Rules, follow_stop, paid, received
from engine.kernels.sessions import CLOSED, Sessions, may_enter
from engine.kernels.walks import PASSED, Scale, Walks, code_bars, join_highest, places_of_peak, walk_all

__all__ = ["NOT_YET", "NO_ENTRY", "Exits", "Stops", "exits_of", "find_exits", "go_on"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
NOT_YET = 1 << 62
"""Bar of an exit that has not come up to the bar that was looked at last."""
NO_ENTRY = -1
"""Bar of an exit where no position can begin: the ATR is not defined yet, or the time of day forbids it."""
_TOGETHER = 16
"""Positions that are worked on side by side."""
_PEAK, _STOP, _DISTANCE, _LEAVE, _PRICE = (_TOGETHER * column for column in range(5))
_COLUMNS = 5
_AHEAD = 8
"""Bars between two looks whether all of them have ended."""


class Exits(NamedTuple):
    """By entry bar, (T,) each; written for the entries of a span before they are asked for."""

    bar: Integers  # of the exit, or NOT_YET, or NO_ENTRY
    price: Floats  # as received, slippage included
    peak: Floats  # where NOT_YET: as after the last bar that was looked at
    stop: Floats
    looked: Integers  # bars before this one have been looked at


@pasted
def distance_at(atr: Floats, t: int, multiple: float) -> float:
    """Distance of a stop by the ATR of bar t; nan before the first bar."""
    return multiple * atr[index(t)] if t >= 0 else np.nan


class Stops(NamedTuple):
    """The stops of a sweep, K of them."""

    atr: Floats  # (A, T)
    row: Integers  # (K,) row of atr
    multiple: Floats  # (K,) nan is no stop


@kernel
def find_exits(
    bars: Bars,
    stops: Stops,
    rules: Rules,
    first: int,
    last: int,
    accounts: Floats,
    walks: Walks,
    work: Floats,
    all_exits: Exits,
) -> int:
    """Write the exits of all stops for the bars [first, last): of what is held since before, and of what begins there.

    Parameters
    ----------
    bars : Bars
    stops : Stops
    rules : Rules
        Its multiple is replaced.
    first, last : int
    accounts : float64 (groups, K, ACCOUNT_SIZE)
        As they are before bar ``first``; not read if that is 0.
    walks : Walks
        Overwritten.
    work : float64 (at least L * (last - first),)
        Overwritten; 2^L is more than ``last - first``.
    all_exits : Exits
        Of shape (K, T).

    Returns
    -------
    int
        Closes of these bars that a position can see, at most.
    """
    longest = 0
    quick = not (rules.chandelier or rules.high_first)
    scale = Scale(0.0, 1.0)
    if quick and not np.isnan(stops.multiple).all():
        scale = code_bars(bars.high, bars.low, paid(1.0, rules.costs), first, last, walks.codes)
    for k in range(len(stops.multiple)):
        one, exits = with_multiple(rules, stops.multiple[k]), exits_of(all_exits, k)
        atr = stops.atr[stops.row[k]]
        if np.isnan(stops.multiple[k]):
            exits.bar[first:last] = NOT_YET
            leave_with_session(rules.sessions, bars, atr, one, first, last, exits)
            longest = last - first
            continue
        for group in range(len(accounts) if first > 0 else 0):
            account = accounts[group, k]
            for lane in range(LANES):
                if account[SHARES + lane] > 0.0:
                    entry = int(account[ENTRY + lane])
                    go_on(bars, atr, one, entry, last, exits)
                    longest = max(longest, min(exits.bar[entry], last) - first)
        if quick:
            longest = max(longest, _begin_quickly(bars, atr, one, first, last, walks, work, scale, exits))
        else:
            _begin(bars, atr, one, first, last, exits)
            longest = last - first
        leave_with_session(rules.sessions, bars, atr, one, first, last, exits)
    return longest


@kernel
def leave_with_session(
    sessions: Sessions | None, bars: Bars, atr: Floats, rules: Rules, first: int, last: int, exits: Exits
) -> None:
    """Let the positions that begin on the bars [first, last) end with their session, unless the stop ends them before.

    The bar is known when they begin. So the stop of those whose session goes on behind ``last`` is looked at up to its end here, and nobody has to go on later.
    """
    if sessions is None:
        return
    leave, close, exit_bar, exit_price = sessions.leave, bars.close, exits.bar, exits.price
    at_close, has_stop, costs = rules.fill_at_close, not np.isnan(rules.multiple), rules.costs
    for entry in range(first, last):
        here = index(entry)
        end = leave[here]
        if not may_enter(sessions, entry, at_close):
            exit_bar[here] = NO_ENTRY
        if end == CLOSED or exit_bar[here] == NO_ENTRY:
            continue
        if end >= last and has_stop:
            go_on(bars, atr, rules, entry, end + 1, exits)
        if exit_bar[here] > end:
            exit_bar[here], exit_price[here] = end, received(close[index(end)], costs)


@rule
def exits_of(exits: Exits, k: int) -> Exits:
    """Cut those of one stop out of arrays (K, T)."""
    return Exits(exits.bar[k], exits.price[k], exits.peak[k], exits.stop[k], exits.looked[k])


@kernel
def _begin(bars: Bars, atr: Floats, rules: Rules, first: int, last: int, exits: Exits) -> None:
    """Write the exits of the entries [first, last), looking at the bars before ``last``."""
    fills = bars.close if rules.fill_at_close else bars.open
    exit_bar, exit_price, exit_peak = exits.bar, exits.price, exits.peak
    exit_stop, looked = exits.stop, exits.looked
    signal = 0 if rules.fill_at_close else 1  # bars from the signal to the entry
    lanes = np.empty(_COLUMNS * _TOGETHER)  # one array: two could overlap for all that the compiler knows
    for group in range(first, last, _TOGETHER):
        size = min(_TOGETHER, last - group)
        for i in range(_TOGETHER):
            entry = min(group + i, last - 1)
            distance = distance_at(atr, entry - signal, rules.multiple)
            lanes[_PEAK + i], lanes[_STOP + i], lanes[_DISTANCE + i] = (
                paid(fills[entry], rules.costs),
                -np.inf,
                distance,
            )
            lanes[_LEAVE + i] = np.inf if i < size and not np.isnan(distance) else float(NO_ENTRY)
            lanes[_PRICE + i] = np.inf
        _walk(bars, atr, rules, group, group + 1 - signal, last, lanes)
        for i in range(size):
            at, leave = index(group + i), lanes[_LEAVE + i]
            exit_bar[at] = NOT_YET if leave == np.inf else np.int64(leave)
            exit_price[at] = received(lanes[_PRICE + i], rules.costs)
            exit_peak[at], exit_stop[at], looked[at] = lanes[_PEAK + i], lanes[_STOP + i], last


@kernel
def _begin_quickly(
    bars: Bars,
    atr: Floats,
    rules: Rules,
    first: int,
    last: int,
    walks: Walks,
    highest: Floats,
    scale: Scale,
    exits: Exits,
) -> int:
    """Do what ``_begin`` does where the distance stays and the low comes before the high; give the most bars from an entry to its exit.

    What happens on the first bar that does something is asked of ``follow_stop``; a low is never above its open, so that none is missed.
    """
    opens, highs, lows = bars.open, bars.high, bars.low
    fills = bars.close if rules.fill_at_close else opens
    exit_bar, exit_price, exit_peak = exits.bar, exits.price, exits.peak
    exit_stop, looked = exits.stop, exits.looked
    prices, distances, codes = walks.paid, walks.distance, walks.codes
    later = 1 if rules.fill_at_close else 0  # a position that began at the open is tested on the same bar
    multiple, costs, count = rules.multiple, rules.costs, last - first
    for i in range(count):
        prices[index(i)] = paid(fills[index(first + i)], costs)
        distances[index(i)] = distance_at(atr, first + i - 1 + later, multiple)
    longest = 0
    join_highest(highs, first, last, walk_all(prices, distances, count, later, scale, codes), highest)
    for i in range(count):
        at, distance, begin = index(first + i), distances[index(i)], i + later
        exit_bar[at] = NO_ENTRY if np.isnan(distance) else NOT_YET
        passed = min(0 + int(codes[index(i) + PASSED]), count - begin)
        # If it passed no bar, one is read that does not count.
        one, two = places_of_peak(count, min(begin, count - 1), max(passed, 1))
        peak = max(prices[index(i)], chosen(passed > 0, max(highest[one], highest[two]), -np.inf))
        end = first + begin + passed
        while end < last and lows[index(end)] > peak - distance:  # seldom: the code said that it may end here
            peak = max(peak, highs[index(end)])
            end += 1
        longest = max(longest, end - first - i)
        if end >= last or np.isnan(distance):
            exit_peak[at], exit_stop[at], looked[at] = peak, -np.inf, last
            continue
        here = index(end)
        test = follow_stop(-np.inf, peak, distance, end > first + i, opens[here], highs[here], lows[here], False)
        exit_bar[at], exit_price[at] = end, received(test.price, costs)
    return longest


@kernel
def _walk(bars: Bars, atr: Floats, rules: Rules, group: int, start: int, limit: int, lanes: Floats) -> None:
    """Take sixteen positions through the bars from ``start`` until all have ended or the limit is reached."""
    opens, highs, lows = bars.open, bars.high, bars.low
    chandelier, high_first = rules.chandelier, rules.high_first
    later = 0 if rules.fill_at_close else 1  # a position that began at the open is tested on the same bar
    t, waiting = start, 1
    while t < limit and waiting > 0:
        for bar in range(t, min(t + _AHEAD, limit)):
            open_price, high, low = opens[bar], highs[bar], lows[bar]
            moving = distance_at(atr, bar - 1, rules.multiple) if chandelier else np.nan
            since = float(bar - group)
            for i in range(_TOGETHER):
                here = moving if chandelier else lanes[_DISTANCE + i]
                stop, peak, leave = lanes[_STOP + i], lanes[_PEAK + i], lanes[_LEAVE + i]
                test = follow_stop(stop, peak, here, i < since, open_price, high, low, high_first)
                begun = i < since + later
                ends = (leave == np.inf) & begun & (test.reason != NOTHING)
                # The least, not a choice: a choice becomes a store under a mask, which the next bar's load has to wait for.
                lanes[_LEAVE + i] = min(leave, float(bar) if ends else np.inf)
                lanes[_PRICE + i] = min(lanes[_PRICE + i], test.price if ends else np.inf)
                lanes[_PEAK + i] = test.peak if begun else peak
                lanes[_STOP + i] = test.stop if begun else stop
        t += _AHEAD
        waiting = 0
        for i in range(_TOGETHER):
            waiting += lanes[_LEAVE + i] == np.inf


@kernel
def go_on(bars: Bars, atr: Floats, rules: Rules, entry: int, limit: int, exits: Exits) -> None:
    """Look for the exit of one position further, on the bars before ``limit``: one that goes on from the span before."""
    if exits.bar[entry] != NOT_YET or exits.looked[entry] >= limit:
        return
    peak, stop = exits.peak[entry], exits.stop[entry]
    signal = entry if rules.fill_at_close else entry - 1
    for t in range(exits.looked[entry], limit):
        known = t - 1 if rules.chandelier else signal
        test = follow_stop(
            stop,
            peak,
            distance_at(atr, known, rules.multiple),
            True,
            bars.open[t],
            bars.high[t],
            bars.low[t],
            rules.high_first,
        )
        if test.reason != NOTHING:
            exits.bar[entry], exits.price[entry] = t, received(test.price, rules.costs)
            break
        peak, stop = test.peak, test.stop
    exits.peak[entry], exits.stop[entry], exits.looked[entry] = peak, stop, limit
