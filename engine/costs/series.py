"""The rates of one part and side in the order of time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from engine.costs.rates import DatedRate
from engine.errors import InputError

__all__ = ["Series", "series_of"]


@dataclass(frozen=True)
class Series:
    """The rates of one part and side, oldest first; their periods follow each other without a hole or an overlap."""

    part: str
    side: str
    rates: tuple[DatedRate, ...]

    @property
    def name(self) -> str:
        """What people call it."""
        return self.rates[-1].name

    @property
    def begin(self) -> date:
        """First day whose rate is known."""
        return self.rates[0].since or date.min

    @property
    def end(self) -> date:
        """Last day whose rate is known."""
        return self.rates[-1].until or date.max

    @property
    def changes(self) -> list[date]:
        """Days on which the rate is another than the day before."""
        return [rate.since for rate in self.rates[1:] if rate.since]

    def nearest(self, day: date) -> DatedRate:
        """Give the rate of this day, else the first or the last."""
        return next((rate for rate in self.rates if rate.holds(day)), self.rates[0 if day < self.begin else -1])

    def extent(self) -> str:
        """Say from when to when it is known."""
        since = "" if self.begin == date.min else f" from {self.begin}"
        until = "" if self.end == date.max else f" until {self.end}"
        return f"known{since}{until}"


def series_of(table: str, side: str, rates: Iterable[DatedRate]) -> list[Series]:
    """Sort the rates that this side pays by part and time, and check that they follow each other.

    Raises
    ------
    InputError
        Two rates for one day, or none for a day between two rates.
    """
    parts: dict[str, list[DatedRate]] = {}
    for rate in rates:
        if rate.side in (side, "both"):
            parts.setdefault(rate.part, []).append(rate)
    for listed in parts.values():
        listed.sort(key=lambda rate: rate.since or date.min)
        for old, new in pairwise(listed):
            _require_neighbours(table, old, new)
    return [Series(part, side, tuple(listed)) for part, listed in parts.items()]


def _require_neighbours(table: str, old: DatedRate, new: DatedRate) -> None:
    """Check that one period ends on the day before the next begins."""
    if old.until is None or new.since is None or new.since <= old.until:
        raise InputError(
            f"{table}: two rates of {new.name} ({new.part}) hold on {new.since or 'every day'}; "
            "end the older one on the day before"
        )
    if new.since > old.until + timedelta(days=1):
        raise InputError(
            f"{table}: no rate of {new.name} ({new.part}) holds between {old.until} and {new.since}; fill the hole"
        )
