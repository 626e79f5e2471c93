"""What a large sweep costs on N workers, and where it stops scaling: a simulation of its tiles, from rates that were measured. ``python -m bench.cluster``.

``python -m bench.cluster --overhead`` measures instead what a cluster costs beside the work, in some two minutes; see ``bench.overhead``.
"""

import heapq
import sys
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A sweep and what its steps take; rates are those of docs/speed.md and docs/cluster.md.

    Attributes
    ----------
    symbols, cells, bars : int
        Cells of each symbol, bars of each history.
    work : float
        Cells x bars a second of one core: 5.0 million cells a second of 1,250 bars on a dense grid.
    keeping, writing : float
        Seconds a cell beside that, for the best cells, and for a part: 1e8 cells took 23 and 49 seconds on two cores, 20 of the first for computing.
    size : float
        Bytes a cell on the disk.
    dispatch : float
        Seconds that the scheduler takes for a task.
    network, disk : float
        Bytes a second: of the process that hands out prices, and of the disk that all share.
    """

    symbols: int = 5_000
    cells: int = 100_000
    bars: int = 5_000
    work: float = 5.0e6 * 1250
    keeping: float = 2 * (23 - 10) / 1e8
    writing: float = 2 * (49 - 23) / 1e8
    size: float = 56.0
    dispatch: float = 0.005
    network: float = 100e6
    disk: float = 500e6

    @property
    def together(self) -> int:
        """Symbols of a tile, as engine.sweeping.tiles.cut has it."""
        return max(1, 3_000_000_000 // (self.cells * self.bars))

    @property
    def tiles(self) -> int:
        """How many there are."""
        return -(-self.symbols // self.together)

    @property
    def tile_seconds(self) -> float:
        """One tile on one core."""
        return self.together * self.cells * (self.bars / self.work + self.keeping + self.writing)

    @property
    def core_seconds(self) -> float:
        """All tiles on one core."""
        return self.tiles * self.tile_seconds


def elapsed(estimate: Estimate, workers: int, seed: int = 0) -> float:
    """Simulate: a tile leaves when its prices are sent and the scheduler is free, is computed on the next free worker, and is written to the shared disk."""
    seconds = estimate.tile_seconds * np.random.default_rng(seed).uniform(0.8, 1.2, estimate.tiles)
    free = [0.0] * workers
    sent = written = end = 0.0
    for mine in seconds:
        sent += max(estimate.dispatch, estimate.together * estimate.bars * 48 / estimate.network)
        done = max(sent, heapq.heappop(free)) + mine
        if estimate.writing:
            written = max(written, done - mine) + estimate.together * estimate.cells * estimate.size / estimate.disk
            done = max(done, written)
        heapq.heappush(free, done)
        end = max(end, done)
    return end


def main() -> None:
    """Say it in lines."""
    if "--overhead" in sys.argv[1:]:
        from bench.overhead import job_of, measure, said

        grid = range(1, 201), range(5, 605)  # 100,694 cells
        found = measure(job_of(102, 5_000, *grid), rounds=3, work=9_000_000_000, first=job_of(2, 5_000, *grid))
        sys.stdout.writelines(f"{line}\n" for line in said(found))
        return
    parts = Estimate()
    for name, estimate in (
        ("with all cells on the disk", parts),
        ("with the best cells only", replace(parts, writing=0.0)),
    ):
        tiles = f"{estimate.tiles:,} tiles of {estimate.tile_seconds:.2f} seconds"
        sys.stdout.write(
            f"5,000 symbols x 100,000 cells x 5,000 bars {name}: {estimate.core_seconds:,.0f} core seconds, {tiles}.\n"
        )
        for workers in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512):
            took = elapsed(estimate, workers)
            sys.stdout.write(
                f"{workers} workers: {took:,.0f} seconds, {100 * estimate.core_seconds / took / workers:.0f} percent of them at work."
                "\n"
            )


if __name__ == "__main__":
    main()
