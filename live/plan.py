"""What is to be done with each share: the decision of the engine's kernels, put beside what the broker has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.kernels.purchases import in_order_of_priority
from engine.terms import AccountTerms
from live.decision import Reading
from live.facts import Pinned
from live.protection import Cover

__all__ = ["Step", "Wish", "in_turn", "wish"]

Step = Literal["enter", "leave", "keep", "nothing"]


@dataclass(frozen=True)
class Wish:
    """One share after the last bar.

    Attributes
    ----------
    pinned : Pinned
    reading : Reading
    step : {"enter", "leave", "keep", "nothing"}
    reason : str
        In plain words.
    """

    pinned: Pinned
    reading: Reading
    step: Step
    reason: str


def wish(pinned: Pinned, reading: Reading, cover: Cover) -> Wish:
    """Decide for one share; what is held is what the broker says, not what a backtest would hold."""
    if cover.held < 0:
        return Wish(pinned, reading, "nothing", f"{-cover.held:g} shares are sold short; somebody has to look at that")
    step, reason = _holding(reading) if cover.held > 0 else _not_holding(reading)
    return Wish(pinned, reading, step, reason)


def _holding(reading: Reading) -> tuple[Step, str]:
    """Decide about what is held."""
    if reading.cross == "death":
        return "leave", "death cross at the last close"
    if not reading.is_above:
        return "leave", "the fast average is below the slow one: a death cross was missed"
    return "keep", "held, and the fast average is above"


def _not_holding(reading: Reading) -> tuple[Step, str]:
    """Decide about what is not held."""
    if reading.cross != "golden":
        return "nothing", "not held, and no golden cross at the last close"
    if not reading.distance > 0:
        return "nothing", "golden cross, but the distance of its stop is not known"
    return "enter", "golden cross at the last close"


def in_turn(wishes: Sequence[Wish], terms: AccountTerms) -> list[Wish]:
    """Put the entries in the order of their priority, by the portfolio's own rule (``docs/portfolio.md``)."""
    entries = [one for one in wishes if one.step == "enter"]
    strength = np.array([one.reading.strength for one in entries])
    queue = np.arange(len(entries))
    in_order_of_priority(queue, len(entries), strength, terms.kernel_terms([one.pinned.symbol for one in entries], 1.0))
    return [entries[i] for i in queue]
