"""A sweep cut into tasks: small enough that Ctrl-C is heard and no thread is left with a large one at the end, large enough to be worth handing out."""

from __future__ import annotations

from typing import NamedTuple

from engine.sweeping.cells import Part
from engine.sweeping.job import Job

__all__ = ["Tasks", "apart", "shared"]

_MOST_CELLS = 65_536
"""Of a task on one symbol: 7 MB of metrics."""
_LEAST_CELLS = 512
"""Of one symbol, however long it is: what is done once for all cells takes the time of some 160 of them (of a million bars, one pair takes 44 ns a bar, 499 pairs 180)."""
_MOST_WORK, _GOOD_WORK, _LEAST_WORK = 200_000_000, 20_000_000, 2_000_000
"""Cells x bars of a thread: 60 ms, so that progress moves and Ctrl-C is heard; 5 ms, which is worth a task; 0.5 ms, which is worth waking a thread."""
_MOST_BARS = 2_000_000
"""Of the symbols of a task, if it has several: their prices are in memory together, 100 MB, even where they are read one by one."""
_EVEN = 4
"""Symbols for each thread, at least, that share them: on the last ones some have nothing to do."""


class Tasks(NamedTuple):
    """Parts of the grid, each with a run of symbols."""

    pieces: list[tuple[Part, range]]
    inside: int = 1
    """Threads that share the symbols of a piece, and take the pieces one after the other. With 1 each thread has pieces of its own."""


def shared(job: Job) -> Tasks | None:
    """Cut a sweep into runs of symbols that all threads share; None if there are few symbols and much work on each, or a signal whose symbols cannot be shared."""
    symbols, work = len(job.symbols), job.grid.cells * job.longest
    whole = Part(job.grid, slice(0, len(job.grid.pairs)), job.settings)
    threads = min(job.workers, max(1, symbols * work // _LEAST_WORK))
    large = job.grid.cells > _MOST_CELLS or work > _MOST_WORK
    if large or (threads > 1 and symbols < _EVEN * threads) or not whole.can_be_shared:
        return None
    return Tasks([(whole, numbers) for numbers in _runs(symbols, threads * (_MOST_WORK // work), job.longest)], threads)


def apart(job: Job) -> Tasks:
    """Cut a sweep into tasks that threads work on by themselves: several symbols if they are small, or parts of the grid if they are large."""
    symbols, cells = len(job.symbols), job.grid.cells
    wanted = min(job.workers, max(1, symbols * cells * job.longest // _GOOD_WORK))  # parts of all the work, at least
    most_cells = min(_MOST_CELLS, max(_MOST_WORK // job.longest, _LEAST_CELLS), -(-symbols * cells // wanted))
    parts = [Part(job.grid, pairs, job.settings) for pairs in job.grid.parts(most_cells)]
    if len(parts) > 1:
        return Tasks([(part, range(i, i + 1)) for i in range(symbols) for part in parts])
    # Finer where no thread should be left with a large one at the end, or progress is told; else a task costs only time, and one thread takes as much as it can.
    shares = 4 * wanted if wanted > 1 or job.progress else 1
    most_work = _MOST_WORK if job.workers == 1 and not job.progress else _GOOD_WORK
    together = max(1, min(most_work // (cells * job.longest), -(-symbols // shares)))
    return Tasks([(parts[0], numbers) for numbers in _runs(symbols, together, job.longest)])


def _runs(symbols: int, most: int, bars: int) -> list[range]:
    """Cut symbols of so many bars into runs of at most so many, all of about one size."""
    most = min(most, max(1, _MOST_BARS // bars))
    size = -(-symbols // -(-symbols // most))
    return [range(i, min(i + size, symbols)) for i in range(0, symbols, size)]
