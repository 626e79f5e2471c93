"""Which bars a request for history means."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from live.gateway.clock import KOLKATA
from live.gateway.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from live.gateway.market import Bar

__all__ = ["wanted"]

_DAYS = {"D": 1, "W": 7, "M": 30.5, "Y": 365.25}


def wanted(bars: Sequence[Bar], end: str, duration: str, when: datetime) -> list[Bar]:
    """Return the bars that end with a date ("" for now) and last a duration such as "5 Y".

    Raises
    ------
    WireError
        If either cannot be read.
    """
    last = when.astimezone(KOLKATA).date()
    try:
        if end:
            last = min(last, date.fromisoformat(end.replace("-", "")[:8]))
        number, unit = duration.split()
        if unit == "D":  # days with a bar, not of the calendar
            return [bar for bar in bars if bar.day <= last][-int(number) :]
        first = last - timedelta(days=float(number) * _DAYS[unit])
    except (ValueError, KeyError):
        raise WireError(f"bars are wanted until {end!r} for {duration!r}") from None
    return [bar for bar in bars if first < bar.day <= last]
