"""Between sockets and answers: the log, the faults, and who hears what."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from live.gateway import messages, messages_out
from live.gateway.codes import CODES
from live.gateway.corrupt import CORRUPTIONS, corrupt
from live.gateway.messages_out import Message
from live.gateway.news import Client, Told, spread
from live.gateway.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from live.gateway.answers import Answers
    from live.gateway.book import Book
    from live.gateway.connections import Connection
    from live.gateway.faults import Deed, Fault, Faults
    from live.gateway.messages import Request
    from live.gateway.orders import Event
    from live.gateway.trading import Trading

__all__ = ["Entry", "Switchboard"]

_BEYOND = {"placeOrder", "cancelOrder", "reqGlobalCancel", "reqHistoricalData", "reqContractDetails", "reqMarketRule"}


@dataclass(frozen=True)
class Entry:
    """One message in the log: exchange time, "in" or "out", the client (-1 before it has a number), name and fields."""

    when: datetime
    direction: str
    client_id: int
    kind: str
    fields: tuple[object, ...]


class Switchboard:
    """Takes messages from connections and sends answers and news.

    Parameters
    ----------
    book : Book
    answers : Answers
    faults : Faults
    server_version : int
    clock : callable
        Returns the exchange's time.
    """

    def __init__(
        self, book: Book, answers: Answers, faults: Faults, server_version: int, clock: Callable[[], datetime]
    ) -> None:
        self.book = book
        self.log: list[Entry] = []
        self.connections: list[Connection] = []
        self.trading: Trading | None = None
        self.link_lost = False  # between 1100 and 1101 or 1102
        self.next_id: int | None = None
        self.down_until: datetime | None = None
        self.do: Callable[[Deed], None] = lambda _: None
        self._answers = answers
        self._faults = faults
        self._version = server_version
        self._clock = clock
        self._received = self._sent = 0
        self._timers: list[asyncio.TimerHandle] = []

    def stop(self) -> None:
        """Close every connection and forget what was delayed."""
        for timer in self._timers:
            timer.cancel()
        for connection in tuple(self.connections):
            connection.drop()

    def catch_up(self) -> None:
        """Trade up to now."""
        if self.trading is not None:
            self.happened(self.trading.advance(self._clock()))
            self.trading.nudge()

    def happened(self, events: Iterable[Event]) -> None:
        """Tell clients what happened at the broker."""
        self._tell(spread(events, self.book), None)

    def tell_all(self, code: int) -> None:
        """Tell every client a code about no request."""
        for connection in tuple(self.connections):
            if connection.client is not None:
                self._send(connection, self._error(connection, -1, code))

    def receive(self, connection: Connection, fields: tuple[str, ...]) -> None:
        """Take one message of a client."""
        if connection not in self.connections:
            self.connections.append(connection)
        try:
            request = messages.parse(fields) if connection.version else messages.Request("hello", fields)
        except WireError as wrong:
            self._note("in", connection, "unknown", fields)
            self._send(connection, messages_out.error(-1, 320, f"Error reading request. {wrong}", connection.version))
            return
        self._note("in", connection, request.kind, fields)
        places = [request.kind, f"in {self._received}"]
        if request.kind == "placeOrder":
            places.append(f"placeOrder.{'child' if messages.parent_of(request) else 'parent'}")
        self._received += 1
        if self.down_until is not None and self._clock() < self.down_until:
            connection.drop()
            return
        fault = self._faults.at(*places)
        if fault is not None and callable(fault.what):
            self.do(fault.what)
            fault = None
            if not connection.open:
                return
        if not (self.link_lost and request.kind in _BEYOND):
            self._meet(connection, request, fault)

    def gone(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        if connection in self.connections:
            self.connections.remove(connection)

    def _meet(self, connection: Connection, request: Request, fault: Fault | None) -> None:
        verb, number = (fault.verb, fault.number) if fault else ("", 0.0)
        if verb == "silence":
            return
        if verb == "mute":
            connection.muted = True
        elif verb == "drop":
            connection.drop()
        elif verb == "delay":
            self._later(number, lambda: self._carry_out(connection, request, "", 0.0))
        elif verb in {"error", "reject_parent", "reject_child"}:
            code = int(number) or 201
            self._send(connection, self._error(connection, request.identifier, code))
            if code == 326:
                connection.close()
        elif verb == "split":
            connection.chunk = int(number)
            self._carry_out(connection, request, "", 0.0)
        else:
            self._carry_out(connection, request, verb, number)

    def _carry_out(self, connection: Connection, request: Request, verb: str, number: float) -> None:
        if request.kind == "hello":
            self._greet(connection, request)
            return
        if request.kind == "startApi":
            self._start(connection, request)
            return
        client = connection.client
        if client is None:
            self._send(connection, messages_out.error(-1, 504, "Not connected", connection.version))
            return
        self.catch_up()
        when = self._clock()
        if verb == "fill":
            self._fill_first(client, request, when)
        try:
            told = self._answers.answer(client, request, when, number if verb == "partial" else None)
        except WireError as wrong:
            words = f"Error reading request. {wrong}"
            self._send(connection, messages_out.error(request.identifier, 320, words, connection.version))
            return
        self._tell(told, connection, verb)
        self._afterwards(connection, request, verb, number)

    def _afterwards(self, connection: Connection, request: Request, verb: str, number: float) -> None:
        client_id = connection.client.client_id if connection.client else -1
        if verb == "drop_after":
            connection.drop()
        elif verb == "warn":
            self._send(connection, self._error(connection, request.identifier, int(number)))
        elif verb == "cancel":
            self._later(number, lambda: self.cancel(client_id, request.identifier))
        elif verb == "inactive":
            order = self.book.find(client_id, request.identifier)
            if order is not None and order.working:
                self.happened(self.book.set_inactive(order))

    def cancel(self, client_id: int, order_id: int) -> None:
        """Let the broker cancel an order."""
        order = self.book.find(client_id, order_id)
        if order is not None and not order.done:
            self.happened(self.book.end(order, self._clock()))

    def _fill_first(self, client: Client, request: Request, when: datetime) -> None:
        order = self.book.find(client.client_id, request.identifier)
        price = self.book.prices.get(order.ticket.con_id) if order is not None else None
        if order is not None and order.active and order.working and price is not None:
            self.happened(self.book.fill(order, order.remaining, price, when))

    def _greet(self, connection: Connection, request: Request) -> None:
        words = request.fields[0].split()[0].removeprefix("v").split("..")
        if not all(word.isdigit() for word in words):
            connection.drop()
            return
        connection.version = min(self._version, int(words[-1]))
        self._send(connection, messages_out.handshake(connection.version, self._clock()))

    def _start(self, connection: Connection, request: Request) -> None:
        number = int(request.fields[2])
        if any(other.client is not None and other.client.client_id == number for other in self.connections):
            self._send(connection, self._error(connection, -1, 326))
            connection.close()
            return
        connection.client = Client(number, connection.version)
        first = max(self.book.next_id(number), self.next_id or 1)
        self._send(connection, messages_out.managed_accounts(list(self.book.accounts)))
        self._send(connection, messages_out.next_valid_id(first))
        for code in (2104, 2106, 2158):
            self._send(connection, self._error(connection, -1, code))

    def _tell(self, told: Iterable[Told], asking: Connection | None, verb: str = "") -> None:
        """Send to each client what it may hear, in order; faults change what the one that asks hears."""
        rows = list(told)
        for connection in tuple(self.connections):
            client = connection.client
            if client is None or (self.link_lost and asking is None):
                continue
            mine: list[Message] = []
            for audience, what in rows:
                if audience(client, asking.client if asking else None):
                    mine += [what] if isinstance(what, Message) else what(client)
            for message in _changed(mine, verb) if connection is asking else mine:
                self._send(connection, message)

    def _error(self, connection: Connection, identifier: int, code: int) -> Message:
        return messages_out.error(identifier, code, CODES.get(code, f"Simulated code {code}"), connection.version)

    def _send(self, connection: Connection, message: Message) -> None:
        fault = self._faults.at(f"out {message.kind}", f"out {self._sent}")
        self._sent += 1
        verb = fault.verb if fault else ""
        if verb == "drop":
            connection.drop()
        elif verb == "mute":
            connection.muted = True
        elif fault and verb == "delay":
            self._later(fault.number, lambda: self._write(connection, message))
        elif verb != "silence":
            for _ in range(2 if verb == "duplicate" else 1):
                self._write(connection, message)
        if fault is not None and callable(fault.what):
            asyncio.get_running_loop().call_soon(self.do, fault.what)

    def _write(self, connection: Connection, message: Message) -> None:
        if connection.open and not connection.muted:
            self._note("out", connection, message.kind, message.fields)
            connection.send(message.frame())

    def _note(self, direction: str, connection: Connection, kind: str, fields: tuple[object, ...]) -> None:
        number = connection.client.client_id if connection.client else -1
        self.log.append(Entry(self._clock(), direction, number, kind, fields))

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, action))


def _changed(answers: list[Message], verb: str) -> list[Message]:
    if verb in {"no_answer", "drop_after"}:
        return []
    if verb == "duplicate":
        return [message for message in answers for _ in range(2)]
    if verb == "reorder":
        return answers[::-1]
    return corrupt(answers, verb) if verb in CORRUPTIONS else answers
