"""What an account allows, checked once, before any work."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from engine.errors import InputError
from engine.kernels.purchases import Terms
from engine.limits import LEAST_LOT
from engine.settings import require_number

__all__ = ["AccountTerms", "Priority"]

Priority = Literal["strongest", "alphabetical"]

_NO_LIMIT = 1 << 40


@dataclass(frozen=True)
class AccountTerms:
    """What one account allows its symbols.

    Parameters
    ----------
    max_positions : int or None
        Positions open at a time; None is no limit.
    max_weight : float or None
        Share of equity that one buy may spend, fee included, above 0 and at most 1; None is no limit.
    priority : {"strongest", "alphabetical"} or sequence of str
        Who buys first when there is not enough for all: the strongest cross, the first name, or the symbols in the order given, the others after them.
    lot : float or mapping of symbol to float
        Shares that can only be bought together; 1 for symbols that a mapping does not have.
    tick : float, mapping of symbol to float, or None
        Step of the price, to which fills are rounded against us; none for symbols that a mapping does not have.

    Raises
    ------
    InputError
    """

    max_positions: int | None = None
    max_weight: float | None = None
    priority: Priority | Sequence[str] = "strongest"
    lot: float | Mapping[str, float] = 1.0
    tick: float | Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        most = self.max_positions
        if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
            raise InputError(f"max positions is {most!r}; it must be a whole number, 1 or more, or None for no limit")
        if self.max_weight is not None and require_number("max weight", self.max_weight, above=0) > 1:
            raise InputError(f"max weight is {self.max_weight!r}; it is a share of equity, 0.2 is a fifth")
        if isinstance(self.priority, str) and self.priority not in ("strongest", "alphabetical"):
            raise InputError(f"priority is {self.priority!r}; it must be strongest, alphabetical, or a list of symbols")
        for name, given in (("lot", self.lot), ("tick", self.tick)):
            values = given.items() if isinstance(given, Mapping) else [("", given)]
            for symbol, value in values:
                if value is not None:
                    require_number(f"{name} of {symbol}" if symbol else name, value, above=0)
                    if name == "lot":
                        require_number(f"lot of {symbol}" if symbol else "lot", value, least=LEAST_LOT)

    def require(self, symbols: Sequence[str]) -> None:
        """Check that every symbol that is named has prices.

        Raises
        ------
        InputError
        """
        named: list[tuple[str, Any]] = [("lot", self.lot), ("tick", self.tick), ("priority", self.priority)]
        for name, given in named:
            if given is None or isinstance(given, str | float | int):
                continue
            unknown = [str(symbol) for symbol in given if symbol not in symbols]
            if unknown:
                raise InputError(f"{name}: no prices for {', '.join(unknown)}; the prices have {_first(symbols)}")
        if not isinstance(self.priority, str) and len(set(self.priority)) < len(self.priority):
            raise InputError("priority: a symbol is named twice; name every symbol once")

    def lot_of(self, symbol: str) -> float:
        """Shares in a lot."""
        return float(self.lot.get(symbol, 1.0) if isinstance(self.lot, Mapping) else self.lot)

    def tick_of(self, symbol: str) -> Fraction | None:
        """Step of the price, as the decimal number that was written."""
        tick = self.tick.get(symbol) if isinstance(self.tick, Mapping) else self.tick
        return None if tick is None else Fraction(str(tick))

    def kernel_terms(self, symbols: Sequence[str], capital: float) -> Terms:
        """Give the compiled core's form."""
        first = [] if isinstance(self.priority, str) else list(self.priority)
        order = {s: i for i, s in enumerate([*first, *sorted(set(symbols) - set(first))])}
        ticks = [self.tick_of(symbol) or Fraction(0) for symbol in symbols]
        return Terms(
            capital=capital,
            max_positions=_NO_LIMIT if self.max_positions is None else min(self.max_positions, _NO_LIMIT),
            max_weight=math.inf if self.max_weight is None else float(self.max_weight),
            by_strength=self.priority == "strongest",
            rank=np.array([order[symbol] for symbol in symbols]),
            lot=np.array([self.lot_of(symbol) for symbol in symbols]),
            tick=np.array([[float(tick.numerator), float(tick.denominator)] for tick in ticks]),
        )

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return {
            "max_positions": self.max_positions,
            "max_weight": self.max_weight,
            "priority": self.priority if isinstance(self.priority, str) else list(self.priority),
            "lot": dict(self.lot) if isinstance(self.lot, Mapping) else self.lot,
            "tick": dict(self.tick) if isinstance(self.tick, Mapping) else self.tick,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AccountTerms:
        """Read what ``to_dict`` gave; other names are passed over."""
        return cls(**{name: values[name] for name in cls.__dataclass_fields__})


def _first(symbols: Sequence[str]) -> str:
    """Name a few symbols."""
    few = ", ".join(symbols[:5])
    return few if len(symbols) <= 5 else f"{few} and {len(symbols) - 5} more"
