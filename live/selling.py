"""Selling everything that some shares hold: entries that are open are cancelled first, then each share is left as after a death cross.

Of a share, stop and sale are never live together, and never more is on sale than is held; what cannot be sold is under a stop again, and an alarm. All shares are
done at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from engine.errors import GoldencrossError
from engine.report.spoken import count
from live.acting import Actor, Patience
from live.asking import at_the_same_time
from live.broker import Broker
from live.errors import BrokerError, ClockError
from live.exits import Holding, exit_of
from live.facts import OrderRequest, Truth, WorkingOrder
from live.journal import JournalRecorder, State
from live.protection import cover_of
from live.runner import AT_ONCE, MOST_SKEW, Report, Status
from live.scheduler import Clock, require_clock
from live.schema import Config, Instrument
from live.sessions import Session

__all__ = ["Flattener", "is_open"]


def is_open(session: Session, share: Instrument, clock: Clock) -> bool:
    """Tell whether a sale, and if need be a stop, can be sent now."""
    return session.open <= clock.now() < session.last_entry(share)


class Flattener:
    """Sells once.

    Parameters
    ----------
    broker : Broker
    recorder : JournalRecorder
    clock : Clock
    config : Config
    known : State
    send : bool
    patience : Patience or None
    """

    def __init__(
        self,
        broker: Broker,
        recorder: JournalRecorder,
        clock: Clock,
        config: Config,
        known: State,
        *,
        send: bool,
        patience: Patience | None = None,
    ) -> None:
        self._broker, self._recorder, self._clock, self._config = broker, recorder, clock, config
        self._known, self._send, self._patience = known, send, patience or Patience()
        self._actor = Actor(broker, recorder, clock.sleep, clock.elapsed, self._patience, known.intents)
        self._client_id = 0

    async def run(self, shares: Sequence[Instrument], session: Session) -> Report:
        """Do it; never raises what can go wrong at a broker.

        Raises
        ------
        JournalError
        """
        report = Report()
        try:
            self._client_id = await self._broker.connect()
        except BrokerError as error:
            report.say(f"{error} Nothing was sold.", Status.UNREACHABLE)
            return report
        try:
            await self._run(shares, session, report)
        except BrokerError as error:
            report.say(f"It was broken off: {error}. Look at the broker.", Status.UNREACHABLE)
            self._recorder.alarm(None, str(error))
        finally:
            self._broker.disconnect()
        return report

    async def _run(self, shares: Sequence[Instrument], session: Session, report: Report) -> None:
        try:
            require_clock(await self._broker.server_time(), self._clock.now(), MOST_SKEW)
        except ClockError as error:
            report.say(f"Nothing is sold: {error}.", Status.REFUSED)
            return
        self._broker.raise_id_floor(self._known.highest_number + 1)
        truth = await self._actor.truth()
        limit = asyncio.Semaphore(AT_ONCE)
        found = await at_the_same_time(self._find(share, truth, limit, report) for share in shares)
        holdings = [one for one in found if one is not None]
        await at_the_same_time(self._flatten(one, session, report) for one in holdings if not one.is_flat)
        if self._send:
            await self._close(holdings, report)
        elif report.status == Status.DONE and all(one.is_flat for one in holdings):
            report.say(f"Nothing is held of {_names(holdings)}, and nothing is to be done.")
        else:
            report.say("This was a dry run: nothing was sent, and entries were not halted. Give --send to sell.")

    async def _find(self, share: Instrument, truth: Truth, limit: asyncio.Semaphore, report: Report) -> Holding | None:
        """Find what the broker has of a share."""
        try:
            async with limit:
                pinned = await self._broker.pin(share.isin, share.symbol, share.exchange, share.currency)
        except GoldencrossError as error:
            if not self._broker.is_connected:
                raise
            report.say(f"{share.symbol}: not looked at, {error}. It may be held.".replace("..", "."), Status.ALARM)
            return None
        return Holding(share, pinned, cover_of(truth, pinned.con_id), _entries_of(truth, pinned.con_id))

    async def _flatten(self, one: Holding, session: Session, report: Report) -> None:
        """Cancel the entries of one share, then its stops, then sell it."""
        symbol = one.pinned.symbol
        if one.cover.held < 0:
            report.say(f"{symbol}: {-one.cover.held:g} shares are sold short; somebody has to look.", Status.ALARM)
            return
        if not is_open(session, one.share, self._clock):
            report.say(f"{symbol}: not sold, it is too late today. Its stop stays.", Status.ALARM)
            return
        # Only its own client can cancel an order, and its number may be that of another order of ours, which would be cancelled in its place.
        strange = next((o for o in (*one.entries, *one.cover.sells) if o.client_id != self._client_id), None)
        if strange is not None:
            name = strange.reference or "without a name"
            text = f"{symbol}: the order {name} is of another client and cannot be cancelled here, so nothing was sold"
            report.say(f"{text}. Cancel it by hand.", Status.ALARM)
            return
        try:
            bars = await self._broker.daily_bars(one.pinned)
            leaving = exit_of(one, bars, session, self._config)
        except GoldencrossError as error:
            if not self._broker.is_connected:
                raise
            report.say(f"{symbol}: not sold, {error}. Its stop stays.".replace("..", "."), Status.ALARM)
            return
        if not self._send:
            for line in _would(one, leaving.sale):
                report.say(line)
            return
        if not await self._without_entries(one):
            text = f"{symbol}: an order to buy it cannot be cancelled, so nothing was sold"
            self._recorder.alarm(one.pinned, text)
            report.say(f"{text}.", Status.ALARM)
            return
        left = (session.last_entry(one.share) - self._clock.now()).total_seconds()
        result = await self._actor.leave(one.pinned, leaving.sale, leaving.stop, left)
        report.say(result.text, Status.DONE if result.done else Status.ALARM)

    async def _without_entries(self, one: Holding) -> bool:
        """Cancel what would still buy; tell whether it is gone."""
        for order in one.entries:
            self._recorder.cancelling(one.pinned, order.reference, order.order_id)
            self._broker.cancel(order.order_id)
        end = self._clock.elapsed() + self._patience.confirm
        is_gone = not one.entries
        while not is_gone and self._clock.elapsed() < end:
            await self._clock.sleep(self._patience.poll)
            is_gone = not _entries_of(await self._actor.truth(), one.pinned.con_id)
        return is_gone

    async def _close(self, holdings: Sequence[Holding], report: Report) -> None:
        """Ask for everything once more, and judge by that."""
        truth = await self._actor.truth()
        for one in holdings:
            cover = cover_of(truth, one.pinned.con_id)
            self._recorder.protection(one.pinned, cover)
            if cover.held:
                text = f"{one.pinned.symbol}: {cover.held:g} shares are still held, {cover.stopped:g} under a stop."
                report.say(text, Status.ALARM)
            elif cover.sells or _entries_of(truth, one.pinned.con_id):
                report.say(f"{one.pinned.symbol}: nothing is held, but an order is still open.", Status.ALARM)
        if report.status == Status.DONE:
            report.say(f"Nothing is held of {_names(holdings)}, and no order of the bot is open.")


def _entries_of(truth: Truth, con_id: int) -> tuple[WorkingOrder, ...]:
    """Give the purchases of the bot that can still be filled."""
    return tuple(
        order
        for order in truth.orders
        if order.con_id == con_id and order.side == "BUY" and order.is_live and order.reference.startswith("gc-")
    )


def _would(one: Holding, sale: OrderRequest) -> list[str]:
    """Say what would be done."""
    symbol, cover = one.pinned.symbol, one.cover
    lines = []
    if one.entries:
        lines.append(f"Would cancel {count(len(one.entries), 'order')} to buy {symbol}.")
    if cover.sells:
        lines.append(f"Would cancel {count(len(cover.sells), 'order')} to sell {symbol}, stops among them.")
    if cover.held:
        lines.append(f"Would sell {cover.held:g} {symbol} at {sale.limit:g} or better.")
    return lines


def _names(holdings: Sequence[Holding]) -> str:
    return ", ".join(one.pinned.symbol for one in holdings) or "any share"
