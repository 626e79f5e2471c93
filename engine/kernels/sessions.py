"""Sessions of a trader who holds nothing overnight: until which bar a position may be held, and on which bars none may begin.

::

    bar        09:15  09:16  ...  15:18  15:19  15:20  ...  15:29 | 09:15
    leave        L      L    ...    L      L     -1    ...   -1   |   L'       L is the bar of 15:19, if all is to be sold by 15:20

One rule says when a position has to be sold, one where none may be opened; the loops ask them, and the exits of the fast sweep are shortened by them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import rule

__all__ = ["CLOSED", "Sessions", "ends_session", "last_bar", "may_enter", "sessions_between"]

CLOSED = -1
"""Instead of a bar: nothing may be held here any more today."""


class Sessions(NamedTuple):
    """The bars of one symbol, or of several one behind the other, each counting its own bars from 0."""

    leave: NDArray[np.int64]  # (T,) the bar at whose close what is held on this bar is sold at the latest, or CLOSED


@rule
def ends_session(sessions: Sessions | None, t: int) -> bool:
    """Tell whether a position is sold at the close of bar t because of the time; None: never."""
    if sessions is None:  # asked of an argument, which numba knows when it compiles
        return False
    return bool(sessions.leave[t] == t)


@rule
def may_enter(sessions: Sessions | None, t: int, at_close: bool) -> bool:
    """Tell whether a position may begin on bar t: at its open if there is a close of that day left to sell it at, at its close if there is a later one."""
    if sessions is None:
        return True
    return bool(sessions.leave[t] > t) if at_close else bool(sessions.leave[t] >= t)


@rule
def last_bar(sessions: Sessions | None, t: int) -> int:
    """Give the bar at whose close what is held on bar t is sold because of the time; CLOSED if never, or if that is over."""
    if sessions is None:
        return CLOSED
    return int(sessions.leave[t])


@rule
def sessions_between(sessions: Sessions | None, first: int, last: int) -> Sessions | None:
    """Cut out those of one symbol among several."""
    if sessions is None:
        return None
    return Sessions(sessions.leave[first:last])
