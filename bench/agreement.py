"""Is what is timed the same thing? Every peer is held to ours, cell by cell and metric by metric, before the clock starts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.jobs import METRICS, Job
from bench.peers.peer import Cells, Peer
from bench.peers.table import OURS

__all__ = ["Agreement", "compare", "held_to_ours"]

NEAR_ZERO = 1e-12
"""Of a ratio or return that cancels to about 0; a profit may be off by so much of the capital."""


@dataclass(frozen=True)
class Agreement:
    """How many cells are the same in every shared metric.

    Parameters
    ----------
    cells, equal, uncounted : int
        Compared, equal, and left out because they cannot agree.
    worst : dict of str to float
        Largest relative difference of each shared metric; of ``trades`` the largest difference.
    """

    cells: int
    equal: int
    uncounted: int
    worst: dict[str, float]

    @property
    def complete(self) -> bool:
        """Tell whether every cell that was compared is equal, and there was one."""
        return 0 < self.cells == self.equal

    def __str__(self) -> str:
        """Say it in a sentence."""
        rest = f", {self.uncounted} left out" if self.uncounted else ""
        return f"{self.equal} of {self.cells} cells equal{rest}"


def compare(ours: Cells, theirs: Cells, peer: Peer, job: Job) -> Agreement:
    """Compare results of shape (symbols, pairs, stops, METRICS): trades exactly, the others to the peer's tolerance; nan is equal to nan only."""
    counted = np.ones(job.shape[:3], bool)
    if peer.uncounted is not None:
        counted &= ~peer.uncounted(job)
    same = counted.copy()
    worst = {}
    for name in peer.shared:
        column = METRICS.index(name)
        expected, got = ours[..., column], theirs[..., column]
        with np.errstate(invalid="ignore"):
            off = np.abs(got - expected)
            floor = NEAR_ZERO * (job.capital if name == "profit_per_trade" else 1.0)
            allowed = 0.0 if name == "trades" else np.maximum(peer.tolerance * np.abs(expected), floor)
            same &= ((off <= allowed) & np.isfinite(off)) | (np.isnan(got) & np.isnan(expected))
            size = 1.0 if name == "trades" else np.maximum(np.abs(expected), floor / peer.tolerance)
            relative = np.where(np.isfinite(off), off / size, 0.0)[counted]
        worst[name] = float(relative.max(initial=0.0))
    return Agreement(int(counted.sum()), int(same.sum()), int((~counted).sum()), worst)


def held_to_ours(peer: Peer, job: Job) -> Agreement:
    """Run a peer and ours on a job, and compare."""
    return compare(OURS.picked(OURS.prepare(job)()), peer.picked(peer.prepare(job)()), peer, job)
