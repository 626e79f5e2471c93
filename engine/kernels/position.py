"""THE trading rules: one long-only position, its fills and trailing stop; prices, fees and sizes are in ``money``.

Everything that trades calls these functions: the plain loop of a backtest, the fast sweep on the bars where something happens, the portfolio,
and the live bridge. One bar of a position goes through three of them, in this order::

    at_open    an order that waits since the last close fills at the open      (next_open)
    in_bar     the trailing stop is tested with the old peak, then the peak moves
    at_session_end   what may not be held overnight is sold at the close     (only with sessions)
    at_close   a cross places an order; it waits for the next open, or fills now (close)

Each returns the position after it and the fill it made, NO_FILL if none. A position is a value: nothing is changed in place.
Prices are in currency per share, quantities in shares.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.kernels._jit import rule
from engine.kernels.charges import BUY_SIDE, SELL_SIDE
from engine.kernels.crosses import DEATH, GOLDEN
from engine.kernels.money import (
    ALL_IN,
    ALL_IN_LOTS,
    RISK,
    CostRates,
    Rules,
    Tick,
    affordable_lots,
    all_in_order,
    all_in_within,
    buy_price,
    closing_order,
    fee_of,
    paid,
    received,
    risked_lots,
    sell_price,
)
from engine.kernels.sessions import ends_session, may_enter

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
    "SESSION",
    "SKIPPED",
    "STOP",
    "CostRates",
    "Fill",
    "Position",
    "Rules",
    "StopTest",
    "Tick",
    "all_in_order",
    "at_close",
    "at_open",
    "at_session_end",
    "buy",
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
    "sell",
]

BUY, SELL = 1, -1
"""Waiting orders; 0 is none."""
NOTHING, CROSS, STOP, GAP, OPEN, SKIPPED, SESSION = 0, 1, 2, 3, 4, 5, 6
"""Why a fill happened, or that a signal was skipped."""


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
    """Open the position at this price, or skip the signal if nothing can be bought, no stop can be set, or the time of day forbids it."""
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
    may_not = not may_enter(rules.sessions, t, rules.fill_at_close)
    if stop_is_missing or may_not or not quantity > 0.0:
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
def at_session_end(position: Position, t: int, close: float, rules: Rules) -> tuple[Position, Fill]:
    """Sell at the close of bar t what may not be held after it."""
    if position.shares > 0.0 and ends_session(rules.sessions, t):
        return sell(position, t, close, SESSION, rules)
    return position, NO_FILL


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
