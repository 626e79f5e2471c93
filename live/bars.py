"""From the broker's daily bars to a history that the engine's own rules let through; everything else is a reason not to trade."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

import engine
from engine.errors import DataError
from live.facts import DayBar

__all__ = ["bars_that_count", "history_of"]

_EPOCH = date(1970, 1, 1).toordinal()
_REFUSED = {"split-like", "scaled-stretch"}
"""Warnings that are harmless in a backtest, where they are said, and not before an order."""


_FADED = 14
"""After so many windows Wilder's average has forgotten all but a millionth of a bar; the simple one forgets it after one."""


def bars_that_count(slow: int, stop: engine.TrailingStop) -> int:
    """Give how many bars the averages and the stop's distance are made of: a jump before them changes nothing, one among them is a reason not to trade."""
    return slow + stop.atr_window * (_FADED if stop.atr == "wilder" else 1)


def history_of(
    symbol: str, currency: str, bars: Sequence[DayBar], session: date, least: int, clean: int | None = None
) -> engine.History:
    """Check daily bars and give them as a history.

    Parameters
    ----------
    symbol, currency : str
    bars : sequence of DayBar
        As the broker gave them.
    session : date
        Today at the exchange: the last bar has to be of it, and is taken for the bar of the close that is near.
    least : int
        Bars that the averages need.
    clean : int or None
        Bars among which there may be no jump, see ``bars_that_count``; None is ``least``.

    Raises
    ------
    DataError
        Too few bars, a last bar of another day, bars that the engine refuses, or a jump like that of a split among the last ``clean`` bars.
    """
    if len(bars) < least:
        raise DataError(f"{symbol}: {len(bars)} bars, fewer than the {least} that are needed", symbol=symbol)
    if bars[-1].day != session:
        raise DataError(
            f"{symbol}: the last bar is of {bars[-1].day}, today is {session}: the data is stale", symbol=symbol
        )
    prices = engine.Prices.from_frames({symbol: _frame(bars)}, currency=currency)
    history = prices[symbol]
    first = str(history.dates[-min(len(history), clean or least)].date())
    for finding in prices.report.warnings:
        if finding.rule in _REFUSED and (finding.date or first) >= first:
            raise DataError(f"{finding.message}: not traded until it is explained", symbol=symbol)
    return history


def _frame(bars: Sequence[DayBar]) -> pd.DataFrame:
    """Put bars into a frame by way of arrays of numbers: reading dates as text, or as objects, would take half of the time of the whole check."""
    numbers = np.array([(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars], dtype=np.float64)
    days = (np.array([bar.day.toordinal() for bar in bars]) - _EPOCH).astype("datetime64[D]")
    columns = dict(zip(("open", "high", "low", "close", "volume"), numbers.T, strict=True))
    return pd.DataFrame({"date": days, **columns})
