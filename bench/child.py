"""One measurement in a process of its own; ``processes`` starts it. Prints one line of JSON.

Nothing is imported here that a measured path does not need itself, so that its own imports are in its own time.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.jobs import MULTIPLE, Job, market

__all__: list[str] = []


def preparer(home: str) -> Callable[[Job], Callable[[], Any]]:
    """Import what "module:function" of ``bench.peers`` names."""
    module, _, function = home.partition(":")
    return getattr(import_module(f"bench.peers.{module}"), function)


def first_answer(home: str, given: bool, stopped: bool, began: float) -> dict[str, float]:
    """Give the seconds from the start of the process to the metrics of 499 cells, without those that our signals took which it is given."""
    job = Job(market(1), multiples=(MULTIPLE if stopped else None,))
    favour = 0.0
    if given:
        start = time.time()
        gifts = import_module("bench.peers.given")
        for history in job.histories:
            gifts.crossings(history, job.pairs)
            gifts.distances(history, job, MULTIPLE)
        favour = time.time() - start
    preparer(home)(job)()
    return {"seconds": time.time() - began - favour}


def peak_memory(home: str, fast_step: int, slow_step: int) -> dict[str, float]:
    """Give the peak resident memory in MiB of a process that runs a grid once, and the cells of the grid."""
    job = Job(market(1), range(5, 101, fast_step), range(20, 301, slow_step), multiples=(MULTIPLE,))
    preparer(home)(job)()
    return {"mebibytes": most_memory(), "cells": job.cells}


def most_memory() -> float:
    """Give the peak resident memory of this process in MiB; on Linux ``ru_maxrss`` begins with that of the parent, so it is read elsewhere."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return float(line.split()[1]) / 1024
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def scaling(home: str, symbols: int, stopped: bool, cores: list[int]) -> dict[str, float]:
    """Give cells a second with a thread for each of these cores."""
    from bench.clock import race

    os.sched_setaffinity(0, cores)
    job = Job(market(symbols), multiples=(MULTIPLE if stopped else None,), workers=len(cores))
    if home.startswith("raptor"):
        job = replace(job.some(4 * 499), workers=len(cores))
    run = preparer(home)(job)
    run()
    return {"rate": job.cells / race({"": run}, rounds=10, least=0.2)[""]}


if __name__ == "__main__":
    work = {"first": first_answer, "memory": peak_memory, "scaling": scaling}[sys.argv[1]]
    sys.stdout.write(json.dumps(work(**json.loads(sys.argv[2]))) + "\n")
