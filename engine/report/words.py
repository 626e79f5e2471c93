"""Sentences that every kind of result has: what became of the money, its metrics, one trade."""

from __future__ import annotations

from typing import Any

from engine.kernels.metrics import METRICS
from engine.report.data import day
from engine.report.spoken import METRIC_NAMES, money, percent, say_metric

__all__ = ["entry", "leave", "metric_lines", "outcome"]


def outcome(capital: float, row: Any) -> str:
    """Say what became of the money."""
    became = f"{money(capital)} became {money(row['final_capital'])}"
    return f"{became}, a total return of {percent(row['total_return'])}."


def metric_lines(row: Any) -> list[str]:
    """Say every other metric, one a line."""
    return [f"{METRIC_NAMES[name]}: {say_metric(name, row[name])}." for name in METRICS[2:]]


def entry(trade: Any) -> str:
    """Say how a trade began."""
    verb = "bought" if trade["quantity"] > 0 else "sold short"
    shares = f"{abs(trade['quantity']):,.4f}".rstrip("0").rstrip(".")
    return f"{verb} {shares} on {day(trade['entry_date'])} at {money(trade['entry_price'])}"


def leave(trade: Any) -> str:
    """Say how a trade ended, or that it has not."""
    price, profit = money(trade["exit_price"]), money(trade["profit"])
    if trade["exit_reason"] == "open":
        return f"still open, marked at {price}, profit so far {profit}"
    why = {"session": "the end of the session"}.get(trade["exit_reason"], trade["exit_reason"])
    left = f"left on {day(trade['exit_date'])} at {price} by {why}"
    return f"{left}, profit {profit} after fees of {money(trade['fees'])}"
