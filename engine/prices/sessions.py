"""What the stamps of prices say about time: how long a bar is, how many make a session and a year."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import DataError, InputError
from engine.validation.sessions import Sessions, days_since_1970, say_time, session_numbers

if TYPE_CHECKING:
    import pandas as pd

    from engine.prices.history import Prices

__all__ = ["DAILY", "BarClock", "clock_of", "resolved_year", "session_numbers", "year_of"]

DAILY = 252.0
"""Bars a year of daily and coarser prices, unless another number is given."""
_YEAR = 365.25
_AGREE = 1.05
_DAILY_STEP = 4.0  # days from one session to the next, in the mean: daily bars with weekends have 1.4, weekly ones 7


@dataclass(frozen=True)
class BarClock:
    """What the stamps of one history say.

    Attributes
    ----------
    bars, sessions : int
        How many there are.
    length : int or None
        Nanoseconds of a bar: the most frequent step within sessions. None for daily and coarser bars.
    bars_per_session : int
        Median over the sessions, without the first and the last, which may be cut.
    mean_bars : float
        Mean over the same sessions.
    days_apart : float
        Mean of the days from one session to the next; nan for a single session.
    sessions_per_year : int
        As ``why`` says.
    why : str
        How ``sessions_per_year`` was found, in words.
    """

    bars: int
    sessions: int
    length: int | None
    bars_per_session: int
    mean_bars: float
    days_apart: float
    sessions_per_year: int
    why: str

    @classmethod
    def of(cls, dates: pd.DatetimeIndex) -> BarClock:
        """Read the stamps of a history, (T,), strictly increasing."""
        days = days_since_1970(dates)
        between = int(days[-1] - days[0]) / (len(days) - 1) if len(days) > 1 else math.nan
        if (days[1:] != days[:-1]).all():  # no date twice: daily or coarser, which are not to cost anything
            return cls(len(dates), len(dates), None, 1, 1.0, between, round(DAILY), "")
        found = Sessions(dates)
        whole = found.whole
        per_year, why = _sessions_per_year(found) if found.length else (round(DAILY), "")
        return cls(
            bars=len(dates),
            sessions=len(found.days),
            length=found.length,
            bars_per_session=round(float(np.median(whole))),
            mean_bars=float(whole.mean()),
            days_apart=int(days[-1] - days[0]) / (len(found.days) - 1) if len(found.days) > 1 else math.nan,
            sessions_per_year=per_year,
            why=why,
        )

    @property
    def bars_per_year(self) -> float:
        """Mean bars a session times sessions a year, as a whole number: T bars are then as many years as the calendar says; 252 for daily and coarser bars."""
        return DAILY if self.length is None else float(round(self.mean_bars * self.sessions_per_year))

    @property
    def is_coarser(self) -> bool:
        """Whether bars are further apart than daily ones."""
        return self.length is None and self.days_apart > _DAILY_STEP

    @property
    def said_length(self) -> str:
        """The length of a bar, in words."""
        if self.length is not None:
            return say_time(self.length)
        return f"{self.days_apart:.0f} days" if self.is_coarser else "1 day"

    @property
    def sentence(self) -> str:
        """Say the bars of a year, and where the number comes from."""
        if self.length is None:
            return "252 bars a year, the number for daily and coarser bars."
        same = abs(self.mean_bars - self.bars_per_session) < 0.005
        mean = f"{self.bars_per_session:,} bars" if same else f"on average {self.mean_bars:,.2f} bars"
        return f"{self.bars_per_year:,.0f} bars a year: {mean} of {self.said_length} a session, {self.sessions_per_year:,} sessions a year, {self.why}."


def _sessions_per_year(found: Sessions) -> tuple[int, str]:
    """Count the sessions of a year, or assume them, and say which."""
    days = found.days
    span = int(days[-1] - days[0])
    if span >= 365:
        years = span / _YEAR
        return round((len(days) - 1) / years), f"as counted over {years:.1f} years"
    weeks = span // 7
    recent = days > days[-1] - 7 * weeks
    week, weekday = (days[-1] - days) // 7, (days + 3) % 7  # 1970-01-01 was a Thursday
    weekends = len(np.unique(week[recent & (weekday >= 5)]))
    if weeks and 2 * weekends >= weeks:
        number = round(int(recent.sum()) / (7 * weeks) * _YEAR)
        span_said = "week" if weeks == 1 else f"{weeks} weeks"
        return number, f"as counted over {span_said}, since there are bars at weekends"
    return round(DAILY), "the usual number, since the prices span less than a year"


def clock_of(prices: Prices) -> BarClock:
    """Give the clock that all symbols go by: of those with the most sessions the first. A history of a single bar says nothing, and is passed over.

    Raises
    ------
    DataError
        There is no symbol.
    InputError
        Symbols have bars of different lengths.
    """
    clocks = {symbol: prices.clock(symbol) for symbol in prices.symbols}
    if not clocks:
        raise DataError("there are no prices: no symbol was given")
    known = {symbol: clock for symbol, clock in clocks.items() if clock.bars > 1} or clocks
    first, *others = known
    for other in others:
        if known[other].length != known[first].length:
            one, two = known[first].said_length, known[other].said_length
            raise InputError(
                f"{first} has bars of {one} and {other} bars of {two}; run them apart (--symbols), or give "
                "bars_per_year (--bars-per-year) and windows in bars"
            )
    return max(known.values(), key=lambda clock: clock.sessions)  # max gives the first of equals


def resolved_year(prices: Prices, given: float | None) -> float:
    """Give the bars of a year: the number that was given, or the one that the prices say.

    Parameters
    ----------
    prices : Prices
        None of them is read for this that is not in memory.
    given : float or None

    Raises
    ------
    InputError
        None was given, and symbols have bars of different lengths, or by more than 5 percent different numbers of bars a year. A symbol with fewer than three sessions is not asked if there
        are others.
    """
    return prices.bars_per_year if given is None else given


def year_of(prices: Prices) -> float:
    """Work out the bars of a year for ``Prices.bars_per_year``, which remembers them.

    Raises
    ------
    InputError
    """
    clock = clock_of(prices)
    if clock.length is None:
        return DAILY
    years = {symbol: prices.clock(symbol) for symbol in prices.symbols}
    sure = {symbol: one.bars_per_year for symbol, one in years.items() if one.sessions > 2}
    if sure:
        least, most = min(sure, key=sure.__getitem__), max(sure, key=sure.__getitem__)
        if sure[most] > _AGREE * sure[least]:
            raise InputError(
                f"{least} has {sure[least]:,.0f} bars a year and {most} {sure[most]:,.0f}, which differ by more than 5 percent; "
                "give one number for all, bars_per_year (--bars-per-year), or run them apart (--symbols)"
            )
    return clock.bars_per_year
