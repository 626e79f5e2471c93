"""How many shares: the engine's own rule for a buy, with the money that the broker says there is.

Nothing is decided here but what the exchange and the config add: the lot is also a whole number of the broker's size increments, an order below the
minimum size is none, and an order has a highest value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import Literal

import numpy as np

from engine.costs.plain import Costs
from engine.costs.schedule import CostSchedule
from engine.errors import InputError
from engine.kernels.money import Rules
from engine.kernels.position import BUY, Position
from engine.kernels.purchases import BY_CASH, BY_RISK, BY_WEIGHT, FREELY, purchase
from engine.settings import Settings, TrailingStop
from live.errors import MoneyError

__all__ = ["Reason", "Size", "require_money", "size"]

Reason = Literal["", "risk", "weight", "cash", "notional", "minimum"]

_MOST_MONEY = 1e15
"""Beyond are only unset fields: 1.7976931348623157e308."""
_WORDS: dict[int, Reason] = {FREELY: "", BY_RISK: "risk", BY_WEIGHT: "weight", BY_CASH: "cash"}
_ONE_POSITION, _NO_POSITION = 1, 0


@dataclass(frozen=True)
class Size:
    """How many shares to buy.

    Attributes
    ----------
    quantity : float
        Shares, a whole number of lots and of size increments; 0: no order.
    wanted : float
        Shares that the risk rule asks for.
    reason : str
        What kept the quantity below that, or from being anything: risk, weight, cash, notional (the highest value of an order) or minimum
        (the smallest size of an order). Empty if nothing did.
    spent : float
        Currency that the order takes at its limit, fee included.
    """

    quantity: float
    wanted: float
    reason: Reason
    spent: float = 0.0


def require_money(name: str, amount: object) -> float:
    """Check that something that the broker said is an amount of money: a finite number, 0 or more, and set at all.

    Raises
    ------
    MoneyError
    """
    if isinstance(amount, bool) or not isinstance(amount, int | float) or not math.isfinite(amount):
        raise MoneyError(f"{name} is {amount!r}; that is no amount of money, so nothing is ordered")
    if amount < 0:
        raise MoneyError(f"{name} is {amount!r}; with less than nothing, nothing is ordered")
    if amount > _MOST_MONEY:
        raise MoneyError(f"{name} is {amount!r}; the broker has not set it, so nothing is ordered")
    return float(amount)


def _require_above(name: str, amount: object) -> float:
    """Check that an amount is more than nothing."""
    number = require_money(name, amount)
    if number == 0:
        raise MoneyError(f"{name} is 0; it must be more, so nothing is ordered")
    return number


@lru_cache(maxsize=256)
def _rules(risk: float, lot: float, costs: Costs | CostSchedule, day: date | None) -> Rules:
    """Give the kernels' form of the rules; kept, since a schedule of costs takes half a millisecond, and all shares of a day have the same."""
    settings = Settings(sizing="risk", risk=risk, lot=lot, costs=costs)
    return settings.kernel_rules(TrailingStop(), None if day is None else np.array([day], dtype="datetime64[D]"))


@lru_cache(maxsize=256)
def _whole_lot(lot: float, size_increment: float) -> float:
    """Give the smallest quantity that is whole lots and whole size increments."""
    one, other = (Fraction(repr(_require_above("lot or size increment", each))) for each in (lot, size_increment))
    common = math.lcm(one.numerator * other.denominator, other.numerator * one.denominator)
    return float(Fraction(common, one.denominator * other.denominator))


def size(
    available_funds: float,
    equity: float,
    risk: float,
    distance: float,
    price: float,
    lot: float = 1.0,
    size_increment: float = 1.0,
    minimum_size: float = 1.0,
    max_weight: float | None = None,
    max_notional: float | None = None,
    costs: Costs | CostSchedule | None = None,
    day: date | None = None,
) -> Size:
    """Give the size of a buy as ``engine.portfolio`` does with ``sizing="risk"``.

    Parameters
    ----------
    available_funds, equity : float
        Currency, as the broker says.
    risk : float
        Fraction of equity that is lost if the stop is hit.
    distance, price : float
        Of the stop from the price, and the limit of the order, currency per share.
    lot, size_increment, minimum_size : float
        Shares.
    max_weight : float or None
        Share of equity that the order may spend, fee included.
    max_notional : float or None
        Currency that the order may spend, fee included.
    costs : Costs, CostSchedule or None
        What the order costs; without slippage, since a limit has none. None: nothing, and the broker may then find the funds too small.
    day : date or None
        Of the order, for costs with dates.

    Raises
    ------
    MoneyError
        An amount is unset, no number, negative, or nothing where there must be something.
    InputError
        The stop would not be above 0, or a fraction is not one.
    """
    funds, worth = require_money("available funds", available_funds), _require_above("equity", equity)
    price, distance = _require_above("price", price), _require_above("stop distance", distance)
    if distance >= price:
        raise InputError(
            f"a stop {distance:g} below {price:g} would not be above 0; take a smaller multiple of the ATR"
        )
    if max_weight is not None and not 0 < max_weight <= 1:
        raise InputError(f"max weight is {max_weight!r}; it is a share of equity, 0.2 is a fifth")
    capped = math.inf if max_notional is None else _require_above("max notional", max_notional)
    rules = _rules(risk, _whole_lot(lot, size_increment), costs or Costs(), day)
    cash = min(funds, capped)
    made = purchase(
        Position(cash, 0.0, -1, -math.inf, -math.inf, distance, BUY, worth),
        0,
        price,
        _NO_POSITION,
        _ONE_POSITION,
        math.inf if max_weight is None else float(max_weight),
        rules,
    )
    quantity, wanted, reason = made.fill.quantity, made.wanted, _WORDS[made.limited]
    if reason == "cash" and capped < funds:
        reason = "notional"
    if 0 < quantity < minimum_size:
        return Size(0.0, wanted, "minimum")
    return Size(quantity, wanted, reason, cash - made.position.cash)
