"""One rate of a cost table: how much, from when, until when, and who says so."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

import numpy as np

from engine.errors import InputError

__all__ = ["PARTS", "DatedRate", "Side", "as_day", "as_number", "dated_rate"]

Side = Literal["buy", "sell", "both"]

PARTS = {
    "rate": "percent of the value",
    "per_share": "a share",
    "fixed": "an order",
    "minimum": "an order at least",
    "cap": "an order at most",
    "cap_rate": "percent of the value at most",
    "tax_rate": "percent of the value",
    "stamp_rate": "percent of the value",
    "exchange_rate": "percent of the value",
    "exchange_per_share": "a share",
    "regulator_rate": "percent of the value",
    "protection_rate": "percent of the value",
    "share_levy": "a share",
    "share_levy_cap": "an order at most",
    "clearing_per_share": "a share",
    "brokerage_tax": "percent of the brokerage",
    "exchange_tax": "percent of the exchange's charge",
    "regulator_tax": "percent of the regulator's fee",
    "protection_tax": "percent of the protection fund's levy",
    "flat": "an order",
}
"""What a rate can be: the fields of ``engine.kernels.charges.Charges`` that have dates, and what their amount is of."""

_WHO = {"buy": "buys", "sell": "sales", "both": "buys and sales"}


def as_day(name: str, value: object) -> date:
    """Read a date: a date, a text such as 2025-06-02, numpy's or pandas' form of it.

    Raises
    ------
    InputError
    """
    try:
        if isinstance(value, np.datetime64):
            value = str(value.astype("datetime64[D]"))
        if isinstance(value, str):
            return date.fromisoformat(value)
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
    except ValueError:
        pass
    raise InputError(f"{name} is {value!r}; it must be a date such as 2025-06-02")


def as_number(name: str, value: object, *, above_zero: bool = False) -> float:
    """Read a finite number that is not negative.

    Raises
    ------
    InputError
    """
    if isinstance(value, np.integer | np.floating):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{name} is {value!r}; it must be a finite number")
    if value < 0 or (above_zero and value == 0):
        raise InputError(f"{name} is {value!r}; it must be {'more than 0' if above_zero else '0 or more'}")
    return float(value)


@dataclass(frozen=True)
class DatedRate:
    """One rate, the days on which it holds, and its source in words.

    Parameters
    ----------
    name : str
        What people call it, as "stamp duty".
    part : str
        What it is in the calculation: one of ``PARTS``.
    side : {"buy", "sell", "both"}
    amount : float
        A fraction (0.001 is 0.1 percent), or currency per share or per order: as ``PARTS`` says of the part.
    since : datetime.date or None
        First day. None: it is not known, and the rate is used for every day (until its last).
    until : datetime.date or None
        Last day on which it held. None: it is not known to have ended.
    source : str
        Act, circular or page, when it was read, and what could not be checked.

    Raises
    ------
    InputError
    """

    name: str
    part: str
    side: Side
    amount: float
    since: date | None
    until: date | None
    source: str

    def __post_init__(self) -> None:
        for field in ("name", "source"):
            text = getattr(self, field)
            if not isinstance(text, str) or not text.strip():
                raise InputError(f"{field} of a rate is {text!r}; it must be words")
        if self.part not in PARTS:
            raise InputError(f"{self.name}: part is {self.part!r}; it must be one of: {', '.join(PARTS)}")
        if self.side not in _WHO:
            raise InputError(f"{self.name}: side is {self.side!r}; it must be 'buy', 'sell' or 'both'")
        object.__setattr__(self, "amount", as_number(f"{self.name}: amount", self.amount))
        for field in ("since", "until"):
            if getattr(self, field) is not None:
                object.__setattr__(self, field, as_day(f"{self.name}: {field}", getattr(self, field)))
        if self.since is not None and self.until is not None and self.until < self.since:
            raise InputError(f"{self.name}: until {self.until} is before since {self.since}; exchange them")

    def holds(self, day: date) -> bool:
        """Tell whether the rate holds on this day."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)

    def describe(self, currency: str) -> str:
        """Give one sentence: how much, of what, of which orders, since when, until when, and the source."""
        unit = PARTS[self.part]
        percent = unit.startswith("percent")
        # repr and Decimal: a screen reader reads 0.00297, not 2.97e-05 nor 0.0029699999999999996.
        amount = f"{(Decimal(repr(self.amount)) * (100 if percent else 1)).normalize():f}"
        much = f"{amount} {unit}" if percent else f"{amount} {currency} {unit}"
        since = f"since {self.since}" if self.since else "first day not known"
        until = f", until {self.until}" if self.until else ""
        return f"{self.name}, {_WHO[self.side]}: {much}, {since}{until}. Source: {self.source}."

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        days = {name: day.isoformat() if day else None for name, day in (("since", self.since), ("until", self.until))}
        return {**asdict(self), **days}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DatedRate:
        """Read what ``to_dict`` gave."""
        return cls(**values)


def dated_rate(
    name: str, part: str, side: Side, amount: float, since: str | None, until: str | None, source: str
) -> DatedRate:
    """Give a rate whose days are written as in 2025-06-02.

    Raises
    ------
    InputError
    """
    first, last = (as_day(f"{name}: date", day) if day else None for day in (since, until))
    return DatedRate(name, part, side, amount, first, last, source)
