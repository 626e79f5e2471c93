"""The bot as its command runs it: journal and lock first, then one run, or one run after the other."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from engine.errors import GoldencrossError
from live.broker import Broker
from live.errors import SessionError
from live.facts import Door
from live.journal import Journal, JournalError, JournalRecorder, single_instance, state_of
from live.limits import Limits
from live.runner import Runner, Status
from live.scheduler import Clock, SystemClock, wait_until
from live.schema import Config, Instrument
from live.sessions import Run, exchange_day, next_run, runs_of
from live.strategy import Guard, Strategy

__all__ = ["run_now", "stay_up"]

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
        Look at all shares, whatever the time is; only without ``send``.
    clock : Clock or None

    Raises
    ------
    JournalError, SessionError
    """
    clock = clock or SystemClock()
    today = runs_of(exchange_day(clock.now()), config.instruments, config.run.before)
    windows = [window for window in today if any_time or window.is_open(clock.now())]
    if not windows:
        say("It is not the time of a run: nothing was done.")
        return int(Status.REFUSED)
    with single_instance(config.paths.journal):
        journal = Journal(config.paths.journal, clock=clock.now)
        try:
            return max(
                [await _run(config, account, window, journal, clock, send and not any_time, say) for window in windows]
            )
        finally:
            journal.close()


async def stay_up(config: Config, account: str, *, send: bool, say: Say, clock: Clock | None = None) -> int:
    """Wait for every run, and run; ends only where the session table ends, or when it is stopped.

    A gateway that is out of reach is tried again until the time for entries is over: it restarts every night, and on Sundays it waits for its owner.
    """
    clock = clock or SystemClock()
    with single_instance(config.paths.journal):
        journal = Journal(config.paths.journal, clock=clock.now)
        try:
            while True:
                try:
                    window = next_run(clock.now(), config.instruments, config.run.before)
                except SessionError as error:
                    say(f"The bot stops: {error}")
                    return int(Status.REFUSED)
                say(f"The next run is at {window.moment:%Y-%m-%d %H:%M} at the exchange, for {_names(window)}.")
                waited = await wait_until(window.moment, clock)
                for step in waited.steps:
                    journal.append("said", {"text": str(step)})
                if not window.is_open(waited.arrived):
                    missed = f"The run at {window.moment:%Y-%m-%d %H:%M} was missed: it is {_late(waited.late)} late. Nothing was done"
                    journal.append("alarm", {"text": missed})
                    say(f"{missed}.")
                    continue
                await _until_reached(config, account, window, journal, clock, send, say)
        finally:
            journal.close()


async def _until_reached(
    config: Config, account: str, window: Run[Instrument], journal: Journal, clock: Clock, send: bool, say: Say
) -> None:
    """Run, and run again while the gateway is out of reach and there is time."""
    while True:
        status = await _run(config, account, window, journal, clock, send, say)
        if status != Status.UNREACHABLE or not window.is_open(clock.now() + _RETRY):
            return
        await clock.sleep(_RETRY.total_seconds())


async def _run(
    config: Config, account: str, window: Run[Instrument], journal: Journal, clock: Clock, send: bool, say: Say
) -> int:
    """Run once, with everything in the journal."""
    logging.getLogger("ib_async").setLevel(logging.CRITICAL)  # what it says to the console is in the journal
    known = state_of(journal.events())
    recorder = JournalRecorder(journal, known)
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
    guard = Guard(Limits.of(config), config.paths.halt)
    runner = Runner(
        Broker(door, recorder.heard),
        recorder,
        clock,
        Strategy.of(config),
        send=send,
        known=known,
        guard=guard,
    )
    journal.append("run started", {"send": send, "shares": [share.symbol for share in window.instruments]})
    try:
        report = await runner.run(window)
    except GoldencrossError as error:
        say(f"The run was broken off: {error}.")
        with suppress(JournalError):  # if the disk is full, it cannot be written either
            journal.append("alarm", {"text": str(error)})
        return int(Status.ALARM)
    for line in report.lines:
        say(line)
    try:
        for line in report.lines:
            journal.append("said", {"text": line})
        journal.append("run ended", {"status": int(report.status)})
    except JournalError as error:
        say(f"The end of the run is not in the journal: {error}.")
        return int(Status.ALARM)
    return int(report.status)


def _late(by: timedelta) -> str:
    minutes, seconds = divmod(int(by.total_seconds()), 60)
    return f"{minutes} min {seconds} s"


def _names(window: Run[Instrument]) -> str:
    return ", ".join(share.symbol for share in window.instruments)
