"""The time zone in which stamps are wanted: that of the exchange."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
import pandas as pd

from engine.errors import InputError
from engine.validation.dates import ParsedDates
from engine.validation.sessions import DAY

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Zones"]


@dataclass(frozen=True)
class Zones:
    """Where stamps come from, and where they are to go.

    Parameters
    ----------
    to : ZoneInfo
        Stamps that have a zone are shown on this clock.
    naive : ZoneInfo or None
        The clock that stamps without a zone were read from; with None they are local already, and stay without one.
    """

    to: ZoneInfo
    naive: ZoneInfo | None = None

    @classmethod
    def of(cls, text: str | None) -> Zones | None:
        """Read ``Asia/Kolkata``, or ``UTC:Asia/Kolkata`` where stamps without a zone are in UTC; None and nothing are None.

        Raises
        ------
        InputError
            There is no such zone.
        """
        if not text:
            return None
        naive, _, to = text.rpartition(":")
        return cls(_zone(text, to), _zone(text, naive) if naive else None)

    def apply(self, parsed: ParsedDates) -> ParsedDates:
        """Show stamps on the wanted clock.

        A history of which every stamp is midnight holds dates, not moments: it keeps them, and no day becomes the day before. Of an hour that the clock shows twice, rows up to the step back are the
        first. A time that the clock skips is no date.
        """
        if parsed.mixed:  # refused anyway
            return parsed
        dates, bad = parsed.dates, dict(parsed.bad)
        if dates.tz is None and self.naive is None:
            return parsed
        local = dates.tz_localize(None)
        if not (local.asi8[~np.asarray(dates.isna())] % DAY).any():
            return replace(parsed, dates=local.tz_localize(self.to, ambiguous=False, nonexistent="shift_forward"))
        if dates.tz is None and self.naive is not None:
            aware = dates.tz_localize(self.naive, ambiguous=_first_of_two(dates), nonexistent="NaT")
            for place in np.flatnonzero(np.asarray(aware.isna()) & ~np.asarray(dates.isna())).tolist():
                bad[place] = f"{dates[place]}, which the clock of {self.naive} skips,"
            dates = aware
        return ParsedDates(dates.tz_convert(self.to), bad)


def _first_of_two(dates: pd.DatetimeIndex) -> npt.NDArray[np.bool_]:
    """Tell for each stamp whether, if the clock shows it twice, it is the first: summer time. The second comes after a step back."""
    stamps = dates.asi8
    if len(stamps) and stamps[0] > stamps[-1]:  # the newest first
        return _first_of_two(dates[::-1])[::-1]
    before = np.maximum.accumulate(np.concatenate([[np.iinfo(np.int64).min], stamps[:-1]])) if len(stamps) else stamps
    first: npt.NDArray[np.bool_] = stamps > before
    return first


def _zone(text: str, name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(name, available_timezones(), n=1)
        hint = f"did you mean {near[0]}?" if near else "write it as Asia/Kolkata, or UTC:Asia/Kolkata"
        raise InputError(f"timezone {text}: there is no zone named {name!a}; {hint}") from None
