"""Timing within one process: pinned to one core, best of several, and the peers taking turns, so that noise hits all alike."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter

__all__ = ["best_of", "cores", "pinned", "race"]


def cores() -> list[int]:
    """Give the cores that this thread may use; none where the system cannot tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@contextmanager
def pinned(count: int = 1) -> Iterator[int]:
    """Stay on the last ``count`` cores; gives how many it is (0: this system cannot pin)."""
    before = cores()
    if not before:
        yield 0
        return
    os.sched_setaffinity(0, before[-count:])
    try:
        yield len(before[-count:])
    finally:
        os.sched_setaffinity(0, before)


def turn(run: Callable[[], object], least: float) -> float:
    """Call until so many seconds have passed, at least once; gives the best time."""
    best = float("inf")
    end = perf_counter() + least
    while True:
        start = perf_counter()
        run()
        now = perf_counter()
        best = min(best, now - start)
        if now >= end:
            return best


def race(runs: Mapping[str, Callable[[], object]], rounds: int, least: float) -> dict[str, float]:
    """Time functions that are warm, in turns.

    Parameters
    ----------
    runs : mapping of str to callable
    rounds : int
        Turns of each.
    least : float
        Seconds that a turn goes on for; it counts with the best of its calls.

    Returns
    -------
    dict of str to float
        Best seconds of a call.
    """
    best = dict.fromkeys(runs, float("inf"))
    gc.collect()
    gc.freeze()  # so that a collection does not walk through all that was imported
    try:
        for _ in range(rounds):
            for name, run in runs.items():
                gc.collect()  # nobody cleans up after another; within a turn it goes on: vectorbt needs it to get its memory back
                best[name] = min(best[name], turn(run, least))
    finally:
        gc.unfreeze()
    return best


def best_of(run: Callable[[], float], rounds: int) -> float:
    """Give the best of some measurements that time themselves."""
    return min(run() for _ in range(rounds))
