"""What the bot does, and what may keep it from doing it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import engine
from engine.costs.india import nse_delivery
from engine.costs.plain import Costs
from engine.costs.schedule import CostSchedule
from engine.terms import AccountTerms
from live.limits import Limits
from live.schema import Config

__all__ = ["Guard", "Strategy", "broker_costs"]


@dataclass(frozen=True)
class Strategy:
    """What the bot does.

    Attributes
    ----------
    fast, slow : int
    stop : TrailingStop
    risk : float
        Fraction of equity at risk in a trade.
    terms : AccountTerms
        Positions, weight, priority.
    costs : Costs or CostSchedule
        For the size of an order.
    above, below : float
        How far above the last close a buy may pay, and how far below it a sale may get, as fractions.
    max_notional : float or None
        Of one order, currency.
    """

    fast: int = 50
    slow: int = 200
    stop: engine.TrailingStop = field(default_factory=engine.TrailingStop)
    risk: float = 0.02
    terms: AccountTerms = field(default_factory=AccountTerms)
    costs: Costs | CostSchedule = field(default_factory=Costs)
    above: float = 0.003
    below: float = 0.01
    max_notional: float | None = None

    @classmethod
    def of(cls, config: Config) -> Strategy:
        """Give the strategy of a config file; costs are those of Interactive Brokers, as far as they are known."""
        rules = config.rules
        terms = AccountTerms(rules.max_positions, rules.max_weight, rules.priority)
        most = config.limits.max_order_notional
        return cls(rules.fast, rules.slow, rules.stop, rules.risk, terms, broker_costs(), max_notional=most)


def broker_costs() -> CostSchedule:
    """Give what orders cost at the bot's broker, as far as that is known."""
    return nse_delivery("interactive_brokers")


@dataclass(frozen=True)
class Guard:
    """What may stop an entry before it is sent.

    Attributes
    ----------
    limits : Limits
    halt_file : Path
    """

    limits: Limits
    halt_file: Path
