"""The cost model without dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from engine.costs.rates import as_number
from engine.errors import InputError

__all__ = ["Costs", "percentage"]


@dataclass(frozen=True)
class Costs:
    """What an order costs: fee = max(minimum, fixed + rate * value), and slippage against us on the price.

    Parameters
    ----------
    rate : float
        Fraction of the order's value, 0.001 is 0.1 percent.
    fixed, minimum : float
        Currency per order.
    slippage : float
        Fraction of the price, below 1: buys fill that much higher, sells that much lower.

    Raises
    ------
    InputError
    """

    rate: float = 0.0
    fixed: float = 0.0
    minimum: float = 0.0
    slippage: float = 0.0

    def __post_init__(self) -> None:
        for name in ("rate", "fixed", "minimum", "slippage"):
            object.__setattr__(self, name, as_number(f"costs: {name}", getattr(self, name)))
        for name in ("rate", "slippage"):
            if getattr(self, name) >= 1:
                raise InputError(f"costs: {name} is {getattr(self, name)!r}; it is a fraction, 0.001 is 0.1 percent")

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Costs:
        """Read what ``to_dict`` gave."""
        return cls(**values)

    def with_surcharge(self, fraction: float) -> Costs:
        """Give the same with this fraction of the value on top."""
        return replace(self, rate=self.rate + fraction)


def percentage(rate: float = 0.0, fixed: float = 0.0, minimum: float = 0.0, slippage: float = 0.0) -> Costs:
    """Give ``engine.Costs``: max(minimum, fixed + rate * value) an order, the same on every day.

    Parameters
    ----------
    rate : float
        Fraction of the order's value, 0.001 is 0.1 percent.
    fixed, minimum : float
        Currency per order.
    slippage : float
        Fraction of the price.

    Raises
    ------
    InputError
    """
    return Costs(rate, fixed, minimum, slippage)
