"""Splits and bonuses, and what became of each of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import isfinite

from engine.errors import InputError

__all__ = ["Action", "Adjustment", "Outcome"]

_LARGEST = 1000.0


@dataclass(frozen=True)
class Action:
    """One split or bonus.

    Parameters
    ----------
    symbol : str
        As in the prices.
    day : date
        The ex-date: the first session at the new price.
    coefficient : float
        Shares after for each share before: 10 for a 10-for-1 split, 2 for a bonus of 1:1, 0.1 for a 1-for-10 reverse split.

    Raises
    ------
    InputError
        The coefficient is not a number from 0.001 to 1000, or is 1.
    """

    symbol: str
    day: date
    coefficient: float

    def __post_init__(self) -> None:
        known = isfinite(self.coefficient) and 1 / _LARGEST <= self.coefficient <= _LARGEST
        if not known or self.coefficient == 1:
            raise InputError(
                f"{self.symbol} {self.day}: the coefficient {self.coefficient:g} is no split or bonus; "
                "it is the number of shares after for each share before, 0.001 to 1000 and not 1"
            )


class Outcome(StrEnum):
    """What became of an action."""

    APPLIED = "applied"
    """The step is at its date; the prices before it were divided."""
    MOVED = "applied-nearby"
    """The step is some sessions away from its date; the prices before the step were divided."""
    NO_STEP = "no-step"
    """The prices show none: they are adjusted already, or it did not happen."""
    OTHER_STEP = "other-step"
    """The prices step there, but not by this coefficient."""
    AMBIGUOUS = "ambiguous"
    """More than one row, or more than one action, would fit."""
    TOO_SMALL = "too-small"
    """Ordinary moves of the share are as large."""
    TOO_FINE = "too-fine"
    """The adjusted prices would be too small to be written with five places."""
    OUTSIDE = "outside"
    """The prices begin at its date or after it, or end before it."""
    NO_PRICES = "no-prices"
    """There are no prices of its symbol."""

    @property
    def is_applied(self) -> bool:
        """Whether prices were changed."""
        return self in (Outcome.APPLIED, Outcome.MOVED)


@dataclass(frozen=True)
class Adjustment:
    """One action and what became of it.

    Parameters
    ----------
    symbol : str
        Whose action it is.
    date : str
        The ex-date of the table, YYYY-MM-DD.
    coefficient : float
        Shares after for each share before; the product where the table has several of one day.
    outcome : Outcome
        What became of it.
    step_date : str or None
        The session whose prices are the first at the new level; None where nothing was applied.
    observed : float or None
        The open of the step, or else of the ex-date, over the close before it; None where there is no such bar.
    bars : int
        How many bars were changed because of it.
    detail : str
        Why, in words.
    """

    symbol: str
    date: str
    coefficient: float
    outcome: Outcome
    step_date: str | None = None
    observed: float | None = None
    bars: int = 0
    detail: str = ""

    def __str__(self) -> str:
        verb = "Adjusted" if self.outcome.is_applied else "Not applied"
        return f"{verb}: {self.symbol} {self.date}, coefficient {self.coefficient:g}: {self.detail}."
