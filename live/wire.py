"""What the wire has for numbers and days, read as what is meant."""

from __future__ import annotations

import math
from datetime import date, datetime

from engine.report.spoken import count

__all__ = ["day_of", "number_of", "received"]


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


def received(positions: int, orders: int, executions: int) -> str:
    """Say what came with a connection."""
    held, live = count(positions, "position"), count(orders, "open order")
    return f"Received {held}, {live} and {count(executions, 'execution')}."
