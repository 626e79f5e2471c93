"""Which average is above, and when that changes; what else a cross may need is in ``docs/signals.md``."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule

__all__ = [
    "ABOVE",
    "BELOW",
    "DEATH",
    "GOLDEN",
    "NO_FILTER",
    "NO_SIGNAL",
    "Filter",
    "cross",
    "crosses",
    "filtered_crosses",
    "filtered_sides",
    "held",
    "side",
    "side_with_band",
]

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
def side_with_band(previous: int, fast: float, slow: float, band: float) -> int:
    """Tell which average is above by more than a fraction ``band`` of the slow one; between the two the previous side is kept. Without a band it is ``side``."""
    if fast > slow * (1.0 + band):
        return ABOVE
    if fast < slow * (1.0 - band):
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


class Filter(NamedTuple):
    """What a cross needs besides two averages that cross, and for how long it binds."""

    band: float  # fraction of the slow average
    delay: int  # bars that a side has to last after its first
    hold: int  # bars from a golden cross to its death cross; 0 is: until the averages make one
    allowed: NDArray[np.bool_]  # (T,) whether a golden cross counts at a close; (0,) is: each counts


NO_FILTER = Filter(0.0, 0, 0, np.empty(0, np.bool_))


class Lasting(NamedTuple):
    """A side and how long it has lasted."""

    side: int
    bars: int  # since its first
    kept: int  # the last side that has lasted long enough


@rule
def outlast(before: Lasting, now: int, delay: int) -> Lasting:
    """Go on by one bar."""
    bars = before.bars + 1 if now == before.side else 0
    return Lasting(now, bars, now if bars >= delay else before.kept)


@rule
def held(signal: int, t: int, free: int, hold: int) -> tuple[int, int]:
    """Give the cross of a bar where each holds for ``hold`` bars, and the first bar on which a golden one opens again; ``free`` is that bar so far, at first 0.

    The death cross comes on the bar before that one; every other cross until then, and every death cross of the averages, is none.
    """
    if t == free - 1:
        return DEATH, free
    if signal == GOLDEN and t >= free:
        return GOLDEN, t + hold + 1
    return NO_SIGNAL, free


@kernel
def filtered_sides(fast: NDArray[np.float64], slow: NDArray[np.float64], given: Filter, out: NDArray[np.int8]) -> None:
    """Write ABOVE, BELOW or 0 for every bar, with band and delay; fast, slow and out are (T,)."""
    state = Lasting(0, 0, 0)
    for t in range(len(out)):
        state = outlast(state, side_with_band(state.side, fast[t], slow[t], given.band), given.delay)
        out[t] = state.kept


@kernel
def filtered_crosses(
    fast: NDArray[np.float64], slow: NDArray[np.float64], given: Filter, out: NDArray[np.int8]
) -> None:
    """Write GOLDEN, DEATH or NO_SIGNAL for every bar; fast, slow and out are (T,).

    The death cross after a golden cross that does not count is left out too: there is nothing to sell, and golden and death crosses stay in turn.
    """
    state, dropped, free = Lasting(0, 0, 0), False, 0
    for t in range(len(out)):
        before = state.kept
        state = outlast(state, side_with_band(state.side, fast[t], slow[t], given.band), given.delay)
        signal = cross(before, state.kept)
        if signal == GOLDEN:
            dropped = len(given.allowed) > 0 and not given.allowed[t]
        counted = NO_SIGNAL if dropped else signal
        dropped = dropped and signal != DEATH
        if given.hold > 0:
            counted, free = held(counted, t, free, given.hold)
        out[t] = counted
