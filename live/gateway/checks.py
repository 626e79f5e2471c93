"""Why the broker refuses an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from live.gateway.market import Listing
    from live.gateway.orders import Ticket

__all__ = ["FUNDS", "OVERSELL", "READ_ONLY", "fault_of"]

Reason = tuple[int, str]
READ_ONLY: Reason = (
    321,
    "Error validating request.-'bN' : cause - The API interface is currently in Read-Only mode.",
)
FUNDS: Reason = (
    201,
    "Order rejected - reason:We are unable to accept your order. Your Available Funds are insufficient.",
)
OVERSELL: Reason = (
    201,
    "Order rejected - reason:Short stock positions can only be held in a margin account.",
)
_KINDS = {"LMT", "MKT", "STP", "TRAIL"}


def fault_of(ticket: Ticket, listing: Listing | None) -> Reason | None:
    """Return code and text for a ticket that is wrong in itself, None for a good one."""
    if listing is None:
        return 200, "No security definition has been found for the request"
    if ticket.kind not in _KINDS or ticket.action not in {"BUY", "SELL"} or ticket.tif not in {"DAY", "GTC", ""}:
        return 321, "Error validating request.-'bN' : cause - Invalid order type, side or time in force"
    if ticket.quantity < listing.minimum_size or ticket.quantity % listing.size_increment:
        return 321, "Error validating request.-'bN' : cause - Order size does not conform to market rule"
    needed = {
        "LMT": ticket.limit,
        "STP": ticket.auxiliary,
        "TRAIL": ticket.trail_percent or ticket.auxiliary,
        "MKT": 1.0,
    }[ticket.kind]
    if needed is None or needed <= 0:
        return 321, "Error validating request.-'bN' : cause - A price is missing"
    return None if _on_tick(ticket, listing) else _OFF_TICK


_OFF_TICK: Reason = (110, "The price does not conform to the minimum price variation for this contract.")


def _on_tick(ticket: Ticket, listing: Listing) -> bool:
    prices = (
        ticket.limit if ticket.kind == "LMT" else None,
        ticket.auxiliary if ticket.kind in {"STP", "TRAIL"} else None,
        ticket.trail_stop if ticket.kind == "TRAIL" else None,
    )
    return all(price is None or listing.on_tick(price) for price in prices)
