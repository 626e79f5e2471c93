"""When NSE trades, and when the bot runs: aware times of Asia/Kolkata, whatever zone the machine is in.

Three things are never done: to guess a day beyond the table (``SessionError``), to run late, and to run in the closing auction, where no stop order is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Generic, Protocol, TypeVar
from zoneinfo import ZoneInfo

from engine.errors import InputError
from live import nse
from live.errors import SessionError

__all__ = [
    "EXCHANGE_ZONE",
    "Listed",
    "Run",
    "Session",
    "exchange_day",
    "last_runs",
    "next_run",
    "run_time",
    "runs_of",
    "session_on",
    "trading_days",
]

EXCHANGE_ZONE = ZoneInfo("Asia/Kolkata")


class Listed(Protocol):
    """A share, as far as its hours matter."""

    @property
    def closing_auction(self) -> bool:
        """Whether its close is found in the closing auction: all shares with listed derivatives."""


T = TypeVar("T", bound=Listed)


@dataclass(frozen=True)
class Session:
    """One trading day.

    Attributes
    ----------
    day : date
    open, close : datetime
        Of continuous trading, aware, in Asia/Kolkata; of a share without closing auction.
    auction : datetime or None
        When continuous trading ends for shares with a closing auction, and stop orders are not accepted any more; None: as for all others.
    name : str
        Of a special session, else empty.
    """

    day: date
    open: datetime
    close: datetime
    auction: datetime | None = None
    name: str = ""

    def last_entry(self, instrument: Listed) -> datetime:
        """Give the end of continuous trading of a share: from then on a buy with a stop order is not possible."""
        return self.auction if self.auction and instrument.closing_auction else self.close

    @property
    def is_short(self) -> bool:
        """Whether it is no full day (Muhurat); the bot does not run in it."""
        return self.close - self.open < timedelta(hours=3)


@dataclass(frozen=True)
class Run(Generic[T]):
    """One run of the bot: it may begin from ``moment`` on, and sends nothing at ``deadline`` or after.

    Attributes
    ----------
    moment, deadline : datetime
    session : Session
    instruments : tuple
        Those whose last entry is the deadline.
    """

    moment: datetime
    deadline: datetime
    session: Session
    instruments: tuple[T, ...]

    def is_open(self, now: datetime) -> bool:
        """Whether entries may be sent now; to be asked again before every one."""
        return self.moment <= _aware(now) < self.deadline


def _aware(moment: datetime) -> datetime:
    """Give a moment in the exchange's zone; one without a zone could be anything."""
    if moment.utcoffset() is None:
        raise InputError(f"{moment.isoformat()} has no time zone; give an aware datetime")
    return moment.astimezone(EXCHANGE_ZONE)


def exchange_day(now: datetime) -> date:
    """Give the date at the exchange."""
    return _aware(now).date()


def session_on(day: date) -> Session | None:
    """Give the session of a day, None if there is no trading.

    Raises
    ------
    SessionError
        The day is outside the table, or has a session at times that are not known.
    """
    _require_known(day)
    if day in nse.UNTIMED:
        raise SessionError(f"{day}: {nse.UNTIMED[day]}; its times are not in live/nse.py, so the bot does not run")
    if day in nse.SPECIAL:
        begin, end, name = nse.SPECIAL[day]
    elif day.weekday() >= 5 or day in nse.HOLIDAYS:
        return None
    else:
        begin, end, name = nse.OPEN, nse.CLOSE, ""
    auction = nse.AUCTION if day >= nse.AUCTION_SINCE and end > nse.AUCTION > begin else None
    return Session(day, _at(day, begin), _at(day, end), _at(day, auction) if auction else None, name)


def _at(day: date, hour: time) -> datetime:
    """Put a day and a time of the exchange together."""
    return datetime.combine(day, hour, EXCHANGE_ZONE)


def _require_known(day: date) -> None:
    """Refuse a day that nobody has typed in."""
    if not nse.FIRST_DAY <= day <= nse.LAST_DAY:
        raise SessionError(
            f"{day} is outside the session table, which goes from {nse.FIRST_DAY} to {nse.LAST_DAY}; "
            "add NSE's list of that year to live/nse.py"
        )


def trading_days(first: date, last: date) -> list[date]:
    """Give the days with a daily bar, short sessions and those without known times included.

    Raises
    ------
    SessionError
        One end is outside the table.
    """
    _require_known(first)
    _require_known(last)
    days = (first + timedelta(days=i) for i in range((last - first).days + 1))
    return [day for day in days if day in nse.UNTIMED or session_on(day)]


def run_time(instrument: Listed, session: Session, before: timedelta) -> datetime:
    """Give the moment at which the bot runs for a share, so long before its last entry.

    Raises
    ------
    InputError
        That is no time at all, or before the session opens.
    """
    moment = session.last_entry(instrument) - before
    if before <= timedelta(0) or moment < session.open:
        raise InputError(f"a run {before} before the last entry is not within the session of {session.day}")
    return moment


def _runs(session: Session, instruments: Sequence[T], before: timedelta) -> Iterator[Run[T]]:
    """Give the runs of a day in order: shares with a closing auction may come before the others."""
    for deadline in sorted({session.last_entry(instrument) for instrument in instruments}):
        group = tuple(instrument for instrument in instruments if session.last_entry(instrument) == deadline)
        yield Run(run_time(group[0], session, before), deadline, session, group)


def runs_of(day: date, instruments: Sequence[T], before: timedelta) -> list[Run[T]]:
    """Give the runs of a day, none on days without a full session at known times."""
    if day in nse.UNTIMED:
        return []
    session = session_on(day)
    return [] if session is None or session.is_short else list(_runs(session, instruments, before))


def next_run(now: datetime, instruments: Sequence[T], before: timedelta) -> Run[T]:
    """Give the first run whose moment has not passed: after it, even by a second, it is the next one.

    Raises
    ------
    InputError
        There are no instruments, ``now`` has no zone, or ``before`` is not within a session.
    SessionError
        The table ends before there is one.
    """
    if not instruments:
        raise InputError("there is nothing to run for; name at least one instrument")
    here = _aware(now)
    day = here.date()
    while True:
        _require_known(day)
        for run in runs_of(day, instruments, before):
            if run.moment >= here:
                return run
        day += timedelta(days=1)


def last_runs(now: datetime, instruments: Sequence[T], before: timedelta) -> list[Run[T]]:
    """Give the runs of the last session that has begun, as if it were their time: for looking, not for sending.

    Raises
    ------
    InputError
        ``now`` has no zone, or ``before`` is not within a session.
    SessionError
        The table begins after it.
    """
    here = _aware(now)
    day = here.date()
    while True:
        runs = [run for run in runs_of(day, instruments, before) if run.session.open <= here]
        if runs:
            return [replace(run, moment=here, deadline=here + timedelta(days=1)) for run in runs]
        day -= timedelta(days=1)
        _require_known(day)
