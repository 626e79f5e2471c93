"""The simulated gateway, as tests and rehearsals use it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from live.gateway.answers import Answers
from live.gateway.book import Book
from live.gateway.clock import now
from live.gateway.connections import Connection
from live.gateway.faults import Fault, Faults
from live.gateway.switchboard import Entry, Switchboard
from live.gateway.trading import Trading

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from live.gateway.market import Market
    from live.gateway.orders import Ticket

__all__ = ["Entry", "Gateway"]


class Gateway:
    """A gateway to a simulated broker.

    Parameters
    ----------
    market : Market
    accounts : Mapping of str to float, or None
        Cash by account, currency; by default one account DU1234567 with a million.
    faults : iterable of Fault
    server_version : int
        157 to 178; a client may ask for less.
    read_only : bool
        Whether orders are refused with 321.
    margin, shrinks : bool
        See ``Book``.
    commission_rate : float
        Share of the turnover.
    clock : callable
        Returns the exchange's time; by default that of a virtual loop, or of the machine.
    pace : float
        Seconds that the clock shows for one second of the loop.

    Attributes
    ----------
    book : Book
        Accounts, orders and executions at the broker: the truth that a client can be compared with.
    port : int
        0 until it is served.
    """

    def __init__(
        self,
        market: Market,
        accounts: Mapping[str, float] | None = None,
        faults: Iterable[Fault] = (),
        server_version: int = 178,
        *,
        read_only: bool = False,
        margin: bool = False,
        shrinks: bool = True,
        commission_rate: float = 0.0003,
        clock: Callable[[], datetime] = now,
        pace: float = 1.0,
    ) -> None:
        cash = accounts if accounts is not None else {"DU1234567": 1_000_000.0}
        self.market = market
        self.book = Book(
            cash,
            market.listings,
            commission_rate=commission_rate,
            read_only=read_only,
            margin=margin,
            shrinks=shrinks,
        )
        self.port = 0
        self._clock = clock
        self._pace = pace
        self._faults = Faults(faults)
        self._board = Switchboard(self.book, Answers(market, self.book), self._faults, server_version, clock)
        self._board.do = lambda deed: deed(self)

    @property
    def log(self) -> list[Entry]:
        """Every message in and out, oldest first."""
        return self._board.log

    @property
    def clients(self) -> list[int]:
        """The numbers of the clients that are connected."""
        return [connection.client.client_id for connection in self._board.connections if connection.client]

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[int]:
        """Serve on 127.0.0.1 and yield the port; the market moves as long as it serves."""
        loop = asyncio.get_running_loop()
        board = self._board
        server = await loop.create_server(lambda: Connection(board.receive, board.gone), "127.0.0.1", port)
        self.port = server.sockets[0].getsockname()[1]
        board.trading = Trading(self.market, self.book, self._clock())
        driver = asyncio.create_task(board.trading.run(self._clock, board.happened, self._pace))
        try:
            yield self.port
        finally:
            driver.cancel()
            board.stop()
            server.close()
            await asyncio.gather(driver, return_exceptions=True)
            await server.wait_closed()

    def advance(self) -> None:
        """Trade up to what the clock shows now, for a clock that is set by hand."""
        self._board.catch_up()

    def fault(self, fault: Fault) -> None:
        """Add a fault; messages count from now on."""
        self._faults.add(fault)

    def calm(self) -> None:
        """Have no faults any more, and the line to the broker up."""
        self._faults.clear()
        self._board.link_lost, self._board.down_until = False, None

    def drop(self) -> None:
        """Close every connection at once."""
        for connection in tuple(self._board.connections):
            connection.drop()

    def restart(self, next_id: int | None = None, downtime: float = 0.0) -> None:
        """Close every connection and forget orders that were not transmitted.

        Parameters
        ----------
        next_id : int or None
            The next valid order id, even if it was used before.
        downtime : float
            Seconds for which each new connection is closed at once.
        """
        self.drop()
        self.book.restart(next_id)
        self._board.next_id = next_id
        self._board.down_until = self._clock() + timedelta(seconds=downtime)

    def broadcast(self, code: int) -> None:
        """Tell every client a code about no request.

        After 1100 the broker is out of reach: what concerns orders and data is not answered, and what happens is not told, until 1101 or 1102.
        """
        self._board.tell_all(code)
        self._board.link_lost = code == 1100 or (self._board.link_lost and code not in {1101, 1102})

    def enter(self, ticket: Ticket) -> None:
        """Place an order without a socket: by hand, as client 0 with order 0, or for another client."""
        self._board.catch_up()
        self._board.happened(self.book.place(ticket, self._clock()))

    def cancel(self, client_id: int, order_id: int) -> None:
        """Let the broker cancel an order."""
        self._board.cancel(client_id, order_id)

    def correct(self, place: int, shares: int, price: float | None = None) -> None:
        """Correct one of the fills of ``book.executions``; to no shares, it is busted."""
        one = self.book.executions[place]
        self._board.happened(self.book.correct(one, shares, one.price if price is None else price))

    def release(self, client_id: int, order_id: int) -> None:
        """Let an order fill on that a partial fault held back."""
        order = self.book.find(client_id, order_id)
        if order is not None:
            self._board.happened(self.book.release(order.perm_id, self._clock()))

    def placed(self) -> list[Entry]:
        """Return the orders as they came in."""
        return [entry for entry in self.log if entry.kind == "placeOrder"]
