"""A sweep on a cluster that sends back all of its cells: the same table as from one process."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.grid import Grid
from engine.kernels.metrics import METRIC_COUNT
from engine.results.parts import Tile, kernels_stamp
from engine.sweeping.job import Job
from engine.sweeping.tiles import MOST_SENT, Outcome, Work, cut

__all__ = ["run_whole"]


def run_whole(job: Job, client: Any, values: NDArray[np.float64], reached: NDArray[np.bool_]) -> tuple[bool, int]:
    """Run all tiles on a cluster, and put their cells where they belong, in whatever order they come.

    Parameters
    ----------
    job : Job
    client : distributed.Client
    values : float64 (symbols, pairs, stops, METRIC_COUNT)
        C-contiguous; overwritten.
    reached : bool (symbols, pairs)
        C-contiguous; made True where cells came.

    Returns
    -------
    bool
        False if Ctrl-C came before the end.
    int
        Cells that the fast way left to a slower one.

    Raises
    ------
    InputError, OutputError
        As ``run_on_cluster``.
    """
    from engine.sweeping.cluster import run_on_cluster  # noqa: PLC0415  an extra

    stops = len(job.grid.stops)
    cells, pairs = values.reshape(-1, METRIC_COUNT), reached.reshape(-1)
    edges = cut(job.grid, [job.prices.length(symbol) for symbol in job.symbols], MOST_SENT)
    grid = Grid(job.grid.pairs, job.grid.stops)  # without what was worked out for it, which need not travel
    work = Work(job.symbols, grid, job.settings, np.empty(0), "", 0, None, "", kernels_stamp())
    done = looped = 0

    def take(outcome: Outcome) -> None:
        nonlocal done, looped
        first, stop = outcome.tile
        cells[first:stop] = outcome.values
        pairs[first // stops : stop // stops] = True
        done += stop - first
        looped += outcome.looped
        if job.progress:
            job.progress(done, len(cells))

    tiles = [Tile(*edge) for edge in pairwise(edges)]
    finished = run_on_cluster(client, work, tiles, {}, job.prices.__getitem__, take)
    return finished, looped
