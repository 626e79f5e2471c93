"""The broker's side of orders: a state machine without clock, socket or chance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from live.gateway.accounts import Account
from live.gateway.checks import FUNDS, OVERSELL, READ_ONLY, fault_of
from live.gateway.fills import Fills
from live.gateway.matching import first_stop
from live.gateway.orders import Event, Order, Refused, Ticket

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from live.gateway.market import Listing

__all__ = ["Book"]


class Book(Fills):
    """Accounts, orders and executions.

    Parameters
    ----------
    accounts : Mapping of str to float
        Cash by account, currency.
    listings : iterable of Listing
    commission_rate : float
        Share of the turnover.
    read_only : bool
        Whether every order and cancel is refused with 321.
    margin : bool
        Whether sales may go beyond what is held: then a short is seen as one, and not as a refusal.
    shrinks : bool
        Whether a child is made as small as what its cancelled parent was filled; nobody knows what the real broker does.
    """

    def __init__(
        self,
        accounts: Mapping[str, float],
        listings: Iterable[Listing],
        *,
        commission_rate: float = 0.0003,
        read_only: bool = False,
        margin: bool = False,
        shrinks: bool = True,
    ) -> None:
        super().__init__({name: Account(name, cash) for name, cash in accounts.items()}, commission_rate)
        self.margin, self.shrinks = margin, shrinks
        self.listings = {listing.con_id: listing for listing in listings}
        self.read_only = read_only
        self._ids: dict[tuple[int, int], int] = {}
        self._highest: dict[int, int] = {}

    def next_id(self, client_id: int) -> int:
        """Return the lowest order id that a client may use."""
        return self._highest.get(client_id, 0) + 1

    def restart(self, next_id: int | None = None) -> None:
        """Forget what was not transmitted, and with ``next_id`` also which ids were used."""
        self.orders = {perm: order for perm, order in self.orders.items() if order.status != "Held"}
        self._ids = {key: perm for key, perm in self._ids.items() if perm in self.orders}
        if next_id is not None:
            self._ids = {key: perm for key, perm in self._ids.items() if not self.orders[perm].done}
            self._highest = dict.fromkeys(self._highest, next_id - 1)

    def find(self, client_id: int, order_id: int) -> Order | None:
        """Return the order of a client, None if there is none."""
        return self.orders.get(self._ids.get((client_id, order_id), 0))

    def place(self, ticket: Ticket, when: datetime, cap: int | None = None) -> list[Event]:
        """Take a new order or a modification.

        Parameters
        ----------
        ticket : Ticket
        when : datetime
        cap : int or None
            Most shares that may fill.
        """
        known = self.find(ticket.client_id, ticket.order_id)
        reason = self._refusal(ticket, known)
        if reason is not None:
            return [Refused(ticket.client_id, ticket.order_id, *reason)]
        if known is not None:
            return self._modify(known, ticket, when)
        order = Order(ticket, self.new_perm_id(), cap=cap, stop=first_stop(ticket, self.prices.get(ticket.con_id)))
        self.orders[order.perm_id] = order
        self._ids[ticket.client_id, ticket.order_id] = order.perm_id
        self._highest[ticket.client_id] = max(ticket.order_id, self._highest.get(ticket.client_id, 0))
        return self._transmit(order, when) if ticket.transmit else []

    def cancel(self, client_id: int, order_id: int, when: datetime) -> list[Event]:
        """Cancel an order of the same client; its unfilled children go with it."""
        order = self.find(client_id, order_id)
        wanted = f"OrderId {order_id} that needs to be cancelled"
        if self.read_only:
            return [Refused(client_id, order_id, *READ_ONLY)]
        if order is None:
            return [Refused(client_id, order_id, 10147, f"{wanted} is not found.")]
        if order.done:
            return [Refused(client_id, order_id, 10148, f"{wanted} cannot be cancelled, state: {order.status}.")]
        return self.end(order, when)

    def cancel_all(self, when: datetime) -> list[Event]:
        """Cancel every order of every client."""
        return [event for order in self.working() for event in self.end(self.orders[order.perm_id], when)]

    def set_inactive(self, order: Order) -> list[Event]:
        """Let the broker hold an order without working on it."""
        return [self.keep(replace(order, status="Inactive", active=False))]

    def _refusal(self, ticket: Ticket, known: Order | None) -> tuple[int, str] | None:
        fresh = ticket.order_id > self._highest.get(ticket.client_id, 0) or ticket.client_id == ticket.order_id == 0
        if self.read_only:
            return READ_ONLY
        if known.done if known is not None else not fresh:
            return 103, "Duplicate order id"
        if ticket.account not in self.accounts:
            return 435, "You must specify an account."
        if ticket.parent_id and self.find(ticket.client_id, ticket.parent_id) is None:
            return 135, f"Can't find order with id = {ticket.parent_id}"
        if known is not None and not _same(known, ticket):
            return 105, "Order being modified does not match original order."
        return fault_of(ticket, self.listings.get(ticket.con_id))

    def _modify(self, order: Order, ticket: Ticket, when: datetime) -> list[Event]:
        changed = replace(order, ticket=ticket, stop=first_stop(ticket, self.prices.get(ticket.con_id)), seen=None)
        reason = None if order.status == "Held" else self._unaffordable(changed)
        if reason is not None:
            return [Refused(ticket.client_id, ticket.order_id, *reason)]
        if order.status == "Held":
            self.orders[order.perm_id] = changed
            return self._transmit(changed, when) if ticket.transmit else []
        return [self.keep(changed), *self.test(changed.perm_id, when, opening=False)]

    def _transmit(self, order: Order, when: datetime) -> list[Event]:
        """Send a held order, its parent, and the parent's other held children."""
        ticket = order.ticket
        parent = self.find(ticket.client_id, ticket.parent_id) if ticket.parent_id else order
        group = [] if parent is None else [parent, *self.children(parent)]
        events: list[Event] = []
        for member in group:
            if self.orders[member.perm_id].status == "Held":
                events += self._send(member, parent, when)
        for member in group:
            if member.perm_id in self.orders:
                events += self.test(member.perm_id, when, opening=False)
        return events

    def _send(self, order: Order, parent: Order | None, when: datetime) -> list[Event]:
        now = self.orders.get(parent.perm_id) if parent is not None and parent is not order else None
        child = bool(order.ticket.parent_id)
        if child and (now is None or (now.status == "Cancelled" and not now.filled)):
            return self._reject(order, (201, "Order rejected - reason:Parent order is being cancelled."), when)
        active = not child or bool(now is not None and now.filled)
        reason = self._unaffordable(order, now)
        if reason is not None:
            return self._reject(order, reason, when)
        held = not active or order.ticket.kind in {"STP", "TRAIL"} or not self.trading
        return [self.keep(replace(order, active=active, status="PreSubmitted" if held else "Submitted"))]

    def _reject(self, order: Order, reason: tuple[int, str], when: datetime) -> list[Event]:
        self.orders[order.perm_id] = replace(order, status="Cancelled", active=False, done_at=when)
        return [Refused(order.ticket.client_id, order.ticket.order_id, *reason)]

    def _unaffordable(self, order: Order, parent: Order | None = None) -> tuple[int, str] | None:
        ticket = order.ticket
        if ticket.sells:
            if self.margin:
                return None
            room = self.sellable(order) if parent is None or parent.done else parent.ticket.quantity
            return OVERSELL if order.remaining > room else None
        return FUNDS if self.cost(order) > self.available_funds(ticket.account, leaving_out=order.perm_id) else None


def _same(order: Order, ticket: Ticket) -> bool:
    """Tell whether a ticket can be a modification of an order."""
    old = order.ticket
    fixed = (old.con_id, old.account, old.action, old.parent_id)
    return (ticket.con_id, ticket.account, ticket.action, ticket.parent_id) == fixed and ticket.quantity > order.filled
