"""What a command does before anything else, so that it starts quickly (``bench/test_start.py``)."""

from __future__ import annotations

import gc
import sys
from typing import Any, cast

from engine.kernels._before import before_kernels

__all__ = ["start_quickly"]

_BLAS = "scipy.linalg.cython_blas"
_MANY = 200_000


def start_quickly() -> None:
    """Set the process up for one command. Only for a process that is ours alone."""
    # Python looks through all objects for unreachable ones whenever 700 are new: 0.15 of the 1.2 seconds of a sweep, and a sixth of all compiling, where next to none is found.
    gc.set_threshold(_MANY, 20, 100)
    before_kernels(_without_linear_algebra)


def _without_linear_algebra() -> None:
    """Keep numba from importing scipy when it first runs compiled code: 0.1 seconds.

    It looks for the linear algebra of scipy, with which it would compile products of matrices; no kernel of ours has any. In a user's own process, other compiled code may need them.
    """
    if _BLAS in sys.modules:
        return
    cast("dict[str, Any]", sys.modules)[_BLAS] = None  # an import of it fails, which numba takes for: not there
    try:
        from numba.core.registry import cpu_target  # noqa: PLC0415  slow to import

        cpu_target.target_context.refresh()
    finally:
        del sys.modules[_BLAS]
