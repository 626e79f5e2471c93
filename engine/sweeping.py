"""Backtest every symbol x pair x stop, on all cores, tile by tile."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from os import PathLike
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from engine.backtesting import backtest, kernel_bars
from engine.errors import DataError, InputError
from engine.grid import Grid
from engine.kernels.fast import fast_tile
from engine.kernels.indicators import average_true_range, averages
from engine.kernels.loop import Tile, sweep_tile
from engine.kernels.metrics import METRIC_COUNT
from engine.prices.history import History, Prices
from engine.results.backtest import BacktestResult
from engine.results.sweep import SweepTable
from engine.results.tables import buy_and_hold
from engine.settings import Costs, Direction, Fill, Intrabar, Settings, Sizing, TrailingStop

__all__ = ["SweepInterruptedError", "SweepResult", "sweep"]

Progress = Callable[[int, int], None]
"""Called with the cells done and the cells in all."""


class SweepInterruptedError(KeyboardInterrupt):
    """Ctrl-C during a sweep; ``partial`` holds the cells that were done."""

    def __init__(self, partial: SweepResult) -> None:
        super().__init__("the sweep was interrupted")
        self.partial = partial


@dataclass(frozen=True, eq=False, repr=False)
class SweepResult(SweepTable):
    """A sweep together with its prices, so that any cell can be run again in full; its numbers are those of ``SweepTable``."""

    prices: Prices | None = None

    @classmethod
    def load(cls, path: str | PathLike[str], prices: Prices | None = None) -> SweepResult:
        """Read what ``save`` wrote, and join it with its prices if they are given.

        Raises
        ------
        DataError
            No such file, or not a sweep.
        InputError
            These are other prices than those of the sweep.
        """
        from engine.results.storage import load_sweep  # noqa: PLC0415  pyarrow is slow to import

        table = load_sweep(path)
        if prices is not None and prices.digest != table.digest:
            raise InputError(
                f"these are other prices than those of the sweep: hash {prices.digest[:12]}, "
                f"the sweep has {table.digest[:12]}"
            )
        return cls(**{name: getattr(table, name) for name in SweepTable.__dataclass_fields__}, prices=prices)

    def cell(self, symbol: str, fast: int, slow: int, atr_window: int = 0, multiple: float = 0.0) -> BacktestResult:
        """Run one cell again in full: trades, equity and all.

        Parameters
        ----------
        symbol : str
        fast, slow : int
        atr_window, multiple
            As in the index of ``to_frame``; 0 and 0.0 for no stop.

        Raises
        ------
        InputError
            The sweep has no such cell, or no prices.
        """
        if self.prices is None:
            raise InputError("this sweep was read without its prices; read it as SweepResult.load(path, prices)")
        if symbol not in self.symbols:
            raise InputError(f"this sweep has no symbol {symbol!r}")
        if (fast, slow) not in self.grid.pairs:
            raise InputError(f"this sweep has no pair {fast}/{slow}")
        stop = self.stop_of(atr_window, multiple)
        return backtest(self.prices.select([symbol]), fast, slow, stop, **vars(self.settings))


def sweep(
    prices: Prices,
    fast: int | Iterable[int] = range(5, 101, 5),
    slow: int | Iterable[int] = range(20, 301, 10),
    stop: TrailingStop | Iterable[TrailingStop | None] | None = None,
    fill: Fill = "next_open",
    intrabar: Intrabar = "stop_first",
    direction: Direction = "long_only",
    capital: float = 100_000.0,
    sizing: Sizing = "all_in",
    costs: Costs | None = None,
    lot: float = 1,
    bars_per_year: float = 252,
    risk: float = 0.02,
    workers: int | None = None,
    progress: Progress | None = None,
) -> SweepResult:
    """Backtest every symbol with every pair (fast < slow) and every stop.

    Parameters
    ----------
    prices : Prices
    fast, slow : int or iterable of int
        Windows in bars.
    stop : TrailingStop, None or iterable of them
        None is no stop. All stops of a sweep share kind and ATR.
    fill, intrabar, direction, capital, sizing, costs, lot, bars_per_year, risk
        As for ``backtest``; ``intrabar="both"`` is for single backtests.
    workers : int or None
        Threads; None is one a core. The numbers do not depend on it.
    progress : callable or None
        Called with (cells done, cells in all) as tiles end.

    Returns
    -------
    SweepResult

    Raises
    ------
    InputError
        A setting makes no sense.
    DataError
        Every symbol is shorter than the shortest slow window.
    SweepInterruptedError
        Ctrl-C; its ``partial`` has what was done.
    """
    settings = Settings(
        fill, intrabar, direction, capital, sizing, costs or Costs(), lot, bars_per_year=bars_per_year, risk=risk
    )
    grid = Grid.of(fast, slow, stop)
    settings.require(grid.stops)
    if intrabar == "both":
        raise InputError(
            "intrabar 'both' is for a single backtest; sweep 'stop_first' and 'high_first' one after the other"
        )
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise InputError(f"workers is {workers!r}; it must be a whole number, 1 or more")
    symbols, left_out, too_short = _usable(prices, grid)
    values = np.full((len(symbols), len(grid.pairs), len(grid.stops), METRIC_COUNT), np.nan)
    tasks = [
        (prices[symbol], part, values[i, part])
        for i, symbol in enumerate(symbols)
        for part in grid.tiles(len(prices[symbol]))
    ]
    finished = _run_tiles(tasks, grid, settings, workers or os.cpu_count() or 1, progress)
    result = SweepResult(
        symbols=tuple(symbols),
        grid=grid,
        values=values,
        buy_and_hold=buy_and_hold(prices, symbols),
        left_out=left_out,
        too_short=too_short,
        settings=settings,
        digest=prices.digest,
        finished=finished,
        prices=prices,
    )
    if not finished:
        raise SweepInterruptedError(result)
    return result


def _usable(prices: Prices, grid: Grid) -> tuple[list[str], dict[str, str], dict[str, str]]:
    """Sort out the symbols whose history is too short for every pair, and name those too short for some."""
    left_out = dict(prices.report.left_out)
    too_short: dict[str, str] = {}
    slow = grid.slow
    for symbol in prices.symbols:
        bars = len(prices[symbol])
        short = int((slow > bars).sum())
        if short == len(slow):
            left_out[symbol] = f"{symbol} has {bars} bars, fewer than the slow window of every pair"
        elif short:
            too_short[symbol] = f"{symbol} has {bars} bars, fewer than the slow window of {short} of {len(slow)} pairs"
    symbols = [symbol for symbol in prices.symbols if symbol not in left_out]
    if not symbols:
        raise DataError("no symbol can be run: " + "; ".join(left_out.values()))
    return symbols, left_out, too_short


def takes_fast_way(settings: Settings) -> bool:
    """Tell whether the fast sweep covers these settings; the plain loop gives the same results for all the others."""
    return settings.direction == "long_only" and settings.sizing == "all_in"


Task = tuple[History, slice, NDArray[np.float64]]


def _run_tiles(tasks: list[Task], grid: Grid, settings: Settings, workers: int, progress: Progress | None) -> bool:
    """Run all tiles on threads (the kernels free the GIL); False if Ctrl-C came before the end.

    Tiles that end come through a queue. ``concurrent.futures.wait`` takes the locks of all futures in turn: a Ctrl-C amid that can leave some
    of them taken, and their workers waiting.
    """
    total = sum(out.shape[0] * out.shape[1] for _, _, out in tasks)
    done = 0
    stopped = threading.Event()
    ended: SimpleQueue[Future[int]] = SimpleQueue()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for task in tasks:
                pool.submit(_run_tile, task, grid, settings, stopped).add_done_callback(ended.put)
            for _ in tasks:
                done += ended.get().result()
                if progress:
                    progress(done, total)
        except KeyboardInterrupt:
            stopped.set()  # tiles that have not begun return at once
            return False
        except BaseException:
            stopped.set()
            raise
    return True


def _run_tile(task: Task, grid: Grid, settings: Settings, stopped: threading.Event) -> int:
    """Run one block of pairs of one symbol and count its cells; pairs that need more bars than there are stay nan."""
    history, part, out = task
    if stopped.is_set():
        return 0
    size: int = out.shape[0] * out.shape[1]
    fast, slow = grid.fast[part], grid.slow[part]
    fits = np.flatnonzero(slow <= len(history))
    if not len(fits):
        return size
    windows = np.unique(np.concatenate([fast[fits], slow[fits]]))
    atr_windows = grid.atr_windows
    first = next((stop for stop in grid.stops if stop), None)
    tile = Tile(
        averages=averages(history.close, windows),
        fast=np.searchsorted(windows, fast[fits]),
        slow=np.searchsorted(windows, slow[fits]),
        ranges=average_true_range(
            history.high, history.low, history.close, np.array(atr_windows), first is not None and first.atr == "wilder"
        ),
        range_row=np.array([atr_windows.index(stop.atr_window) if stop else 0 for stop in grid.stops]),
        multiple=np.array([stop.multiple if stop else np.nan for stop in grid.stops]),
    )
    cells = np.empty((len(fits), *out.shape[1:]))
    bars, capital, rules, year = (
        kernel_bars(history),
        settings.capital,
        settings.kernel_rules(first),
        settings.bars_per_year,
    )
    if takes_fast_way(settings):
        fast_tile(bars, tile, slow[fits] - 1, capital, rules, year, cells)
    else:
        sweep_tile(bars, tile, settings.direction == "long_short", capital, rules, year, cells)
    out[fits] = cells
    return size
