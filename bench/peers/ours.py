"""Ours: the sweep as a user calls it, and the engine's own plain bar loop, which is the reference of everything faster."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import engine
from bench.jobs import METRICS, Job
from bench.peers.peer import Run
from engine.backtesting import kernel_bars
from engine.kernels.indicators import average_true_range, averages
from engine.kernels.loop import Tile, sweep_tile
from engine.kernels.metrics import METRIC_COUNT
from engine.kernels.metrics import METRICS as ALL_METRICS
from engine.settings import Settings

__all__ = ["COLUMNS", "call", "prepare_loop", "prepare_sweep"]

COLUMNS = tuple(ALL_METRICS.index(name) for name in METRICS)


def stops_of(job: Job) -> list[engine.TrailingStop | None]:
    """Give the stops as the sweep takes them."""
    return [engine.TrailingStop(multiple, job.atr_window) if multiple else None for multiple in job.multiples]


def call(job: Job) -> engine.SweepResult:
    """Sweep all pairs of a job, with every metric of the contract.

    The prices are wrapped anew each time, so that what the sweep works out of them only once (their hash) is timed in every call.
    """
    prices = engine.Prices.from_histories(job.histories)
    costs = engine.Costs(rate=job.fee)
    return engine.sweep(
        prices,
        job.fast,
        job.slow,
        stops_of(job),
        fill=job.fill,
        costs=costs,
        capital=job.capital,
        bars_per_year=job.bars_per_year,
        workers=job.workers,
    )


def prepare_sweep(job: Job) -> Run:
    if job.rows is None:
        return lambda: call(job).values
    return lambda: call(job).values[:, job.rows]


def prepare_loop(job: Job) -> Run:
    settings = Settings(fill=job.fill, costs=engine.Costs(rate=job.fee), capital=job.capital)
    stop = next((stop for stop in stops_of(job) if stop), None)
    windows = np.unique(job.pairs)
    rows = np.searchsorted(windows, job.pairs)
    multiples = np.array([multiple or np.nan for multiple in job.multiples])
    range_row = np.zeros(len(multiples), np.int64)

    def run() -> NDArray[np.float64]:
        out = np.empty((*job.shape[:3], METRIC_COUNT))
        for history, cells in zip(job.histories, out, strict=True):
            atr = average_true_range(history.high, history.low, history.close, np.array([job.atr_window]), wilder=False)
            tile = Tile(
                averages(history.close, windows), rows[:, 0].copy(), rows[:, 1].copy(), atr, range_row, multiples
            )
            sweep_tile(
                kernel_bars(history),
                tile,
                False,
                settings.capital,
                settings.kernel_rules(stop),
                settings.bars_per_year,
                cells,
            )
        return out

    return run
