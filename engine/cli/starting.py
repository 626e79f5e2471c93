"""What a command does before anything else, so that it starts quickly."""

from __future__ import annotations

import sys
from typing import Any, cast

__all__ = ["without_linear_algebra"]

_BLAS = "scipy.linalg.cython_blas"


def without_linear_algebra() -> None:
    """Keep numba from importing scipy when it first runs compiled code: 0.1 of the 1.5 seconds of a command (``bench/test_start.py``).

    It looks for the linear algebra of scipy, with which it would compile products of matrices; no kernel of ours has any. Only for a process that is ours alone: in a user's own, other
    compiled code may need them.
    """
    if _BLAS in sys.modules:
        return
    cast("dict[str, Any]", sys.modules)[_BLAS] = None  # an import of it fails, which numba takes for: not there
    try:
        from numba.core.registry import cpu_target  # noqa: PLC0415  slow to import

        cpu_target.target_context.refresh()
    finally:
        del sys.modules[_BLAS]
