"""The command that sells everything: entries are halted before anything else, so that nothing is bought back; then journal and lock as for a run."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import InputError
from live.halting import halt
from live.journal import JournalRecorder, state_of
from live.logs import open_log
from live.runner import Status
from live.scheduler import Clock, SystemClock
from live.schema import Config, Instrument
from live.selling import Flattener, is_open
from live.service import Say, broker_of, in_the_journal, open_journal
from live.sessions import exchange_day, session_on

__all__ = ["flatten_now"]


async def flatten_now(
    config: Config, account: str, symbols: Sequence[str], *, send: bool, say: Say, clock: Clock | None = None
) -> int:
    """Sell what the bot's shares hold; give the exit status.

    Parameters
    ----------
    config : Config
    account : str
    symbols : sequence of str
        Only these; empty for all.
    send : bool
        False: it is said what would be done, and nothing is changed.
    say : callable
    clock : Clock or None

    Raises
    ------
    InputError
        A symbol is not in the configuration.
    OutputError
        Entries cannot be halted.
    JournalError, SessionError
    """
    clock = clock or SystemClock()
    shares = _chosen(config, symbols)
    with open_log(say, account, clock.now, config.paths.log) as log:
        if send:
            halt(config.paths.halt, f"flattened by command on {exchange_day(clock.now())}")
            log.say(f"Entries are halted, so nothing is bought back: {config.paths.halt} exists until resume.")
        session = session_on(exchange_day(clock.now()))
        if session is None or not any(is_open(session, share, clock) for share in shares):
            log.say("The exchange takes no orders with stops now, so nothing can be sold. Stops stay as they are.")
            return int(Status.REFUSED)
        with open_journal(config, account, clock) as journal:
            known = state_of(journal.events())
            recorder = JournalRecorder(journal, known)
            broker = broker_of(config, account, recorder, log)
            work = Flattener(broker, recorder, clock, config, known, send=send)
            about = {"send": send, "shares": [share.symbol for share in shares], "command": "flatten"}
            return await in_the_journal(journal, log, about, work.run(shares, session))


def _chosen(config: Config, symbols: Sequence[str]) -> list[Instrument]:
    """Give the shares that are named, all if none is."""
    known = {share.symbol: share for share in config.instruments}
    for symbol in symbols:
        if symbol not in known:
            raise InputError(f"{symbol} is not in the configuration; known are {', '.join(known)}")
    return [known[symbol] for symbol in dict.fromkeys(symbols)] if symbols else list(config.instruments)
