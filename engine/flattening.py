"""Nothing is held overnight: until which bar of its day a position may be held, from the dates of a history.

India's brokers sell what was bought for the day (MIS, "intraday") some minutes before the close, and nobody may hold a short or a leveraged position overnight. ``docs/intraday.md`` says
what that means for fills and signals; the rules themselves are in ``engine.kernels.sessions``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError
from engine.kernels.sessions import CLOSED, Sessions
from engine.requirements import require_time_of_day
from engine.validation.sessions import UNITS
from engine.validation.sessions import Sessions as DatedSessions

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from engine.prices.history import Prices
    from engine.prices.series import History
    from engine.prices.sessions import BarClock

__all__ = ["closing_bars", "require_sessions", "sessions_of", "sessions_through"]


def closing_bars(dates: pd.DatetimeIndex, flatten: str) -> NDArray[np.int64]:
    """Find for every bar the one at whose close what is held on it has to be sold.

    Parameters
    ----------
    dates : pandas.DatetimeIndex
        Shape (T,), increasing; a session is the bars of one date on their own clock.
    flatten : str
        "session": the last bar of its session. A time of day: the last bar of its session whose stamp is before it.

    Returns
    -------
    int64 (T,)
        CLOSED for bars behind the one of their session.
    """
    minutes, found = require_time_of_day(flatten), DatedSessions(dates)
    if minutes is None:
        return np.repeat(found.last, found.bars)
    before = found.time_of_day(slice(None)) < minutes * UNITS["min"]
    leave = np.repeat(found.first + np.add.reduceat(before, found.first, dtype=np.int64) - 1, found.bars)
    leave[~before] = CLOSED
    return leave


def sessions_of(histories: Sequence[History], flatten: str | None) -> Sessions | None:
    """Give the sessions of some symbols, one behind the other, in the kernels' form; None if positions may be held overnight.

    Raises
    ------
    InputError
        A history has one bar a day.
    """
    if flatten is None:
        return None
    for history in histories:
        _require(history.symbol, history.clock)
    return Sessions(np.concatenate([closing_bars(history.dates, flatten) for history in histories]))


def require_sessions(prices: Prices, flatten: str | None) -> None:
    """Check before any work that there are sessions to end, of every symbol.

    Raises
    ------
    InputError
    """
    for symbol in prices if flatten is not None else ():
        _require(symbol, prices.clock(symbol))


def _require(symbol: str, clock: BarClock) -> None:
    """Refuse a symbol with one bar a day."""
    if clock.sessions == clock.bars:
        raise InputError(
            f"{symbol} has no day with two bars, so nothing can be bought and sold within a session; leave flatten out"
        )


def sessions_through(histories: Sequence[History], flatten: str | None) -> Sessions | None:
    """Do so for an account that symbols share, whose bars are counted through all of them."""
    found, start = sessions_of(histories, flatten), 0
    if found is None:
        return None
    for history in histories:
        own = found.leave[start : start + len(history)]
        own[own != CLOSED] += start
        start += len(history)
    return found
