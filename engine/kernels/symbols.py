"""The fast sweep over several symbols in one call.

Handing arrays to compiled code takes microseconds, and fresh memory a page fault for every 4 KiB; on 499 pairs both were a sixth of all time. So the symbols of a task are given by the
addresses of their bars, which are read where they lie (who calls keeps them alive), and everything that a symbol needs besides its result is in memory that the next one uses again. Copied side by side by numpy they took a thirtieth
of all time, and two threads waited for each other's lock. For the same reason threads take the next symbol here, from a number that they share.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, pasted, plain, rule
from engine.kernels.accounts import ACCOUNT_SIZE, new_accounts
from engine.kernels.fast import run_span
from engine.kernels.finish import Result
from engine.kernels.indicators import average_true_range
from engine.kernels.loop import Bars
from engine.kernels.machine import WORD, doubles_at, index, take_number, uncounted
from engine.kernels.market import market_size
from engine.kernels.money import changed
from engine.kernels.plan import Plan, Scratch, aligned, scratch_of
from engine.kernels.position import Rules
from engine.kernels.sessions import sessions_between
from engine.kernels.stops import Exits, Stops, find_exits
from engine.kernels.walks import Walks, walks_of

__all__ = ["Memory", "Trails", "memory_of", "run_symbols"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Memory(NamedTuple):
    """What is used again by every symbol; ``memory_of`` gets it."""

    scratch: Scratch
    changes: Floats  # (bars of the longest history,)
    market: Floats  # of a span
    exits: Exits | None
    walks: Walks | None


class Trails(NamedTuple):
    """The stops of a sweep, K of them."""

    windows: Integers  # (A,) of the ATR
    row: Integers  # (K,) place in windows
    multiple: Floats  # (K,) nan is no stop
    wilder: bool


@kernel
def run_symbols(
    places: Integers,
    turn: Integers,
    plan: Plan,
    trails: Trails | None,
    capital: float,
    rules: Rules,
    bars_per_year: float,
    most: int,
    memory: Memory,
    out: Floats,
    sure: NDArray[np.bool_],
) -> None:
    """Backtest every pair of a plan with every stop on several symbols.

    Parameters
    ----------
    places : int64 (S, 5)
        Where open, high, low and close of each symbol lie in memory, float64 one behind the other, and how many bars there are.
    turn : int64 (1,)
        Given as 0, and counted up: the symbol that is next. Several threads may run this with the same one, each with memory of its own, and share the symbols.
    plan : Plan
        Its slow windows are not longer than any of the histories.
    trails : Trails or None
        None is no stop at all, one cell a pair; what stops need is then not even compiled. Sessions need the exits of stops, if only of one that is nan.
    capital, bars_per_year : float
    rules : Rules
        Long only, sizing ALL_IN; its multiple is replaced by that of each stop.
    most : int
        Bars that are worked on together, at most.
    memory : Memory
        For this plan, so many stops (0 without any), and histories of this length or longer ones.
    out : float64 (S, rows * K * METRIC_COUNT)
        Overwritten at the rows of the plan's pairs.
    sure : bool (S, rows * K)
        Given as True; made False where the plain loop has to do the cell.
    """
    plan, memory, out, sure = uncounted(plan), uncounted(memory), uncounted(out), uncounted(sure)
    multiples = np.full(1, np.nan) if trails is None else trails.multiple
    scratch, rows, exits, pairs = memory.scratch, memory.market, memory.exits, memory.scratch.pairs
    groups = 1
    offsets = np.zeros(len(places) + 1, np.int64)
    for s in range(len(places)):
        offsets[index(s + 1)] = offsets[index(s)] + places[s, 4]
        if places[s, 4] > most:
            groups = plan.group_start[-1]
    accounts = np.empty((groups, len(multiples), ACCOUNT_SIZE))
    begun = new_accounts(capital)
    s = take_number(turn)
    while s < len(places):
        n = places[s, 4]
        one = _bars_at(places, s, n)
        own, size = _own_rules(rules, offsets[s], offsets[s + 1]), span_size(n, most)
        if trails is None:
            stops = Stops(np.empty((1, 1)), np.zeros(1, np.int64), multiples)
        else:
            ranges = average_true_range(one.high, one.low, one.close, trails.windows, trails.wilder)
            stops = Stops(ranges, trails.row, multiples)
        pairs.above[:] = 0
        pairs.doubtful[:] = False
        result = Result(begun, bars_per_year, out[s], sure[s])
        for start in range(0, n, size):
            longest = size
            if trails is not None:
                last_bar, walks = min(start + size, n), memory.walks
                longest = find_exits(one, stops, own, start, last_bar, accounts, walks, scratch.runs, exits)  # type: ignore[arg-type]  # there are stops
            run_span(
                one, memory.changes, rows, plan, stops, exits, own, start, size, longest, scratch, accounts, result
            )
        s = take_number(turn)


@pasted
def _bars_at(places: Integers, s: int, count: int) -> Bars:
    """Give the bars of one symbol, where they lie."""
    return Bars(
        doubles_at(places[s, 0], count),
        doubles_at(places[s, 1], count),
        doubles_at(places[s, 2], count),
        doubles_at(places[s, 3], count),
    )


@rule
def _own_rules(rules: Rules, first: int, last: int) -> Rules:
    """Give the rules with the sessions of one symbol, whose bars are [first, last) of those of all symbols, one behind the other."""
    return changed(rules, rules.multiple, rules.lot, rules.tick, sessions_between(rules.sessions, first, last))


@rule
def span_size(bars: int, most: int) -> int:
    """Give the bars of a span, a multiple of 64: as few spans as can be, all of about one size."""
    spans = -(-bars // most)
    return -(-bars // (spans * WORD)) * WORD


def memory_of(plan: Plan, stops: int, bars: int, most: int) -> Memory:
    """Get the memory for so many stops and histories of so many bars."""
    shape = stops, bars
    room = min(-(-bars // WORD) * WORD, -(-most // WORD) * WORD)
    exits = walks = None
    if stops > 0:
        exits = Exits(
            np.empty(shape, np.int64), np.empty(shape), np.empty(shape), np.empty(shape), np.empty(shape, np.int64)
        )
        walks = plain(walks_of)()
    return Memory(scratch_of(plan, room), np.empty(bars), aligned(market_size(room)), exits, walks)
