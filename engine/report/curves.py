"""An equity curve and what can be computed from it: drawdown, rolling Sharpe ratio, falls, returns of months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from engine.prices.history import Prices

__all__ = ["Curve", "Fall", "held_curve", "rolling_window"]

Floats = NDArray[np.float64]


_MOST_AT_ONCE = 1 << 24
"""Bars times window of a rolling figure: 128 MB for each array of them."""


@dataclass(frozen=True)
class Fall:
    """From a high of the equity to the bar that reaches it again.

    Attributes
    ----------
    start, lowest : int
        Bars of the high and of the lowest equity; a start of -1 is the capital before the first bar.
    end : int or None
        Bar that reaches the high again; None if none does.
    depth : float
        Largest loss as a fraction, above 0.
    """

    start: int
    lowest: int
    end: int | None
    depth: float


@dataclass(frozen=True, eq=False)
class Curve:
    """Equity after each bar, beside that of buying and holding if it is known.

    Parameters
    ----------
    name : str
        Whose equity it is.
    capital : float
        Before the first bar, currency.
    equity : Series (T,)
        Currency, by date.
    held : float64 (T,) or None
        What buying and holding would have been worth after the same bars, without costs, currency.
    bars_per_year : float
    """

    name: str
    capital: float
    equity: pd.Series[float]
    held: Floats | None
    bars_per_year: float

    @property
    def dates(self) -> pd.DatetimeIndex:
        """Of the bars."""
        return pd.DatetimeIndex(self.equity.index)

    @cached_property
    def values(self) -> Floats:
        """Equity, float64 (T,)."""
        found: Floats = np.asarray(self.equity, dtype=np.float64)
        return found

    @cached_property
    def returns(self) -> Floats:
        """Return of each bar by the contract, float64 (T,)."""
        before = np.concatenate([[self.capital], self.values[:-1]])
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Floats = self.values / before - 1.0
        return found

    @cached_property
    def highs(self) -> Floats:
        """Highest equity so far, the capital included, float64 (T,)."""
        found: Floats = np.maximum(np.maximum.accumulate(self.values), self.capital)
        return found

    @cached_property
    def drawdowns(self) -> Floats:
        """Fall from the highest equity so far as a fraction, 0 or below, float64 (T,)."""
        found: Floats = self.values / self.highs - 1.0
        return found

    def rolling_sharpe(self, window: int) -> Floats:
        """Yearly Sharpe ratio of the last ``window`` returns, float64 (T,); nan before there are so many, and where all of them are equal."""
        out = np.full(len(self.values), np.nan)
        if len(out) * window > _MOST_AT_ONCE and len(out) >= window >= 2:
            return self._long_rolling_sharpe(window)
        if len(out) >= window >= 2:
            parts = sliding_window_view(self.returns, window)
            moved = np.ptp(parts, axis=1) > 0.0
            some = parts[moved]
            out[window - 1 :][moved] = some.mean(axis=1) / some.std(axis=1, ddof=1) * np.sqrt(self.bars_per_year)
        return out

    def _long_rolling_sharpe(self, window: int) -> Floats:
        """Do the same for a year of minutes, whose windows side by side would take more memory than there is."""
        rolling = pd.Series(self.returns).rolling(window)
        changed = np.concatenate([[0], np.cumsum(np.diff(self.returns) != 0.0)])
        moved = np.zeros(len(self.values), np.bool_)
        moved[window - 1 :] = changed[window - 1 :] > changed[: len(changed) - window + 1]
        ratio = np.full(len(self.values), np.nan)
        mean, deviation = rolling.mean().to_numpy(), rolling.std().to_numpy()
        np.divide(mean, deviation, out=ratio, where=moved & (deviation > 0.0))
        yearly: Floats = ratio * np.sqrt(self.bars_per_year)
        return yearly

    def falls(self) -> list[Fall]:
        """Every fall, the deepest first; of equal ones the first."""
        below = self.drawdowns < 0.0
        edges = np.flatnonzero(np.diff(np.concatenate([[False], below, [False]]).astype(np.int8)))
        found = []
        for first, stop in edges.reshape(-1, 2).tolist():
            lowest = first + int(np.argmin(self.drawdowns[first:stop]))
            end = stop if stop < len(below) else None
            found.append(Fall(self._high_before(first), lowest, end, -float(self.drawdowns[lowest])))
        return sorted(found, key=lambda fall: -fall.depth)

    def _high_before(self, first: int) -> int:
        """Find the last bar before ``first`` that has the high from which it fell; -1 is the capital."""
        at_high = np.flatnonzero(self.values[:first] == self.highs[first])
        return int(at_high[-1]) if len(at_high) else -1

    def months(self) -> pd.DataFrame:
        """Return of each calendar month as a fraction.

        Returns
        -------
        DataFrame
            A row a year, columns 1 to 12 and ``year``; nan where there is no bar. The first month begins with the capital.
        """
        plain = self.dates.tz_localize(None)
        table = pd.DataFrame(
            index=pd.Index(sorted(set(plain.year)), name="year"), columns=[*range(1, 13), "year"], dtype=float
        )
        last = np.flatnonzero(np.append(plain.to_period("M")[1:] != plain.to_period("M")[:-1], True))
        before = year_before = self.capital
        for place in last.tolist():
            date, value = plain[place], float(self.values[place])
            table.loc[date.year, date.month] = _grown(before, value)
            table.loc[date.year, "year"] = _grown(year_before, value)
            before = value
            if place == last[-1] or plain[place + 1].year != date.year:
                year_before = value
        return table


def _grown(before: float, after: float) -> float:
    """Give the return between two amounts; nan from nothing."""
    return after / before - 1.0 if before > 0.0 else float("nan")


def held_curve(prices: Prices, symbols: Sequence[str], days: pd.DatetimeIndex, capital: float) -> Floats:
    """Give what becomes of a capital in equal parts in every symbol, bought at its first close and held, float64 (D,); before that close a part is cash.

    Parameters
    ----------
    prices : Prices
    symbols : sequence of str
    days : DatetimeIndex (D,)
        Those on which it is asked for; all bars of the symbols lie on some of them.
    capital : float
    """
    total, part = np.zeros(len(days)), capital / len(symbols)
    for symbol in symbols:
        history = prices[symbol]
        dates = history.dates if history.dates.tz == days.tz else history.dates.tz_localize(None)
        place = np.searchsorted(dates, days, side="right") - 1
        total += part * np.where(place >= 0, history.close[np.maximum(place, 0)] / history.close[0], 1.0)
    return total


def rolling_window(bars: int, bars_per_year: float) -> int:
    """Choose the bars of a rolling Sharpe ratio: a year, or a third of a shorter history; 0 if that would be less than 20."""
    window = min(round(bars_per_year), bars // 3)
    return window if window >= 20 else 0
