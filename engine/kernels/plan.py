"""The pairs of a grid in blocks, and the memory that working on them takes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import pasted
from engine.kernels.accounts import LANES, LEG_SIZE
from engine.kernels.bits import Crosses
from engine.kernels.drawdown import MOST_BARS, ROW, WORK_SIZE
from engine.kernels.legs import MARKS_SIZE
from engine.kernels.machine import WORD
from engine.kernels.metrics import METRIC_COUNT
from engine.kernels.words import Block, Words

__all__ = ["SPAN", "Pairs", "Plan", "Scratch", "aligned", "block_of", "scratch_of"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SPAN = MOST_BARS
"""Bars that are worked on together, at most: what belongs to them stays in a cache of 1 MiB."""


class Plan(NamedTuple):
    """The blocks of pairs of a grid, one behind the other: B blocks, W windows, F fast windows, P pairs in all."""

    windows: Integers  # (W,)
    window_start: Integers  # (B + 1,)
    start: Integers  # (F,) as in Block
    fast_start: Integers  # (B + 1,)
    first_pair: Integers  # (F,) as in Block
    fast_of: Integers  # (P,) as in Block
    slow_of: Integers  # (P,)
    pair_start: Integers  # (B + 1,)
    row: Integers  # (P,) where a pair's metrics go
    group_start: Integers  # (B + 1,) groups of 32 pairs before the block
    longest: int  # window of all
    most_windows: int  # of a block
    most_pairs: int  # of a block


class Pairs(NamedTuple):
    """What is remembered of the pairs of a plan from span to span; (P,) each."""

    above: Integers  # 1 if the fast average is above at the end of the span
    doubtful: NDArray[np.bool_]  # its first bar is a tie, or its closes cannot be added up
    order: Integers  # in which the pairs of a block are grouped: those with about as many legs side by side


class Scratch(NamedTuple):
    """Memory that every symbol, span and block uses again: that of a new array costs a page fault for every 4 KiB."""

    sums: Floats  # prefix sums of the closes
    words: Words
    crosses: Crosses
    legs: Floats
    cells: Integers
    marks: Integers  # for laying legs
    work: Floats  # for the table of runs
    runs: Floats
    pairs: Pairs


@pasted
def block_of(plan: Plan, b: int) -> Block:
    """Cut one block out."""
    f, g, w, p = plan.fast_start[b], plan.fast_start[b + 1], plan.window_start[b], plan.pair_start[b]
    return Block(
        plan.windows[w : plan.window_start[b + 1]],
        g - f,
        plan.start[f:g],
        plan.first_pair[f:g],
        plan.fast_of[p : plan.pair_start[b + 1]],
        plan.slow_of[p : plan.pair_start[b + 1]],
    )


def aligned(size: int) -> Floats:
    """Get memory for so many doubles at an address that 64 divides: a vector that lies in two cache lines takes twice the time."""
    memory = np.empty(size + 8)
    start = -(memory.ctypes.data // 8) % 8
    return memory[start : start + size]


def scratch_of(plan: Plan, bars: int) -> Scratch:
    """Get the memory for spans of so many bars."""
    most, pairs = plan.most_pairs, len(plan.row)
    # The changes are written when the work for the table of runs has been done: in its memory, so that less has to stay in a cache.
    work = aligned(max(WORK_SIZE, most * (bars // WORD)))
    words = Words(
        work.view(np.uint64),
        np.empty(most * -(-bars // WORD**2), np.uint64),
        np.empty(most, np.bool_),
        np.empty((bars + plan.longest) // WORD + 2),
        np.empty((bars + plan.longest) // WORD + 2),
        np.empty(bars + plan.longest + 2, np.int32),
        np.empty((bars + plan.longest + 5) // 2 * 2, np.int32),
        aligned(plan.most_windows * WORD // 4).view(np.uint32),
        np.empty(2 * most, np.uint64),
    )
    crosses = Crosses(
        np.empty(most * (bars + 1) + WORD, np.int16),
        np.empty(most, np.int64),
        np.empty(most, np.int64),
        np.empty(most, np.bool_),
    )
    return Scratch(
        np.zeros((4, bars + plan.longest + 2)),
        words,
        crosses,
        aligned(max((bars + 1) * LEG_SIZE, (METRIC_COUNT + 1) * LANES)),
        np.empty(LANES, np.int64),
        aligned(MARKS_SIZE).view(np.int64),
        work,
        aligned(bars.bit_length() * bars * ROW),
        Pairs(np.empty(pairs, np.int64), np.empty(pairs, np.bool_), np.empty(pairs, np.int64)),
    )
