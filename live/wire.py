"""What the wire has for numbers and days, read as what is meant."""

from __future__ import annotations

import math
from collections.abc import Sized
from datetime import date, datetime
from typing import Any

from engine.report.spoken import count
from live.errors import RefusedError

__all__ = ["day_of", "number_of", "price_steps", "received"]


def number_of(value: object) -> float | None:
    """Give a finite number, or None for text that is none and for what the wire calls unset."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and abs(number) < 1e300 else None


def day_of(value: date | datetime) -> date:
    """Give the day of a daily bar."""
    return value.date() if isinstance(value, datetime) else value


async def price_steps(ib: Any, rule: int) -> tuple[tuple[float, float], ...]:
    """Ask for the rows of a market rule, each a price and the increment from there on.

    Not by ``ib.reqMarketRuleAsync``: it waits for a second from the moment at which the question is handed over, and where many shares are asked about, the library's own brake of 45 messages a
    second may keep the question back for longer.

    Raises
    ------
    RefusedError
        There are none.
    """
    answer = ib.wrapper.startReq(f"marketRule-{rule}")
    ib.client.reqMarketRule(rule)
    steps = await answer
    if not steps:
        raise RefusedError(f"the broker gives no price steps for rule {rule}")
    return tuple((float(step.lowEdge), float(step.increment)) for step in steps)


def received(positions: Sized, orders: Sized, executions: Sized) -> str:
    """Say what came with a connection."""
    held, live = count(len(positions), "position"), count(len(orders), "open order")
    return f"Received {held}, {live} and {count(len(executions), 'execution')}."
