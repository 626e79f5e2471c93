"""THE trading rules: one long-only position, its fills, costs, sizes and trailing stop.

Everything that trades calls these functions: the plain loop of a backtest, the fast sweep on the bars where something happens, the portfolio,
and the live bridge. One bar of a position goes through three of them, in this order::

    at_open    an order that waits since the last close fills at the open      (next_open)
    in_bar     the trailing stop is tested with the old peak, then the peak moves
    at_close   a cross places an order; it waits for the next open, or fills now (close)

Each returns the position after it and the fill it made, NO_FILL if none. A position is a value: nothing is changed in place.
Prices are in currency per share, quantities in shares.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.kernels._jit import rule
from engine.kernels.charges import BUY_SIDE, SELL_SIDE, DatedCharges, charge_on
from engine.kernels.crosses import DEATH, GOLDEN

__all__ = [
    "ALL_IN",
    "ALL_IN_LOTS",
    "BUY",
    "CROSS",
    "GAP",
    "NOTHING",
    "NO_FILL",
    "OPEN",
    "RISK",
    "SELL",
    "SKIPPED",
    "STOP",
    "CostRates",
    "Fill",
    "Order",
    "Position",
    "Rules",
    "StopTest",
    "Tick",
    "all_in_order",
    "at_close",
    "at_open",
    "buy",
    "buy_price",
    "buy_within",
    "closing_order",
    "fill_order",
    "follow_stop",
    "in_bar",
    "new_position",
    "paid",
    "place_order",
    "quantity_within",
    "received",
    "risked_lots",
    "sell",
    "sell_price",
]

ALL_IN, ALL_IN_LOTS, RISK = 0, 1, 2
"""Sizing."""
BUY, SELL = 1, -1
"""Waiting orders; 0 is none."""
NOTHING, CROSS, STOP, GAP, OPEN, SKIPPED = 0, 1, 2, 3, 4, 5
"""Why a fill happened, or that a signal was skipped."""


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

    ``charges`` is None or a schedule of dated rates, which takes the place of the fee of ``costs``. The two make two compiled versions, so that a
    backtest without a schedule has nothing to do with it.
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


class Position(NamedTuple):
    """An account with at most one holding."""

    cash: float
    shares: float
    entry_bar: int
    peak: float  # highest price since entry, at first the buy price
    stop: float  # as last tested; minus infinity before the first test
    distance: float  # multiple * ATR of the signal bar
    order: int  # BUY or SELL waiting for the next open, else 0
    order_equity: float  # equity at the close of the signal bar


class Fill(NamedTuple):
    """One executed order, or a skipped one (quantity 0)."""

    price: float  # as paid or received, slippage included
    quantity: float  # positive bought, negative sold
    value: float  # quantity * price, positive; what is spent on shares
    fee: float
    reason: int


ON_TICK = 1e-6
"""Of a tick: so near to a whole number of ticks a price is on it. 100 * 1.0005 is 100.04999999999998, and means 100.05."""

NO_FILL = Fill(0.0, 0.0, 0.0, 0.0, NOTHING)


@rule
def new_position(capital: float) -> Position:
    """Give an account that holds nothing but cash."""
    return Position(capital, 0.0, -1, -np.inf, -np.inf, np.nan, 0, capital)


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
        lots -= 1.0
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


@rule
def quantity_within(position: Position, t: int, price: float, limit: float, rules: Rules) -> float:
    """Shares that the sizing buys for the limit at most."""
    if rules.sizing == ALL_IN:
        return all_in_within(t, limit, price, rules).quantity
    quantity = affordable_lots(t, limit, price, rules)
    if rules.sizing == RISK:
        quantity = min(quantity, risked_lots(position.order_equity, position.distance, rules))
    return quantity


@rule
def buy(position: Position, t: int, fill: float, rules: Rules) -> tuple[Position, Fill]:
    """Open the position at this price, or skip the signal if nothing can be bought or no stop can be set."""
    return buy_within(position, t, fill, position.cash, rules)


@rule
def buy_within(position: Position, t: int, fill: float, limit: float, rules: Rules) -> tuple[Position, Fill]:
    """Open the position at this price for the limit at most, fee included; as ``buy``."""
    cash = position.cash
    price = buy_price(fill, rules)
    stop_is_missing = not np.isnan(rules.multiple) and np.isnan(position.distance)
    if rules.sizing == ALL_IN:
        order = all_in_within(t, limit, price, rules)
        quantity, value, fee = order.quantity, order.value, order.fee
        # The limit itself, not value + fee, which is a unit in the last place away from it.
        rest = cash - limit if rules.charges is None else cash - (value + fee)
    else:
        quantity = quantity_within(position, t, price, limit, rules)
        value = quantity * price
        fee = fee_of(BUY_SIDE, t, quantity, value, rules.costs, rules.charges)
        rest = cash - (value + fee)
    if stop_is_missing or not quantity > 0.0:
        return _without_order(position), Fill(price, 0.0, 0.0, 0.0, SKIPPED)
    bought = Position(rest, quantity, t, price, -np.inf, position.distance, 0, position.order_equity)
    return bought, Fill(price, quantity, value, fee, CROSS)


@rule
def sell(position: Position, t: int, fill: float, reason: int, rules: Rules) -> tuple[Position, Fill]:
    """Close the whole position on bar t at this price, less slippage."""
    price = sell_price(fill, rules)
    value = position.shares * price
    fee = fee_of(SELL_SIDE, t, position.shares, value, rules.costs, rules.charges)
    cash = position.cash + (value - fee)
    sold = Position(cash, 0.0, position.entry_bar, position.peak, position.stop, position.distance, 0, cash)
    return sold, Fill(price, -position.shares, value, fee, reason)


@rule
def _without_order(position: Position) -> Position:
    """Forget the waiting order."""
    return Position(
        position.cash,
        position.shares,
        position.entry_bar,
        position.peak,
        position.stop,
        position.distance,
        0,
        position.order_equity,
    )


@rule
def fill_order(position: Position, t: int, price: float, rules: Rules) -> tuple[Position, Fill]:
    """Execute the waiting order at this price."""
    if position.order == SELL:
        return sell(position, t, price, CROSS, rules)
    return buy(position, t, price, rules)


@rule
def at_open(position: Position, t: int, open_price: float, rules: Rules) -> tuple[Position, Fill]:
    """Fill the order that waits since the last close, if there is one."""
    if position.order == 0:
        return position, NO_FILL
    return fill_order(position, t, open_price, rules)


@rule
def raised_stop(stop: float, peak: float, distance: float) -> float:
    """Trail the peak by the distance; a stop never falls."""
    return max(stop, peak - distance)


class StopTest(NamedTuple):
    """A trailing stop after one bar."""

    reason: int  # GAP, STOP or NOTHING
    price: float  # of the fill, before slippage
    stop: float
    peak: float


@rule
def follow_stop(
    stop: float,
    peak: float,
    distance: float,
    older: bool,
    open_price: float,
    high: float,
    low: float,
    high_first: bool,
) -> StopTest:
    """Test a trailing stop within one bar, then let the peak follow the high.

    ``stop`` is that of the last test, ``older`` that the position did not begin at this bar's own open, through which it cannot have gapped.
    """
    level = raised_stop(stop, peak, distance)
    gap = older & (
        open_price <= level
    )  # without a branch, so that many positions can be tested by one instruction (stops.py)
    seen = max(peak, high if high_first else -np.inf)
    level = raised_stop(level, seen, distance)
    reason = GAP if gap else (STOP if low <= level else NOTHING)
    return StopTest(reason, open_price if gap else level, level, max(peak, high))


@rule
def in_bar(
    position: Position, t: int, open_price: float, high: float, low: float, atr_before: float, rules: Rules
) -> tuple[Position, Fill]:
    """Test the trailing stop within bar t, then let the peak follow the high.

    ``atr_before`` is ATR[t-1], used by the chandelier only. A position that was bought at this bar's own open cannot have gapped through its stop.
    """
    if position.shares == 0.0 or np.isnan(rules.multiple):
        return position, NO_FILL
    distance = rules.multiple * atr_before if rules.chandelier else position.distance
    test = follow_stop(
        position.stop, position.peak, distance, position.entry_bar < t, open_price, high, low, rules.high_first
    )
    if test.reason != NOTHING:
        return sell(position, t, test.price, test.reason, rules)
    held = Position(
        position.cash,
        position.shares,
        position.entry_bar,
        test.peak,
        test.stop,
        position.distance,
        position.order,
        position.order_equity,
    )
    return held, NO_FILL


@rule
def place_order(position: Position, signal: int, equity: float, atr: float, rules: Rules) -> Position:
    """Order what the signal of a close asks for: flat and golden a buy, long and death a sale, anything else nothing."""
    if signal == GOLDEN and position.shares == 0.0:
        order, distance = BUY, rules.multiple * atr
    elif signal == DEATH and position.shares > 0.0:
        order, distance = SELL, position.distance
    else:
        return position
    return Position(
        position.cash,
        position.shares,
        position.entry_bar,
        position.peak,
        position.stop,
        distance,
        order,
        equity,
    )


@rule
def at_close(position: Position, t: int, close: float, signal: int, atr: float, rules: Rules) -> tuple[Position, Fill]:
    """Act on the signal of bar t's close: order, and with fills at the close execute it."""
    ordered = place_order(position, signal, position.cash + position.shares * close, atr, rules)
    if ordered.order != 0 and rules.fill_at_close:
        return fill_order(ordered, t, close, rules)
    return ordered, NO_FILL
