"""NSE's days and hours, and when the bot runs."""

import subprocess
import sys
import warnings
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InputError
from live import nse
from live.errors import SessionError
from live.sessions import (
    EXCHANGE_ZONE,
    exchange_day,
    last_runs,
    next_run,
    run_time,
    session_on,
    trading_days,
)

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Share:
    symbol: str
    closing_auction: bool


RELIANCE, SMALL = Share("RELIANCE", True), Share("SMALL", False)
FIVE = timedelta(minutes=5)
days = st.dates(nse.FIRST_DAY, nse.LAST_DAY)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=EXCHANGE_ZONE)


# The table


def test_2026_has_the_sixteen_holidays_of_the_list():
    closed = {day for day in nse.HOLIDAYS if day.year == 2026}
    assert len(closed) == 16
    assert all(session_on(day) is None for day in closed)


def test_holidays_are_weekdays_within_the_table():
    assert all(day.weekday() < 5 and nse.FIRST_DAY <= day <= nse.LAST_DAY for day in nse.HOLIDAYS)


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2026, 11, 23), ("09:15", "15:30")),
        (date(2025, 2, 1), ("09:15", "15:30")),  # Saturday
        (date(2026, 2, 1), ("09:15", "15:30")),  # Sunday
        (date(2025, 10, 21), ("13:45", "14:45")),  # Muhurat
    ],
)
def test_hours(day, hours):
    session = session_on(day)
    assert (f"{session.open:%H:%M}", f"{session.close:%H:%M}") == hours
    assert session.open.utcoffset() == timedelta(hours=5, minutes=30)


@pytest.mark.parametrize("day", [date(2026, 11, 22), date(2026, 11, 24), date(2025, 10, 22)])
def test_no_session(day):
    assert session_on(day) is None


@pytest.mark.parametrize("day", [date(2024, 12, 31), date(2027, 1, 1), date(2026, 11, 8)])
def test_nothing_is_guessed(day):
    with pytest.raises(SessionError, match=str(day)):
        session_on(day)


def test_agrees_with_exchange_calendars():
    calendars = pytest.importorskip("exchange_calendars")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        calendar = calendars.get_calendar("XBOM", start=str(nse.FIRST_DAY), end=str(nse.LAST_DAY))
        theirs = {day.date() for day in calendar.sessions}
    ours = set(trading_days(nse.FIRST_DAY, nse.LAST_DAY))
    known = {
        date(2025, 10, 21),  # Muhurat: it has none
        date(2026, 2, 1),  # Sunday of the Union Budget: it does not have it
        date(2026, 11, 8),  # Muhurat
    }
    # Saturday 2025-02-01 is in its list, but 4.13.2 loses it under pandas 3.
    assert ours - theirs - {date(2025, 2, 1)} == known
    assert theirs - ours == set()


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-11-23T11:00", date(2026, 11, 23)),
        ("2026-11-23T09:00", date(2026, 11, 20)),  # before it opens
        ("2026-11-22T12:00", date(2026, 11, 20)),  # Sunday
        ("2026-11-24T12:00", date(2026, 11, 23)),  # a holiday
        ("2026-11-23T23:00", date(2026, 11, 23)),
    ],
)
def test_the_last_session_that_has_begun(now, day):
    runs = last_runs(at(now), [RELIANCE, SMALL], FIVE)
    assert {run.session.day for run in runs} == {day}
    assert [share for run in runs for share in run.instruments] == [RELIANCE, SMALL]
    assert all(run.is_open(at(now)) for run in runs)


# The closing auction


def test_the_closing_auction_begins_on_its_day():
    before, after = session_on(date(2026, 7, 31)), session_on(date(2026, 8, 3))
    assert before.last_entry(RELIANCE) == at("2026-07-31T15:30")
    assert after.last_entry(RELIANCE) == at("2026-08-03T15:15")
    assert after.last_entry(SMALL) == after.close == at("2026-08-03T15:30")


def test_15_28_is_refused_for_a_share_with_a_closing_auction():
    run = next_run(at("2026-11-23T09:00"), [RELIANCE], FIVE)
    assert run.moment == at("2026-11-23T15:10")
    assert not run.is_open(at("2026-11-23T15:28"))
    assert not run.is_open(at("2026-11-23T15:15"))
    assert run.is_open(at("2026-11-23T15:14:59"))
    assert run.is_open(run.moment)
    assert not run.is_open(run.moment - timedelta(seconds=1))


# When the bot runs


def test_one_day_has_two_runs_for_both_kinds():
    first = next_run(at("2026-11-23T09:00"), [RELIANCE, SMALL], FIVE)
    second = next_run(at("2026-11-23T15:10:01"), [RELIANCE, SMALL], FIVE)
    assert (first.moment, first.instruments) == (at("2026-11-23T15:10"), (RELIANCE,))
    assert (second.moment, second.instruments) == (at("2026-11-23T15:25"), (SMALL,))


def test_a_late_start_waits_for_the_next_session():
    late = at("2026-11-23T15:10:00.000001")
    assert next_run(late, [RELIANCE], FIVE).moment == at("2026-11-25T15:10")  # the 24th is a holiday


def test_special_sessions():
    assert next_run(at("2026-01-31T08:00"), [SMALL], FIVE).moment == at("2026-02-01T15:25")
    assert next_run(at("2025-10-20T16:00"), [SMALL], FIVE).moment == at("2025-10-23T15:25")  # not in Muhurat
    assert next_run(at("2026-11-08T08:00"), [SMALL], FIVE).moment == at("2026-11-09T15:25")


def test_the_end_of_the_table_is_an_error():
    assert next_run(at("2026-12-31T15:25"), [SMALL], FIVE).moment == at("2026-12-31T15:25")
    with pytest.raises(SessionError, match="2027-01-01 is outside the session table"):
        next_run(at("2026-12-31T15:25:01"), [SMALL], FIVE)


@pytest.mark.parametrize("before", [timedelta(0), -FIVE, timedelta(hours=7)])
def test_a_run_lies_within_the_session(before):
    with pytest.raises(InputError, match="not within the session"):
        run_time(SMALL, session_on(date(2026, 11, 23)), before)


def test_a_run_may_be_at_the_open():
    session = session_on(date(2026, 11, 23))
    assert run_time(SMALL, session, session.close - session.open) == session.open


def test_moments_without_a_zone_and_empty_lists_are_refused():
    with pytest.raises(InputError, match="no time zone"):
        next_run(datetime(2026, 11, 23, 9), [SMALL], FIVE)  # noqa: DTZ001
    with pytest.raises(InputError, match="at least one instrument"):
        next_run(at("2026-11-23T09:00"), [], FIVE)


@settings(deadline=None)
@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    st.integers(1, 120),
    st.lists(st.booleans(), min_size=1, max_size=4),
)
def test_a_run_is_never_late_and_never_in_the_auction(now, minutes, kinds):
    shares = [Share(str(i), kind) for i, kind in enumerate(kinds)]
    run = next_run(now, shares, timedelta(minutes=minutes))
    assert run.moment >= now
    assert run.session.open <= run.moment < run.deadline <= run.session.close
    assert all(run.session.last_entry(share) == run.deadline for share in run.instruments)
    assert exchange_day(run.moment) == run.session.day
    assert all(session_on(day) is None or session_on(day).is_short for day in between(exchange_day(now), run))


def between(first, run):
    passed = [first + timedelta(days=i) for i in range(1, (run.session.day - first).days)]
    return [day for day in passed if day not in nse.UNTIMED]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_the_machines_zone_makes_no_difference(zone):
    program = """
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from live.sessions import exchange_day, next_run
now = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)  # 23rd at the exchange, 22nd in New York
run = next_run(now.astimezone(), [SimpleNamespace(closing_auction=True)], timedelta(minutes=5))
print(time.tzname[0], exchange_day(now.astimezone()), run.moment.astimezone(UTC).isoformat(), run.moment.isoformat())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={"TZ": zone}, capture_output=True, text=True, check=True
    )
    name, *rest = done.stdout.split()
    assert name == {"UTC": "UTC", "America/New_York": "EST", "Asia/Kolkata": "IST"}[zone]
    assert rest == ["2026-11-23", "2026-11-23T09:40:00+00:00", "2026-11-23T15:10:00+05:30"]
