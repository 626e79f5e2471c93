"""The first run ever: compile the fast sweep on two cores.

numba compiles one function at a time in a process, but keeps each of them by itself in the cache. So a second process compiles what the accounts need while this one
compiles what the averages need; the rest finds both in the cache. Nothing depends on it: what is missing is compiled when it is called.
"""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np

from engine.backtesting import kernel_bars
from engine.grid import Grid
from engine.kernels import _jit
from engine.kernels._jit import prepare
from engine.kernels.accounts import ACCOUNT_SIZE, LANES, open_accounts, settle
from engine.kernels.bits import Crosses, find_crosses
from engine.kernels.cscv import Halves, add_blocks, judge_halves
from engine.kernels.drawdown import ROW, fill_runs
from engine.kernels.finish import Result, finish
from engine.kernels.holdings import Shares, add_holdings
from engine.kernels.legs import Span, lay_legs
from engine.kernels.loop import Bars
from engine.kernels.market import MARKET_ROW, fill_market
from engine.kernels.metrics import METRIC_COUNT
from engine.kernels.plan import block_of, scratch_of
from engine.kernels.prefix import add_up
from engine.kernels.stops import Exits
from engine.kernels.words import words_of_span
from engine.prices.simulated import simulate
from engine.settings import Settings, TrailingStop
from engine.sweeping.blocks import plan_of, trails_of
from engine.sweeping.facade import sweep

__all__ = ["compile_accounts", "compile_kernels", "help_compiling"]

_BARS = 64


def compile_kernels(stop: TrailingStop | None, *, judged: bool = False) -> None:
    """Compile most of the fast sweep, with the help of a second process if there is a second core and a cache to meet in.

    Parameters
    ----------
    stop : TrailingStop or None
        Of the sweep; with one other versions are needed.
    judged : bool
        Whether the sweep is judged as well, which takes the returns of every setting and their halves.
    """
    helper = None
    if _jit.CACHE is not None and (os.cpu_count() or 1) > 1:
        program = f"import gc; gc.disable(); from engine.sweeping.warming import help_compiling; help_compiling(with_stop={stop is not None}, judged={judged})"
        helper = subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, "-c", program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    _compile_bars()
    if helper is None:
        return
    with helper:
        if helper.stdout is not None:
            helper.stdout.readline()  # the accounts are in the cache, or it failed; what it does further goes on beside us
        sweep(simulate(1, _BARS), 1, 2, stop, workers=1)


def help_compiling(*, with_stop: bool, judged: bool) -> None:
    """Compile what the other process does not, and say in a line when it can go on."""
    compile_accounts(with_stop=with_stop)
    print(flush=True)  # noqa: T201  to the process that waits
    if judged:
        _compile_judgement(with_stop=with_stop)


def _compile_judgement(*, with_stop: bool) -> None:
    """Compile what the verdict on a sweep needs."""
    blocks, returns = 2, np.zeros((1, 4))
    sums, squares = np.empty((2, 1, blocks))
    add_blocks(returns, np.array([0, 2, 4]), sums, squares)
    numbers, values = np.empty((3, 1), np.int64), np.empty((3, 1))
    halves = Halves(numbers[0], numbers[1], numbers[2], values[0], values[1], values[2])
    judge_halves(sums.T.copy(), squares.T.copy(), np.array([2, 2]), np.array([1]), halves)
    plan = plan_of(np.array([1]), np.array([2]), 2)
    shares = Shares(_bars(), np.arange(_BARS), np.zeros(_BARS))
    out, sure = np.zeros((1, 1, _BARS)), np.ones(1, np.bool_)
    stop = TrailingStop() if with_stop else None
    trails = trails_of(Grid.of(1, 2, stop)) if with_stop else None
    add_holdings(shares, plan, trails, Settings().kernel_rules(stop), scratch_of(plan, _BARS), out, sure)


def _bars() -> Bars:
    """Give some bars, of the type that a sweep has."""
    return kernel_bars(simulate(1, _BARS)["SIM001"])


def _compile_bars() -> None:
    """Compile what is done with the bars before any account."""
    close = _bars().close
    plan = plan_of(np.array([1]), np.array([2]), 2)
    scratch = scratch_of(plan, _BARS)
    block, words, pairs = block_of.py_func(plan, 0), scratch.words, scratch.pairs
    kind = 0
    prepare(add_up, close, -2, _BARS, scratch.sums)
    prepare(words_of_span, scratch.sums, kind, 3, 1, close, -2, block, _BARS, words)
    prepare(find_crosses, scratch.sums, kind, 3, 1, block, _BARS, words, pairs.above, pairs.doubtful, scratch.crosses)
    prepare(fill_runs, close, 0, _BARS, scratch.work, scratch.runs, _BARS)


def compile_accounts(*, with_stop: bool) -> None:
    """Compile what is done with accounts: legs that a stop may end are laid by a version of its own."""
    rules, rows = Settings().kernel_rules(None), np.empty((_BARS + 1) * MARKET_ROW)
    prepare(fill_market, _bars(), rules, rows)
    span, runs = Span(0, _BARS, _BARS, _BARS), np.empty(7 * _BARS * ROW)
    counts = np.zeros(LANES, np.int64)
    crosses = Crosses(np.zeros(1, np.int16), counts, counts, np.zeros(1, np.bool_))
    account, legs = np.empty(ACCOUNT_SIZE), np.empty((METRIC_COUNT + 1) * LANES)
    prepare(open_accounts, account, 1.0)
    bars, prices = np.zeros((1, _BARS), np.int64), np.zeros((1, _BARS))
    exits = Exits(bars, prices, prices, prices, bars) if with_stop else None
    prepare(lay_legs, rows, exits, 0, rules, span, runs, crosses, counts[:1], account, legs, counts)
    prepare(settle, account, legs, counts, 1, rules.costs)
    result = Result(1.0, 252.0, np.empty(METRIC_COUNT), np.empty(1, np.bool_))
    prepare(finish, account, 1, span, rows, result, counts, legs)
