"""``python -m bench.permutations``: the permutation test of a whole sweep, 1,000 markets of 30 symbols x 1,250 bars x 499 pairs, on two cores."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import engine
from bench.clock import pinned
from bench.jobs import FAST, SLOW, market
from engine.grid import Grid
from engine.selection.luck import PermutationTest
from engine.selection.markets import Shuffle
from engine.selection.permutation import permutation_test
from engine.settings import Costs, Settings

__all__ = ["Timed", "main", "permutations", "timed"]

MARKETS, SYMBOLS, BARS = 1000, 30, 1250
CASES: dict[str, dict[str, Any]] = {
    "best cells and best setting": {},
    "best cells": {"which": "cells"},
    "best cells, stationary bootstrap": {"which": "cells", "kind": "bootstrap"},
    "best cells, ATR stop of 3": {"which": "cells", "multiple": 3.0},
}


@dataclass(frozen=True)
class Timed:
    """How long a test took.

    Parameters
    ----------
    result : PermutationTest
    seconds : float
        On the wall.
    cpu : float
        Of all threads, in seconds: what others do on the machine changes it little.
    """

    result: PermutationTest
    seconds: float
    cpu: float


def timed(run: Callable[[], PermutationTest]) -> Timed:
    """Run a test once."""
    start, busy = time.perf_counter(), time.process_time()
    result = run()
    return Timed(result, time.perf_counter() - start, time.process_time() - busy)


def permutations(
    resamples: int,
    symbols: int = SYMBOLS,
    bars: int = BARS,
    workers: int = 2,
    multiple: float | None = None,
    kind: str = "permutation",
    which: str = "both",
) -> Callable[[], PermutationTest]:
    """Give the test as a user calls it, without an early stop."""
    prices = market(symbols, bars)
    grid = Grid.of(FAST, SLOW, None if multiple is None else engine.TrailingStop(multiple))
    settings = Settings(costs=Costs(rate=0.001))
    shuffle = Shuffle(kind)
    return lambda: permutation_test(
        prices, grid, settings, shuffle=shuffle, resamples=resamples, level=None, workers=workers, which=which
    )


def main(words: list[str] | None = None) -> int:
    """Time it and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m bench.permutations", description=__doc__, allow_abbrev=False)
    parser.add_argument("--resamples", type=int, default=MARKETS)
    arguments = parser.parse_args(words)
    with pinned(2) as cores:
        for name, options in CASES.items():
            permutations(50, **options)()  # compile, also the plain way that a cell in thousands needs
            found = timed(permutations(arguments.resamples, **options))
            cells = found.result.done * SYMBOLS * 499
            sys.stdout.write(
                f"{name}: {cells:,} cells of {BARS:,} bars in {found.seconds:.1f} s on {cores or os.cpu_count()} cores, {found.cpu:.1f} CPU seconds; "
                f"p {found.result.cell.p:.3f}, standard error {found.result.cell.error:.3f}\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
