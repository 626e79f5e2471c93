"""One run of the bot: connect, find out what is, decide with the engine's kernels, act, and say truthfully what became of it.

::

    connect -> truth -> pin, bars, reading of every share -> protect what is held -> leave -> enter -> truth again

Nothing is sent in a dry run. A share of which anything is doubtful is skipped, with the reason; what is held of it keeps its stop, and is an alarm if it has none.
Shares are looked at, left and entered at the same time, each by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import IntEnum

from engine.errors import GoldencrossError
from live.acting import Actor, Patience, Recorder, Result
from live.asking import at_the_same_time
from live.bars import bars_that_count, history_of
from live.broker import Broker
from live.decision import Reading, read_last_bar
from live.entries import Chosen, Entries, Refused, stop_of
from live.errors import BrokerError, ClockError, ListingError, RefusedError
from live.facts import DayBar, OrderRequest, Pinned, Truth, order_reference
from live.journal.state import State
from live.plan import Wish, wish
from live.pricing import sell_limit
from live.protection import cover_of
from live.scheduler import Clock, require_clock
from live.schema import Instrument
from live.sessions import Run
from live.strategy import Guard, Strategy

__all__ = ["AT_ONCE", "MOST_SKEW", "Report", "Runner", "Status"]

MOST_SKEW = timedelta(seconds=60)
"""Between this clock and the broker's; beyond, nothing is traded."""
AT_ONCE = 20
"""Shares that are asked about at the same time; the broker answers 50 requests for bars at once, and refuses more."""


class Status(IntEnum):
    """How a run ended; also the exit status of the command."""

    DONE = 0
    SKIPPED = 1  # some shares were not looked at, for a reason that is said
    REFUSED = 2  # nothing was done: configuration, journal, session
    ALARM = 3  # somebody has to look
    UNREACHABLE = 4  # the gateway cannot be reached, or was lost


@dataclass
class Report:
    """What a run came to: a status, and what is said."""

    status: Status = Status.DONE
    lines: list[str] = field(default_factory=list)

    def say(self, line: str, status: Status = Status.DONE) -> None:
        """Add a line; the worst status stays."""
        self.lines.append(line)
        self.status = max(self.status, status)


class Runner:
    """Runs the bot once.

    Parameters
    ----------
    broker : Broker
    recorder : Recorder
    clock : Clock
    strategy : Strategy
    send : bool
        False: nothing is sent, only said.
    patience : Patience or None
    known : State or None
        What the journal knows of earlier runs: what was sent is not sent again, whatever became of it, and its numbers are not used again.
    guard : Guard or None
        Limits of the day and the halt file.
    """

    def __init__(
        self,
        broker: Broker,
        recorder: Recorder,
        clock: Clock,
        strategy: Strategy,
        *,
        send: bool = False,
        patience: Patience | None = None,
        known: State | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._broker, self._clock, self._strategy, self._send = broker, clock, strategy, send
        self._recorder, self._known, self._guard = recorder, known or State(), guard
        self._patience = patience or Patience()
        self._seen: list[tuple[Pinned, Reading, DayBar]] = []
        self._listings = dict(self._known.listings)  # the broker's numbers of the shares, by symbol
        self._actor = Actor(broker, recorder, clock.sleep, clock.elapsed, self._patience, self._known.intents)

    async def run(self, window: Run[Instrument]) -> Report:
        """Run once for the shares of a window; never raises what can go wrong at a broker."""
        report = Report()
        try:
            await self._broker.connect()
        except BrokerError as error:
            worst = Status.REFUSED if isinstance(error, RefusedError) else Status.UNREACHABLE
            report.say(f"{error}. Nothing was sent.".replace("?.", "?"), worst)
            return report
        try:
            await self._run(window, report)
        except BrokerError as error:
            report.say(f"The run was broken off: {error}.", Status.UNREACHABLE)
            self._recorder.alarm(None, str(error))
        finally:
            self._broker.disconnect()
        return report

    async def _run(self, window: Run[Instrument], report: Report) -> None:
        try:
            skew = require_clock(await self._broker.server_time(), self._clock.now(), MOST_SKEW)
        except ClockError as error:
            report.say(f"Nothing is traded: {error}.", Status.REFUSED)
            return
        self._broker.step("clock", f"This clock and the broker's differ by {abs(skew.total_seconds()):.1f} seconds.")
        self._broker.raise_id_floor(self._known.highest_number + 1)
        truth = await self._actor.truth()
        wishes = await self._look(window.instruments, window.session.day, truth, report)
        await at_the_same_time(self._protect(one, truth, report) for one in wishes)
        entering = [one for one in wishes if one.step == "enter"]
        equity = await self._equity(entering)
        await at_the_same_time(self._leave(one, window, report) for one in wishes if one.step == "leave")
        await self._enter(entering, equity, window, report)
        await self._close(window.instruments, wishes, report)

    async def _look(self, instruments: Sequence[Instrument], day: date, truth: Truth, report: Report) -> list[Wish]:
        """Read every share; those of which anything is doubtful are skipped."""
        room = asyncio.Semaphore(AT_ONCE)

        async def look(share: Instrument) -> tuple[Wish | None, str, Status]:
            async with room:
                try:
                    return await self._read(share, day, truth), "", Status.DONE
                except GoldencrossError as error:
                    if not self._broker.is_connected:
                        raise
                    # A listing that is not the configured one stays so until somebody looks; bars may be there tomorrow.
                    worst = Status.ALARM if isinstance(error, ListingError) else Status.SKIPPED
                    return None, str(error), worst

        wishes, found = [], await at_the_same_time(map(look, instruments))
        self._recorder.read(self._seen)
        for share, (one, doubt, worst) in zip(instruments, found, strict=True):
            if one is None:
                report.say(f"Skipped {share.symbol}: {doubt}.".replace("..", "."), worst)
                if worst is Status.ALARM:
                    self._recorder.alarm(None, f"{share.symbol} was skipped: {doubt}")
                continue
            self._say_if_gone(one, truth, report)
            report.say(f"{share.symbol}: {one.reason}.")
            wishes.append(one)
        return wishes

    async def _read(self, share: Instrument, day: date, truth: Truth) -> Wish:
        """Pin a share, get its bars, and decide.

        Raises
        ------
        BrokerError, DataError
        """
        strategy = self._strategy
        pinned = await self._broker.pin(share.isin, share.symbol, share.exchange, share.currency)
        self._listings[share.symbol] = pinned.con_id
        bars = await self._broker.daily_bars(pinned)
        least = strategy.slow + strategy.stop.atr_window
        clean = bars_that_count(strategy.slow, strategy.stop)
        history = history_of(share.symbol, share.currency, bars, day, least, clean)
        reading = read_last_bar(history, strategy.fast, strategy.slow, strategy.stop)
        self._seen.append((pinned, reading, bars[-2]))
        return wish(pinned, reading, cover_of(truth, pinned.con_id))

    def _say_if_gone(self, one: Wish, truth: Truth, report: Report) -> None:
        """Say that what was held at the last run is not held any more."""
        cover = cover_of(truth, one.pinned.con_id)
        if self._known.held.get(one.pinned.symbol, (0.0, 0.0))[0] > 0 and cover.held == 0:
            symbol = one.pinned.symbol
            report.say(f"{symbol}: held at the last run and not any more; its stop, or somebody, has sold it.")
            self._recorder.protection(one.pinned, cover)

    async def _protect(self, one: Wish, truth: Truth, report: Report) -> None:
        """See that what is held is under stops, before anything else is done."""
        cover = cover_of(truth, one.pinned.con_id)
        if cover.is_exact:
            return
        if not self._send:
            self._alarm(f"{one.pinned.symbol}: {cover.fault}; a run that sends would mend it", report)
            return
        if not one.reading.distance > 0:
            self._alarm(f"{one.pinned.symbol}: {cover.fault}, and the distance of a stop is not known", report)
            return
        result = await self._actor.protect(one.pinned, stop_of(one, one.reading.close, "repair"))
        report.say(f"{one.pinned.symbol}: {result.text}", Status.DONE if result.done else Status.ALARM)

    async def _leave(self, one: Wish, window: Run[Instrument], report: Report) -> None:
        """Sell what a death cross asks to be sold."""
        price = sell_limit(one.reading.close * (1 - self._strategy.below), one.pinned.market_rule)
        if not self._send:
            report.say(f"Would sell {one.pinned.symbol} at {price:g} or better.")
            return
        reference = order_reference(window.session.day, one.pinned.symbol, "exit")
        sale, stop = (
            OrderRequest(reference, "SELL", "LMT", 0.0, limit=price),
            stop_of(one, one.reading.close, "after-exit"),
        )
        left = (window.deadline - self._clock.now()).total_seconds()
        result = await self._actor.leave(one.pinned, sale, stop, left)
        _say_result(result, report)

    async def _equity(self, entering: Sequence[Wish]) -> float | None:
        """Ask for the equity before anything is sold, by which ``engine.portfolio`` sizes, too; none if nothing is to be bought, or it is not known."""
        try:
            return (await self._broker.funds(entering[0].pinned.currency)).equity if entering else None
        except BrokerError:
            if not self._broker.is_connected:
                raise
            return None

    async def _enter(
        self, wishes: Sequence[Wish], equity: float | None, window: Run[Instrument], report: Report
    ) -> None:
        """Buy what golden crosses ask for, if everything allows it."""
        chosen = []
        for one in await self._choose(wishes, equity, window):
            if isinstance(one, Refused):
                report.say(one.text, Status.DONE if one.is_dull else Status.SKIPPED)
            elif self._send:
                chosen.append(one.bracket)
            else:
                report.say(one.text)
        if chosen:
            left = (window.deadline - self._clock.now()).total_seconds() - self._patience.confirm
            for result in await self._actor.enter(chosen, left):
                _say_result(result, report)

    async def _choose(
        self, wishes: Sequence[Wish], equity: float | None, window: Run[Instrument]
    ) -> Sequence[Chosen | Refused]:
        """Choose among the entries; all of them are refused if something is wrong with the time, the gateway or the account."""
        if not wishes:
            return []
        try:
            truth, funds = await self._actor.truth(), await self._broker.funds(wishes[0].pinned.currency)
            reason = self._obstacle(window)
            if not reason:
                known, guard, day = self._known, self._guard, window.session.day
                entries = Entries(self._strategy, window.instruments, day, known, guard, self._recorder)
                return entries.choose(wishes, truth, replace(funds, equity=equity or funds.equity))
        except GoldencrossError as error:
            if not self._broker.is_connected:
                raise
            reason = str(error)
        return [Refused(f"{one.pinned.symbol}: not bought, {reason}.") for one in wishes]

    def _obstacle(self, window: Run[Instrument]) -> str:
        """Say why nothing may be bought now, if so."""
        if not window.is_open(self._clock.now()):
            return "the time for entries is over"
        if not self._broker.link_is_up:
            return "the gateway has lost its line to the broker"
        if self._broker.unknown_codes:
            return f"the gateway said something that is not understood: code {self._broker.unknown_codes[0]}"
        return ""

    def _alarm(self, text: str, report: Report) -> None:
        """Say, and write, what somebody has to look at."""
        report.say(f"{text}.", Status.ALARM)
        self._recorder.alarm(None, text)

    async def _close(self, instruments: Sequence[Instrument], wishes: Sequence[Wish], report: Report) -> None:
        """Ask for everything once more, and judge by that, also of shares that were skipped."""
        truth = await self._actor.truth()
        for one in wishes:
            self._recorder.protection(one.pinned, cover_of(truth, one.pinned.con_id))
        for symbol in (share.symbol for share in instruments if share.symbol in self._listings):
            cover = cover_of(truth, self._listings[symbol])
            if not cover.is_exact:
                self._alarm(f"{symbol}: {cover.fault}", report)
        held = sum(1 for quantity in truth.positions.values() if quantity)
        report.say(
            f"{held} position{'s' * (held != 1)} held after the run, {len([o for o in truth.orders if o.is_live])} live orders."
        )


def _say_result(result: Result, report: Report) -> None:
    worst = Status.SKIPPED if result.refused else Status.DONE
    report.say(result.text, worst if result.done else Status.ALARM)
