"""Run one account for every pair of averages and every stop, on all cores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.accounts.facade import NAME, account_arguments, check_account, portfolio
from engine.accounts.market import closes_of, dates_of, days_of, market_of, usable
from engine.accounts.room import MOST_BYTES, require_account
from engine.costs.schedule import CostSchedule
from engine.errors import InputError
from engine.flattening import sessions_through
from engine.grid import Grid
from engine.kernels.desk import Market
from engine.kernels.indicators import average_true_range, averages
from engine.kernels.loop import with_multiple
from engine.kernels.metrics import METRIC_COUNT
from engine.kernels.position import Rules
from engine.kernels.purchases import Terms
from engine.kernels.returns import write_returns
from engine.kernels.trips import Leaves, Rows, find_leaves, sweep_trips
from engine.prices.history import History, Prices
from engine.prices.sessions import resolved_year
from engine.results.portfolio import PortfolioResult
from engine.results.sweep import SweepTable
from engine.results.tables import held_returns
from engine.settings import Costs, Fill, Intrabar, Settings, Sizing, TrailingStop
from engine.sweeping.blocks import trails_of
from engine.sweeping.facade import SweepInterruptedError
from engine.sweeping.telling import Progress, Telling, telling
from engine.sweeping.threads import run_in_order, thread_count
from engine.terms import AccountTerms, Priority
from engine.windows import Windows, grid_on

__all__ = ["PortfolioSweep", "account_returns", "sweep_portfolio"]

Floats = NDArray[np.float64]

_MOST_PAIRS = 32
"""Of a task, so that progress moves and Ctrl-C is heard."""


@dataclass(frozen=True, eq=False, repr=False)
class PortfolioSweep(SweepTable):
    """A portfolio for every pair and stop; ``symbols`` is only ``portfolio``, the account's own symbols are in ``account["symbols"]``.

    Everything else is as in ``SweepTable``: a table with a row a cell, the best cells, a Parquet file.
    """

    def cell(self, fast: int, slow: int, atr_window: int = 0, multiple: float = 0.0) -> PortfolioResult:
        """Run one cell again in full: trades, signals, equity and all.

        Raises
        ------
        InputError
            The prices are not at hand, or the sweep has no such cell.
        """
        if isinstance(self.source, str):
            raise InputError("the prices of this sweep are not at hand; run engine.portfolio with them")
        if (fast, slow) not in self.grid.pairs:
            raise InputError(f"this sweep has no pair {fast}/{slow}")
        arguments = account_arguments(self.settings, self.terms or AccountTerms())
        return portfolio(self.source, fast, slow, self.stop_of(atr_window, multiple), **arguments)


def sweep_portfolio(
    prices: Prices,
    fast: Windows,
    slow: Windows,
    stop: TrailingStop | Iterable[TrailingStop | None] | None = TrailingStop(),  # noqa: B008  it is frozen
    fill: Fill = "next_open",
    intrabar: Intrabar = "stop_first",
    capital: float = 100_000.0,
    sizing: Sizing = "risk",
    risk: float = 0.02,
    max_positions: int | None = None,
    max_weight: float | None = None,
    priority: Priority | Sequence[str] = "strongest",
    costs: Costs | CostSchedule | None = None,
    lot: float | Mapping[str, float] = 1,
    tick: float | Mapping[str, float] | None = None,
    bars_per_year: float | None = None,
    flatten: str | None = None,
    workers: int | None = None,
    progress: Telling = None,
) -> PortfolioSweep:
    """Run one account on all symbols for every pair with fast < slow and every stop.

    Parameters
    ----------
    prices : Prices
    fast, slow : int, str, timedelta, or iterable of them
        As for ``engine.sweep``.
    stop : TrailingStop, None, or iterable of them
    fill, intrabar, capital, sizing, risk, max_positions, max_weight, priority, costs, lot, tick, bars_per_year, flatten
        As for ``engine.portfolio``.
    workers : int or None
        Threads; all cores if None.
    progress : callable, bool, "auto" or None
        As for ``engine.sweep``.

    Returns
    -------
    PortfolioSweep

    Raises
    ------
    InputError, DataError
        As ``engine.portfolio``. Symbols that are too short for the longest slow window are left out of all cells, so that all have the same market.
    SweepInterruptedError
        Ctrl-C.
    """
    year = resolved_year(prices, bars_per_year)
    settings = Settings(
        fill,
        intrabar,
        "long_only",
        capital,
        sizing,
        costs or Costs(),
        bars_per_year=year,
        risk=risk,
        flatten=flatten,
    )
    terms = AccountTerms(max_positions, max_weight, priority, lot, tick)
    grid = grid_on(prices, fast, slow, stop)
    check_account(prices, settings, terms, grid.stops)
    threads = thread_count(workers)
    symbols, left_out = usable(prices, int(grid.slow.max()))
    histories = [prices[symbol] for symbol in symbols]
    job = _Job.of(histories, grid, settings, terms, threads)
    values = np.full((1, len(grid.pairs), len(grid.stops), METRIC_COUNT), np.nan)
    try:
        with telling(progress) as told:
            finished = job.run(values[0], told)
    except KeyboardInterrupt:
        finished = False
    held = held_returns(prices, symbols).mean(keepdims=True)
    result = PortfolioSweep(
        symbols=(NAME,),
        grid=grid,
        values=values,
        held=held,
        left_out=left_out,
        too_short={},
        settings=settings,
        source=prices,
        finished=finished,
        account={**terms.to_dict(), "symbols": symbols},
    )
    if not finished:
        raise SweepInterruptedError(result)
    return result


def account_returns(
    histories: Sequence[History], grid: Grid, settings: Settings, account: AccountTerms, workers: int | None = None
) -> Floats:
    """Give what one account on all symbols earned on every day, for every pair and stop.

    Parameters
    ----------
    histories : sequence of History
        None is shorter than the longest slow window.
    grid, settings, account
        Already checked.
    workers : int or None
        Threads; all cores if None.

    Returns
    -------
    float64 (cells, D)
        In the order of the grid; nan from the day on which nothing is left.

    Raises
    ------
    KeyboardInterrupt
    """
    job = _Job.of(histories, grid, settings, account, thread_count(workers))
    returns = np.empty((len(grid.pairs), len(grid.stops), job.market.days))
    if not job.run_returns(returns, None):
        raise KeyboardInterrupt
    return returns.reshape(grid.cells, -1)


@dataclass(frozen=True)
class _Job:
    """A sweep of portfolios whose settings were checked."""

    histories: Sequence[History]
    grid: Grid
    settings: Settings
    terms: Terms
    market: Market
    closes: Floats
    rules: Rules
    workers: int

    @classmethod
    def of(
        cls, histories: Sequence[History], grid: Grid, settings: Settings, account: AccountTerms, workers: int
    ) -> _Job:
        days = days_of(histories)
        require_account(histories, len(days), grid)
        market = market_of(histories, days)
        terms = account.kernel_terms([history.symbol for history in histories], settings.capital)
        sessions = sessions_through(histories, settings.flatten)
        rules = settings.kernel_rules(grid.first_stop, dates_of(histories), sessions)
        return cls(histories, grid, settings, terms, market, closes_of(market), rules, workers)

    def run(self, out: Floats, progress: Progress | None) -> bool:
        """Write the metrics of all cells, float64 (P, K, METRIC_COUNT); False if Ctrl-C came before the end."""
        year = self.settings.bars_per_year

        def write(rows: Rows, part: Floats) -> None:
            sweep_trips(self.market, self.closes, rows, self.terms, self.rules, year, part)

        return self._run_cells(write, out, progress)

    def run_returns(self, out: Floats, progress: Progress | None) -> bool:
        """Write the returns of all cells, float64 (P, K, D); else as ``run``."""

        def write(rows: Rows, part: Floats) -> None:
            write_returns(self.market, self.closes, rows, self.terms, self.rules, part)

        return self._run_cells(write, out, progress)

    def _run_cells(self, write: Callable[[Rows, Floats], None], out: Floats, progress: Progress | None) -> bool:
        """Write what a kernel makes of all cells, pairs by pairs."""
        shared = self._stops()
        done = 0

        def take(cells: int) -> None:
            nonlocal done
            done += cells
            if progress:
                progress(done, self.grid.cells)

        for part in self._parts():
            windows, means = self._averages(part)
            edges = range(part.start, part.stop, _MOST_PAIRS)
            slices = [slice(i, min(i + _MOST_PAIRS, part.stop)) for i in edges]
            tasks = [partial(self._run_pairs, write, pairs, windows, means, shared, out) for pairs in slices]
            if not run_in_order(tasks, self.workers, take):
                return False
        return True

    def _parts(self) -> Iterator[slice]:
        """Cut the pairs into runs whose averages fit into memory together."""
        most, seen, start = max(2, MOST_BYTES // (8 * len(self.market.day))), set[int](), 0
        for i, pair in enumerate(self.grid.pairs):
            if len(seen.union(pair)) > most:
                yield slice(start, i)
                start, seen = i, set()
            seen.update(pair)
        yield slice(start, len(self.grid.pairs))

    def _averages(self, part: slice) -> tuple[NDArray[np.int64], Floats]:
        """Give the windows of some pairs, and their averages, float64 (W, N)."""
        windows = np.unique(np.concatenate([self.grid.fast[part], self.grid.slow[part]]))
        means, place = np.empty((len(windows), len(self.market.day))), self.market.start

        def write(s: int) -> None:
            means[:, place[s] : place[s + 1]] = averages(self.histories[s].close, windows)

        self._run_all([partial(write, s) for s in range(len(self.histories))])
        return windows, means

    def _run_all(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Run tasks without which nothing else can be done."""
        if not run_in_order(tasks, self.workers, lambda _: None):
            raise KeyboardInterrupt

    def _run_pairs(
        self,
        write: Callable[[Rows, Floats], None],
        pairs: slice,
        windows: NDArray[np.int64],
        means: Floats,
        shared: dict[str, Any],
        out: Floats,
    ) -> int:
        """Write what the kernel makes of some pairs; give the number of cells."""
        fast, slow = self.grid.fast[pairs], self.grid.slow[pairs]
        write(
            Rows(averages=means, fast=np.searchsorted(windows, fast), slow=np.searchsorted(windows, slow), **shared),
            out[pairs],
        )
        return len(fast) * len(self.grid.stops)

    def _stops(self) -> dict[str, Any]:
        """Find the ATRs, and the exits of every stop for every bar on which a position could begin."""
        trails, any_stop = trails_of(self.grid.stops), self.grid.first_stop is not None
        multiple, row = trails.multiple, trails.row
        shape = (len(multiple), len(self.market.day) if any_stop else 1)
        leaves = Leaves(np.empty(shape, np.int64), np.empty(shape), np.empty(shape, np.int8))
        ranges = [
            average_true_range(h.high, h.low, h.close, trails.windows, trails.wilder)
            for h in self.histories
            if any_stop
        ]
        atr = np.concatenate(ranges, axis=1) if any_stop else np.empty((1, 1))

        def find(k: int, s: int) -> None:
            one = Leaves(*(column[k] for column in leaves))
            find_leaves(self.market, s, atr[row[k]], self.terms, with_multiple(self.rules, multiple[k]), one)

        wanted = np.flatnonzero(~np.isnan(multiple)).tolist()
        self._run_all([partial(find, k, s) for k in wanted for s in range(len(self.histories))])
        return {"atr": atr, "atr_row": row, "multiple": multiple, "leaves": leaves}
