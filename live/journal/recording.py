"""What the bot does, before it does it, and what the broker says, as events of the journal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from live.decision import Reading
from live.facts import DayBar, Message, Outgoing, Pinned, Sizing, Truth
from live.journal.state import State
from live.journal.store import Journal
from live.protection import Cover

__all__ = ["JournalRecorder"]


class JournalRecorder:
    """Writes for ``acting`` and ``runner``; of what the broker says only what is new.

    Parameters
    ----------
    journal : Journal
    known : State
        What is in it already.

    Attributes
    ----------
    has_intents : bool
        Whether orders were written down, and so may have been sent.
    """

    def __init__(self, journal: Journal, known: State) -> None:
        self._journal = journal
        self.has_intents = False
        self._said: dict[tuple[str, str], Any] = {}
        self._executions = {data["execution_id"]: data["commission"] for data in known.executions.values()}

    def intents(self, orders: Sequence[Outgoing]) -> None:
        """Write that orders will be sent, and under which numbers; all of them, or none; with room for all that will have to be written about them."""
        self._journal.require_room()
        with self._journal.together():
            for one in orders:
                data = {**asdict(one.request), "number": one.number, "listing": one.pinned.con_id}
                self._journal.append("intent", data, symbol=one.pinned.symbol, reference=one.request.reference)
        self.has_intents = True

    def sent(self, orders: Sequence[Outgoing]) -> None:
        """Write that orders were handed to the gateway."""
        with self._journal.together():
            for one in orders:
                data, reference = {"number": one.number}, one.request.reference
                self._journal.append("sent", data, symbol=one.pinned.symbol, reference=reference)

    def read(self, shares: Sequence[tuple[Pinned, Reading, DayBar]]) -> None:
        """Write what was read of each share, and the last whole bar before it; with today's data ``live.drift`` compares them later."""
        with self._journal.together():
            for pinned, reading, before in shares:
                data = {
                    "day": reading.date.date().isoformat(),
                    "cross": reading.cross,
                    "is_above": reading.is_above,
                    "close": reading.close,
                    "distance": None if math.isnan(reading.distance) else reading.distance,
                    "before": {**asdict(before), "day": before.day.isoformat()},
                }
                self._journal.append("read", data, symbol=pinned.symbol)

    def sized(self, buys: Sequence[tuple[Pinned, Sizing]]) -> None:
        """Write what buys were sized from."""
        with self._journal.together():
            for pinned, sizing in buys:
                self._journal.append("sized", asdict(sizing), symbol=pinned.symbol)

    def cancelling(self, pinned: Pinned, reference: str, number: int) -> None:
        """Write that the cancellation of an order will be asked for, with room for what comes after it: a stop that is gone needs the sale, or another stop."""
        self._journal.require_room()
        self._journal.append("cancelling", {"number": number}, symbol=pinned.symbol, reference=reference)

    def truth(self, truth: Truth) -> None:
        """Write executions, commissions, statuses and positions, as far as they are new."""
        for one in truth.executions:
            known = self._executions.get(one.execution_id, "new")
            if known == "new" or (known is None and one.commission is not None):
                self._executions[one.execution_id] = one.commission
                data = {**asdict(one), "time": one.time.isoformat()}
                self._journal.append("execution", data, symbol=one.symbol, reference=one.reference)
        for order in truth.orders:
            said = {
                "status": order.status,
                "filled": order.filled,
                "quantity": order.quantity,
                "permanent_id": order.permanent_id,
            }
            self._if_new("order", order.reference, said, order.symbol)
        self._if_new("positions", "", {str(con_id): held for con_id, held in sorted(truth.positions.items())}, "")

    def protection(self, pinned: Pinned, cover: Cover) -> None:
        """Write how much is held and how much of it stops cover, if that is new."""
        said = {"held": cover.held, "stopped": cover.stopped, "on_sale": cover.on_sale, "listing": pinned.con_id}
        self._if_new("protection", pinned.symbol, said, pinned.symbol)

    def alarm(self, pinned: Pinned | None, text: str) -> None:
        """Write what a person has to look at."""
        self._journal.append("alarm", {"text": text}, symbol=pinned.symbol if pinned else "")

    def day(self, day: date, equity: float) -> None:
        """Write the equity with which a day began."""
        self._if_new("day", day.isoformat(), {"day": day.isoformat(), "equity": equity}, "")

    def heard(self, message: Message) -> None:
        """Write what the gateway said besides answers."""
        self._journal.append("message", {"code": message.code, "text": message.text, "request": message.request})

    def _if_new(self, kind: str, key: str, said: dict[str, Any], symbol: str) -> None:
        if self._said.get((kind, key)) != said:
            self._said[(kind, key)] = said
            self._journal.append(kind, said, symbol=symbol, reference=key if kind == "order" else "")
