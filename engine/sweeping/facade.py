"""Backtest every symbol x pair x stop, on all cores: all cells in memory, or the best of each symbol and a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from engine.backtesting import backtest
from engine.costs.schedule import CostSchedule
from engine.errors import InputError
from engine.kernels.metrics import METRIC_COUNT
from engine.limits import require_memory, require_sendable
from engine.prices.history import Prices
from engine.prices.sessions import resolved_year
from engine.results.backtest import BacktestResult
from engine.results.sweep import SweepTable
from engine.results.tables import held_returns
from engine.settings import Costs, Direction, Fill, Intrabar, Settings, Signal, Sizing, TrailingStop
from engine.signals import GOLDEN_CROSS
from engine.sweeping.cells import Part
from engine.sweeping.job import Job, is_folder, require_sweepable, usable
from engine.sweeping.tasks import Tasks, apart, shared
from engine.sweeping.telling import Telling, telling
from engine.sweeping.threads import run_in_order, thread_count
from engine.windows import Windows, grid_on

if TYPE_CHECKING:
    from engine.results.reduced import ReducedSweep

__all__ = ["SweepInterruptedError", "SweepResult", "sweep"]

Floats = NDArray[np.float64]


class SweepInterruptedError(KeyboardInterrupt):
    """Ctrl-C during a sweep; ``partial`` holds the cells that were done."""

    def __init__(self, partial: SweepTable | ReducedSweep) -> None:
        super().__init__("the sweep was interrupted")
        self.partial = partial


class SweepResult(SweepTable):
    """A sweep together with its prices, so that any cell can be run again in full; its numbers are those of ``SweepTable``."""

    @property
    def prices(self) -> Prices | None:
        """The prices, if they are at hand."""
        return None if isinstance(self.source, str) else self.source

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
        fields = {name: getattr(table, name) for name in SweepTable.__dataclass_fields__}
        return cls(**{**fields, "source": table.source if prices is None else prices})

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


@overload
def sweep(prices: Prices, *arguments: Any, keep: None = None, **others: Any) -> SweepResult: ...


@overload
def sweep(prices: Prices, *arguments: Any, keep: int, **others: Any) -> ReducedSweep: ...


def sweep(  # type: ignore[misc]  # the overloads say only what decides about the result
    prices: Prices,
    fast: Windows = range(5, 101, 5),
    slow: Windows = range(20, 301, 10),
    stop: TrailingStop | Iterable[TrailingStop | None] | None = None,
    fill: Fill = "next_open",
    intrabar: Intrabar = "stop_first",
    direction: Direction = "long_only",
    capital: float = 100_000.0,
    sizing: Sizing = "all_in",
    costs: Costs | CostSchedule | None = None,
    lot: float = 1,
    bars_per_year: float | None = None,
    risk: float = 0.02,
    signal: Signal | None = None,
    flatten: str | None = None,
    workers: int | None = None,
    progress: Telling = None,
    keep: int | None = None,
    metric: str = "sharpe",
    out: str | PathLike[str] | None = None,
    client: Any = None,
) -> SweepResult | ReducedSweep:
    """Backtest every symbol with every pair (fast < slow) and every stop.

    Parameters
    ----------
    prices : Prices
    fast, slow : int, str, timedelta, or iterable of them
        Windows in bars, or in trading time: "30min", "5d" (sessions), "5min:100min:5min"; see docs/intraday.md.
    stop : TrailingStop, None or iterable of them
        None is no stop. All stops of a sweep share kind and ATR.
    fill, intrabar, direction, capital, sizing, costs, lot, bars_per_year, risk, signal, flatten
        As for ``backtest``; ``intrabar="both"`` is for single backtests.
    workers : int or None
        Threads; None is one a core. The numbers do not depend on it.
    progress : callable, bool, "auto" or None
        A function is called with (cells done, cells in all) as tasks end. True is a bar, in a notebook a widget; "auto" is a bar in a notebook and on a
        terminal, and nothing elsewhere.
    keep : int or None
        None keeps all cells in memory, 104 bytes each. A number keeps so many of each symbol, the best by ``metric``: memory then does not grow with the grid.
    metric : str
        Only with ``keep``.
    out : path or None
        Only with ``keep``: a Parquet file that gets all cells as they come; or a folder (one that exists, or a name that ends in a slash), which gets
        them in parts. The same sweep into the same folder goes on from what is there, after Ctrl-C, a kill or a full disk.
    client : distributed.Client or None
        The cluster that does the work, see docs/cluster.md. Without ``keep`` up to 10,000,000 cells come back through its network; with it ``out`` is None or a
        folder that all its machines share.

    Returns
    -------
    SweepResult
        Without ``keep``.
    ReducedSweep
        With it.

    Raises
    ------
    InputError
        A setting makes no sense, or the folder has another sweep.
    DataError
        Every symbol is shorter than the shortest slow window.
    OutputError
        ``out`` cannot be written.
    SweepInterruptedError
        Ctrl-C; its ``partial`` has what was done.
    """
    year = resolved_year(prices, bars_per_year)
    settings = Settings.of(
        fill,
        intrabar,
        direction,
        capital,
        sizing,
        costs or Costs(),
        lot,
        year,
        risk,
        signal or GOLDEN_CROSS,
        flatten,
    )
    grid = grid_on(prices, fast, slow, stop)
    require_sweepable(prices, settings, grid)
    threads = thread_count(workers)
    if out is not None and keep is None:
        raise InputError("out is for a sweep that keeps only the best; give keep as well, or save the result itself")
    symbols, left_out, too_short = usable(prices, grid)
    with telling(progress) as told:
        job = Job(prices, tuple(symbols), grid, settings, left_out, too_short, threads, told)
        result = _sweep_all(job, client) if keep is None else _sweep_best(job, metric, keep, out, client)
    if not result.finished:
        raise SweepInterruptedError(result)
    return result


def _sweep_all(job: Job, client: Any) -> SweepResult:
    """Keep all cells."""
    cells = len(job.symbols) * job.grid.cells
    if client is not None:
        require_sendable(cells)
    advice = (
        "keep only the best of each symbol (keep=10, the command: --keep 10), which takes the same memory for any grid"
    )
    require_memory(8 * METRIC_COUNT * cells, f"a sweep that keeps all of {cells:,} cells", advice)
    values = np.empty((len(job.symbols), len(job.grid.pairs), len(job.grid.stops), METRIC_COUNT))
    reached = np.zeros(values.shape[:2], np.bool_)

    def take(numbers: range, part: Part, _values: Floats) -> None:
        reached[numbers.start : numbers.stop, part.pairs] = True

    def home(numbers: range, part: Part) -> Floats:
        return values[numbers.start : numbers.stop, part.pairs]

    if client is not None:
        from engine.sweeping.whole import run_whole  # noqa: PLC0415

        finished, looped = run_whole(job, client, values, reached)
    else:
        finished, looped = _run_cells(job, shared(job) or apart(job), home, take)
    if not finished:
        values[~reached] = np.nan
    return SweepResult(
        symbols=job.symbols,
        grid=job.grid,
        values=values,
        held=held_returns(job.prices, job.symbols),
        source=job.prices,
        **job.facts,
        finished=finished,
        looped=looped,
    )


def _sweep_best(job: Job, metric: str, keep: int, out: str | PathLike[str] | None, client: Any) -> ReducedSweep:
    """Keep the best cells, and write all of them if a file or a folder is named."""
    from engine.results.reduced import Reducer  # noqa: PLC0415  pandas tables that a full sweep does not need

    if client is not None and out is not None and not is_folder(out):
        raise InputError(f"out is {str(out)!r}; on a cluster it must be a folder: end its name in a slash")
    if client is not None or (out is not None and is_folder(out)):
        from engine.sweeping.folder import sweep_in_tiles  # noqa: PLC0415

        return sweep_in_tiles(job, metric, keep, None if out is None else Path(out), client)

    held = held_returns(job.prices, job.symbols)
    reducer = Reducer(job.symbols, job.grid, held, metric, keep)
    shape = len(job.grid.stops), METRIC_COUNT

    def home(numbers: range, part: Part) -> Floats:
        return np.empty((len(numbers), part.shape[0], *shape))

    facts = {**job.facts, "digest": job.prices.digest}
    if out is None:
        finished, looped = _run_cells(job, apart(job), home, _each(reducer.add))
        return reducer.result(**facts, finished=finished, looped=looped, path=None)
    from engine.results.stream import CellWriter, describe  # noqa: PLC0415  pyarrow is slow to import

    with CellWriter(out, job.symbols, job.grid, describe(job.symbols, job.grid, held, **facts)) as writer:
        finished, looped = _run_cells(job, apart(job), home, _each(reducer.add, writer.add))
        writer.close(finished)
    return reducer.result(**facts, finished=finished, looped=looped, path=Path(out))


def _each(*adds: Callable[[int, int, Floats], None]) -> Callable[[range, Part, Floats], None]:
    """Hand cells on symbol by symbol, with the first of their pairs."""

    def take(numbers: range, part: Part, values: Floats) -> None:
        for i, cells in zip(numbers, values, strict=True):
            for add in adds:
                add(i, part.pairs.start, cells)

    return take


def _run_cells(
    job: Job,
    tasks: Tasks,
    home: Callable[[range, Part], Floats],
    take: Callable[[range, Part, Floats], None],
) -> tuple[bool, int]:
    """Run all parts on all symbols, in the memory that ``home`` gives, and hand them on, float64 (symbols, pairs, stops, metrics).

    Given back is False if Ctrl-C came before the end, and the cells that the fast way left to a slower one.
    """
    total = len(job.symbols) * job.grid.cells
    done = looped = 0

    def run(part: Part, numbers: range) -> tuple[range, Part, Floats, int]:
        values = home(numbers, part)
        histories = [job.prices[job.symbols[i]] for i in numbers]
        return numbers, part, values, part.run(histories, values, tasks.inside)

    def take_one(result: tuple[range, Part, Floats, int]) -> None:
        nonlocal done, looped
        numbers, part, values, left = result
        take(numbers, part, values)
        looped += left
        done += len(numbers) * part.shape[0] * part.shape[1]
        if job.progress:
            job.progress(done, total)

    workers = job.workers if tasks.inside == 1 else 1
    return run_in_order([partial(run, *piece) for piece in tasks.pieces], workers, take_one), looped
