"""The first run ever: compile the fast sweep on two cores.

numba compiles one function at a time in a process, but keeps each of them by itself in the cache. So a second process compiles some kernels while this one
compiles others; the rest finds all of them in the cache. Nothing depends on it: what is missing is compiled when it is called. That nothing is compiled
twice is held by ``tests/test_jit_cache.py``.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from typing import NamedTuple

import numpy as np

from engine.backtesting import kernel_bars
from engine.cli.starting import start_quickly
from engine.crossing import averages_of
from engine.grid import Grid
from engine.kernels import _jit
from engine.kernels._jit import plain, prepare
from engine.kernels.accounts import ACCOUNT_SIZE, LANES, new_accounts, settle
from engine.kernels.bits import Crosses, find_crosses
from engine.kernels.drawdown import ROW, fill_runs
from engine.kernels.finish import Result, finish
from engine.kernels.indicators import average_true_range
from engine.kernels.legs import MARKS_SIZE, Span, lay_legs
from engine.kernels.loop import Bars
from engine.kernels.market import fill_market, find_changes, market_size
from engine.kernels.metrics import METRIC_COUNT
from engine.kernels.plan import block_of, scratch_of
from engine.kernels.prefix import add_up
from engine.kernels.stops import Exits, Stops, find_exits
from engine.kernels.symbols import Trails
from engine.kernels.walks import walks_of
from engine.kernels.words import words_of_span
from engine.prices.history import History
from engine.prices.simulated import simulate
from engine.settings import Settings, Signal, TrailingStop
from engine.sweeping.blocks import plan_of, trails_of
from engine.sweeping.facade import sweep

__all__ = ["Wanted", "compile_kernels", "help_compiling"]

_BARS = 64
_MARKET, _LEGS = market_size(_BARS), (METRIC_COUNT + 1) * LANES
_SPAN = Span(0, _BARS, _BARS, _BARS)
_PROGRAM = "from engine.cli.warming import help_compiling; help_compiling()"


class Wanted(NamedTuple):
    """What decides which kernels a sweep needs."""

    signal: Signal
    stop: TrailingStop | None  # with one other versions are needed
    judged: bool  # which takes the returns of every setting, and their halves


def compile_kernels(wanted: Wanted) -> None:
    """Compile most of the fast sweep, with the help of a second process if there is a second core and a cache to meet in."""
    if _jit.CACHE is None or (os.cpu_count() or 1) == 1:
        return
    with subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as helper:
        if helper.stdin is None or helper.stdout is None:  # they are pipes
            return
        pickle.dump(wanted, helper.stdin)
        helper.stdin.close()
        _compile_ends(wanted)
        helper.stdout.readline()  # what it compiled is in the cache, or it failed; what it does further goes on beside us
        sweep(simulate(1, _BARS), 1, 2, wanted.stop, signal=wanted.signal, workers=1)


def help_compiling() -> None:
    """Compile what the other process does not, and say in a line when it can go on."""
    start_quickly()
    wanted: Wanted = pickle.load(sys.stdin.buffer)  # noqa: S301  from our own process
    _compile_accounts(wanted)
    print(flush=True)  # noqa: T201  to the process that waits
    if wanted.judged:
        _compile_judgement(wanted)


def _compile_ends(wanted: Wanted) -> None:
    """Compile what comes before the accounts, and what comes after them."""
    if wanted.signal.is_golden_cross:
        _compile_crosses()
    else:
        averages_of(_history(), np.array([1, 2]), wanted.signal)
    if wanted.stop is not None:
        bars, trails = _bars(), _trails()
        prepare(average_true_range, bars.high, bars.low, bars.close, trails.windows, trails.wilder)
    runs, rows, account, legs = (np.empty(size) for size in (7 * _BARS * ROW, _MARKET, ACCOUNT_SIZE, _LEGS))
    prepare(fill_runs, _bars().close, 0, _BARS, _BARS, runs, runs, _BARS)
    result = Result(np.empty(ACCOUNT_SIZE), 252.0, np.empty(METRIC_COUNT), np.empty(1, np.bool_))
    prepare(finish, account, 1, _SPAN, rows, result, np.zeros(LANES, np.int64), legs)


def _compile_crosses() -> None:
    """Compile what finds the crosses of a block of pairs."""
    close = _bars().close
    plan = plan_of(np.array([1]), np.array([2]), 2)
    scratch = scratch_of(plan, _BARS)
    block, words, pairs = plain(block_of)(plan, 0), scratch.words, scratch.pairs
    prepare(add_up, close, -2, _BARS, scratch.sums)
    prepare(words_of_span, scratch.sums, 0, 3, 1, close, -2, block, _BARS, words)
    prepare(find_crosses, scratch.sums, 0, 3, 1, block, _BARS, words, pairs.above, pairs.doubtful, scratch.crosses)


def _compile_accounts(wanted: Wanted) -> None:
    """Compile what is done with accounts: legs that a stop may end are laid by a version of its own."""
    rules, counts = Settings().kernel_rules(None), np.zeros(LANES, np.int64)
    runs, rows, account, legs = (np.empty(size) for size in (7 * _BARS * ROW, _MARKET, ACCOUNT_SIZE, _LEGS))
    prepare(find_changes, _bars().close, rows, rows)
    prepare(fill_market, _bars(), rules, rows, 0, _BARS, rows)
    crosses = Crosses(np.zeros(1, np.int16), counts, counts, np.zeros(1, np.bool_))
    prepare(new_accounts, 1.0)
    exits = None if wanted.stop is None else _exits()
    prepare(
        lay_legs, rows, exits, 0, rules, _SPAN, runs, crosses, counts[:1], account, np.empty(MARKS_SIZE, np.int64), legs
    )
    prepare(settle, account, legs, 1, rules.costs)
    if exits is not None:
        trails, accounts = _trails(), np.empty((1, 1, ACCOUNT_SIZE))
        stops = Stops(np.empty((1, _BARS)), trails.row, trails.multiple)
        prepare(find_exits, _bars(), stops, rules, 0, _BARS, accounts, plain(walks_of)(), runs, exits)


def _compile_judgement(wanted: Wanted) -> None:
    """Compile what finds the returns of every setting, and compares them on the halves of the days."""
    from engine.selection.overfitting import overfitting_of  # noqa: PLC0415  not for what is not judged
    from engine.selection.trials import trials_of  # noqa: PLC0415

    trials_of(simulate(1, _BARS), Grid.of(1, 2, wanted.stop), Settings(signal=wanted.signal), workers=1)
    overfitting_of(np.sin(np.arange(8.0).reshape(2, 4)), 2, workers=1)


def _history() -> History:
    return simulate(1, _BARS)["SIM001"]


def _bars() -> Bars:
    """Give some bars, of the type that a sweep has."""
    return kernel_bars(_history())


def _trails() -> Trails:
    """Give a stop, as a sweep has it."""
    return trails_of((TrailingStop(),))


def _exits() -> Exits:
    """Give memory for exits."""
    bars, prices = np.zeros((1, _BARS), np.int64), np.zeros((1, _BARS))
    return Exits(bars, prices, prices, prices, bars)
