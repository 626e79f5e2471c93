"""What the costs took, from a table of trades."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.costs.plain import Costs
from engine.costs.schedule import CostSchedule
from engine.kernels.charges import BUY_SIDE, SELL_SIDE, ChargeParts, Charges, charge_parts

__all__ = ["CostTotals", "cost_totals"]

_PARTS_OF = {
    "brokerage": ("rate", "per_share", "fixed", "minimum"),
    "tax": ("tax_rate",),
    "stamp": ("stamp_rate",),
    "exchange": ("exchange_rate", "exchange_per_share"),
    "regulator": ("regulator_rate",),
    "protection": ("protection_rate",),
    "share_levy": ("share_levy",),
    "clearing": ("clearing_per_share",),
    "service_tax": ("brokerage_tax", "exchange_tax"),
    "flat": ("flat",),
    "surcharge": (),
}
"""Which rates a part of the fee comes from, so that it can be called what its rate is called."""


@dataclass(frozen=True)
class CostTotals:
    """What all orders of some trades cost, in currency; a position that is still open has only its purchase.

    Attributes
    ----------
    orders : int
    turnover : float
        Value of all orders.
    fees, slippage : float
    parts : dict
        Fees by what they are called; empty for plain costs.
    outside : tuple of str
        Sentences about orders that were charged by rates of other days.
    """

    orders: int
    turnover: float
    fees: float
    slippage: float
    parts: Mapping[str, float]
    outside: tuple[str, ...]

    @property
    def total(self) -> float:
        """Fees and slippage."""
        return self.fees + self.slippage

    @property
    def average_fee(self) -> float:
        """Fees as a fraction of the turnover."""
        return self.fees / self.turnover if self.turnover else 0.0


def cost_totals(trades: pd.DataFrame, costs: Costs | CostSchedule) -> CostTotals:
    """Add up what the orders of some trades cost; ``trades`` has TRADE_COLUMNS."""
    left = trades[trades["exit_reason"] != "open"]
    buys = _Orders("buy", trades["entry_date"], trades["entry_price"], trades["quantity"])
    sales = _Orders("sell", left["exit_date"], left["exit_price"], left["quantity"])
    slip = costs.slippage
    schedule = costs if isinstance(costs, CostSchedule) else None
    return CostTotals(
        orders=len(trades) + len(left),
        turnover=buys.turnover + sales.turnover,
        fees=float(trades["fees"].sum()),
        slippage=buys.turnover * slip / (1 + slip) + sales.turnover * slip / (1 - slip),
        parts=_parts(schedule, buys, sales) if schedule else {},
        outside=tuple(_outside(schedule, buys, sales)) if schedule else (),
    )


class _Orders:
    """The purchases, or the sales, of some trades."""

    def __init__(
        self, side: str, dates: pd.Series[pd.Timestamp], price: pd.Series[float], shares: pd.Series[float]
    ) -> None:
        self.side = side
        self.dates: NDArray[np.datetime64] = pd.DatetimeIndex(dates).tz_localize(None).to_numpy()
        self.shares = shares.to_numpy(dtype=np.float64)
        self.values = self.shares * price.to_numpy(dtype=np.float64)

    @property
    def turnover(self) -> float:
        """Value of all of them."""
        return float(self.values.sum())


def _parts(schedule: CostSchedule, buys: _Orders, sales: _Orders) -> dict[str, float]:
    """Add up the fees part by part; parts of which nothing was paid are left out."""
    totals = np.zeros(len(ChargeParts._fields))
    for orders, place in ((buys, BUY_SIDE), (sales, SELL_SIDE)):
        table, rows = schedule.rows(orders.dates)
        charges = [Charges(*line) for line in table[:, place].tolist()]
        for row, shares, value in zip(rows.tolist(), orders.shares.tolist(), orders.values.tolist(), strict=True):
            totals += charge_parts(shares, value, charges[row])
    names = {rate.part: rate.name for rate in schedule.rates}
    found: dict[str, float] = {}
    for part, total in zip(ChargeParts._fields, totals.tolist(), strict=True):
        if total:
            called = next((names[rate] for rate in _PARTS_OF[part] if rate in names), part.replace("_", " "))
            found["GST" if called.startswith("GST ") else called] = total
    return found


def _outside(schedule: CostSchedule, buys: _Orders, sales: _Orders) -> Iterator[str]:
    """Say how many orders lie outside the dates of the rates, and of which."""
    days = np.concatenate([buys.dates, sales.dates]).astype("datetime64[D]")
    different, numbers = np.unique(days, return_counts=True)
    orders, missing = 0, Counter[tuple[str, str]]()
    for day, number in zip(different, numbers.tolist(), strict=True):
        gaps = schedule.gaps(day)
        orders += number if gaps else 0
        missing.update(dict.fromkeys(gaps.items(), number))
    if orders:
        named = ", ".join(f"{name} {extent} ({number:,})" for (name, extent), number in missing.most_common())
        yield f"{orders:,} of {len(days):,} orders were charged by rates of other days, where none is known for their own: {named}."
