"""The bounds of a selection by date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pandas as pd

from engine.errors import InputError

__all__ = ["Bounds"]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}|\d{8}", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2}|\d{8})[ T]\d{2}:\d{2}.*", re.ASCII)


@dataclass(frozen=True)
class Bounds:
    """A range of dates with both ends inside.

    Parameters
    ----------
    start, end : pandas.Timestamp or None
        The ends; None for open.
    whole_day : bool
        True if the end means its whole day.
    """

    start: pd.Timestamp | None
    end: pd.Timestamp | None
    whole_day: bool

    @classmethod
    def of(cls, start: Any, end: Any) -> Bounds:
        """Read bounds from text, dates or timestamps; InputError if one is no date or they are reversed."""
        first, _ = _stamp(start, "start")
        last, whole_day = _stamp(end, "end")
        if first is not None and last is not None and (first.tzinfo is None) == (last.tzinfo is None):
            limit = last + pd.Timedelta(days=1) if whole_day else last
            if first > last and first >= limit:
                raise InputError(f"the start {start} is after the end {end}: exchange them")
        return cls(first, last, whole_day)

    def positions(self, symbol: str, dates: pd.DatetimeIndex) -> tuple[int, int]:
        """Return the positions [first, stop) of the bars in the range."""
        first, stop = 0, len(dates)
        if self.start is not None:
            first = int(dates.searchsorted(_in_zone(symbol, self.start, dates, later=False), side="left"))
        if self.end is not None and self.whole_day:
            after = _in_zone(symbol, self.end + pd.Timedelta(days=1), dates, later=False)
            stop = int(dates.searchsorted(after, side="left"))
        elif self.end is not None:
            stop = int(dates.searchsorted(_in_zone(symbol, self.end, dates, later=True), side="right"))
        return first, stop

    def __str__(self) -> str:
        words = [
            f"from {self.start}" if self.start is not None else "",
            f"to {self.end}" if self.end is not None else "",
        ]
        return " ".join(word.replace(" 00:00:00", "") for word in words if word) or "at all"


def _stamp(value: Any, name: str) -> tuple[pd.Timestamp | None, bool]:
    """Read one bound; the second value tells whether it is a date without a time."""
    if value is None:
        return None, False
    whole_day = bool(_DAY.fullmatch(value.strip())) if isinstance(value, str) else not isinstance(value, datetime)
    readable = (
        whole_day or bool(_MOMENT.fullmatch(value.strip())) if isinstance(value, str) else isinstance(value, date)
    )
    try:
        stamp = pd.Timestamp(value) if readable else pd.NaT
    except ValueError:
        stamp = pd.NaT
    if not isinstance(stamp, pd.Timestamp):
        raise InputError(f"the {name} {value!r} is not a date: write it as YYYY-MM-DD")
    if not 1678 <= stamp.year <= 2261:  # bars are kept in nanoseconds, which end there
        raise InputError(f"the {name} {value!r} is not a date that prices can have: it must be from 1678 to 2261")
    return stamp, whole_day


def _in_zone(symbol: str, stamp: pd.Timestamp, dates: pd.DatetimeIndex, *, later: bool) -> pd.Timestamp:
    if stamp.tzinfo is not None:
        if dates.tz is None:
            raise InputError(f"{symbol} has dates without a time zone, but {stamp} has one: give a plain date")
        return stamp.tz_convert(dates.tz)
    if dates.tz is None:
        return stamp
    # An hour that a clock change repeats or skips: take the one that keeps more bars.
    return stamp.tz_localize(dates.tz, ambiguous=not later, nonexistent="shift_backward" if later else "shift_forward")
