"""Moves the market along the clock and the book with it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from live.gateway.clock import KOLKATA
from live.gateway.market import closing, opening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from live.gateway.book import Book
    from live.gateway.market import Market
    from live.gateway.orders import Event

__all__ = ["Trading"]


class Trading:
    """The sessions that are still to come.

    Parameters
    ----------
    market : Market
    book : Book
    start : datetime
        What was before is over.
    """

    def __init__(self, market: Market, book: Book, start: datetime) -> None:
        self._market = market
        self._book = book
        self._nudged = asyncio.Event()
        self._coming = self._moments(start)
        self._next = next(self._coming, None)
        day = start.astimezone(KOLKATA).date()
        book.trading = day in set(market.days()) and opening(day) <= start < closing(day)
        for listing in market.listings:
            price = market.price(listing, start)
            if price is not None:
                book.prices[listing.con_id] = price

    def advance(self, to: datetime) -> list[Event]:
        """Trade up to a moment and return what happened."""
        events: list[Event] = []
        while self._next is not None and self._next <= to:
            events += self._trade(self._next)
            self._next = next(self._coming, None)
        return events

    async def run(self, clock: Callable[[], datetime], tell: Callable[[list[Event]], None], pace: float = 1.0) -> None:
        """Trade as the clock goes, until the prices end; ``pace`` is the seconds it shows for one of the loop.

        While no order works nothing can happen, so it sleeps to the end of the session unless it is nudged.
        """
        while self._next is not None:
            self._nudged.clear()
            until = self._next if self._book.working() else closing(self._next.astimezone(KOLKATA).date())
            seconds = max(0.0, (until - clock()).total_seconds() / pace)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nudged.wait(), seconds)
            events = self.advance(clock())
            if events:
                tell(events)

    def nudge(self) -> None:
        """Tell that an order may have come."""
        self._nudged.set()

    def _moments(self, start: datetime) -> Iterator[datetime]:
        for day in self._market.days():
            if closing(day) > start:
                yield from (moment for moment in self._market.moments(day) if moment > start)

    def _trade(self, moment: datetime) -> list[Event]:
        day = moment.astimezone(KOLKATA).date()
        first = moment == opening(day)
        events: list[Event] = self._book.open_session() if first else []
        for listing in self._market.listings:
            price = self._market.price(listing, moment) if self._market.trades_on(listing, day) else None
            if price is not None:
                events += self._book.trade(listing.con_id, price, moment, opening=first)
        return events + (self._book.close_session(moment) if moment == closing(day) else [])
