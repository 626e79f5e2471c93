"""What the library's objects say, in the bot's own words; statuses are the broker's, never those that an error made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from live.facts import Execution, WorkingOrder
from live.wire import number_of

__all__ = ["execution_of", "working"]


def working(trade: Any) -> WorkingOrder:
    """Read an open order; its status is the last one that no error made."""
    order = trade.order
    said = [entry.status for entry in trade.log if not entry.errorCode]
    return WorkingOrder(
        reference=order.orderRef or "",
        permanent_id=order.permId,
        order_id=order.orderId,
        client_id=order.clientId,
        parent_id=order.parentId,
        con_id=trade.contract.conId,
        symbol=trade.contract.symbol,
        side=order.action,
        kind=order.orderType,
        quantity=float(order.totalQuantity),
        filled=float(trade.orderStatus.filled),
        limit=number_of(order.lmtPrice),
        trail=number_of(order.auxPrice),
        time_in_force=order.tif,
        status=said[-1] if said else trade.orderStatus.status,
    )


def execution_of(fill: Any, reports: Mapping[str, Any]) -> Execution:
    """Read an execution, with its commission if that is known."""
    execution, contract = fill.execution, fill.contract
    report = reports.get(execution.execId)
    known = bool(report and report.execId)
    return Execution(
        execution_id=execution.execId,
        reference=execution.orderRef or "",
        permanent_id=execution.permId,
        con_id=contract.conId,
        side="BUY" if execution.side == "BOT" else "SELL",
        quantity=float(execution.shares),
        price=float(execution.price),
        time=execution.time,
        commission=number_of(report.commission) if report and known else None,
        commission_currency=report.currency if report and known else "",
        symbol=contract.symbol,
    )
