"""Cash and shares of one account."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Account", "Position"]


@dataclass(frozen=True)
class Position:
    """Shares held, and what one cost on average, currency, commission included."""

    shares: int = 0
    average_cost: float = 0.0


@dataclass
class Account:
    """One account; whether it may be short is for the book to say.

    Attributes
    ----------
    name : str
    cash : float
        Currency.
    positions : dict of int to Position
        By con_id.
    realized : float
        Profit of what was sold, currency.
    """

    name: str
    cash: float
    positions: dict[int, Position] = field(default_factory=dict)
    realized: float = 0.0

    def shares(self, con_id: int) -> int:
        """Return the shares held."""
        return self.positions.get(con_id, Position()).shares

    def trade(self, con_id: int, shares: int, price: float, commission: float) -> float | None:
        """Book a fill; a sale has negative shares.

        Returns
        -------
        float or None
            Realized profit after the commission, currency; None for a purchase.
        """
        held = self.positions.get(con_id, Position())
        self.cash -= shares * price + commission
        total = held.shares + shares
        if shares > 0 and total > 0:
            cost = max(held.shares, 0) * held.average_cost + shares * price + commission
            self.positions[con_id] = Position(total, cost / total)
            return None
        self.positions[con_id] = Position(total, held.average_cost if total else 0.0)
        if shares > 0:
            return None
        gain = -shares * (price - held.average_cost) - commission
        self.realized += gain
        return gain

    def correct(self, con_id: int, shares: int, cash: float) -> None:
        """Book the difference that a correction of a fill makes."""
        held = self.positions.get(con_id, Position())
        self.cash += cash
        self.positions[con_id] = Position(held.shares + shares, held.average_cost if held.shares + shares else 0.0)
