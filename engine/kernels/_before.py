"""What a process wants done before its first kernel is made ready; apart from ``_jit``, since that imports numba."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["before_kernels", "run_waiting"]

_waiting: list[Callable[[], None]] = []


def before_kernels(work: Callable[[], None]) -> None:
    """Have something done once, before the first kernel is called; never, if none is."""
    _waiting.append(work)


def run_waiting() -> None:
    """Do what waits."""
    while _waiting:
        _waiting.pop()()
