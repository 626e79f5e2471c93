"""What a broker takes, as a user writes it down."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.costs.rates import DatedRate, as_number
from engine.errors import InputError

__all__ = ["Brokerage"]


@dataclass(frozen=True)
class Brokerage:
    """What a broker takes of every order, on every day.

    Brokerage = min(max(minimum, fixed + rate * value + per_share * quantity), cap, cap_rate * value).

    Parameters
    ----------
    rate : float
        Fraction of the order's value, below 1; 0.001 is 0.1 percent.
    per_share : float
        Currency per share.
    fixed, minimum : float
        Currency per order.
    cap : float
        Currency per order at most; infinity is no cap.
    cap_rate : float
        Fraction of the order's value at most; infinity is no cap.
    depository : float
        Currency per sale, its own tax included.
    source : str
        Where the numbers are from.

    Raises
    ------
    InputError
    """

    rate: float = 0.0
    per_share: float = 0.0
    fixed: float = 0.0
    minimum: float = 0.0
    cap: float = math.inf
    cap_rate: float = math.inf
    depository: float = 0.0
    source: str = "given by the user"

    def __post_init__(self) -> None:
        for name in ("rate", "per_share", "fixed", "minimum", "cap", "cap_rate", "depository"):
            value = getattr(self, name)
            if not (name in {"cap", "cap_rate"} and value == math.inf):
                object.__setattr__(self, name, as_number(f"brokerage: {name}", value))
        if self.rate >= 1:
            raise InputError(f"brokerage: rate is {self.rate!r}; it is a fraction, 0.001 is 0.1 percent")
        if self.cap < self.minimum:
            raise InputError(
                f"brokerage: cap {self.cap:g} is below minimum {self.minimum:g}; give a cap that is not below it"
            )

    def rates(self) -> tuple[DatedRate, ...]:
        """Give the same as rates of a cost table, without dates."""
        amounts = {name: getattr(self, name) for name in ("rate", "per_share", "fixed", "minimum")}
        amounts = {name: amount for name, amount in amounts.items() if amount > 0} or {"rate": 0.0}
        amounts |= {name: getattr(self, name) for name in ("cap", "cap_rate") if getattr(self, name) < math.inf}
        rates = [
            DatedRate("brokerage", part, "both", amount, None, None, self.source) for part, amount in amounts.items()
        ]
        if self.depository > 0:
            rates.append(DatedRate("depository charge", "flat", "sell", self.depository, None, None, self.source))
        return tuple(rates)
