"""Waiting by a clock that is set, and the check of the clock."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InputError
from live import scheduler
from live.errors import ClockError
from live.scheduler import SystemClock, clock_skew, require_clock, wait_until
from live.sessions import next_run

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class FakeClock:
    """Sleeping takes the time that it says, and ``jumps`` (at second of the timer -> seconds) set the wall clock."""

    def __init__(self, jumps=()):
        self.timer, self.offset, self.jumps = 0.0, 0.0, sorted(jumps)
        self.sleeps = []

    def now(self):
        return START + timedelta(seconds=self.timer + self.offset)

    def elapsed(self):
        return self.timer

    async def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.timer += seconds
        while self.jumps and self.jumps[0][0] <= self.timer:
            self.offset += self.jumps.pop(0)[1]


def wait(moment, clock):
    return asyncio.run(wait_until(moment, clock))


def test_waits_in_slices_until_the_moment():
    clock = FakeClock()
    done = wait(START + timedelta(seconds=50), clock)
    assert clock.sleeps == [20.0, 20.0, 10.0]
    assert (done.arrived, done.late, done.steps) == (START + timedelta(seconds=50), timedelta(0), ())


def test_a_moment_that_has_passed_is_told_as_late():
    done = wait(START - timedelta(minutes=3), FakeClock())
    assert (done.late, done.steps) == (timedelta(minutes=3), ())


def test_a_clock_set_forward_over_the_moment():
    done = wait(START + timedelta(hours=1), FakeClock([(100, 7200)]))
    assert done.late == timedelta(seconds=100 + 7200 - 3600)
    assert [step.by for step in done.steps] == [timedelta(hours=2)]
    assert str(done.steps[0]) == "the clock went forward by 7200 s before 2026-11-23 11:01:40 UTC"


def test_a_clock_set_back_is_waited_for():
    clock = FakeClock([(100, -600)])
    done = wait(START + timedelta(seconds=300), clock)
    assert clock.timer == 900
    assert [step.by for step in done.steps] == [timedelta(seconds=-600)]
    assert "went back by 600 s" in str(done.steps[0])


def test_many_small_corrections_are_one_step():
    done = wait(START + timedelta(hours=1), FakeClock([(100 * i, 7) for i in range(1, 10)]))
    assert [step.by for step in done.steps] == [timedelta(seconds=63)]


def test_a_small_correction_is_nothing():
    assert wait(START + timedelta(hours=1), FakeClock([(100, scheduler.STEP)])).steps == ()


@settings(deadline=None)
@given(
    st.floats(-100, 5000),
    st.lists(st.tuples(st.floats(0, 5000), st.floats(-900, 900)), max_size=5),
)
def test_never_ends_before_the_moment(seconds, jumps):
    moment = START + timedelta(seconds=seconds)
    done = wait(moment, FakeClock(jumps))
    assert done.arrived >= moment
    assert done.late == done.arrived - moment


def test_the_system_clock():
    clock = SystemClock()
    moment = clock.now() + timedelta(milliseconds=20)
    done = wait(moment, clock)
    assert clock.now() >= done.arrived >= moment
    assert done.steps == ()


def test_moments_need_a_zone():
    naive = START.replace(tzinfo=None)
    with pytest.raises(InputError, match="no time zone"):
        wait(naive, FakeClock())
    with pytest.raises(InputError, match="no time zone"):
        clock_skew(START, naive)


def test_skew():
    most = timedelta(seconds=5)
    assert clock_skew(START, START + timedelta(seconds=90)) == timedelta(seconds=90)
    assert require_clock(START, START - most, most) == -most
    with pytest.raises(ClockError, match="90 s ahead of the broker's, 5 s are allowed"):
        require_clock(START, START + timedelta(seconds=90), most)
    with pytest.raises(ClockError, match="6 s behind the broker's"):
        require_clock(START, START - timedelta(seconds=6), most)


def test_a_machine_that_slept_through_the_window_does_not_run():
    share = SimpleNamespace(closing_auction=True)
    run = next_run(START, [share], timedelta(minutes=5))  # 09:40 UTC, until 09:45
    done = wait(run.moment, FakeClock([(600, 2400)]))
    assert done.steps
    assert not run.is_open(done.arrived)
    punctual = wait(run.moment, FakeClock())
    assert run.is_open(punctual.arrived)
