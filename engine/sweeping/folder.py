"""A sweep into a folder of parts, which can be interrupted and gone on with; on threads or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from engine.grid import Grid
from engine.results.parts import Done, PartsFolder, Tile, identify, kernels_stamp
from engine.results.reduced import ReducedSweep, Reducer
from engine.results.stream import describe
from engine.results.tables import held_returns
from engine.sweeping.job import Job
from engine.sweeping.threads import run_in_order
from engine.sweeping.tiles import Outcome, Work, compute_tile, cut, read_tile

__all__ = ["sweep_in_tiles"]


def sweep_in_tiles(job: Job, metric: str, keep: int, out: Path | None, client: Any = None) -> ReducedSweep:
    """Sweep tile by tile, and keep the best cells of each symbol.

    Parameters
    ----------
    job : Job
    metric : str
    keep : int
        Cells of each symbol.
    out : Path or None
        The folder for the parts. Parts of this very sweep that are there already are read, and not computed.
    client : distributed.Client or None
        None is threads of this process.

    Returns
    -------
    ReducedSweep

    Raises
    ------
    InputError, DataError, OutputError
    """
    held = held_returns(job.prices, job.symbols)
    reducer = Reducer(job.symbols, job.grid, held, metric, keep)
    facts = {**job.facts, "digest": job.prices.digest}
    edges = cut(job.grid, [job.prices.length(symbol) for symbol in job.symbols])
    grid = Grid(job.grid.pairs, job.grid.stops)  # without what was worked out for it, which need not travel
    with ExitStack() as stack:
        stamp, tiles, parts = "", [Tile(*edge) for edge in pairwise(edges)], None
        if out is not None:
            out = out.resolve()
            digests = {symbol: job.prices.hash_of(symbol) for symbol in job.symbols}
            identity = identify(job.symbols, digests, job.grid, job.settings)
            about = describe(job.symbols, job.grid, held, **facts)
            parts = stack.enter_context(PartsFolder(out, identity, about, edges))
            stamp, tiles = parts.stamp, parts.tiles
        work = Work(job.symbols, grid, job.settings, held, metric, keep, out, stamp, kernels_stamp())
        taker = _Taker(job, reducer)
        if client is None:
            finished = _on_threads(job, work, tiles, parts, taker)
        else:
            finished = _on_cluster(job, work, tiles, parts, taker, client)
        if parts is not None and finished:
            parts.finish()
    return reducer.result(**facts, finished=finished, looped=taker.looped, path=out)


class _Taker:
    """Join outcomes, in the order of the tiles, and tell how far it is."""

    def __init__(self, job: Job, reducer: Reducer) -> None:
        self._job, self._reducer = job, reducer
        self._total = len(job.symbols) * job.grid.cells
        self.looped = 0

    def __call__(self, outcome: Outcome) -> None:
        if outcome.reduction is not None:
            self._reducer.merge(outcome.tile.first // self._job.grid.cells, outcome.reduction)
        self.looped += outcome.looped
        if self._job.progress:
            self._job.progress(outcome.tile.stop, self._total)


def _on_threads(job: Job, work: Work, tiles: list[Tile], parts: PartsFolder | None, taker: _Taker) -> bool:
    """Run all tiles here; False if Ctrl-C came before the end."""
    known: dict[int, Done] = dict(parts.done) if parts else {}

    def run(tile: Tile) -> Outcome:
        done = known.get(tile.first)
        outcome = read_tile(work, done) if done else None
        if outcome is None:
            outcome = compute_tile(work, tile, [job.prices[work.symbols[i]] for i in work.numbers(tile)])
            if parts is not None and outcome.done is not None:
                parts.record(outcome.done)  # here, so that Ctrl-C does not lose what other threads have written
        return outcome

    return run_in_order([partial(run, tile) for tile in tiles], job.workers, taker)


def _on_cluster(job: Job, work: Work, tiles: list[Tile], parts: PartsFolder | None, taker: _Taker, client: Any) -> bool:
    """Run all tiles on a cluster; False if Ctrl-C came before the end."""
    from engine.sweeping.cluster import run_on_cluster  # noqa: PLC0415  an extra

    known: dict[int, Done] = dict(parts.done) if parts else {}
    written = dict(known)
    ordered = _in_order(tiles, taker)

    def take(outcome: Outcome) -> None:
        if parts is not None and outcome.done is not None and written.get(outcome.tile.first) != outcome.done:
            parts.record(outcome.done)
        ordered(outcome)

    return run_on_cluster(client, work, tiles, known, job.prices.__getitem__, take)


def _in_order(tiles: Iterable[Tile], take: Callable[[Outcome], None]) -> Callable[[Outcome], None]:
    """Give a callable that takes outcomes as they come, and hands them on in the order of the tiles."""
    early: dict[Tile, Outcome] = {}
    order = list(tiles)[::-1]

    def later(outcome: Outcome) -> None:
        early[outcome.tile] = outcome
        while order and order[-1] in early:
            take(early.pop(order.pop()))

    return later
