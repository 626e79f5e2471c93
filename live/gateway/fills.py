"""How orders of the book fill, end and expire as the price moves."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from live.gateway.matching import first_stop, touch
from live.gateway.orders import Changed, Charged, Event, Executed, Execution, Order, Refused

if TYPE_CHECKING:
    from datetime import datetime

    from live.gateway.accounts import Account

__all__ = ["Fills"]


class Fills:
    """Orders against prices; ``Book`` adds what clients ask for.

    Attributes
    ----------
    accounts : dict of str to Account
    orders : dict of int to Order
        By permId, oldest first.
    executions : list of Execution
    prices : dict of int to float
        Last price by con_id, currency.
    trading : bool
        Whether the session is on.
    margin, shrinks : bool
        See ``Book``.
    """

    def __init__(self, accounts: dict[str, Account], commission_rate: float) -> None:
        self.accounts = accounts
        self.orders: dict[int, Order] = {}
        self.executions: list[Execution] = []
        self.prices: dict[int, float] = {}
        self.trading = False
        self.margin, self.shrinks = False, True
        self._rate = commission_rate
        self._perm_ids = count(1_750_000_001)
        self._fills = count(1)

    def new_perm_id(self) -> int:
        """Return a number never used before."""
        return next(self._perm_ids)

    def keep(self, order: Order) -> Changed:
        """Hold the new state of an order."""
        self.orders[order.perm_id] = order
        return Changed(order)

    def working(self) -> list[Order]:
        """Return the orders that the broker works on, oldest first."""
        return [order for order in self.orders.values() if order.working]

    def children(self, parent: Order) -> list[Order]:
        """Return the orders that name another as their parent."""
        key = (parent.ticket.client_id, parent.ticket.order_id)
        return [o for o in self.orders.values() if o.perm_id > parent.perm_id and self._parent_key(o) == key]

    def parent(self, order: Order) -> Order | None:
        """Return the parent of an order, None without one."""
        older = [o for o in self.orders.values() if o.perm_id < order.perm_id]
        key = self._parent_key(order)
        return next((o for o in reversed(older) if (o.ticket.client_id, o.ticket.order_id) == key), None)

    def cost(self, order: Order) -> float:
        """Return what the rest of a purchase may cost, currency, commission included."""
        price = order.ticket.limit or self.prices.get(order.ticket.con_id, 0.0)
        return order.remaining * price * (1 + self._rate)

    def available_funds(self, account: str, leaving_out: int = 0) -> float:
        """Return the cash less what working purchases may cost, currency."""
        mine = (o for o in self.working() if o.ticket.account == account and o.perm_id != leaving_out)
        return self.accounts[account].cash - sum(self.cost(o) for o in mine if not o.ticket.sells)

    def sellable(self, order: Order) -> int:
        """Return the shares held that no other active sale of the account asks for."""
        ticket = order.ticket
        asked = sum(
            o.remaining
            for o in self.working()
            if o.active and o.ticket.sells and o.perm_id != order.perm_id
            if (o.ticket.account, o.ticket.con_id) == (ticket.account, ticket.con_id)
        )
        return self.accounts[ticket.account].shares(ticket.con_id) - asked

    def open_session(self) -> list[Event]:
        """Start a session: orders that waited for it are submitted."""
        self.trading = True
        return [
            self.keep(replace(o, status="Submitted"))
            for o in self.working()
            if o.status == "PreSubmitted" and o.active and not o.why_held
        ]

    def trade(self, con_id: int, price: float, when: datetime, *, opening: bool = False) -> list[Event]:
        """Move the price of a listing in one direction and fill what that reaches.

        Parameters
        ----------
        con_id : int
        price : float
            Currency.
        when : datetime
        opening : bool
            Whether it is the first price of a session.
        """
        self.prices[con_id] = price
        mine = [order.perm_id for order in self.working() if order.ticket.con_id == con_id]
        return [event for perm_id in mine for event in self.test(perm_id, when, opening=opening)]

    def close_session(self, when: datetime) -> list[Event]:
        """End a session: orders good for the day expire."""
        self.trading = False
        events: list[Event] = []
        for order in self.working():
            if order.ticket.tif != "GTC" and self.orders[order.perm_id].working:
                events += self.end(self.orders[order.perm_id], when)
        return events

    def release(self, perm_id: int, when: datetime) -> list[Event]:
        """Let an order fill that was capped."""
        self.orders[perm_id] = replace(self.orders[perm_id], cap=None)
        return self.test(perm_id, when, opening=False)

    def end(self, order: Order, when: datetime) -> list[Event]:
        """Cancel an order; its children go with it, or shrink to what it filled."""
        ticket = order.ticket
        ended = replace(order, status="Cancelled", active=False, done_at=when)
        events: list[Event] = [self.keep(ended)]
        if order.status != "Held":
            events.append(Refused(ticket.client_id, ticket.order_id, 202, "Order Canceled - reason:"))
        for child in self.children(order):
            if child.done:
                continue
            if not order.filled:
                events += self.end(child, when)
            elif self.shrinks and child.ticket.quantity > order.filled:
                smaller = replace(child, ticket=replace(child.ticket, quantity=order.filled))
                finished = smaller.remaining == 0
                events.append(self.keep(replace(smaller, status="Filled", done_at=when) if finished else smaller))
        return events

    def test(self, perm_id: int, when: datetime, *, opening: bool) -> list[Event]:
        """Test one order against the last price, and its children if it fills."""
        order = self.orders[perm_id]
        price = self.prices.get(order.ticket.con_id)
        if not (self.trading and order.active and order.working) or price is None:
            return []
        moved, fill = touch(order, price, opening=opening)
        self.orders[perm_id] = moved
        shares = self._fillable(moved) if fill is not None else 0
        if fill is None or shares <= 0:
            triggered = moved.triggered and not order.triggered
            return [self.keep(replace(moved, status="Submitted"))] if triggered else []
        return self.fill(moved, shares, fill, when)

    def fill(self, order: Order, shares: int, price: float, when: datetime) -> list[Event]:
        """Fill shares of an order at a price, currency, and wake its children."""
        ticket = order.ticket
        commission = round(shares * price * self._rate, 2)
        signed = -shares if ticket.sells else shares
        realized = self.accounts[ticket.account].trade(ticket.con_id, signed, price, commission)
        filled = order.filled + shares
        average = (order.average * order.filled + price * shares) / filled
        whole = filled == ticket.quantity
        after = replace(
            order,
            filled=filled,
            average=average,
            last=price,
            status="Filled" if whole else "Submitted",
            done_at=when if whole else None,
        )
        number = f"0000e0d5.{order.perm_id:08x}.{next(self._fills):04d}.01"
        execution = Execution(number, after, when, shares, price, commission, realized)
        self.executions.append(execution)
        events: list[Event] = [Executed(execution), self.keep(after), Charged(execution)]
        for child in self.children(after):
            if child.working and child.status != "Inactive":
                events += self._wake(child, price, when)
        return events

    def correct(self, execution: Execution, shares: int, price: float) -> list[Event]:
        """Correct a fill, to no shares for one that is busted: told as another execution whose id differs in its last number only."""
        name, _, revision = execution.exec_id.rpartition(".")
        order = self.orders[execution.order.perm_id]
        sign = -1 if order.ticket.sells else 1
        commission = round(shares * price * self._rate, 2)
        paid = execution.shares * execution.price * sign + execution.commission
        account = self.accounts[order.ticket.account]
        account.correct(
            order.ticket.con_id, sign * (shares - execution.shares), paid - shares * price * sign - commission
        )
        number = f"{name}.{int(revision) + 1:02d}"
        corrected = replace(execution, exec_id=number, shares=shares, price=price, commission=commission)
        self.executions.append(corrected)
        return [Executed(corrected), Charged(corrected)]

    def _wake(self, child: Order, price: float, when: datetime) -> list[Event]:
        woken = replace(child, active=True, seen=price, stop=first_stop(child.ticket, price))
        changed: list[Event] = [] if child.active else [self.keep(woken)]
        return changed + self.test(child.perm_id, when, opening=False)

    def _fillable(self, order: Order) -> int:
        most = min(order.ticket.quantity, order.ticket.quantity if order.cap is None else order.cap)
        parent = self.parent(order) if order.ticket.parent_id else None
        if parent is not None and order.ticket.sells != parent.ticket.sells and (self.shrinks or not parent.done):
            most = min(most, parent.filled)
        if order.ticket.sells and not self.margin:
            most = min(most, order.filled + self.accounts[order.ticket.account].shares(order.ticket.con_id))
        return most - order.filled

    @staticmethod
    def _parent_key(order: Order) -> tuple[int, int] | None:
        return (order.ticket.client_id, order.ticket.parent_id) if order.ticket.parent_id else None
