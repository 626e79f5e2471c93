"""The bot as its command runs it: journal and lock first, then one run, or one run after the other."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from engine.errors import GoldencrossError
from live.broker import Broker
from live.errors import JournalError, SessionError
from live.facts import Door, Message
from live.journal import Journal, JournalRecorder, only_bot_of, single_instance, state_of
from live.limits import Limits
from live.logs import Log, open_log
from live.runner import Report, Runner, Status
from live.scheduler import Clock, SystemClock, wait_until
from live.schema import Config, Instrument
from live.sessions import Run, exchange_day, last_runs, next_run, runs_of
from live.strategy import Guard, Strategy

__all__ = ["Say", "broker_of", "in_the_journal", "open_journal", "run_now", "stay_up"]

Say = Callable[[str], None]
_RETRY = timedelta(minutes=2)


async def run_now(
    config: Config, account: str, *, send: bool, say: Say, any_time: bool = False, clock: Clock | None = None
) -> int:
    """Run once for the shares whose time it is now; give the exit status.

    Parameters
    ----------
    config : Config
    account : str
    send : bool
    say : callable
    any_time : bool
        Look at all shares, whatever the time is, on the last session that has begun; only without ``send``.
    clock : Clock or None

    Raises
    ------
    JournalError, SessionError
    """
    clock = clock or SystemClock()
    with open_log(say, account, clock.now, config.paths.log) as log:
        today = exchange_day(clock.now())
        if any_time:
            windows = last_runs(clock.now(), config.instruments, config.run.before)
            if windows[0].session.day != today:
                log.say(f"There is no session now. This is what the last one, on {windows[0].session.day}, asks for.")
        else:
            runs = runs_of(today, config.instruments, config.run.before)
            windows = [window for window in runs if window.is_open(clock.now())]
        if not windows:
            log.say("It is not the time of a run: nothing was done.")
            return int(Status.REFUSED)
        with open_journal(config, account, clock) as journal:
            bot = _Bot(config, account, journal, clock, log, send=send and not any_time)
            return max([await bot.run(window) for window in windows])


async def stay_up(config: Config, account: str, *, send: bool, say: Say, clock: Clock | None = None) -> int:
    """Wait for every run, and run; ends only where the session table ends, or when it is stopped.

    A gateway that is out of reach is tried again until the time for entries is over: it restarts every night, and on Sundays it waits for its owner.

    Raises
    ------
    JournalError
    """
    clock = clock or SystemClock()
    with (
        open_log(say, account, clock.now, config.paths.log) as log,
        open_journal(config, account, clock) as journal,
    ):
        bot = _Bot(config, account, journal, clock, log, send=send)
        after = clock.now()
        while True:
            try:
                window = next_run(max(after, clock.now()), config.instruments, config.run.before)
            except SessionError as error:
                log.say(f"The bot stops: {error}")
                return int(Status.REFUSED)
            log.say(f"The next run is at {window.moment:%Y-%m-%d %H:%M} at the exchange, for {_names(window)}.")
            after = window.moment + timedelta(seconds=1)  # not twice, however quick the run is
            waited = await wait_until(window.moment, clock)
            for step in waited.steps:
                journal.append("said", {"text": str(step)})
                log.say(f"{step}.", "clock")
            if window.is_open(waited.arrived):
                await bot.run_until_reached(window)
                continue
            minutes = waited.late.total_seconds() / 60
            missed = f"The run at {window.moment:%Y-%m-%d %H:%M} was missed by {minutes:.0f} minutes: nothing was done"
            journal.append("alarm", {"text": missed})
            log.say(f"{missed}.")


@contextmanager
def open_journal(config: Config, account: str, clock: Clock) -> Iterator[Journal]:
    """Take the locks of journal and account, and open the journal; all go at the end.

    Raises
    ------
    JournalError
    """
    with single_instance(config.paths.journal), only_bot_of(account):
        journal = Journal(config.paths.journal, clock=clock.now)
        try:
            yield journal
        finally:
            journal.close()


def broker_of(config: Config, account: str, recorder: JournalRecorder, log: Log) -> Broker:
    """Give a broker that tells journal and log what it hears."""
    gateway = config.gateway
    door = Door(
        gateway.host,
        gateway.port,
        gateway.client_id,
        account,
        gateway.connect_seconds,
        gateway.answer_seconds,
        gateway.bars_seconds,
    )

    def heard(message: Message) -> None:
        log.heard(message)
        recorder.heard(message)

    return Broker(door, heard, log.step)


@dataclass(frozen=True)
class _Bot:
    """What every run needs."""

    config: Config
    account: str
    journal: Journal
    clock: Clock
    log: Log
    send: bool

    async def run_until_reached(self, window: Run[Instrument]) -> None:
        """Run, and run again while the gateway is out of reach and there is time."""
        while True:
            status = await self.run(window)
            if status != Status.UNREACHABLE or not window.is_open(self.clock.now() + _RETRY):
                return
            self.log.step("retry", f"The next try is in {_RETRY.total_seconds() / 60:g} minutes.")
            await self.clock.sleep(_RETRY.total_seconds())

    async def run(self, window: Run[Instrument]) -> int:
        """Run once, with everything in the journal.

        Raises
        ------
        JournalError
            Nothing was sent at all; after orders it is an alarm.
        """
        config, journal = self.config, self.journal
        known = state_of(journal.events())
        recorder = JournalRecorder(journal, known)
        runner = Runner(
            broker_of(config, self.account, recorder, self.log),
            recorder,
            self.clock,
            Strategy.of(config),
            send=self.send,
            known=known,
            guard=Guard(Limits.of(config), config.paths.halt),
        )
        about = {"send": self.send, "shares": [share.symbol for share in window.instruments]}
        try:
            return await in_the_journal(journal, self.log, about, runner.run(window))
        except JournalError as error:
            if not recorder.has_intents:
                raise
            self.log.say(f"{error}. Orders were sent before it; somebody has to look.")
            return int(Status.ALARM)


async def in_the_journal(journal: Journal, log: Log, about: dict[str, Any], work: Coroutine[Any, Any, Report]) -> int:
    """Do something with its begin, its end and what it says in the journal; give the exit status.

    Raises
    ------
    JournalError
        Nothing was sent after it.
    """
    try:
        journal.append("run started", about)
        report = await work
    except JournalError:
        log.say(
            "It is broken off, because the journal cannot be written: nothing more is sent, stops at the broker stay."
        )
        raise
    except GoldencrossError as error:
        log.say(f"The run was broken off: {error}")
        journal.append("alarm", {"text": str(error)})
        return int(Status.ALARM)
    finally:
        work.close()
    for line in report.lines:
        log.say(line)
    for line in report.lines:  # afterwards: what cannot be written down is said all the same
        journal.append("said", {"text": line})
    journal.append("run ended", {"status": int(report.status)})
    return int(report.status)


def _names(window: Run[Instrument]) -> str:
    return ", ".join(share.symbol for share in window.instruments)
