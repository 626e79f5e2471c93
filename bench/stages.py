"""Nanoseconds a cell of each step of the fast sweep by itself, called from compiled code: python -m bench.stages. The table of docs/speed.md.

The same symbol is worked on again and again, so that the processor has learned every branch: on symbols in turn steps that depend on chance take longer.
"""

import sys
import time

import numpy as np

import engine
from engine.backtesting import kernel_bars
from engine.grid import Grid
from engine.kernels import (
    accounts,
    bits,
    drawdown,
    fast,
    finish,
    indicators,
    legs,
    market,
    plan,
    prefix,
    stops,
    symbols,
    words,
)
from engine.kernels._jit import kernel
from engine.kernels.machine import index
from engine.kernels.metrics import METRIC_COUNT
from engine.settings import Settings
from engine.sweeping import blocks
from engine.sweeping.blocks import plan_of

BARS, TURNS, TIMES = 1250, 60, 10
STOP = engine.TrailingStop(3.0, 14)


@kernel
def of_market(times, bars, rules, changes, rows):
    for _ in range(times):
        market.find_changes(bars.close, changes, rows)
        market.fill_market(bars, rules, changes, 0, len(bars.close), rows)


@kernel
def sums(times, close, lead, scratch):
    for _ in range(times):
        prefix.add_up(close, -1 - lead, len(close) - 1, scratch.sums)


@kernel
def runs(times, close, longest, scratch, size):
    for _ in range(times):
        drawdown.fill_runs(close, 0, len(close), longest, scratch.work, scratch.runs, size)


@kernel
def sides(times, close, lead, kind, block, scratch):
    for _ in range(times):
        words.words_of_span(scratch.sums, kind, lead + 1, 0, close, -1 - lead, block, len(close), scratch.words)


@kernel
def words_and_crosses(times, close, lead, kind, block, scratch):  # crosses overwrite the words
    for _ in range(times):
        above, doubtful = scratch.pairs.above, scratch.pairs.doubtful
        words.words_of_span(scratch.sums, kind, lead + 1, 0, close, -1 - lead, block, len(close), scratch.words)
        bits.find_crosses(
            scratch.sums, kind, lead + 1, 0, block, len(close), scratch.words, above, doubtful, scratch.crosses
        )


@kernel
def order(times, scratch):
    for _ in range(times):
        fast.order_by_legs(scratch.crosses, scratch.pairs.order)


@kernel
def ranges(times, bars, trails):
    for _ in range(times):
        indicators.average_true_range(bars.high, bars.low, bars.close, trails.windows, False)


@kernel
def exits_of_all(times, bars, given, rules, nobody, walks, work, exits):
    longest = 0
    for _ in range(times):
        longest = stops.find_exits(bars, given, rules, 0, len(bars.close), nobody, walks, work, exits)
    return longest


@kernel
def cells(times, steps, rows, exits, rules, span, scratch, account, result):
    for _ in range(times):
        for first in range(0, len(scratch.pairs.order), accounts.LANES):
            chosen = scratch.pairs.order[first : first + accounts.LANES]
            for i in range(accounts.ACCOUNT_SIZE):
                account[index(i)] = result.begun[index(i)]
            most = legs.lay_legs(
                rows,
                exits,
                0,
                rules,
                span,
                scratch.runs,
                scratch.crosses,
                chosen,
                account,
                scratch.marks,
                scratch.legs,
            )
            if steps > 1:
                accounts.settle(account, scratch.legs, most, rules.costs)
            if steps > 2:
                finish.finish(account, len(chosen), span, rows, result, chosen, scratch.legs)


def best(step, *arguments):
    """Seconds of one go, in the best turn."""
    step(1, *arguments)
    turns = []
    for _ in range(TURNS):
        start = time.perf_counter()
        step(TIMES, *arguments)
        turns.append(time.perf_counter() - start)
    return min(turns) / TIMES


def measure(history):
    """Nanoseconds a cell of every step on 499 pairs, which are one block."""
    bars, settings = kernel_bars(history), Settings(costs=engine.Costs(rate=0.001))
    rules = settings.kernel_rules(None)
    grid = Grid.of(range(5, 101, 5), range(20, 301, 10), None)
    pairs = plan_of(grid.fast, grid.slow, 300)
    size, lead, close = -(-BARS // 64) * 64, pairs.longest, bars.close
    memory = symbols.memory_of(pairs, 1, BARS, size)
    scratch, block = memory.scratch, plan.block_of(pairs, 0)
    scratch.pairs.above[:], scratch.pairs.doubtful[:] = 0, False
    rows, account, span = (
        plan.aligned(market.market_size(BARS)),
        np.empty(accounts.ACCOUNT_SIZE),
        legs.Span(0, BARS, size, BARS),
    )
    count = len(pairs.row)
    begun, out, sure = accounts.new_accounts(1e5), np.empty(count * METRIC_COUNT), np.empty(count, np.bool_)
    result = finish.Result(begun, 252.0, out, sure)
    kind = prefix.add_up(close, -1 - lead, BARS - 1, scratch.sums)
    found = {
        "market": best(of_market, bars, rules, memory.changes, rows),
        "sums": best(sums, close, lead, scratch),
        "runs": best(runs, close, BARS, scratch, size),
        "words": best(sides, close, lead, kind, block, scratch),
        "crosses": best(words_and_crosses, close, lead, kind, block, scratch),
        "order": best(order, scratch),
    }
    found["crosses"] -= found["words"]
    trails = blocks.trails_of((STOP,))
    atr = indicators.average_true_range(bars.high, bars.low, close, trails.windows, False)
    given = stops.Stops(atr, trails.row, trails.multiple)
    with_stop = settings.kernel_rules(STOP)
    nobody = account.reshape(1, 1, -1)
    found |= {
        "ATR": best(ranges, bars, trails),
        "exits": best(exits_of_all, bars, given, with_stop, nobody, memory.walks, scratch.runs, memory.exits),
    }
    longest = exits_of_all(1, bars, given, with_stop, nobody, memory.walks, scratch.runs, memory.exits)
    found["runs, stop"] = best(runs, close, longest, scratch, size)
    for name, leaves, chosen in (("", None, rules), (", stop", memory.exits, with_stop)):
        rest = leaves, chosen, span, scratch, account, result
        laid, settled, finished = (best(cells, n, rows, *rest) for n in (1, 2, 3))
        found |= {f"legs{name}": laid, f"accounts{name}": settled - laid, f"metrics{name}": finished - settled}
    return {name: seconds / count * 1e9 for name, seconds in found.items()}


if __name__ == "__main__":
    prices = engine.simulate(4, BARS)
    every = [measure(prices[symbol]) for symbol in prices.symbols]
    for name in every[0]:
        sys.stdout.write(f"{name:14} {np.mean([one[name] for one in every]):6.1f}\n")
