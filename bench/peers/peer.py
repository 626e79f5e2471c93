"""What a peer is: a way to make the same backtests, with what it means by them written down."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from numpy.typing import NDArray

from bench.jobs import ALL_CASES, METRICS, Case, Job

__all__ = ["SAME", "Cells", "Peer", "Run", "quiet"]

Cells = NDArray[np.float64]
"""Metrics of every cell: (symbols, pairs, stops, METRICS)."""
Run = Callable[[], NDArray[np.float64]]
SAME = ""
"""The peer means what the contract means."""


@dataclass(frozen=True)
class Peer:
    """A row of the table.

    Parameters
    ----------
    name : str
    prepare : callable
        Takes a job, does what is not to be timed, and gives the function that is timed.
    requires : tuple of str
        Distributions that must be installed.
    meaning : mapping of Case to str
        SAME, or the reason why the nearest thing that it can do is not the same; a case that is missing it cannot do at all.
    shared : tuple of str
        Metrics that mean the same.
    tolerance : float
        Relative, of all metrics but the count of trades, which is exact.
    uncounted : callable or None
        Takes a job and marks the cells (symbols, pairs, stops) that cannot agree, for a reason that ``note`` gives.
    rate : float
        Cells a second and core at 1,250 bars, roughly: slow peers are given fewer cells.
    note : str
        What has to be known to judge its figures.
    columns : tuple of int or None
        Where METRICS stand in what the function gives, if it gives more of them; to pick them is for the comparison, and not timed.
    """

    name: str
    prepare: Callable[[Job], Run]
    requires: tuple[str, ...] = ()
    meaning: Mapping[Case, str] = field(default_factory=lambda: dict.fromkeys(ALL_CASES, SAME))
    shared: tuple[str, ...] = METRICS
    tolerance: float = 1e-10
    uncounted: Callable[[Job], NDArray[np.bool_]] | None = None
    rate: float = 1e5
    note: str = ""
    columns: tuple[int, ...] | None = None

    def picked(self, values: NDArray[np.float64]) -> Cells:
        """Take METRICS out of what the function gave."""
        return values if self.columns is None else values[..., list(self.columns)]

    @property
    def missing(self) -> str:
        """Say which distributions are not installed; nothing if all are."""
        absent = [name for name in self.requires if _version(name) is None]
        return f"{' and '.join(absent)} not installed" if absent else ""

    @property
    def versions(self) -> dict[str, str | None]:
        """Give the versions of what it requires."""
        return {name: _version(name) for name in self.requires}

    def sized(self, job: Job, seconds: float) -> Job:
        """Cut a job down to what takes about so long."""
        bars = job.bars / len(job.prices)
        return job.some(max(1, int(self.rate * seconds * 1250 / bars)))


def _version(distribution: str) -> str | None:
    """Look up what is installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


@contextmanager
def quiet() -> Iterator[None]:
    """Hold back what peers warn of on import and in use, and keep them from asking the network for newer versions of themselves."""
    os.environ.setdefault("RAPTORBT_NO_VERSION_CHECK", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
