"""Profit per trade out of executions and commissions: what was bought first is sold first, share by share."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

__all__ = ["Trade", "trades_of"]

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Trade:
    """Shares that one order bought and one order sold; a purchase that was sold in two parts is two trades, and a third one if some are still held.

    Attributes
    ----------
    symbol : str
    con_id : int
        The broker's own number of the listing.
    quantity : float
        Shares.
    entry_order, exit_order : str
        Our references; empty for orders of somebody else.
    entry_time, exit_time : datetime or None
        Of the first execution of the entry and the last one of the exit; None: bought before the journal, or still held.
    entry_price, exit_price : float or None
        Averages, currency per share.
    commission : float or None
        Currency; None if one of its executions has no known commission.
    gross, profit : float or None
        Currency, before and after commissions; None as long as they are not known, and of what is still held.
    """

    symbol: str
    con_id: int
    quantity: float
    entry_order: str
    entry_time: datetime | None
    entry_price: float | None
    exit_order: str
    exit_time: datetime | None
    exit_price: float | None
    commission: float | None
    gross: float | None
    profit: float | None

    @property
    def is_closed(self) -> bool:
        """Whether it is sold, and its purchase is known."""
        return self.entry_time is not None and self.exit_time is not None


@dataclass(frozen=True)
class _Fill:
    """One execution, with exact numbers."""

    order: str
    group: str
    side: str
    quantity: Fraction
    price: Fraction
    time: datetime
    commission: Fraction | None


@dataclass(frozen=True)
class _Piece:
    """Shares with the fill that bought and the fill that sold them."""

    quantity: Fraction
    entry: _Fill | None
    exit: _Fill | None


def _exact(number: float) -> Fraction:
    return Fraction(repr(float(number)))


def _fill(data: Mapping[str, Any], currency: str) -> _Fill:
    """Read an execution of the journal; a commission in another currency is none that could be taken off."""
    known = data["commission"] is not None and data["commission_currency"] in ("", currency)
    return _Fill(
        order=data["reference"],
        group=data["reference"] or f"permanent {data['permanent_id']}",
        side=data["side"],
        quantity=_exact(data["quantity"]),
        price=_exact(data["price"]),
        time=datetime.fromisoformat(data["time"]),
        commission=_exact(data["commission"]) if known else None,
    )


def trades_of(executions: Iterable[Mapping[str, Any]], currency: str = "INR") -> tuple[Trade, ...]:
    """Match purchases and sales.

    Parameters
    ----------
    executions : iterable of mapping
        The newest version of each, as the journal has them; a correction takes the place of what it corrects.
    currency : str
        Of prices and commissions.

    Returns
    -------
    tuple of Trade
        In the order of their purchases; what is still held is a trade without an exit.
    """
    fills = defaultdict[int, list[_Fill]](list)
    symbols: dict[int, str] = {}
    for data in executions:
        con_id = int(data["con_id"])
        fills[con_id].append(_fill(data, currency))
        symbols[con_id] = data.get("symbol") or symbols.get(con_id, f"listing {con_id}")
    found = [
        _trade(symbols[con_id], con_id, pieces)
        for con_id, some in fills.items()
        for pieces in _grouped(_matched(sorted(some, key=lambda one: one.time)))
    ]
    return tuple(sorted(found, key=lambda one: (one.entry_time or one.exit_time or _NEVER, one.symbol)))


def _matched(fills: Iterable[_Fill]) -> list[_Piece]:
    """Take the shares of a sale from the oldest purchases."""
    held, pieces = deque[tuple[_Fill, Fraction]](), []
    for fill in fills:
        if fill.side == "BUY":
            held.append((fill, fill.quantity))
            continue
        rest = fill.quantity
        while rest and held:
            entry, there = held.popleft()
            taken = min(rest, there)
            pieces.append(_Piece(taken, entry, fill))
            rest -= taken
            if there > taken:
                held.appendleft((entry, there - taken))
        if rest:
            pieces.append(_Piece(rest, None, fill))
    return [*pieces, *(_Piece(there, entry, None) for entry, there in held if there)]


def _grouped(pieces: Iterable[_Piece]) -> list[list[_Piece]]:
    """Put together what the same two orders bought and sold."""
    groups = defaultdict[tuple[str, str], list[_Piece]](list)
    for piece in pieces:
        groups[piece.entry.group if piece.entry else "", piece.exit.group if piece.exit else ""].append(piece)
    return list(groups.values())


def _trade(symbol: str, con_id: int, pieces: list[_Piece]) -> Trade:
    """Add up the pieces of a trade."""
    entry, last = pieces[0].entry, pieces[-1].exit
    quantity = sum((piece.quantity for piece in pieces), Fraction(0))
    paid = sum((piece.quantity * piece.entry.price for piece in pieces if piece.entry), Fraction(0))
    got = sum((piece.quantity * piece.exit.price for piece in pieces if piece.exit), Fraction(0))
    parts = [(fill, piece.quantity) for piece in pieces for fill in (piece.entry, piece.exit) if fill]
    fees = [fill.commission * part / fill.quantity for fill, part in parts if fill.commission is not None]
    commission = sum(fees, Fraction(0)) if len(fees) == len(parts) else None
    gross = got - paid if entry and last else None
    return Trade(
        symbol=symbol,
        con_id=con_id,
        quantity=float(quantity),
        entry_order=entry.order if entry else "",
        entry_time=min(piece.entry.time for piece in pieces if piece.entry) if entry else None,
        entry_price=float(paid / quantity) if entry else None,
        exit_order=last.order if last else "",
        exit_time=max(piece.exit.time for piece in pieces if piece.exit) if last else None,
        exit_price=float(got / quantity) if last else None,
        commission=None if commission is None else float(commission),
        gross=None if gross is None else float(gross),
        profit=None if gross is None or commission is None else float(gross - commission),
    )
