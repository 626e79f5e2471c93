"""The money of one order: prices as paid and received, fees, and how much an amount buys.

Prices are in currency per share, quantities in shares. What a position does with them is in ``position``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.kernels._jit import pasted, rule
from engine.kernels.charges import BUY_SIDE, DatedCharges, charge_on
from engine.kernels.sessions import Sessions

__all__ = [
    "ALL_IN",
    "ALL_IN_LOTS",
    "ON_TICK",
    "RISK",
    "CostRates",
    "Order",
    "Rules",
    "Tick",
    "affordable_lots",
    "all_in_order",
    "all_in_within",
    "buy_price",
    "changed",
    "closing_order",
    "fee_of",
    "paid",
    "received",
    "risked_lots",
    "sell_price",
]

ALL_IN, ALL_IN_LOTS, RISK = 0, 1, 2
"""Sizing."""
ON_TICK = 1e-6
"""Of a tick: so near to a whole number of ticks a price is on it. 100 * 1.0005 is 100.04999999999998, and means 100.05."""


class CostRates(NamedTuple):
    """What an order costs: fee = max(minimum, fixed + rate * value); slippage is a fraction of the price."""

    rate: float
    fixed: float
    minimum: float
    slippage: float


class Tick(NamedTuple):
    """A tick of steps / per in currency; steps 0: any price will do."""

    steps: float
    per: float


class Rules(NamedTuple):
    """All that the rules need to know besides the bars.

    ``charges`` is None or a schedule of dated rates, which takes the place of the fee of ``costs``; ``sessions`` is None or says when all has to be sold
    before the night. With and without are versions of their own when compiled, so that a backtest without them has nothing to do with them.
    """

    fill_at_close: bool
    high_first: bool
    chandelier: bool
    multiple: float  # of the ATR; nan is no stop
    sizing: int
    risk: float  # fraction of equity
    lot: float  # shares
    costs: CostRates
    tick: Tick
    charges: DatedCharges | None
    sessions: Sessions | None


@pasted
def changed(rules: Rules, multiple: float, lot: float, tick: Tick, sessions: Sessions | None) -> Rules:
    """Copy the rules with what differs from stop to stop, and from symbol to symbol."""
    return Rules(
        rules.fill_at_close,
        rules.high_first,
        rules.chandelier,
        multiple,
        rules.sizing,
        rules.risk,
        lot,
        rules.costs,
        tick,
        rules.charges,
        sessions,
    )


@rule
def order_fee(value: float, costs: CostRates) -> float:
    """Fee of an order of this value."""
    return max(costs.minimum, costs.fixed + costs.rate * value)


@rule
def spendable(cash: float, costs: CostRates) -> float:
    """Give the part of the cash that can go into shares, so that shares and fee take all of it."""
    return min((cash - costs.fixed) / (1.0 + costs.rate), cash - costs.minimum)


@rule
def fee_of(side: int, t: int, quantity: float, value: float, costs: CostRates, charges: DatedCharges | None) -> float:
    """Fee of an order on bar t."""
    if charges is None:
        return order_fee(value, costs)
    return charge_on(side, t, quantity, value, charges)


class Order(NamedTuple):
    """Shares and money that change hands."""

    quantity: float
    value: float
    fee: float


@rule
def paid(fill: float, costs: CostRates) -> float:
    """Price of a buy: slippage is against us."""
    return fill * (1.0 + costs.slippage)


@rule
def received(fill: float, costs: CostRates) -> float:
    """Price of a sale: slippage is against us."""
    return fill * (1.0 - costs.slippage)


@rule
def buy_price(fill: float, rules: Rules) -> float:
    """Price of a buy, rounded up to the tick."""
    price = paid(fill, rules.costs)
    if not rules.tick.steps > 0.0:
        return price
    ticks = np.ceil(price * rules.tick.per / rules.tick.steps - ON_TICK)
    return float(max(1.0, ticks) * rules.tick.steps / rules.tick.per)


@rule
def sell_price(fill: float, rules: Rules) -> float:
    """Price of a sale, rounded down to the tick, but not to nothing."""
    price = received(fill, rules.costs)
    if not rules.tick.steps > 0.0:
        return price
    ticks = np.floor(price * rules.tick.per / rules.tick.steps + ON_TICK)
    return float(max(1.0, ticks) * rules.tick.steps / rules.tick.per)


@rule
def all_in_order(cash: float, price: float, costs: CostRates) -> Order:
    """Spend every unit of cash on shares and fee."""
    value = spendable(cash, costs)
    return Order(value / price, value, cash - value)


@rule
def closing_order(shares: float, price: float, costs: CostRates) -> Order:
    """Turn shares into money."""
    value = shares * price
    return Order(shares, value, order_fee(value, costs))


@rule
def spendable_on(t: int, cash: float, price: float, costs: CostRates, charges: DatedCharges | None) -> float:
    """Give what can go into shares; a schedule's rounded fees cannot be solved for it, so the fee of an order for all the cash is set aside."""
    if charges is None:  # asked of an argument, which numba knows when it compiles
        return spendable(cash, costs)
    return cash - charge_on(BUY_SIDE, t, cash / price, cash, charges)


@rule
def is_affordable(t: int, quantity: float, cash: float, price: float, rules: Rules) -> bool:
    """Tell whether cash pays for a buy of this quantity, fee included."""
    value = quantity * price
    return value + fee_of(BUY_SIDE, t, quantity, value, rules.costs, rules.charges) <= cash


@rule
def affordable_lots(t: int, cash: float, price: float, rules: Rules) -> float:
    """Give the largest multiple of the lot whose value and fee cash can pay; the division's guess is corrected by whole lots."""
    lot = rules.lot
    lots: float = max(0.0, np.floor(spendable_on(t, cash, price, rules.costs, rules.charges) / price / lot))
    while lots + 1.0 > lots and is_affordable(t, (lots + 1.0) * lot, cash, price, rules):
        lots += 1.0
    while lots > 0.0 and not is_affordable(t, lots * lot, cash, price, rules):
        lots = min(lots - 1.0, np.nextafter(lots, 0.0))  # from 2^53 on, one less is the same double
    return lots * lot


@rule
def risked_lots(equity: float, distance: float, rules: Rules) -> float:
    """Whole lots that lose the risked fraction of equity if the price falls by the stop distance."""
    lots: float = np.floor(rules.risk * equity / distance / rules.lot)
    return max(0.0, lots * rules.lot)


@rule
def all_in_within(t: int, limit: float, price: float, rules: Rules) -> Order:
    """Spend the limit; under a schedule a little of it is left over."""
    if rules.charges is None:
        return all_in_order(limit, price, rules.costs)
    value = spendable_on(t, limit, price, rules.costs, rules.charges)
    quantity = value / price
    return Order(quantity, value, fee_of(BUY_SIDE, t, quantity, value, rules.costs, rules.charges))
