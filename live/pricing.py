"""Prices that the exchange takes: whole steps of the market rule at the price of the order, rounded to the safe side.

A market rule is ``((from price, increment), ...)``, ascending, as the broker gives it. The rounding is that of the engine's ticks
(``engine.kernels.position``, tests hold the two together): a price within a millionth of an increment of a whole number of increments is that number, since 100 * 1.0005 is
100.04999999999998 and means 100.05. Results are the doubles nearest to the decimal number, so nothing like 0.0010500000000000002 goes to the broker.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from engine.errors import InputError
from engine.kernels.money import ON_TICK
from live.errors import MoneyError

__all__ = [
    "MarketRule",
    "buy_limit",
    "increment_at",
    "is_legal",
    "require_rule",
    "round_down",
    "round_up",
    "sell_limit",
    "sell_stop",
    "trail_amount",
]

MarketRule = tuple[tuple[float, float], ...]

_ON_TICK = Fraction(repr(ON_TICK))


@lru_cache(maxsize=4096)
def _written(number: float) -> Fraction:
    """Take a double as the decimal number that it is written as."""
    return Fraction(repr(float(number)))


@lru_cache(maxsize=256)
def require_rule(rule: MarketRule) -> MarketRule:
    """Check a market rule, and give it back.

    Raises
    ------
    MoneyError
        It is empty, does not begin at 0, is not ascending, or has an increment that is no positive number.
    """
    numbers = [number for row in rule for number in row]
    if not rule or not all(math.isfinite(number) and 0 <= number < 1e15 for number in numbers):
        raise MoneyError(f"market rule {rule!r}: it needs finite prices and increments; ask the broker again")
    edges = [edge for edge, _ in rule]
    if edges[0] != 0 or any(high <= low for low, high in pairwise(edges)):
        raise MoneyError(f"market rule {rule!r}: its prices must ascend from 0; ask the broker again")
    if not all(increment > 0 for _, increment in rule):
        raise MoneyError(f"market rule {rule!r}: every increment must be more than 0; ask the broker again")
    return rule


def _require_price(name: str, price: float) -> float:
    """Check that something is a price."""
    if isinstance(price, bool) or not isinstance(price, int | float) or not math.isfinite(price) or price <= 0:
        raise MoneyError(f"{name} is {price!r}; it must be a finite number above 0")
    return float(price)


def _tier(price: Fraction, rule: MarketRule) -> int:
    """Find the row of the rule that holds at a price."""
    return max(i for i, (edge, _) in enumerate(rule) if _written(edge) <= price)


def increment_at(price: float, rule: MarketRule) -> float:
    """Give the step of prices at this price.

    Raises
    ------
    MoneyError
    """
    return require_rule(rule)[_tier(_written(_require_price("price", price)), rule)][1]


def is_legal(price: float, rule: MarketRule) -> bool:
    """Tell whether a price is a whole number of the increments that hold at it.

    Raises
    ------
    MoneyError
    """
    written = _written(_require_price("price", price))
    return (written / _written(require_rule(rule)[_tier(written, rule)][1])).denominator == 1


def _meant(price: float, rule: MarketRule) -> Fraction:
    """Give the number that a price means: the whole number of increments that it is on but for the dust of its computation, else itself."""
    written = _written(price)
    increment = _written(rule[_tier(written, rule)][1])
    nearest = round(written / increment) * increment
    return nearest if nearest > 0 and abs(written - nearest) <= _ON_TICK * increment else written


def round_down(price: float, rule: MarketRule) -> float:
    """Give the highest legal price that is not above this one.

    Raises
    ------
    MoneyError
        There is none, or price or rule make no sense.
    """
    meant = _meant(_require_price("price", price), require_rule(rule))
    top = _tier(meant, rule)
    for i in range(top, -1, -1):
        low, increment = (_written(number) for number in rule[i])
        steps = math.floor(meant / increment) if i == top else math.ceil(_written(rule[i + 1][0]) / increment) - 1
        if steps > 0 and steps * increment >= low:
            return float(steps * increment)
    raise MoneyError(f"price {price!r} is below the first legal price; nothing can be ordered at it")


def round_up(price: float, rule: MarketRule) -> float:
    """Give the lowest legal price that is not below this one.

    Raises
    ------
    MoneyError
        There is none, or price or rule make no sense.
    """
    meant = _meant(_require_price("price", price), require_rule(rule))
    for i in range(_tier(meant, rule), len(rule)):
        low, increment = (_written(number) for number in rule[i])
        found = max(1, math.ceil(max(meant, low) / increment)) * increment
        if i + 1 == len(rule) or found < _written(rule[i + 1][0]):
            return float(found)
    raise AssertionError("the last row of a rule has no upper edge")  # pragma: no cover


def buy_limit(wanted: float, rule: MarketRule) -> float:
    """Give the limit of a buy: never above what is wanted."""
    return round_down(wanted, rule)


def sell_limit(wanted: float, rule: MarketRule) -> float:
    """Give the limit of a sale: never below what is wanted."""
    return round_up(wanted, rule)


def sell_stop(wanted: float, rule: MarketRule) -> float:
    """Give the stop of a sale, rounded away from the market above it: downwards."""
    return round_down(wanted, rule)


def trail_amount(distance: float, price: float, rule: MarketRule) -> float:
    """Give the distance of a trailing stop, rounded away from the market: up to whole increments of the price of the entry.

    Raises
    ------
    InputError
        The stop would not be above 0.
    MoneyError
    """
    distance, price = _require_price("stop distance", distance), _require_price("price", price)
    amount = round_up(distance, ((0.0, increment_at(price, rule)),))
    if amount >= price:
        raise InputError(f"a stop {amount:g} below {price:g} would not be above 0; take a smaller multiple of the ATR")
    return amount
