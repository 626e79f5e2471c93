"""The trials of a sweep as return series on the same days: what every statistic of selection works on.

A trial is one setting (pair and stop), held on all symbols with the same money in each every day: its return on a day is the mean of the returns of the symbols that have a bar on that day.
With one symbol it is that symbol's backtest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.accounts.market import days_of, usable
from engine.backtesting import kernel_bars
from engine.costs.schedule import CostSchedule
from engine.errors import InputError
from engine.grid import Grid
from engine.kernels.indicators import average_true_range, averages
from engine.kernels.loop import Tile
from engine.kernels.returns import add_returns
from engine.prices.history import History, Prices
from engine.results.tables import CellKeys
from engine.settings import Settings
from engine.sweeping.blocks import trails_of
from engine.sweeping.threads import run_in_order, thread_count

__all__ = ["Pool", "Trials", "trial_blocks", "trials_of"]

Floats = NDArray[np.float64]

_MOST_BYTES = 512 << 20
"""Of the returns that are made in one go."""
_PAIRS = 64
"""Of a task, at least one fast window: averages are shared within it."""


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
    prices: Prices, grid: Grid, settings: Settings, *, workers: int | None = None, most_bytes: int = _MOST_BYTES
) -> Trials:
    """Run every setting on all symbols and keep its returns.

    Parameters
    ----------
    prices : Prices
    grid : Grid
        N = ``grid.cells`` trials.
    settings : Settings
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
    (trials,) = trial_blocks(pool, grid, settings, workers=workers, most_bytes=most_bytes)
    return trials


def trial_blocks(
    pool: Pool, grid: Grid, settings: Settings, *, workers: int | None = None, most_bytes: int = _MOST_BYTES
) -> Iterator[Trials]:
    """Run every setting, some at a time, so that a grid of any size fits.

    Parameters
    ----------
    pool : Pool
    grid, settings, workers
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
    stops = len(grid.stops)
    for pairs in grid.parts(max(1, most_bytes // (8 * len(pool.days)))):
        returns = np.zeros((pairs.stop - pairs.start, stops, len(pool.days)))
        tasks = [
            partial(
                _add_pairs,
                pool,
                grid,
                settings,
                slice(start, min(start + _PAIRS, pairs.stop)),
                returns[_PAIRS * at : _PAIRS * (at + 1)],
            )
            for at, start in enumerate(range(pairs.start, pairs.stop, _PAIRS))
        ]
        if not run_in_order(tasks, threads, lambda _: None):
            raise KeyboardInterrupt
        returns /= pool.count
        yield Trials(returns.reshape(-1, len(pool.days)), pairs.start * stops, grid, settings, pool)


def _add_pairs(pool: Pool, grid: Grid, settings: Settings, pairs: slice, out: Floats) -> None:
    """Add the returns of some pairs with all stops, over all symbols, to ``out`` (pairs, stops, D)."""
    for history, day in zip(pool.histories, pool.day, strict=True):
        _add_symbol(history, day, grid, settings, pairs, out)


def _add_symbol(
    history: History, day: NDArray[np.int64], grid: Grid, settings: Settings, pairs: slice, out: Floats
) -> None:
    """Add those of one symbol."""
    fast, slow = grid.fast[pairs], grid.slow[pairs]
    windows = np.unique(np.concatenate([fast, slow]))
    trails = trails_of(grid)
    ranges = average_true_range(history.high, history.low, history.close, trails.windows, trails.wilder)
    tile = Tile(
        averages(history.close, windows),
        np.searchsorted(windows, fast),
        np.searchsorted(windows, slow),
        ranges,
        trails.row,
        trails.multiple,
    )
    dates: Any = history.local_dates if isinstance(settings.costs, CostSchedule) else None
    rules = settings.kernel_rules(grid.first_stop, dates)
    add_returns(kernel_bars(history), tile, settings.direction == "long_short", settings.capital, rules, day, out)
