"""What one order costs by a schedule of brokerage, taxes and levies: one form for every market.

A market is data: a table (R, 2, F) of the charges of R periods, of a buy and of a sale. A kernel takes its charges with ``charges_at`` and asks
``charge``. What the parts are called in each market, and where the rates come from, is in ``engine.costs`` and ``docs/costs.md``.

Every part, and so the sum, never falls when the quantity or the value rises: sizes can be found by bisection or by whole lots.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import pasted, rule

__all__ = [
    "BUY_SIDE",
    "SELL_SIDE",
    "ChargeParts",
    "Charges",
    "DatedCharges",
    "charge",
    "charge_on",
    "charge_parts",
    "charges_at",
    "round_half_up",
]

BUY_SIDE, SELL_SIDE = 0, 1
"""Where a side stands in a table of charges."""


class Charges(NamedTuple):
    """What one order of one side costs; all are floats, because a table of them is one array.

    brokerage = min(max(minimum, fixed + rate * value + per_share * quantity), cap, cap_rate * value)
    """

    rate: float  # fraction of the value
    per_share: float  # currency
    fixed: float  # currency an order
    minimum: float  # currency an order
    cap: float  # currency an order; inf is none
    cap_rate: float  # fraction of the value; inf is none
    tax_rate: float  # fraction of the value: STT, SEC fee
    tax_unit: float  # the tax is rounded to this, as all units: 0 (not rounded), or 1 divided by a whole number
    stamp_rate: float  # fraction of the value
    stamp_unit: float
    exchange_rate: float  # fraction of the value
    exchange_per_share: float  # currency
    regulator_rate: float  # fraction of the value: SEBI
    protection_rate: float  # fraction of the value: investor protection fund
    share_levy: float  # currency a share: FINRA
    share_levy_cap: float  # currency an order; inf is none
    clearing_per_share: float  # currency
    brokerage_tax: float  # fraction of the brokerage: GST, or what a broker adds to its commission
    exchange_tax: float  # fraction of the exchange's charge: GST
    regulator_tax: float  # fraction of the regulator's fee: GST
    protection_tax: float  # fraction of the protection fund's levy: GST
    flat: float  # currency an order, taxes included: the depository's charge on a sale
    surcharge: float  # fraction of the value on top of everything, never rounded: how high may fees be before a profit is gone?
    unit: float  # every other part is rounded to this


class ChargeParts(NamedTuple):
    """The parts of one order's cost, in currency."""

    brokerage: float
    tax: float
    stamp: float
    exchange: float
    regulator: float
    protection: float
    share_levy: float
    clearing: float
    service_tax: float
    flat: float
    surcharge: float


@rule
def round_half_up(amount: float, unit: float) -> float:
    """Round a positive amount to a multiple of the unit, halves upwards; a unit of 0 leaves it as it is.

    0.145 is stored as 0.14499.. and must become 0.15. Quantity, price, rate and their products are each off by half a unit in the last place at
    most, together by less than 1e-15 of the count of units, and a sum of products by less than 1e-10: so much is added. Rates and prices as they
    are written come no closer than 1e-9 to a half without being one, so this is decimal arithmetic as long as a part is below 9,000 in currency
    (``tests/test_costs.py``); above, one order in a million may be a unit too high.
    """
    if unit == 0.0:
        return amount
    units_in_one = np.rint(1.0 / unit)
    count = amount * units_in_one
    # Divided, not multiplied by the unit: 35 / 100 is the double nearest to 0.35, 35 * 0.01 is not.
    whole: float = np.floor(count + 0.5 + (1e-10 + 1e-15 * count)) / units_in_one
    return whole


@rule
def brokerage_of(quantity: float, value: float, charges: Charges) -> float:
    """Brokerage before rounding: at least the minimum, at most either cap."""
    asked = max(charges.minimum, charges.fixed + charges.rate * value + charges.per_share * quantity)
    share_of_value = charges.cap_rate * value if charges.cap_rate < np.inf else np.inf  # inf * 0 would be nan
    return min(asked, charges.cap, share_of_value)


@rule
def charge_parts(quantity: float, value: float, charges: Charges) -> ChargeParts:
    """Give every part of what an order of this quantity (shares) and value (currency), both positive, costs.

    The service tax is computed from the rounded amounts that it is a tax on, as a contract note shows them, and rounded once.
    """
    unit = charges.unit
    brokerage = round_half_up(brokerage_of(quantity, value, charges), unit)
    exchange = round_half_up(charges.exchange_rate * value + charges.exchange_per_share * quantity, unit)
    regulator = round_half_up(charges.regulator_rate * value, unit)
    protection = round_half_up(charges.protection_rate * value, unit)
    service_tax = charges.brokerage_tax * brokerage + charges.exchange_tax * exchange
    service_tax = service_tax + charges.regulator_tax * regulator + charges.protection_tax * protection
    return ChargeParts(
        brokerage,
        round_half_up(charges.tax_rate * value, charges.tax_unit),
        round_half_up(charges.stamp_rate * value, charges.stamp_unit),
        exchange,
        regulator,
        protection,
        round_half_up(min(charges.share_levy * quantity, charges.share_levy_cap), unit),
        round_half_up(charges.clearing_per_share * quantity, unit),
        round_half_up(service_tax, unit),
        round_half_up(charges.flat, unit),
        charges.surcharge * value,
    )


@rule
def charge(quantity: float, value: float, charges: Charges) -> float:
    """Give what an order costs, in currency: the sum of its parts, in their order."""
    parts = charge_parts(quantity, value, charges)
    total = parts.brokerage + parts.tax + parts.stamp + parts.exchange + parts.regulator + parts.protection
    return total + parts.share_levy + parts.clearing + parts.service_tax + parts.flat + parts.surcharge


@pasted
def charges_at(table: NDArray[np.float64], row: int, side: int) -> Charges:
    """Read the charges of one period and side from a table (R, 2, F) of them."""
    f = table[row, side]
    # One by one: numba cannot spread an array over the fields of a tuple. ``tests/test_costs.py`` holds the order to that of the fields.
    return Charges(
        f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9], f[10], f[11],
        f[12], f[13], f[14], f[15], f[16], f[17], f[18], f[19], f[20], f[21], f[22], f[23],
    )  # fmt: skip


class DatedCharges(NamedTuple):
    """The charges of every period, and which of them hold on each bar."""

    table: NDArray[np.float64]  # (R, 2, F)
    row: NDArray[np.int64]  # (T,)


@rule
def charge_on(side: int, t: int, quantity: float, value: float, charges: DatedCharges) -> float:
    """Give what an order of bar t costs, in currency."""
    return charge(quantity, value, charges_at(charges.table, charges.row[t], side))
