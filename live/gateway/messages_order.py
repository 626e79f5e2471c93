"""How the gateway tells orders: openOrder, orderStatus and completedOrder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from live.gateway.clock import KOLKATA
from live.gateway.messages_out import Message, contract_fields

if TYPE_CHECKING:
    from live.gateway.market import Listing
    from live.gateway.orders import Order

__all__ = ["completed_order", "open_order", "order_status"]


def _empty(fields: int) -> list[str]:
    return [""] * fields


def _terms(order: Order) -> list[object]:
    """Return action to orderRef."""
    ticket = order.ticket
    auxiliary = order.stop if ticket.kind == "STP" else ticket.auxiliary
    return [
        ticket.action, ticket.quantity, ticket.kind, ticket.limit or 0.0, auxiliary or 0.0, ticket.tif, "",
        ticket.account, "", 0, ticket.reference,
    ]  # fmt: skip


def order_status(order: Order) -> Message:
    """Tell where an order stands, shares and currency."""
    ticket = order.ticket
    return Message(
        "orderStatus",
        (
            3, ticket.order_id, order.status, order.filled, order.remaining,
            order.average, order.perm_id, ticket.parent_id, order.last, ticket.client_id, order.why_held, 0,
        ),
    )  # fmt: skip


def open_order(order: Order, listing: Listing, version: int) -> Message:
    """Tell an order in full."""
    ticket = order.ticket
    fields: list[object] = [5, ticket.order_id, *contract_fields(listing), *_terms(order)]
    fields += [ticket.client_id, order.perm_id, 0, 0, 0, "", "", "", "", ""]  # outsideRth to faPercentage
    fields += _empty(1) if version < 177 else []
    fields += [
        "",
        "",
        "",
        "",
        "",
        0,
        "",
        -1,
        0,
        "",
        "",
        "",
        "",
        "",
        "",
        0,
        0,
        0,
        "",
        3,
        0,
        0,
        "",
    ]  # modelCode to nbboPriceCap
    fields += [ticket.parent_id, 0, "", 0, "", ""]  # parentId to deltaNeutralAuxPrice
    fields += [0, 0, order.stop if ticket.kind == "TRAIL" else None, ticket.trail_percent, "", "", ""]
    fields += [0, 0, 0, "", "", "", ""]  # legs, order legs, parameters, scale, hedge
    fields += [0, "", "IB", 0, 0, ""]  # optOut to algoStrategy
    fields += [0, 0, order.status, *_empty(9), "", "", "", "", "", 0, 0]  # solicited to randomizePrice
    fields += [0]  # conditions
    fields += [
        "None",
        "",
        order.stop if ticket.kind == "TRAIL" else None,
        "",
        "",
        "",
        "",
        0,
        "",
        "",
        "",
        "",
        0,
        0,
        0,
        0,
    ]
    fields += _empty((version >= 159) + (version >= 160))
    fields += [0] if version >= 162 else []
    fields += _empty(5) if version >= 170 else []
    return Message("openOrder", tuple(fields))


def completed_order(order: Order, listing: Listing, parent_perm_id: int, version: int) -> Message:
    """Tell an order that is done."""
    ticket = order.ticket
    when = f"{order.done_at.astimezone(KOLKATA):%Y%m%d %H:%M:%S} Asia/Kolkata" if order.done_at else ""
    size = f"Filled Size: {order.filled}"
    stop = order.stop if ticket.kind == "TRAIL" else None
    fields: list[object] = [101, *contract_fields(listing), *_terms(order), order.perm_id]
    fields += [0, 0, 0, "", "", "", ""]  # outsideRth to faPercentage
    fields += _empty(1) if version < 177 else []
    fields += [
        "",
        "",
        "",
        "",
        "",
        0,
        "",
        -1,
        "",
        "",
        "",
        "",
        "",
        "",
        0,
        0,
        "",
        3,
        0,
        "",
        0,
        "",
        "",
    ]  # modelCode to deltaNeutralAuxPrice
    fields += [0, 0, stop, ticket.trail_percent, "", 0, 0, 0, "", "", "", ""]  # continuousUpdate to hedgeType
    fields += ["", "IB", 0, 0, "", 0, order.status, 0, 0, 0]  # clearing to conditions
    fields += [stop, "", "", 0, 0, "", order.filled, "", 0, "", 0, 0, parent_perm_id, when, size]
    fields += _empty(5) if version >= 170 else []
    return Message("completedOrder", tuple(fields))
