"""What the settings of a sweep earned above a benchmark, as the tests of data snooping take it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import InputError
from engine.results.tables import CellKeys
from engine.selection.trials import Trials
from engine.settings import require_choice

__all__ = ["Benchmark", "Fed", "deviations", "feed"]

Floats = NDArray[np.float64]
Benchmark = Literal["holding", "cash"]
"""Every symbol with the same money in each every day, without costs; or returns of 0."""


@dataclass(frozen=True, eq=False)
class Fed:
    """What the tests work on.

    Attributes
    ----------
    excess : float64 (N, D)
        Returns of the settings that are used, minus those of the benchmark.
    keys : DataFrame (N,)
        fast, slow, atr_window, multiple.
    benchmark : {"holding", "cash"}
    bars_per_year : float
    tried : int
        Settings of the sweep.
    left_out : dict
        Why settings are not in it, in one line, and how many.
    """

    excess: Floats
    keys: pd.DataFrame
    benchmark: Benchmark
    bars_per_year: float
    tried: int
    left_out: Mapping[str, int]

    @property
    def used(self) -> int:
        """Settings."""
        return len(self.excess)

    @property
    def days(self) -> int:
        """Days of the returns."""
        return int(self.excess.shape[1])


def feed(trials: Trials | Iterable[Trials], *, benchmark: Benchmark = "holding", most: int = 500, seed: int = 0) -> Fed:
    """Take the returns of settings, and of a large grid some that stand for all.

    Parameters
    ----------
    trials : Trials or iterable of Trials
        Blocks of one sweep, as ``trial_blocks`` gives them.
    benchmark : {"holding", "cash"}
    most : int
        Settings that are used. Of a larger grid it is one at random from each of so many parts of equal size: neighbours in the grid earn nearly the same, and a choice by results would bias the test.
    seed : int
        Of that choice.

    Raises
    ------
    InputError
    """
    require_choice("benchmark", benchmark, get_args(Benchmark))
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise InputError(f"most is {most!r}; it must be a whole number, 1 or more")
    rows, places = list[Floats](), list[NDArray[np.int64]]()
    chosen = np.empty(0, np.int64)
    for block in [trials] if isinstance(trials, Trials) else trials:
        if not places:
            chosen = _spread(block.grid.cells, most, seed)
        here = chosen[(chosen >= block.first) & (chosen < block.first + len(block))]
        rows.append(block.returns[here - block.first])
        places.append(here)
        last = block
    if not places:
        raise InputError("there are no trials; give those of a sweep, from trials_of or trial_blocks")
    excess, place = np.concatenate(rows), np.concatenate(places)
    if benchmark == "holding":
        excess -= last.pool.held()
    ruined = np.isnan(excess).any(axis=1)
    same = ~ruined & (np.ptp(excess, axis=1) == 0.0)
    kept = ~(ruined | same)
    reasons = {
        f"another setting stands for them: {len(chosen):,} of {last.grid.cells:,} are used": last.grid.cells
        - len(chosen),
        "nothing was left of an account": int(ruined.sum()),
        f"the returns above {benchmark} are the same on every day": int(same.sum()),
    }
    left_out = {reason: count for reason, count in reasons.items() if count}
    keys = pd.DataFrame(CellKeys(last.grid).of(place[kept]))
    return Fed(excess[kept], keys, benchmark, last.bars_per_year, last.grid.cells, left_out)


def _spread(cells: int, most: int, seed: int) -> NDArray[np.int64]:
    """Choose places in the grid: all, or one at random in each of ``most`` parts."""
    if cells <= most:
        return np.arange(cells)
    edges = np.arange(most + 1) * cells // most
    rng = np.random.default_rng(seed)
    places: NDArray[np.int64] = edges[:-1] + (rng.random(most) * np.diff(edges)).astype(np.int64)
    return places


def deviations(excess: Floats, block: float) -> Floats:
    """Give the standard deviation of root D times the mean of each row, float64 (N,), under the stationary bootstrap.

    Its variance is that of Politis and Romano (1994): c[0] + 2 sum over i of k[i] c[i], with autocovariances c and k[i] = (1 - i/D) (1 - q)^i + i/D (1 - q)^(D - i), q = 1 / block.
    """
    days = excess.shape[1]
    lag, stay = np.arange(1, days), 1.0 - 1.0 / block
    weight = (1 - lag / days) * stay**lag + lag / days * stay ** (days - lag)
    out = np.empty(len(excess))
    for i, row in enumerate(
        excess
    ):  # a row at a time, since the transform of all would take several times their memory
        spectrum = np.abs(np.fft.rfft(row - row.mean(), 2 * days)) ** 2
        covariance = np.fft.irfft(spectrum, 2 * days)[:days] / days
        out[i] = np.sqrt(covariance[0] + 2.0 * weight @ covariance[1:])
    return out
