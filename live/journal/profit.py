"""What the closed trades came to, in numbers and in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from engine.report.spoken import count, money
from live.journal.trades import Trade

__all__ = ["Profit", "profit_lines", "profit_of"]


@dataclass(frozen=True)
class Profit:
    """What all closed trades came to.

    Attributes
    ----------
    closed : int
        Trades.
    gross : float
        Currency, before commissions.
    net : float or None
        After them; None if not all are known.
    unknown : int
        Closed trades of which not all commissions are known.
    """

    closed: int
    gross: float
    net: float | None
    unknown: int


def profit_of(trades: Iterable[Trade]) -> Profit:
    """Add up what is closed."""
    closed = [one for one in trades if one.is_closed]
    known = [one.profit for one in closed if one.profit is not None]
    gross = float(sum((Fraction(repr(one.gross)) for one in closed), Fraction(0)))
    net = float(sum((Fraction(repr(one)) for one in known), Fraction(0))) if len(known) == len(closed) else None
    return Profit(len(closed), gross, net, len(closed) - len(known))


def profit_lines(trades: Iterable[Trade]) -> list[str]:
    """Say what the closed trades came to; what is not known is said to be unknown, and never taken for nothing."""
    trades = list(trades)
    all_of_them = profit_of(trades)
    lines = []
    if not all_of_them.closed:
        lines.append("No trade is closed yet, so no profit is realized.")
    elif all_of_them.net is not None:
        lines.append(
            f"Realized profit: {money(all_of_them.net)} in {count(all_of_them.closed, 'closed trade')}, after commissions."
        )
    else:
        lines.append(
            f"Realized profit: not known, because commissions of {count(all_of_them.unknown, 'closed trade')} are not known yet; "
            f"before commissions it is {money(all_of_them.gross)} in {count(all_of_them.closed, 'closed trade')}."
        )
    strange = (one for one in trades if one.entry_time is None)
    lines += [
        f"{one.symbol}: {count(one.quantity, 'share')} sold whose purchase is not in the journal; no profit is known of that."
        for one in strange
    ]
    return lines
