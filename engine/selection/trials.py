"""The trials of a sweep as return series on the same days: what every statistic of selection works on.

A trial is one setting (pair and stop), held on all symbols with the same money in each every day: its return on a day is the mean of the returns of the symbols that have a bar on that day.
With one symbol it is that symbol's backtest. If the symbols share one account, it is that account's return.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.accounts.market import days_of, usable
from engine.backtesting import kernel_bars
from engine.costs.schedule import CostSchedule
from engine.crossing import averages_of, filter_of
from engine.errors import InputError
from engine.flattening import sessions_of
from engine.grid import Grid
from engine.kernels.holdings import LONGEST, Shares, add_holdings
from engine.kernels.indicators import average_true_range
from engine.kernels.loop import Tile
from engine.kernels.machine import WORD
from engine.kernels.plan import Plan, Scratch, scratch_of
from engine.kernels.symbols import Trails
from engine.limits import require_memory
from engine.prices.history import History, Prices
from engine.results.tables import CellKeys
from engine.settings import Costs, Settings
from engine.sweeping.blocks import plan_of, trails_of
from engine.sweeping.cells import takes_fast_way
from engine.sweeping.threads import run_in_order, thread_count
from engine.terms import AccountTerms

__all__ = ["Pool", "Trials", "trial_blocks", "trials_of"]

Floats = NDArray[np.float64]

_MOST_BYTES = 512 << 20
"""Of the returns that are made in one go."""
_BESIDES, _ADVICE = 64 << 20, "take fewer settings or days"
_PAIRS = 256
"""Of a task: what is done once for each symbol is then little beside them."""


@dataclass(frozen=True, eq=False)
class Pool:
    """The symbols whose returns a trial joins, on the days of all of them.

    Attributes
    ----------
    histories : tuple of History
    days : DatetimeIndex (D,)
        Union of their dates.
    day : tuple of int64 (T,)
        Of each history, the place of its bars in ``days``.
    count : float64 (D,)
        Symbols that have a bar on a day.
    left_out : dict
        Symbols that are too short for the longest slow window, with the reason in one line: all trials have the same market.
    """

    histories: tuple[History, ...]
    days: pd.DatetimeIndex
    day: tuple[NDArray[np.int64], ...]
    count: Floats
    left_out: Mapping[str, str]

    @classmethod
    def of(cls, prices: Prices, longest: int) -> Pool:
        """Join the symbols of some prices that have ``longest`` bars or more.

        Raises
        ------
        DataError
            None has.
        """
        symbols, left_out = usable(prices, longest)
        histories = tuple(prices[symbol] for symbol in symbols)
        days = days_of(histories)
        day = tuple(
            days.get_indexer(h.dates if h.dates.tz == days.tz else h.dates.tz_localize(None)).astype(np.int64)
            for h in histories
        )
        count = np.zeros(len(days))
        for places in day:
            count[places] += 1.0
        return cls(histories, days, day, count, left_out)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Names of the symbols that are in it."""
        return tuple(history.symbol for history in self.histories)

    def held(self) -> Floats:
        """Give the returns of holding every symbol with the same money in each every day, float64 (D,), without costs; 0 on a symbol's first bar."""
        total = np.zeros(len(self.days))
        for history, places in zip(self.histories, self.day, strict=True):
            total[places[1:]] += history.close[1:] / history.close[:-1] - 1.0
        return total / self.count


@dataclass(frozen=True, eq=False)
class Trials:
    """Returns of the settings of a sweep.

    Attributes
    ----------
    returns : float64 (N, D)
        A row a trial, C-contiguous; nan from the day on which nothing is left of an account.
    first : int
        Place of the first of them in the grid: pair times the number of stops, plus stop.
    grid : Grid
    settings : Settings
    pool : Pool
    """

    returns: Floats
    first: int
    grid: Grid
    settings: Settings
    pool: Pool

    def __len__(self) -> int:
        return len(self.returns)

    @property
    def bars_per_year(self) -> float:
        """As the settings have it."""
        return self.settings.bars_per_year

    def keys(self) -> pd.DataFrame:
        """Name the trials: columns fast, slow, atr_window, multiple (0 and 0.0: no stop), a row a trial."""
        return pd.DataFrame(CellKeys(self.grid).of(np.arange(self.first, self.first + len(self))))


def trials_of(
    prices: Prices,
    grid: Grid,
    settings: Settings,
    *,
    account: AccountTerms | None = None,
    workers: int | None = None,
    most_bytes: int = _MOST_BYTES,
) -> Trials:
    """Run every setting on all symbols and keep its returns.

    Parameters
    ----------
    prices : Prices
    grid : Grid
        N = ``grid.cells`` trials.
    settings : Settings
    account : AccountTerms or None
        If the symbols share one account, what it allows; a trial is then that account's return.
    workers : int or None
        Threads; None is one a core. The numbers do not depend on it.
    most_bytes : int
        Of the returns, 8 bytes a trial and day.

    Returns
    -------
    Trials

    Raises
    ------
    InputError
        The returns would be larger than ``most_bytes``; take ``trial_blocks``.
    DataError
        Every symbol is shorter than the longest slow window.
    """
    pool = Pool.of(prices, int(grid.slow.max()))
    needed = 8 * grid.cells * len(pool.days)
    if needed > most_bytes:
        raise InputError(
            f"the returns of {grid.cells:,} settings on {len(pool.days):,} days take {needed >> 20:,} MiB, more than {most_bytes >> 20:,}; take fewer settings"
        )
    # What is made of them takes up to as much again: measured, 1.3 to 1.5 times their bytes by a walk forward, 2.1 by a cross-validation.
    what = f"keeping the returns of {grid.cells:,} settings on {len(pool.days):,} days"
    require_memory(2 * needed + _BESIDES, what, _ADVICE)
    (trials,) = trial_blocks(pool, grid, settings, account=account, workers=workers, most_bytes=most_bytes)
    return trials


def trial_blocks(
    pool: Pool,
    grid: Grid,
    settings: Settings,
    *,
    account: AccountTerms | None = None,
    workers: int | None = None,
    most_bytes: int = _MOST_BYTES,
) -> Iterator[Trials]:
    """Run every setting, some at a time, so that a grid of any size fits.

    Parameters
    ----------
    pool : Pool
    grid, settings, account, workers
        As in ``trials_of``.
    most_bytes : int
        Of the returns of a block.

    Yields
    ------
    Trials
        One block after the other, in the order of the grid, without gap.

    Raises
    ------
    KeyboardInterrupt
    """
    settings.require(grid.stops)
    threads = thread_count(workers)
    stops, days = len(grid.stops), len(pool.days)
    if account is not None:
        if not settings.signal.is_golden_cross:
            raise InputError("an account that symbols share trades the golden cross only; leave the signal out")
        yield from _account_blocks(pool, grid, settings, account, threads, max(1, most_bytes // (8 * days * stops)))
        return
    blocks = list(_blocks(grid, max(1, most_bytes // (8 * days * stops))))
    most = max(parts[-1].stop - parts[0].start for parts in blocks) * stops
    require_memory(8 * days * most, f"making the returns of {most:,} settings on {days:,} days in one go", _ADVICE)
    for parts in blocks:
        first, last = parts[0].start, parts[-1].stop
        returns = np.zeros((last - first, stops, days))
        tasks = [
            partial(_add_pairs, pool, grid, settings, part, returns[part.start - first : part.stop - first])
            for part in parts
        ]
        if not run_in_order(tasks, threads, lambda _: None):
            raise KeyboardInterrupt
        returns /= pool.count
        yield Trials(returns.reshape(-1, days), first * stops, grid, settings, pool)


def _account_blocks(
    pool: Pool, grid: Grid, settings: Settings, account: AccountTerms, threads: int, most: int
) -> Iterator[Trials]:
    """Run one account on all symbols, at most so many pairs at a time."""
    from engine.accounts.sweep import account_returns  # noqa: PLC0415  not for accounts of one symbol

    for first in range(0, len(grid.pairs), most):
        some = Grid(grid.pairs[first : first + most], grid.stops)
        returns = account_returns(pool.histories, some, settings, account, threads)
        yield Trials(returns, first * len(grid.stops), grid, settings, pool)


def _blocks(grid: Grid, most: int) -> Iterator[list[slice]]:
    """Cut the pairs into blocks of at most so many, and those into tasks; all pairs of a fast window stay in one task, however many they are."""
    block: list[slice] = []
    for part in grid.parts(_PAIRS * len(grid.stops)):
        if block and part.stop - block[0].start > most:
            yield block
            block = []
        block.append(part)
    yield block


def _add_pairs(pool: Pool, grid: Grid, settings: Settings, pairs: slice, out: Floats) -> None:
    """Add the returns of some pairs with all stops, over all symbols, to ``out`` (pairs, stops, D)."""
    piece = _Piece(grid, settings, grid.fast[pairs], grid.slow[pairs], max(map(len, pool.histories)))
    for history, day in zip(pool.histories, pool.day, strict=True):
        piece.add(history, day, out)


@dataclass(frozen=True)
class _Piece:
    """Some pairs of a grid with all its stops: int64 (P,) windows; histories have at most so many bars."""

    grid: Grid
    settings: Settings
    fast: NDArray[np.int64]
    slow: NDArray[np.int64]
    bars: int

    @cached_property
    def _trails(self) -> Trails:
        return trails_of(self.grid.stops)

    @cached_property
    def _plan(self) -> Plan:
        return plan_of(self.fast, self.slow, int(self.slow.max()))

    @cached_property
    def _scratch(self) -> Scratch:
        return scratch_of(self._plan, -(-min(self.bars, LONGEST) // WORD) * WORD)

    @cached_property
    def _is_quick(self) -> bool:
        """Whether accounts hold nothing but shares, and cannot be used up."""
        costs = self.settings.costs
        if not takes_fast_way(self.settings) or not isinstance(costs, Costs):
            return False
        if not self.settings.signal.is_golden_cross:
            return False
        return costs.fixed == costs.minimum == 0.0 and costs.rate < 1.0 and costs.slippage < 1.0

    def add(self, history: History, day: NDArray[np.int64], out: Floats) -> None:
        """Add the returns on one symbol."""
        if self._is_quick and len(history) <= LONGEST:
            left = np.flatnonzero(~self._add_quickly(history, day, out))
        else:
            left = np.arange(len(self.fast))
        if len(left):
            part = out[left]  # a copy, since the rows may lie anywhere
            self._add_plainly(history, day, left, part)
            out[left] = part

    def _add_quickly(self, history: History, day: NDArray[np.int64], out: Floats) -> NDArray[np.bool_]:
        """Add those of the pairs of which the fast way is sure, bool (P,)."""
        sure = np.ones(len(self.fast), np.bool_)
        changes = np.zeros(out.shape[2])
        changes[day[1:]] = history.close[1:] / history.close[:-1] - 1.0
        sessions = sessions_of([history], self.settings.flatten)
        rules = self.settings.kernel_rules(self.grid.first_stop, sessions=sessions)
        trails = None if sessions is None and np.isnan(self._trails.multiple).all() else self._trails
        market = Shares(kernel_bars(history), day, changes)
        add_holdings(market, self._plan, trails, rules, self._scratch, out, sure)
        return sure

    def _add_plainly(self, history: History, day: NDArray[np.int64], rows: NDArray[np.int64], out: Floats) -> None:
        """Add those of the pairs at ``rows``, int64 (R,), to ``out`` (R, K, D)."""
        from engine.kernels.returns import add_returns  # noqa: PLC0415  seldom needed, and takes seconds to compile

        fast, slow, trails = self.fast[rows], self.slow[rows], self._trails
        windows = np.unique(np.concatenate([fast, slow]))
        tile = Tile(
            averages_of(history, windows, self.settings.signal),
            np.searchsorted(windows, fast),
            np.searchsorted(windows, slow),
            average_true_range(history.high, history.low, history.close, trails.windows, trails.wilder),
            trails.row,
            trails.multiple,
            filter_of(history, self.settings.signal),
        )
        dates: Any = history.local_dates if isinstance(self.settings.costs, CostSchedule) else None
        rules = self.settings.kernel_rules(self.grid.first_stop, dates, sessions_of([history], self.settings.flatten))
        short_below = self.settings.direction == "long_short"
        add_returns(kernel_bars(history), tile, short_below, self.settings.capital, rules, day, out)
