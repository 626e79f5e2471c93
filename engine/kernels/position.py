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
    "all_in_order",
    "at_close",
    "at_open",
    "buy",
    "closing_order",
    "follow_stop",
    "in_bar",
    "new_position",
    "paid",
    "received",
    "sell",
    "sell_for",
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


class Rules(NamedTuple):
    """All that the rules need to know besides the bars."""

    fill_at_close: bool
    high_first: bool
    chandelier: bool
    multiple: float  # of the ATR; nan is no stop
    sizing: int
    risk: float  # fraction of equity
    lot: float  # shares
    costs: CostRates


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
def order_cost(quantity: float, price: float, costs: CostRates) -> float:
    """Cash that a buy of this quantity takes."""
    value = quantity * price
    return value + order_fee(value, costs)


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
def affordable_lots(cash: float, price: float, lot: float, costs: CostRates) -> float:
    """Give the largest multiple of the lot whose value and fee cash can pay; the division's guess is corrected by whole lots."""
    lots: float = max(0.0, np.floor(spendable(cash, costs) / price / lot))
    while lots + 1.0 > lots and order_cost((lots + 1.0) * lot, price, costs) <= cash:
        lots += 1.0
    while lots > 0.0 and order_cost(lots * lot, price, costs) > cash:
        lots -= 1.0
    return lots * lot


@rule
def risked_lots(equity: float, distance: float, rules: Rules) -> float:
    """Whole lots that lose the risked fraction of equity if the price falls by the stop distance."""
    lots: float = np.floor(rules.risk * equity / distance / rules.lot)
    return max(0.0, lots * rules.lot)


@rule
def buy(position: Position, t: int, fill: float, rules: Rules) -> tuple[Position, Fill]:
    """Open the position at this price, or skip the signal if nothing can be bought or no stop can be set."""
    costs = rules.costs
    cash = position.cash
    price = paid(fill, costs)
    stop_is_missing = not np.isnan(rules.multiple) and np.isnan(position.distance)
    if rules.sizing == ALL_IN:
        order = all_in_order(cash, price, costs)
        quantity, value, fee = order.quantity, order.value, order.fee
        rest = 0.0
    else:
        quantity = affordable_lots(cash, price, rules.lot, costs)
        if rules.sizing == RISK:
            quantity = min(quantity, risked_lots(position.order_equity, position.distance, rules))
        value = quantity * price
        fee = order_fee(value, costs)
        rest = cash - (value + fee)
    if stop_is_missing or not quantity > 0.0:
        return _without_order(position), Fill(price, 0.0, 0.0, 0.0, SKIPPED)
    bought = Position(rest, quantity, t, price, -np.inf, position.distance, 0, position.order_equity)
    return bought, Fill(price, quantity, value, fee, CROSS)


@rule
def sell(position: Position, fill: float, reason: int, rules: Rules) -> tuple[Position, Fill]:
    """Close the whole position at this price, less slippage."""
    return sell_for(position, received(fill, rules.costs), reason, rules)


@rule
def sell_for(position: Position, price: float, reason: int, rules: Rules) -> tuple[Position, Fill]:
    """Close the whole position, receiving this price."""
    order = closing_order(position.shares, price, rules.costs)
    cash = position.cash + (order.value - order.fee)
    sold = Position(cash, 0.0, position.entry_bar, position.peak, position.stop, position.distance, 0, cash)
    return sold, Fill(price, -position.shares, order.value, order.fee, reason)


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
def _fill_order(position: Position, t: int, price: float, rules: Rules) -> tuple[Position, Fill]:
    """Execute the waiting order at this price."""
    if position.order == SELL:
        return sell(position, price, CROSS, rules)
    return buy(position, t, price, rules)


@rule
def at_open(position: Position, t: int, open_price: float, rules: Rules) -> tuple[Position, Fill]:
    """Fill the order that waits since the last close, if there is one."""
    if position.order == 0:
        return position, NO_FILL
    return _fill_order(position, t, open_price, rules)


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
        return sell(position, test.price, test.reason, rules)
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
def at_close(position: Position, t: int, close: float, signal: int, atr: float, rules: Rules) -> tuple[Position, Fill]:
    """Act on the signal of bar t's close: flat and golden buys, long and death sells, anything else is no order."""
    if signal == GOLDEN and position.shares == 0.0:
        order, distance = BUY, rules.multiple * atr
    elif signal == DEATH and position.shares > 0.0:
        order, distance = SELL, position.distance
    else:
        return position, NO_FILL
    equity = position.cash + position.shares * close
    ordered = Position(
        position.cash,
        position.shares,
        position.entry_bar,
        position.peak,
        position.stop,
        distance,
        order,
        equity,
    )
    if rules.fill_at_close:
        return _fill_order(ordered, t, close, rules)
    return ordered, NO_FILL
