"""What a command does before anything else, so that it starts quickly (``bench/test_start.py``)."""

from __future__ import annotations

import atexit
import gc
import sys
from typing import Any, cast

from engine.kernels._before import before_kernels
from engine.kernels._quick import SELDOM

__all__ = ["start_quickly"]

_UNASKED = ("scipy.linalg.cython_blas", "cffi")


def start_quickly() -> None:
    """Set the process up for one command. Only for a process that is ours alone."""
    # To look for garbage takes Python a tenth of a second of a sweep.
    gc.set_threshold(*SELDOM)
    # It does so at the end of a process, too, several times: 0.3 to 0.5 seconds.
    atexit.register(gc.freeze)
    before_kernels(_without_what_is_unasked)


def _without_what_is_unasked() -> None:
    """Keep numba from importing scipy and cffi when it first runs compiled code: 0.15 seconds.

    It looks for the linear algebra of scipy, with which it would compile products of matrices, and for functions of cffi; no kernel of ours has any. In a user's own process, other
    compiled code may need them.
    """
    modules = cast("dict[str, Any]", sys.modules)
    absent = [name for name in _UNASKED if name not in modules]
    modules.update(dict.fromkeys(absent))  # an import of None fails, which numba takes for: not there
    try:
        from numba.core.registry import cpu_target  # noqa: PLC0415  slow to import

        cpu_target.target_context.refresh()
    finally:
        for name in absent:
            del modules[name]
