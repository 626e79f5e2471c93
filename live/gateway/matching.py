"""At which price, if any, an order fills when the price moves in one direction."""

from __future__ import annotations

from dataclasses import replace

from live.gateway.orders import Order, Ticket

__all__ = ["first_stop", "touch"]


def first_stop(ticket: Ticket, price: float | None) -> float | None:
    """Return where the stop of a new order stands, currency; None without one, or while no price is known."""
    if ticket.kind == "STP":
        return ticket.auxiliary
    if ticket.kind != "TRAIL":
        return None
    if ticket.trail_stop is not None:
        return ticket.trail_stop
    return None if price is None else _behind(ticket, price)


def touch(order: Order, price: float, *, opening: bool) -> tuple[Order, float | None]:
    """Test an order against the move from the price it has seen to another one.

    Parameters
    ----------
    order : Order
        Active.
    price : float
        Currency.
    opening : bool
        Whether the price came with a gap, so that no level between was traded.

    Returns
    -------
    Order
        With its stop moved, or triggered.
    float or None
        Price of the fill, currency; None where there is none.
    """
    before = None if opening else order.seen
    moved = replace(order, seen=price)
    ticket = order.ticket
    if ticket.kind == "MKT" or order.triggered:
        return moved, price
    if ticket.kind == "LMT" and ticket.limit is not None:
        return moved, _reached(ticket.limit, price, before, falling=not ticket.sells)
    if ticket.kind == "TRAIL":
        moved = replace(moved, stop=_trailed(moved, price))
    if moved.stop is None:
        return moved, None
    fill = _reached(moved.stop, price, before, falling=ticket.sells)
    return (moved, None) if fill is None else (replace(moved, triggered=True), fill)


def _reached(level: float, price: float, before: float | None, *, falling: bool) -> float | None:
    """Return the level if the price came to it, the price itself if it was beyond from the start, else None."""
    sign = 1 if falling else -1
    if sign * price > sign * level:
        return None
    return level if before is not None and sign * before > sign * level else price


def _behind(ticket: Ticket, price: float) -> float:
    distance = price * ticket.trail_percent / 100 if ticket.trail_percent else ticket.auxiliary or 0.0
    return round(price - distance if ticket.sells else price + distance, 6)


def _trailed(order: Order, price: float) -> float:
    level = _behind(order.ticket, price)
    if order.stop is None:
        return level
    return max(order.stop, level) if order.ticket.sells else min(order.stop, level)
