"""The rules of an account that many symbols share: who may buy first, and how much.

What one position does is in ``position``; here is only what the others change about it. ``docs/portfolio.md`` has the rules in words.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, pasted, rule
from engine.kernels.money import RISK, Rules, Tick, buy_price, changed, risked_lots
from engine.kernels.position import SKIPPED, Fill, Position, buy_within, quantity_within
from engine.kernels.sessions import may_enter

__all__ = [
    "BY_CASH",
    "BY_POSITIONS",
    "BY_RISK",
    "BY_STOP",
    "BY_TIME",
    "BY_WEIGHT",
    "FREELY",
    "Purchase",
    "Terms",
    "in_order_of_priority",
    "purchase",
    "rules_for",
]

FREELY, BY_POSITIONS, BY_STOP, BY_RISK, BY_WEIGHT, BY_CASH, BY_TIME = range(7)
"""What kept a buy from what it wanted, if anything."""


class Terms(NamedTuple):
    """What an account allows; S symbols."""

    capital: float
    max_positions: int
    max_weight: float  # of the equity, fee included; infinite if there is no such limit
    by_strength: bool  # else by rank alone
    rank: NDArray[np.int64]  # (S,) who comes first where nothing else decides
    lot: NDArray[np.float64]  # (S,)
    tick: NDArray[np.float64]  # (S, 2), as in ``position.Tick``


class Purchase(NamedTuple):
    """A buy, as far as it could be made."""

    position: Position  # after it
    fill: Fill  # SKIPPED if nothing was bought
    wanted: float  # shares; nan if it did not come to a size
    limited: int  # FREELY or one of the others


@pasted
def rules_for(rules: Rules, terms: Terms, s: int) -> Rules:
    """Put the lot and the tick of a symbol into the rules."""
    return changed(rules, rules.multiple, terms.lot[s], Tick(terms.tick[s, 0], terms.tick[s, 1]), rules.sessions)


@rule
def wanted_quantity(position: Position, t: int, price: float, most: float, rules: Rules) -> float:
    """Shares that a buy asks for: what the risk rule says, or what ``most`` money pays for."""
    if rules.sizing == RISK and position.distance > 0.0:
        return risked_lots(position.order_equity, position.distance, rules)
    return max(0.0, quantity_within(position, t, price, most, rules))


@rule
def purchase(
    position: Position, t: int, fill: float, held: int, max_positions: int, max_weight: float, rules: Rules
) -> Purchase:
    """Fill a waiting buy on bar t, as far as cash and the limits of the account allow.

    ``position.cash`` is all the cash of the account, ``held`` the number of its open positions.
    """
    price, cash = buy_price(fill, rules), position.cash
    weight = max_weight * position.order_equity if max_weight < np.inf else np.inf
    wanted = wanted_quantity(position, t, price, weight if weight < np.inf else cash, rules)
    limit = min(cash, weight) if held < max_positions else 0.0
    bought, done = buy_within(position, t, fill, limit, rules)
    by_money = BY_WEIGHT if weight < cash else BY_CASH
    if not may_enter(rules.sessions, t, rules.fill_at_close):
        limited = BY_TIME
    elif held >= max_positions:
        limited = BY_POSITIONS
    elif np.isnan(position.distance) and not np.isnan(rules.multiple):
        limited = BY_STOP
    elif done.reason == SKIPPED and rules.sizing == RISK and position.distance > 0.0 and not wanted > 0.0:
        limited = BY_RISK
    else:
        limited = by_money if done.reason == SKIPPED or done.quantity < wanted else FREELY
    return Purchase(bought, done, np.nan if limited in (BY_TIME, BY_POSITIONS, BY_STOP) else wanted, limited)


@kernel
def in_order_of_priority(queue: NDArray[np.int64], count: int, strength: NDArray[np.float64], terms: Terms) -> None:
    """Sort the first ``count`` symbols of a queue (S,): strongest cross first, then by rank; ``strength`` is (S,)."""
    rank, by_strength = terms.rank, terms.by_strength
    for i in range(1, count):
        s = queue[i]
        j = i
        while j > 0:
            other = queue[j - 1]
            same = not by_strength or strength[s] == strength[other]
            if not (rank[s] < rank[other] if same else strength[s] > strength[other]):
                break
            queue[j] = other
            j -= 1
        queue[j] = s
