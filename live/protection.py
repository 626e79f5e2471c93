"""Whether what is held is covered by stops at the broker, share for share."""

from __future__ import annotations

from dataclasses import dataclass

from live.facts import Truth, WorkingOrder

__all__ = ["Cover", "cover_of"]

_STOPS = {"TRAIL", "STP", "STP LMT", "TRAIL LIMIT"}
_SLEEPING = {"PendingSubmit", "ApiPending", "Inactive", "ValidationError"}
"""Said of an order that the exchange does not have, or of which nobody knows whether it has."""


@dataclass(frozen=True)
class Cover:
    """One listing: what is held, and the sells that the broker has for it.

    Attributes
    ----------
    held : float
        Shares; negative is a short, which must never be.
    stops : tuple of WorkingOrder
        Sells that wait for a lower price and are known to work.
    sells : tuple of WorkingOrder
        Every live sell, stops among them.
    """

    held: float
    stops: tuple[WorkingOrder, ...]
    sells: tuple[WorkingOrder, ...]

    @property
    def stopped(self) -> float:
        """Shares that stops would sell."""
        return sum(order.quantity - order.filled for order in self.stops)

    @property
    def on_sale(self) -> float:
        """Shares that all live sells together would sell; never more than are held, or a short could come of it."""
        return sum(order.quantity - order.filled for order in self.sells)

    @property
    def naked(self) -> float:
        """Shares that no stop covers."""
        return max(0.0, self.held - self.stopped)

    @property
    def too_many(self) -> float:
        """Shares on sale beyond those that are held."""
        return max(0.0, self.on_sale - max(0.0, self.held))

    @property
    def fault(self) -> str:
        """What is wrong, in words."""
        if self.held < 0:
            return f"{-self.held:g} shares are sold short"
        if self.too_many:
            return f"{self.on_sale:g} shares are on sale, {self.held:g} are held"
        return f"{self.naked:g} of {self.held:g} shares are under no stop"

    @property
    def is_exact(self) -> bool:
        """Every share is covered once."""
        return self.held >= 0 and self.naked == 0 and self.too_many == 0


def cover_of(truth: Truth, con_id: int) -> Cover:
    """Compare what is held of a listing with the sells that the broker has for it.

    A stop that still belongs to a purchase which is not filled at all sells nothing yet, and does not count.
    """
    live = {(order.client_id, order.order_id): order for order in truth.orders if order.is_live}
    sells = [
        order
        for order in truth.orders
        if order.con_id == con_id and order.side == "SELL" and order.is_live and not _waits(order, live)
    ]
    stops = tuple(order for order in sells if order.kind in _STOPS and order.status not in _SLEEPING)
    return Cover(truth.positions.get(con_id, 0.0), stops, tuple(sells))


def _waits(order: WorkingOrder, live: dict[tuple[int, int], WorkingOrder]) -> bool:
    """Tell whether a child waits for a parent of which nothing was filled."""
    parent = live.get((order.client_id, order.parent_id)) if order.parent_id else None
    return parent is not None and parent.side == "BUY" and parent.filled == 0
