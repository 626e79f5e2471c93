"""What a cluster costs beside the work itself: the same tiles in one process and on a worker of one thread, in turns, on the same core.

The core is the last one of this machine; the scheduler, and the process that asks, are on the others, where they are in a real cluster: on other machines. ``python -m bench.cluster --overhead``.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest import mock

import pandas as pd

import engine
from engine.grid import Grid
from engine.settings import Settings
from engine.sweeping import tiles
from engine.sweeping.cluster import connect
from engine.sweeping.folder import sweep_in_tiles
from engine.sweeping.job import Job, usable

__all__ = ["Measured", "measure", "said"]

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True)
class Measured:
    """Best of several rounds, in seconds.

    Attributes
    ----------
    tiles, rounds : int
    alone, cluster : float
        By the clock: the tiles in one process, and the whole call with the cluster.
    alone_cpu, worker_cpu, others_cpu : float
        Of the processor: by the one process, by the worker, and by scheduler and caller together; the least of each.
    same : bool
        The results were the same.
    """

    tiles: int
    rounds: int
    alone: float
    cluster: float
    alone_cpu: float
    worker_cpu: float
    others_cpu: float
    same: bool


def job_of(symbols: int, bars: int, fast: range, slow: range) -> Job:
    """Make a sweep of a simulated market, on one thread."""
    prices, grid = engine.simulate(symbols, bars, seed=1), Grid.of(fast, slow)
    names, left_out, too_short = usable(prices, grid)
    return Job(prices, tuple(names), grid, Settings(), left_out, too_short, 1, None)


def measure(job: Job, rounds: int, work: int, first: Job | None = None) -> Measured:
    """Run a sweep in turns alone and on a cluster.

    Parameters
    ----------
    job : Job
    rounds : int
    work : int
        Cells x bars of a tile: 9,000,000,000 are a second of a core that nobody else uses.
    first : Job or None
        A small one, to warm up both.
    """
    core, others = pins()
    bars = [job.prices.length(symbol) for symbol in job.symbols]
    # A small sweep would be cut finer, so that it has some 64 tiles.
    with mock.patch.multiple(tiles, _LEAST_WORK=work, _MOST_WORK=work), cluster_of_one(core, others) as (client, pids):
        count = len(tiles.cut(job.grid, bars)) - 1
        rows, expected, found = [], None, None
        if first is not None:
            sweep_in_tiles(first, "sharpe", 10, None)
            sweep_in_tiles(first, "sharpe", 10, None, client)
        for _ in range(rounds):
            pin(0, core)
            started, spent = perf_counter(), cpu(os.getpid())
            expected = sweep_in_tiles(job, "sharpe", 10, None)
            alone, alone_cpu = perf_counter() - started, cpu(os.getpid()) - spent
            pin(0, others)
            started, before = perf_counter(), [cpu(pid) for pid in pids]
            found = sweep_in_tiles(job, "sharpe", 10, None, client)
            took = perf_counter() - started
            worker, *rest = (cpu(pid) - was for pid, was in zip(pids, before, strict=True))
            rows.append((alone, took, alone_cpu, worker, sum(rest)))
    same = expected.cells.equals(found.cells) and expected.pool == found.pool
    return Measured(count, rounds, *pd.DataFrame(rows).min().tolist(), same)


def said(found: Measured) -> Iterator[str]:
    """Say it in sentences."""
    each = found.alone / found.tiles
    yield f"{found.tiles} tiles of {each:.2f} seconds, in turns, best of {found.rounds} rounds; the results are {'the same' if found.same else 'NOT the same'}."
    yield f"By the clock: {found.alone:.2f} seconds in one process, {found.cluster:.2f} on a cluster with one worker of one thread on the same core: {100 * (found.cluster / found.alone - 1):+.1f} percent."
    yield f"Of the processor: {found.alone_cpu:.2f} seconds in one process, {found.worker_cpu:.2f} in the worker: {100 * (found.worker_cpu / found.alone_cpu - 1):+.1f} percent; scheduler and caller {found.others_cpu:.2f}."
    yield f"Load of the machine in the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores. Other work on the core falls on both; the least of each counts."


def pins() -> tuple[set[int], set[int]]:
    """Give the core for the work, and those for the others; the same where there is only one."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return set(cores[-1:]), set(cores[:-1] or cores)


def pin(pid: int, cores: set[int]) -> None:
    """Keep a process, or with 0 this thread, on some cores, where the system can."""
    if cores:
        os.sched_setaffinity(pid, cores)


def cpu(pid: int) -> float:
    """Give the seconds of the processor that a process has taken; 0 where nothing says it."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


@contextmanager
def cluster_of_one(core: set[int], others: set[int]) -> Iterator[tuple[Any, list[int]]]:
    """Start a scheduler and a worker, and connect; gives the client, and the processes of worker, scheduler and client."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    port = address.rpartition(":")[2]
    scheduler = start(others, "dask_scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
    options = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--memory-limit", "0")
    worker = start(core, "dask_worker", f"tcp://{address}", *options)
    try:
        client = connect(f"tcp://{address}")
        try:
            client.wait_for_workers(1, timeout=60)
            yield client, [worker.pid, scheduler.pid, os.getpid()]
        finally:
            client.close(timeout=2)
    finally:
        for process in (worker, scheduler):
            process.kill()
            process.wait()


def start(cores: set[int], name: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a process of dask on some cores; its threads inherit them."""
    root = str(Path(__file__).parent.parent)
    command = [sys.executable, "-m", f"distributed.cli.{name}", *arguments]
    before = os.sched_getaffinity(0) if cores else set[int]()
    pin(0, cores)
    try:
        return subprocess.Popen(
            command,
            cwd=root,
            env={**os.environ, "PYTHONPATH": root},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    finally:
        pin(0, before)
