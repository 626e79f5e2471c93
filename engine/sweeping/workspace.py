"""Memory of the fast sweep that one call leaves to the next.

On 499 pairs getting it anew would take a fifth of the time that the work takes: a page fault for every 4 KiB. It is not the memory of a thread, since the threads of a sweep end with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from engine.kernels.plan import Plan
from engine.kernels.symbols import Memory, memory_of

__all__ = ["Workspace", "workspace"]

_MOST_KEPT = 1 << 25
"""Bytes: what needs more works longer, too, and does not notice."""


class Workspace:
    """What a call needs besides prices and results."""

    worth_keeping = True
    """Whether the next call should have it."""
    _fits: tuple[int, ...] = ()
    _memory: Memory | None = None

    def memory(self, plan: Plan, stops: int, bars: int, most: int) -> Memory:
        """Get the memory for a plan, so many stops, and histories of so many bars; that of the call before if it fits."""
        fits = (plan.most_windows, plan.most_pairs, plan.longest, len(plan.row), stops, bars, most)
        if self._memory is None or self._fits != fits:
            self._memory, self._fits = memory_of(plan, stops, bars, most), fits
            self.worth_keeping = _bytes_of(self._memory) <= _MOST_KEPT
        return self._memory


def _bytes_of(memory: Any) -> int:
    """Count the bytes of all arrays in a tuple."""
    if isinstance(memory, np.ndarray):
        return memory.nbytes
    return sum(map(_bytes_of, memory)) if isinstance(memory, tuple) else 0


_spare: list[Workspace] = []
"""Of calls that have ended: one for each thread that there was at a time. Taking one and putting it back are one step each, so that threads need no lock."""


@contextmanager
def workspace() -> Iterator[Workspace]:
    """Take one that nobody uses, or a new one."""
    try:
        space = _spare.pop()
    except IndexError:
        space = Workspace()
    try:
        yield space
    finally:
        if space.worth_keeping:
            _spare.append(space)
