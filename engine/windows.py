"""Windows in time, ``30min`` or ``5d``, turned into bars before anything else sees them.

What counts is trading time: 30 minutes are 30 bars of 1 minute, whether or not a night lies between them. A ``d`` is a session.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

import numpy as np

from engine.errors import InputError
from engine.grid import Grid
from engine.limits import MOST_WINDOW
from engine.prices.history import Prices
from engine.prices.sessions import BarClock, clock_of
from engine.settings import TrailingStop
from engine.validation.sessions import DAY, UNITS, read_time

__all__ = ["Span", "Window", "Windows", "grid_on", "in_bars", "read_windows"]

_SESSIONS = re.compile(r"(\d{1,9})d", re.ASCII)
_ZERO = re.compile(r"0+(s|min|h|d)", re.ASCII)
_EXAMPLES = "write 50 or 5,10,20 or 5:100:5, or time, such as 30min, 2h, 5d (sessions) or 5min:100min:5min"


@dataclass(frozen=True)
class Span:
    """A window in time.

    Attributes
    ----------
    nanoseconds : int
        Trading time; or 0.
    sessions : int
        Or 0.
    """

    nanoseconds: int = 0
    sessions: int = 0

    def __str__(self) -> str:
        if self.sessions:
            return f"{self.sessions}d"
        unit, size = next((unit, size) for unit, size in reversed(UNITS.items()) if self.nanoseconds % size == 0)
        return f"{self.nanoseconds // size}{unit}"

    def bars(self, name: str, clock: BarClock) -> int:
        """Give the bars that it is.

        Parameters
        ----------
        name : str
            Of the window, for messages.
        clock : BarClock
            Of the prices.

        Raises
        ------
        InputError
            It is not a whole number of bars.
        """
        if self.sessions and clock.is_coarser:
            raise InputError(f"{name} {self}: the bars are {clock.said_length} apart; give a number of bars")
        if self.sessions:
            return self.sessions * clock.bars_per_session
        if clock.length is None:
            raise InputError(
                f"{name} {self}: the bars are not intraday; give a number of bars, or sessions, such as 50d"
            )
        count, rest = divmod(self.nanoseconds, clock.length)
        if rest:
            near = [str(Span(bars * clock.length)) for bars in (count, count + 1) if bars]
            raise InputError(
                f"{name} {self} is not a whole number of bars, which are of {clock.said_length}; the nearest is {' or '.join(near)}"
            )
        return count


Window = int | str | timedelta | Span
Windows = Window | Iterable[Window]


def read_windows(name: str, text: str) -> list[int | Span]:
    """Read windows: ``50``, ``5,10,20``, ``5:100:5``; or time: ``30min``, ``2h``, ``5d``, ``5min:100min:5min``. The end of a range belongs to it.

    Parameters
    ----------
    name : str
        What they are, for messages, such as ``--fast``.
    text : str

    Raises
    ------
    InputError
    """
    windows: list[int | Span] = []
    for part in text.split(","):
        windows += _read_range(name, text, part)
    return windows


def in_bars(prices: Prices, name: str, given: Windows) -> int | Iterable[int]:
    """Turn windows into bars; those that are bars are passed on as they are, and no stamp is looked at.

    Parameters
    ----------
    prices : Prices
        Whose stamps say how long a bar is.
    name : str
        Of the windows: fast, slow.
    given : int, str, timedelta, or an iterable of them
        Text as for ``read_windows``. A timedelta is trading time, of less than a day: a day of it could be a session or 24 hours.

    Raises
    ------
    InputError
        A text cannot be read, a window is not a whole number of bars, or symbols have bars of different lengths.
    """
    if isinstance(given, int | range | np.integer | np.ndarray):
        return given
    several: list[object] = (
        [given]
        if isinstance(given, str | timedelta | Span) or not isinstance(given, Iterable)
        else list(islice(given, MOST_WINDOW + 1))
    )
    read: list[object] = []
    for one in several:
        read += read_windows(name, one) if isinstance(one, str) else [_of_timedelta(name, one)]
    if not any(isinstance(one, Span) for one in read):
        return read  # type: ignore[return-value]  # what is no number is refused by the grid
    clock = clock_of(prices)
    return [one.bars(name, clock) if isinstance(one, Span) else one for one in read]  # type: ignore[misc]  # as above


def grid_on(
    prices: Prices,
    fast: Windows,
    slow: Windows,
    stop: TrailingStop | Iterable[TrailingStop | None] | None = None,
) -> Grid:
    """Form all pairs of windows with fast < slow, in bars of these prices; as ``Grid.of`` and ``in_bars``.

    Raises
    ------
    InputError
    """
    return Grid.of(in_bars(prices, "fast", fast), in_bars(prices, "slow", slow), stop)


def _of_timedelta(name: str, given: object) -> object:
    if not isinstance(given, timedelta):
        return given
    nanoseconds = round(given / timedelta(microseconds=1)) * 1000
    if not 0 < nanoseconds < DAY or nanoseconds % UNITS["s"]:
        raise InputError(
            f"{name} {given}: give whole seconds of less than a day, or text: 5d is 5 sessions, 120h is trading time"
        )
    return Span(nanoseconds)


def _read_range(name: str, text: str, part: str) -> list[int | Span]:
    """Read one window or one range."""
    ends = [_read_one(name, text, part, piece) for piece in part.split(":")]
    if len(ends) > 3:
        raise InputError(f"{name} {text}: a range has at most three parts, first:last:step")
    kinds = {(isinstance(end, Span), isinstance(end, Span) and end.sessions > 0) for end in ends}
    if len(kinds) > 1:
        raise InputError(f"{name} {text}: a range is in bars, in time or in sessions (d), all parts in the same")
    if len(ends) == 1:
        ends = [ends[0], ends[0], 1 if not isinstance(ends[0], Span) else ends[0]]
    if len(ends) == 2:
        if isinstance(ends[0], Span) and not ends[0].sessions:
            raise InputError(f"{name} {text}: a range in time needs its step, such as {part}:5min")
        ends.append(Span(sessions=1) if isinstance(ends[0], Span) else 1)
    first, last, step = (_size(end) for end in ends)
    _check_range(name, text, part, first, last, step)
    of_time, of_sessions = next(iter(kinds))
    if not of_time and last > MOST_WINDOW:  # before a range of any size is spread out
        raise InputError(f"{name} {text}: exact averages go up to {MOST_WINDOW:,} bars")
    if (last - first) // step >= MOST_WINDOW:
        raise InputError(f"{name} {text}: there are more than {MOST_WINDOW:,} windows; take a larger step")
    sizes = range(first, last + 1, step)
    if not of_time:
        return list(sizes)
    return [Span(sessions=size) if of_sessions else Span(size) for size in sizes]


def _check_range(name: str, text: str, part: str, first: int, last: int, step: int) -> None:
    """Refuse a range that makes no sense."""
    if step < 1:
        raise InputError(f"{name} {text}: the step of a range must be 1 or more")
    if last < first:
        begin, end, *rest = part.split(":")
        raise InputError(f"{name} {text}: the range runs backwards; write {':'.join([end, begin, *(rest or ['1'])])}")


def _size(end: int | Span) -> int:
    return (end.sessions or end.nanoseconds) if isinstance(end, Span) else end


def _read_one(name: str, text: str, part: str, piece: str) -> int | Span:
    typed = piece.strip().lower()
    if _ZERO.fullmatch(typed):
        raise InputError(f"{name} {text}: a window in time is more than 0")
    nanoseconds, sessions = read_time(typed), _SESSIONS.fullmatch(typed)
    if nanoseconds is not None:
        return Span(nanoseconds)
    if sessions is not None:
        return Span(sessions=int(sessions[1]))
    try:
        return int(piece)
    except ValueError:
        raise InputError(f"{name} {text}: {part!r} is not a whole number or a range; {_EXAMPLES}") from None
