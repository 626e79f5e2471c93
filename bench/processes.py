"""The sections for which every number needs a fresh process: imports, the first answer, peak memory, two cores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.clock import best_of
from bench.facts import Fact
from bench.peers.table import API, FUSED, OURS, PLAIN, named
from bench.rates import Say

__all__ = ["first_answers", "import_times", "peak_memory", "two_cores"]

ROOT = Path(__file__).resolve().parent.parent

IMPORTS = {
    OURS.name: "import engine; engine.sweep, engine.load, engine.simulate",
    "vectorbt": "import vectorbt",
    "raptorbt": "import raptorbt",
    "backtesting.py": "import backtesting",
    "pandas": "import pandas",
    "numba": "import numba",
}
"""What a user imports before the first call."""

HOMES = {
    OURS.name: "ours:prepare_sweep",
    FUSED.name: "fused:prepare",
    PLAIN.name: "plain:prepare",
    "vectorbt kernels (Rust)": "vectorbt_kernels:rust_kernels",
    "vectorbt kernels (numba)": "vectorbt_kernels:numba_kernels",
    "raptorbt": "raptor:prepare",
    "vectorbt API (Rust)": "vectorbt_api:rust_engine",
    "vectorbt API (numba)": "vectorbt_api:numba_engine",
    "pandas (vectorised)": "tables:prepare",
}
"""Where the children find a peer: they must not import the whole table."""
GRIDS = ((5, 10), (2, 4), (1, 2))
"""Steps of the fast and slow windows: 499, some 3,000 and 11,855 pairs."""


def environment(cache: Path | None) -> dict[str, str]:
    """Give the environment of a child; with a cache folder of its own, if one is named."""
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", "RAPTORBT_NO_VERSION_CHECK": "1"}
    return settings if cache is None else {**settings, "NUMBA_CACHE_DIR": str(cache), "XDG_CACHE_HOME": str(cache)}


def child(what: str, cache: Path | None = None, **arguments: Any) -> dict[str, float]:
    """Run ``bench.child`` and read its answer."""
    command = [sys.executable, "-m", "bench.child", what, json.dumps(arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environment(cache), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"bench.child {what} {arguments} failed: {done.stderr.strip().splitlines()[-1]}")
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def installed(homes: dict[str, str]) -> dict[str, str]:
    """Leave out the peers that are missing."""
    return {name: home for name, home in homes.items() if not named(name).missing}


def import_times(rounds: int, say: Say) -> list[Fact]:
    """Give the seconds of imports, beyond those of an empty Python."""

    def seconds(statement: str) -> float:
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", statement], cwd=ROOT, env=environment(None), capture_output=True, check=False
        )
        return time.perf_counter() - start if done.returncode == 0 else float("-inf")  # not installed

    say("import times")
    empty = best_of(lambda: seconds("pass"), rounds)
    alone = best_of(lambda: seconds("import engine"), rounds) - empty
    found = {name: best_of(lambda line=line: seconds(line), rounds) - empty for name, line in IMPORTS.items()}
    facts = [Fact("import", "what a first call needs", name, value, "s") for name, value in found.items()]
    return [Fact("import", "the name engine alone", OURS.name, alone, "s"), *(fact for fact in facts if fact.value > 0)]


def first_answers(rounds: int, say: Say, homes: dict[str, str] | None = None) -> list[Fact]:
    """Give the seconds to a first answer: with an empty cache of compiled code, and with a full one."""
    facts = []
    for name, home in installed(homes or HOMES).items():
        stopped = name != "pandas (vectorised)"
        wanted = {"home": home, "given": name.startswith(("vectorbt", "raptor")), "stopped": stopped}
        say(f"first answer, {name}")
        with tempfile.TemporaryDirectory() as folder:
            cache = Path(folder)
            cold = child("first", cache, **wanted, began=time.time())["seconds"]
            warm = best_of(lambda: child("first", cache, **wanted, began=time.time())["seconds"], rounds)  # noqa: B023
        facts.append(Fact("first answer", "empty cache", name, cold, "s"))
        facts.append(Fact("first answer", "warm cache", name, warm, "s"))
    return facts


def peak_memory(say: Say) -> list[Fact]:
    """Give the peak memory of a process that runs one grid once."""
    facts = []
    wanted = (OURS.name, FUSED.name, PLAIN.name, "raptorbt", *API)
    for fast_step, slow_step in GRIDS:
        for name, home in installed({name: HOMES[name] for name in wanted}).items():
            say(f"peak memory, {name}")
            found = child("memory", home=home, fast_step=fast_step, slow_step=slow_step)
            facts.append(Fact("peak memory", f"{int(found['cells']):,} cells", name, found["mebibytes"], "MiB"))
    return facts


def two_cores(cores: list[int], say: Say) -> list[Fact]:
    """Give the rate on one core and on two, over 33 symbols."""
    wanted = (OURS.name, FUSED.name, PLAIN.name, "raptorbt")
    facts = []
    for name, home in installed({name: HOMES[name] for name in wanted}).items():
        for count in (1, 2):
            say(f"{count} core{'s' * (count > 1)}, {name}")
            found = child("scaling", home=home, symbols=33, stopped=True, cores=cores[-count:])
            facts.append(Fact("cores", f"{count} core{'s' * (count > 1)}", name, found["rate"], "cells/s"))
    return facts
