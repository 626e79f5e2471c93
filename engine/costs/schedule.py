"""A table of dated rates as one frozen value: what an order costs on a day, and the kernels' form of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.costs.fees import Fee
from engine.costs.rates import DatedRate, as_day, as_number
from engine.costs.series import Series, series_of
from engine.errors import InputError
from engine.kernels.charges import BUY_SIDE, SELL_SIDE, Charges, charge, charge_parts

__all__ = ["CostSchedule"]

_SIDES = {"buy": BUY_SIDE, "sell": SELL_SIDE}
_NOTHING = Charges(*[0.0] * len(Charges._fields))._replace(cap=np.inf, cap_rate=np.inf, share_levy_cap=np.inf)
_UNITS = ("unit", "tax_unit", "stamp_unit")


@dataclass(frozen=True)
class CostSchedule:
    """What orders cost, by rates with dates and sources.

    Parameters
    ----------
    name, currency : str
    rates : tuple of DatedRate
        For each part and side the periods follow each other without a hole or an overlap.
    slippage : float
        Fraction of the price, below 1: buys fill that much higher, sells that much lower. Not part of the fee.
    unit, tax_unit, stamp_unit : float
        What every part, the tax and the stamp duty are rounded to, halves upwards: 0 (not rounded) or 1 divided by a whole number.
    rounded : bool
        False: nothing is rounded, whatever the units.
    surcharge : float
        Fraction of the value on top of everything, never rounded; below 1.
    rounding : str
        How a contract note rounds, and who says so.

    Raises
    ------
    InputError
    """

    name: str
    currency: str
    rates: tuple[DatedRate, ...]
    slippage: float = 0.0
    unit: float = 0.0
    tax_unit: float = 0.0
    stamp_unit: float = 0.0
    rounded: bool = True
    surcharge: float = 0.0
    rounding: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rates", tuple(self.rates))
        for name in ("slippage", "surcharge", *_UNITS):
            object.__setattr__(self, name, as_number(f"{self.name}: {name}", getattr(self, name)))
        for name in ("slippage", "surcharge"):
            if getattr(self, name) >= 1:
                raise InputError(
                    f"{self.name}: {name} is {getattr(self, name)!r}; it is a fraction, 0.001 is 0.1 percent"
                )
        for name in _UNITS:
            unit = getattr(self, name)
            if unit and abs(1 / unit - round(1 / unit)) > 1e-9:
                raise InputError(
                    f"{self.name}: {name} is {unit!r}; it must be 0, or 1 divided by a whole number, as 0.01"
                )
        series = self._series()
        if self._begin(series) > self._end(series):
            raise InputError(f"{self.name}: there is no day on which all rates hold; give rates whose periods meet")

    def _series(self) -> list[Series]:
        return [series for side in _SIDES for series in series_of(self.name, side, self.rates)]

    @staticmethod
    def _begin(every: list[Series]) -> date:
        return max((series.begin for series in every), default=date.min)

    @staticmethod
    def _end(every: list[Series]) -> date:
        return min((series.end for series in every), default=date.max)

    def _gaps(self, day: date) -> Iterator[Series]:
        """Give the series that know no rate for this day."""
        return (series for series in self._series() if not series.begin <= day <= series.end)

    def charges(self, side: str, date: object) -> Charges:
        """Give the kernels' form of what an order of this side costs on this day, or on the nearest day whose rates are known.

        Raises
        ------
        InputError
        """
        day = as_day("date", date)
        if side not in _SIDES:
            raise InputError(f"side is {side!r}; it must be 'buy' or 'sell'")
        amounts = {series.part: series.nearest(day).amount for series in series_of(self.name, side, self.rates)}
        units = {name: getattr(self, name) if self.rounded else 0.0 for name in _UNITS}
        return _NOTHING._replace(**amounts, **units, surcharge=self.surcharge)

    def fee(self, side: str, price: float, quantity: float, date: object) -> Fee:
        """Give what one order costs.

        Parameters
        ----------
        side : {"buy", "sell"}
        price : float
            Currency per share, as filled.
        quantity : float
            Shares; positive for a sale too.
        date : datetime.date or str
            Day of the trade.

        Raises
        ------
        InputError
            A side, price, quantity or date that makes no sense; a date for which a rate is not known.
        """
        charges = self.charges(side, date)
        price = as_number("price", price, above_zero=True)
        quantity = as_number("quantity", quantity, above_zero=True)
        day = as_day("date", date)
        gap = next((series for series in self._gaps(day) if series.side == side), None)
        if gap is not None:
            raise InputError(
                f"{self.name}: no {gap.name} is known on {day}, {gap.extent()}; "
                "take another date, or add what held by with_rate(engine.costs.DatedRate(...))"
            )
        value = price * quantity
        parts = charge_parts(quantity, value, charges)
        return Fee(**parts._asdict(), total=charge(quantity, value, charges), currency=self.currency)

    def gaps(self, date: object) -> dict[str, str]:
        """Give the names of the rates that are not known on this day, each with the time in which it is known, in words.

        Raises
        ------
        InputError
        """
        return {series.name: series.extent() for series in self._gaps(as_day("date", date))}

    def outside(self, date: object) -> str | None:
        """Give the sentence that says an order of this day is charged by rates of another day; None if every rate is known.

        Raises
        ------
        InputError
        """
        day, gaps = as_day("date", date), self.gaps(date)
        if not gaps:
            return None
        named = "; ".join(f"{name} ({extent})" for name, extent in gaps.items())
        return f"{self.name}: orders of {day} are charged by rates of other days, because no rate is known of: {named}."

    def rows(self, dates: NDArray[np.datetime64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Give the kernels' table of charges, and for each date its row.

        Parameters
        ----------
        dates : ndarray of datetime64, shape (T,)
            Days outside the table take the nearest known rates; ``outside`` says so in words.

        Returns
        -------
        table : ndarray of float64, shape (R, 2, F)
            Buy and sale of each period between two changes; F is the fields of ``engine.kernels.charges.Charges``.
        row : ndarray of int64, shape (T,)

        Raises
        ------
        InputError
        """
        days = np.asarray(dates)
        if days.ndim != 1 or days.dtype.kind != "M" or np.isnat(days).any():
            raise InputError(
                f"dates are {days.dtype} of shape {days.shape}; they must be a row of datetime64, none missing"
            )
        changes = sorted({day for series in self._series() for day in series.changes})
        firsts = [changes[0] - timedelta(days=1) if changes else date.max, *changes]
        table = np.array([[self.charges(side, first) for side in _SIDES] for first in firsts], dtype=np.float64)
        starts = np.array(changes, dtype="datetime64[D]")
        return table, np.searchsorted(starts, days.astype("datetime64[D]"), side="right").astype(np.int64)

    def with_slippage(self, fraction: float) -> CostSchedule:
        """Give the same with this slippage, a fraction of the price."""
        return replace(self, slippage=fraction)

    def with_surcharge(self, fraction: float) -> CostSchedule:
        """Give the same with this fraction of the value on top of what it has."""
        return replace(self, surcharge=self.surcharge + fraction)

    def unrounded(self) -> CostSchedule:
        """Give the same without rounding."""
        return replace(self, rounded=False)

    def with_rate(self, rate: DatedRate) -> CostSchedule:
        """Give the same with one more rate; a rate without an end that it follows ends on the day before.

        Raises
        ------
        InputError
        """
        rates = []
        for old in self.rates:
            followed = (old.part, old.side, old.until) == (rate.part, rate.side, None)
            if followed and rate.since is not None and (old.since is None or old.since < rate.since):
                rates.append(replace(old, until=rate.since - timedelta(days=1)))
            else:
                rates.append(old)
        return replace(self, rates=(*rates, rate))

    def describe(self) -> list[str]:
        """Give plain sentences: the table's extent, the rounding, and each rate with its date and source."""
        series = self._series()
        first, last = self._begin(series), self._end(series)
        since = "on every day" if first == date.min else f"since {first}"
        until = "" if last == date.max else f" until {last}"
        lines = [f"{self.name}, in {self.currency}: every rate is known {since}{until}."]
        if self.slippage:
            lines.append(
                f"Slippage: {100 * self.slippage:g} percent of the price, against the order; not part of the fee."
            )
        if self.surcharge:
            lines.append(f"Surcharge: {100 * self.surcharge:g} percent of the value, never rounded.")
        lines.append(self.rounding if self.rounded and self.rounding else "Nothing is rounded.")
        return lines + [rate.describe(self.currency) for rate in self.rates]

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**values, "rates": [rate.to_dict() for rate in self.rates]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CostSchedule:
        """Read what ``to_dict`` gave."""
        return cls(**{**values, "rates": tuple(DatedRate.from_dict(rate) for rate in values["rates"])})
