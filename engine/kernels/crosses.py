"""Which average is above, and when that changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule

__all__ = ["ABOVE", "BELOW", "DEATH", "GOLDEN", "NO_SIGNAL", "cross", "crosses", "side", "sides"]

ABOVE, BELOW = 1, -1
GOLDEN, DEATH, NO_SIGNAL = 1, -1, 0


@rule
def side(previous: int, fast: float, slow: float) -> int:
    """Tell which average is above; a tie (and an average that is not defined yet) keeps the previous side, 0 at first."""
    if fast > slow:
        return ABOVE
    if fast < slow:
        return BELOW
    return previous


@rule
def cross(previous: int, now: int) -> int:
    """Golden from below to above, death from above to below; the first defined side is no cross."""
    if previous == BELOW and now == ABOVE:
        return GOLDEN
    if previous == ABOVE and now == BELOW:
        return DEATH
    return NO_SIGNAL


@kernel
def crosses(fast: NDArray[np.float64], slow: NDArray[np.float64], out: NDArray[np.int8]) -> None:
    """Write GOLDEN, DEATH or NO_SIGNAL for every bar; fast, slow and out are (T,)."""
    before = 0
    for t in range(len(out)):
        now = side(before, fast[t], slow[t])
        out[t] = cross(before, now)
        before = now


@kernel
def sides(fast: NDArray[np.float64], slow: NDArray[np.float64], out: NDArray[np.int8]) -> None:
    """Write ABOVE, BELOW or 0 (not defined yet) for every bar; fast, slow and out are (T,)."""
    now = 0
    for t in range(len(out)):
        now = side(now, fast[t], slow[t])
        out[t] = now
