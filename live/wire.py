"""What the wire has for numbers and days, read as what is meant."""

from __future__ import annotations

import math
from collections.abc import Sized
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


def received(positions: Sized, orders: Sized, executions: Sized) -> str:
    """Say what came with a connection."""
    held, live = count(len(positions), "position"), count(len(orders), "open order")
    return f"Received {held}, {live} and {count(len(executions), 'execution')}."
