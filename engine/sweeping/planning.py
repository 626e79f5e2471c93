"""What a sweep will take: counted from the sweep itself, and measured on a small probe of it, before it begins."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from os import PathLike
from pathlib import Path

import numpy as np

from engine.grid import Grid
from engine.kernels.metrics import METRIC_COUNT
from engine.limits import free_memory, peak_memory, say_bytes, used_memory
from engine.prices.history import Prices
from engine.results.parts import (
    FORMAT,
    Done,
    Tile,
    begun,
    identify,
    read_done,
    tiles_of,
)
from engine.results.stream import describe
from engine.settings import Settings, TrailingStop
from engine.sweeping.job import Job, is_folder, require_sweepable, usable
from engine.sweeping.probing import measure, work_of
from engine.sweeping.threads import thread_count
from engine.sweeping.tiles import cut

__all__ = ["SweepPlan", "plan_sweep"]

_PLAN_BYTES = 40
"""Of a pair, of what a sweep works out for its grid as it goes."""


@dataclass(frozen=True)
class SweepPlan:
    """What a sweep will take.

    Attributes
    ----------
    symbols, pairs, stops, cells : int
    done : int
        Cells whose parts are in the folder already.
    place : Path or None
        The file or folder for all cells.
    parts, files : int
        Files of cells in the end, and files in all; 0 if nothing is written on the way.
    disk : int
        Bytes that will be written, estimated.
    memory : int or None
        Bytes of this process at its peak, estimated; None where nothing says what it has now.
    seconds : float
        Estimated, on this machine with ``threads``.
    threads, probed : int
        ``probed`` are the cells that were computed for the estimates.
    free_disk, free_memory : int or None
        Bytes; None where nothing says it.
    refusals : tuple of str
        Why it cannot be done here, a line each.
    """

    symbols: int
    pairs: int
    stops: int
    cells: int
    done: int
    place: Path | None
    parts: int
    files: int
    disk: int
    memory: int | None
    seconds: float
    threads: int
    probed: int
    free_disk: int | None = None
    free_memory: int | None = None
    refusals: tuple[str, ...] = field(default=())


def plan_sweep(
    prices: Prices,
    fast: int | Iterable[int],
    slow: int | Iterable[int],
    stop: TrailingStop | Iterable[TrailingStop | None] | None = None,
    settings: Settings | None = None,
    *,
    keep: int | None = None,
    out: str | PathLike[str] | None = None,
    workers: int | None = None,
    kept_bytes: int = 8 * METRIC_COUNT,
) -> SweepPlan:
    """Say what ``engine.sweep`` with these arguments will take. Nothing is written where it would write.

    Parameters
    ----------
    prices : Prices
    fast, slow, stop, settings, keep, out, workers
        As for ``engine.sweep``.
    kept_bytes : int
        Of a cell that is kept in memory; only without ``keep``.

    Raises
    ------
    InputError, DataError
        As ``engine.sweep``, before it begins.
    """
    settings = settings or Settings()
    grid = Grid.of(fast, slow, stop)
    require_sweepable(prices, settings, grid)
    symbols, left_out, too_short = usable(prices, grid)
    job = Job(prices, tuple(symbols), grid, settings, left_out, too_short, thread_count(workers), None)
    place, in_parts = (None, False) if out is None else (Path(out).resolve(), is_folder(out))
    tiles, known = _tiles_of(job, place if in_parts else None)
    probe = measure(job, keep, tiles, written=place is not None)
    total, left = len(symbols) * grid.cells, [tile for tile in tiles if tile.first not in known]
    done = sum(one.stop - one.first for one in known.values())
    parts, files = (len(left), len(tiles) + 3) if in_parts else (1, 1)  # manifest, list and lock
    growth = _PLAN_BYTES * len(grid.pairs)
    growth += 2 * keep * len(symbols) * (8 * METRIC_COUNT + 8) if keep else kept_bytes * total
    peak = peak_memory()
    plan = SweepPlan(
        symbols=len(symbols),
        pairs=len(grid.pairs),
        stops=len(grid.stops),
        cells=total,
        done=done,
        place=place,
        parts=0 if place is None else len(tiles) if in_parts else 1,
        files=0 if place is None else files,
        disk=0 if place is None else round(probe.bytes(parts, total - done)) + _described(job, in_parts, tiles),
        memory=None if peak is None else peak + growth,
        seconds=probe.seconds(len(left), work_of(job, left), done) / job.workers,
        threads=job.workers,
        probed=probe.cells,
    )
    return _held_against(plan)


def _tiles_of(job: Job, folder: Path | None) -> tuple[list[Tile], dict[int, Done]]:
    """Give the tiles of a sweep, and those that are in its folder already."""
    digests = {symbol: job.prices.hash_of(symbol) for symbol in job.symbols} if folder else {}
    manifest = begun(folder, identify(job.symbols, digests, job.grid, job.settings)) if folder else None
    if folder is not None and manifest is not None:
        tiles = tiles_of(manifest)
        return tiles, {one.first: one for one in read_done(folder) if one.tile in set(tiles)}
    edges = cut(job.grid, [job.prices.length(symbol) for symbol in job.symbols])
    return [Tile(*edge) for edge in pairwise(edges)], {}


def _described(job: Job, in_parts: bool, tiles: list[Tile]) -> int:
    """Count the bytes of what says what the sweep is."""
    facts = {**job.facts, "digest": "0" * 64}
    about = describe(job.symbols, job.grid, np.full(len(job.symbols), -0.123456789012345678), **facts)
    if not in_parts:
        return len(json.dumps(about))
    identity = identify(job.symbols, dict.fromkeys(job.symbols, "0" * 64), job.grid, job.settings)
    about = {**about, "format": FORMAT, "pairs": identity["pairs"], "identity": identity, "edges": tiles}
    longest = Done(tiles[-1].first, tiles[-1].stop, 10**8, "0" * 64, 0)
    return len(json.dumps(about)) + len(tiles) * (len(json.dumps(longest._asdict())) + 1)


def _held_against(plan: SweepPlan) -> SweepPlan:
    """Hold a plan against what is free."""
    disk = None if plan.place is None else shutil.disk_usage(_nearest(plan.place)).free
    refusals = list(_beyond_disk(plan, disk))
    free, used = free_memory(), used_memory()
    more = None if plan.memory is None or used is None else max(0, plan.memory - used)
    if free is not None and more is not None and more > free:
        refusals.append(
            f"the sweep needs {say_bytes(more)} of memory more, and {say_bytes(free)} is free; keep only the best of each symbol (keep=10, the command: --keep 10)"
        )
    return replace(plan, free_disk=disk, free_memory=free, refusals=tuple(refusals))


def _beyond_disk(plan: SweepPlan, free: int | None) -> Iterator[str]:
    """Say what does not fit on the disk, of which so many bytes are free; None: nothing is written."""
    if plan.place is None or free is None:
        return
    where = _nearest(plan.place)
    if plan.disk > free:
        yield f"the cells take {say_bytes(plan.disk)}, and {say_bytes(free)} is free in {where}; name another place, take larger steps, or leave out what writes all cells"
    if hasattr(os, "statvfs"):
        status = os.statvfs(where)
        if status.f_files and plan.files > status.f_favail:
            yield f"the sweep has {plan.files:,} files, and {where} takes {status.f_favail:,} more; name another place"


def _nearest(place: Path) -> Path:
    """Give the folder that is there already, where something is to be."""
    return next(folder for folder in (place, *place.parents) if folder.is_dir())
