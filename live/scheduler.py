"""Waiting for a moment of the wall clock, in slices, so that a clock that is set, or a machine that slept, is noticed.

A timer alone counts seconds since it was started: it does not see that the clock was corrected, and stands still while the machine sleeps. So the
wall clock is read again after every slice, and compared with the timer.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from engine.errors import InputError
from live.errors import ClockError

__all__ = ["Clock", "ClockStep", "SystemClock", "Waited", "clock_skew", "require_clock", "wait_until"]

SLICE = 20.0
"""Seconds; a clock that is set is noticed so much later at most."""
STEP = 60.0
"""Seconds by which wall clock and timer may part before it is reported."""


class Clock(Protocol):
    """What the waiting needs of time; tests have one of their own."""

    def now(self) -> datetime:
        """Give the wall clock, aware."""

    def elapsed(self) -> float:
        """Give the seconds of a timer that nobody sets."""

    async def sleep(self, seconds: float) -> None:
        """Let others work so long."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Give the wall clock, in UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> float:
        """Give the seconds of the machine's timer."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let others work so long."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class ClockStep:
    """The wall clock went another way than the timer: it was set, or the machine slept.

    Attributes
    ----------
    noticed : datetime
        By the wall clock after it.
    by : timedelta
        Positive: the wall clock went forward.
    """

    noticed: datetime
    by: timedelta

    def __str__(self) -> str:
        way = "forward" if self.by > timedelta(0) else "back"
        seconds = abs(self.by.total_seconds())
        return f"the clock went {way} by {seconds:.0f} s before {self.noticed:%Y-%m-%d %H:%M:%S %Z}"


@dataclass(frozen=True)
class Waited:
    """How a wait ended.

    Attributes
    ----------
    arrived : datetime
        The wall clock at the end, at the moment or after it.
    late : timedelta
        How long after it; more than a second or two means that the clock went forward. Whether it is too late is for ``Run.is_open`` to say.
    steps : tuple of ClockStep
        For the journal.
    """

    arrived: datetime
    late: timedelta
    steps: tuple[ClockStep, ...]


async def wait_until(moment: datetime, clock: Clock) -> Waited:
    """Wait until the wall clock shows a moment, never ending before it; at once if it has passed.

    Raises
    ------
    InputError
        The moment has no time zone.
    """
    if moment.utcoffset() is None:
        raise InputError(f"{moment.isoformat()} has no time zone; give an aware datetime")
    steps: list[ClockStep] = []
    wall, timer = clock.now(), clock.elapsed()
    while (now := clock.now()) < moment:
        await clock.sleep(min(SLICE, (moment - now).total_seconds()))
        seen, passed = clock.now(), clock.elapsed() - timer
        parted = (seen - wall) - timedelta(seconds=passed)
        if abs(parted) > timedelta(seconds=STEP):
            steps.append(ClockStep(seen, parted))
            wall, timer = seen, clock.elapsed()
    return Waited(now, now - moment, tuple(steps))


def clock_skew(server_time: datetime, local_time: datetime) -> timedelta:
    """Tell how far this machine's clock is ahead of the broker's; negative: behind. The broker's time has whole seconds.

    Raises
    ------
    InputError
        One of the two has no time zone.
    """
    for moment in (server_time, local_time):
        if moment.utcoffset() is None:
            raise InputError(f"{moment.isoformat()} has no time zone; give an aware datetime")
    return local_time - server_time


def require_clock(server_time: datetime, local_time: datetime, most: timedelta) -> timedelta:
    """Check that the clock is right to within ``most``, and give the skew.

    Raises
    ------
    ClockError
    """
    skew = clock_skew(server_time, local_time)
    if abs(skew) > most:
        way = "ahead of" if skew > timedelta(0) else "behind"
        raise ClockError(
            f"the clock of this machine is {abs(skew).total_seconds():.0f} s {way} the broker's, "
            f"{most.total_seconds():.0f} s are allowed; set it (NTP) and start again"
        )
    return skew
