"""The bars of all symbols on the days of one account, and what their averages say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.backtesting import atr_of
from engine.kernels.crosses import GOLDEN, NO_FILTER, crosses, filtered_sides
from engine.kernels.desk import Market, Signals
from engine.kernels.indicators import averages
from engine.kernels.loop import Bars
from engine.prices.history import History, Prices
from engine.prices.series import days_of, shared_dates
from engine.settings import TrailingStop

__all__ = ["closes_of", "dates_of", "days_of", "market_of", "sides_of", "signals_of", "strength_of", "usable"]

Floats = NDArray[np.float64]


def usable(prices: Prices, slow: int) -> tuple[list[str], dict[str, str]]:
    """Sort out the symbols whose history is shorter than the slow window.

    Raises
    ------
    DataError
        None is left.
    """
    left_out = dict(prices.report.left_out)
    for symbol in prices.symbols:
        if len(prices[symbol]) < slow:
            left_out[symbol] = f"{symbol} has {len(prices[symbol])} bars, fewer than the slow window of {slow}"
    return prices.require_any(left_out), left_out


def dates_of(histories: Sequence[History]) -> NDArray[np.datetime64]:
    """Give the date of every bar, of all symbols one behind the other, without time zones."""
    return np.concatenate([history.local_dates for history in histories])


def market_of(histories: Sequence[History], days: pd.DatetimeIndex) -> Market:
    """Put the bars of all symbols one behind the other."""
    fields = (np.concatenate([getattr(h, name) for h in histories]) for name in ("open", "high", "low", "close"))
    lengths = [len(history) for history in histories]
    day = [days.get_indexer(dates).astype(np.int64) for dates in shared_dates(histories)]
    return Market(Bars(*fields), np.cumsum([0, *lengths]), np.concatenate(day), len(days))


def closes_of(market: Market) -> Floats:
    """Give the last close of each symbol on each day, float64 (D, S); 0 before its first, when it cannot be held."""
    symbols = len(market.start) - 1
    out = np.zeros((market.days, symbols))
    for s in range(symbols):
        first, stop = market.start[s], market.start[s + 1]
        bar = np.full(market.days, -1)
        bar[market.day[first:stop]] = np.arange(first, stop)
        bar = np.maximum.accumulate(bar)
        out[:, s] = np.where(bar >= 0, market.bars.close[bar], 0.0)
    return out


def strength_of(fast: Floats, slow: Floats, cross: NDArray[np.int8]) -> Floats:
    """How far the averages are apart at a golden cross, relative to the slow one; nan elsewhere."""
    out, golden = np.full(len(cross), np.nan), cross == GOLDEN
    out[golden] = (fast[golden] - slow[golden]) / slow[golden]
    return out


def sides_of(history: History, fast: int, slow: int) -> NDArray[np.int8]:
    """Tell which average is above after each bar of a symbol, int8 (T,)."""
    both, out = averages(history.close, np.array([fast, slow])), np.empty(len(history), np.int8)
    filtered_sides(both[0], both[1], NO_FILTER, out)
    return out


def signals_of(histories: Sequence[History], fast: int, slow: int, stop: TrailingStop | None) -> Signals:
    """Find the crosses of every symbol on its own bars, and the ATR of its stop."""
    total = sum(len(history) for history in histories)
    cross, strength, atr = np.empty(total, np.int8), np.empty(total), np.empty(total)
    start = 0
    for history in histories:
        here = slice(start, start + len(history))
        both = averages(history.close, np.array([fast, slow]))
        crosses(both[0], both[1], cross[here])
        strength[here] = strength_of(both[0], both[1], cross[here])
        atr[here] = atr_of(history, stop)
        start = here.stop
    return Signals(cross, strength, atr)
