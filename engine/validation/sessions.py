"""Which bars are of one session, and how long a bar is: read from the stamps alone.

A session is the bars of one calendar date on the stamps' own clock. Stamps without a zone are the exchange's local time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.validation.dates import in_nanoseconds

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DAY", "UNITS", "Sessions", "clock_time", "days_since_1970", "read_time", "say_time", "session_numbers"]

Ints = npt.NDArray[np.int64]

DAY = 86_400_000_000_000
"""Nanoseconds."""
UNITS = {"s": 1_000_000_000, "min": 60_000_000_000, "h": 3_600_000_000_000}
"""Nanoseconds of each unit in which lengths of time are written."""
_TIME = re.compile(r"(\d{1,9})(s|min|h)", re.ASCII)
_UNITS = (("hour", 3_600_000_000_000), ("minute", 60_000_000_000), ("second", 1_000_000_000), ("nanosecond", 1))


def days_since_1970(dates: pd.DatetimeIndex) -> Ints:
    """Give the calendar date of every stamp on its own clock, int64 (T,), as days since 1970-01-01."""
    found = in_nanoseconds(dates)
    local = found if found.tz is None else found.tz_localize(None)
    days: Ints = local.asi8 // DAY  # rounds down, so before 1970, too
    return days


def session_numbers(dates: pd.DatetimeIndex) -> Ints:
    """Give every bar the number of its session.

    Parameters
    ----------
    dates : pandas.DatetimeIndex
        Shape (T,), increasing.

    Returns
    -------
    int64 (T,)
        0 for the bars of the first session, 1 for those of the next, and so on without a gap.
    """
    days = days_since_1970(dates)
    return np.cumsum(np.diff(days, prepend=days[:1]) != 0).astype(np.int64)


def read_time(text: str) -> int | None:
    """Read a length of time in nanoseconds: ``30s``, ``5min``, ``2h``; None if it is none, or not more than 0."""
    match = _TIME.fullmatch(text.strip().lower())
    return int(match[1]) * UNITS[match[2]] or None if match else None


def say_time(nanoseconds: int) -> str:
    """Say a length of time in the largest unit of which it is a whole number: 1 minute, 90 minutes, 2 hours."""
    name, size = next((name, size) for name, size in _UNITS if nanoseconds % size == 0)
    number = nanoseconds // size
    return f"{number:,} {name}{'s' * (number != 1)}"


@dataclass(frozen=True, eq=False)
class Sessions:
    """The sessions of a history.

    Parameters
    ----------
    dates : pandas.DatetimeIndex
        Shape (T,), strictly increasing.
    """

    dates: pd.DatetimeIndex

    def __post_init__(self) -> None:
        object.__setattr__(self, "dates", in_nanoseconds(self.dates))

    @cached_property
    def number(self) -> Ints:
        """Session of each bar, int64 (T,)."""
        return session_numbers(self.dates)

    @cached_property
    def first(self) -> Ints:
        """Place of the first bar of each session, int64 (S,)."""
        return np.flatnonzero(np.diff(self.number, prepend=-1)).astype(np.int64)

    @cached_property
    def last(self) -> Ints:
        """Place of the last bar of each session, int64 (S,)."""
        return np.append(self.first[1:], len(self.dates)) - 1

    @cached_property
    def days(self) -> Ints:
        """Date of each session, int64 (S,), as days since 1970-01-01."""
        return days_since_1970(self.dates[self.first])

    @cached_property
    def bars(self) -> Ints:
        """Bars of each session, int64 (S,)."""
        return self.last - self.first + 1

    @property
    def whole(self) -> Ints:
        """Bars of each session that is surely whole: not of the first and the last, which may be cut, unless there are no others; of two the larger is taken."""
        return self.bars[1:-1] if len(self.bars) > 2 else self.bars[self.bars == self.bars.max(initial=0)]

    @cached_property
    def steps(self) -> Ints:
        """Nanoseconds from each bar to the next, int64 (T - 1,)."""
        return np.diff(self.dates.asi8)

    @cached_property
    def inside(self) -> npt.NDArray[np.bool_]:
        """Whether each step stays within a session, bool (T - 1,)."""
        same: npt.NDArray[np.bool_] = self.number[1:] == self.number[:-1]
        return same

    @cached_property
    def length(self) -> int | None:
        """Nanoseconds of a bar: the most frequent step within sessions, of several the smallest; None where most sessions have one bar, as in daily prices."""
        if not len(self.dates) or np.median(self.whole) < 2:
            return None
        lengths, counts = np.unique(self.steps[self.inside], return_counts=True)
        return int(lengths[counts.argmax()])

    def time_of_day(self, places: Ints | slice) -> Ints:
        """Give what the clock shows at some bars, in nanoseconds since midnight, int64."""
        chosen = self.dates[places]
        local = chosen if chosen.tz is None else chosen.tz_localize(None)
        found: Ints = local.asi8 % DAY
        return found


def clock_time(nanoseconds: int) -> str:
    """Write a time of day: 09:15, or 09:15:30 where it has seconds."""
    text = str(timedelta(seconds=int(nanoseconds) // 1_000_000_000)).rjust(8, "0")
    return text.removesuffix(":00") if text.endswith(":00") else text
