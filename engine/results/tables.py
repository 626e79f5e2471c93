"""From the arrays of the kernels to pandas tables with the contract's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import InputError
from engine.grid import Grid
from engine.kernels import position as rules
from engine.kernels.metrics import METRICS
from engine.prices.history import Prices
from engine.settings import TrailingStop

__all__ = [
    "COUNTS",
    "INDEX",
    "PENDING",
    "TRADE_COLUMNS",
    "CellKeys",
    "best_rows",
    "buy_and_hold",
    "cell_index",
    "find_stop",
    "held_returns",
    "held_series",
    "metric_table",
    "trade_table",
]

INDEX = ("symbol", "fast", "slow", "atr_window", "multiple")
"""What names a cell; atr_window 0 and multiple 0.0 stand for no stop."""

COUNTS = ("trades", "skipped")
"""Metrics that are whole numbers."""

TRADE_COLUMNS = (
    "symbol",
    "entry_bar",
    "entry_date",
    "entry_price",
    "exit_bar",
    "exit_date",
    "exit_price",
    "quantity",
    "fees",
    "profit",
    "exit_reason",
)

PENDING = {rules.BUY: "buy", rules.SELL: "sell", 0: "none"}
"""What the last close asks for."""

_REASONS = {
    rules.CROSS: "cross",
    rules.STOP: "stop",
    rules.GAP: "gap",
    rules.OPEN: "open",
    rules.SESSION: "session",
}


def held_returns(prices: Prices, symbols: Sequence[str]) -> NDArray[np.float64]:
    """Give last close / first close - 1 of each symbol, without costs, float64 (symbols,)."""
    return np.array([prices.held[symbol] for symbol in symbols])


def held_series(returns: NDArray[np.float64] | Sequence[float], symbols: Sequence[str]) -> pd.Series[float]:
    """Name what ``held_returns`` gave."""
    return pd.Series(returns, index=pd.Index(symbols, name="symbol"), name="buy_and_hold")


def buy_and_hold(prices: Prices, symbols: Sequence[str]) -> pd.Series[float]:
    """Do both."""
    return held_series(held_returns(prices, symbols), symbols)


def metric_table(values: NDArray[np.float64], index: pd.Index[Any]) -> pd.DataFrame:
    """Name the metrics: ``values`` is float64 (rows, METRIC_COUNT); counts become whole numbers, <NA> where not defined."""
    frame = pd.DataFrame(values, index=index, columns=list(METRICS))
    return frame.astype(dict.fromkeys(COUNTS, "Int64"))


class CellKeys:
    """Name cells by their place in the grid of one symbol; made once for a grid, since reading its pairs takes a while."""

    def __init__(self, grid: Grid) -> None:
        self._stops = len(grid.stops)
        self._fast, self._slow = grid.fast, grid.slow
        self._window = np.array([stop.atr_window if stop else 0 for stop in grid.stops], dtype=np.int64)
        self._multiple = np.array([stop.multiple if stop else 0.0 for stop in grid.stops])

    def of(self, places: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Give INDEX without the symbol: int64 (n,) each, and float64 (n,) for the multiple.

        Parameters
        ----------
        places : int64 (n,)
            Pair times the number of stops, plus stop.
        """
        pairs = places // self._stops
        stops = places - pairs * self._stops
        return {
            "fast": self._fast[pairs],
            "slow": self._slow[pairs],
            "atr_window": self._window[stops],
            "multiple": self._multiple[stops],
        }


def cell_index(symbols: Sequence[str], grid: Grid, places: NDArray[np.int64]) -> pd.MultiIndex:
    """Give the index of cells by their place: int64 (n,), symbol times the cells of the grid, plus the place in the grid."""
    symbol, place = np.divmod(places, grid.cells)
    names = pd.Index(list(symbols), dtype="str").take(symbol)
    return pd.MultiIndex.from_arrays([names, *CellKeys(grid).of(place).values()], names=list(INDEX))


def best_rows(
    frame: pd.DataFrame, symbols: Sequence[str], metric: str, per: Literal["symbol", "all"], k: int
) -> pd.DataFrame:
    """Pick the rows with the highest value of a metric; of equal ones the first. See ``SweepTable.best``.

    Parameters
    ----------
    frame : DataFrame
        Index INDEX, in the order of the grid wherever rows are equal; columns METRICS.
    symbols : sequence of str
        The order of the symbols in the answer.
    metric, per, k
        As in ``SweepTable.best``.

    Raises
    ------
    InputError
    """
    if metric not in METRICS:
        raise InputError(f"there is no metric {metric!r}; it must be one of: {', '.join(METRICS)}")
    if per not in ("symbol", "all"):
        raise InputError(f"per is {per!r}; it must be symbol or all")
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise InputError(f"k is {k!r}; it must be a whole number, 1 or more")
    frame = frame[frame[metric].notna()].sort_values(metric, ascending=False, kind="stable")
    if per == "all":
        return frame.head(k)
    order = {symbol: i for i, symbol in enumerate(symbols)}
    best = frame.groupby(level="symbol", sort=False).head(k)
    return best.sort_index(level="symbol", key=lambda names: names.map(order), sort_remaining=False, kind="stable")


def find_stop(grid: Grid, atr_window: int, multiple: float) -> TrailingStop | None:
    """Find the stop of an index entry.

    Raises
    ------
    InputError
        The grid has no such stop.
    """
    for stop in grid.stops:
        if (stop.atr_window, stop.multiple) == (atr_window, multiple) if stop else not multiple:
            return stop
    raise InputError(f"this sweep has no stop with ATR window {atr_window} and multiple {multiple:g}")


def trade_table(symbol: str, dates: pd.DatetimeIndex, rows: NDArray[np.float64]) -> pd.DataFrame:
    """Name the trades of one symbol.

    Parameters
    ----------
    symbol : str
    dates : DatetimeIndex (T,)
    rows : float64 (trades, 8)
        As the loops write them, an open position last with exit bar -1.

    Returns
    -------
    DataFrame
        TRADE_COLUMNS; an open position has no exit bar and date, its exit price is the last close and its profit what it is worth there.
    """
    entry = rows[:, 0].astype(np.int64)
    leave = rows[:, 2].astype(np.int64)
    still_open = leave < 0
    exit_date = pd.Series(dates[leave]).mask(still_open)
    columns: dict[str, Any] = {
        "symbol": symbol,
        "entry_bar": entry,
        "entry_date": dates[entry],
        "entry_price": rows[:, 1],
        "exit_bar": pd.array(np.where(still_open, 0, leave), dtype="Int64"),
        "exit_date": exit_date,
        "exit_price": rows[:, 3],
        "quantity": rows[:, 4],
        "fees": rows[:, 5],
        "profit": rows[:, 6],
        "exit_reason": [_REASONS[int(code)] for code in rows[:, 7]],
    }
    columns["exit_bar"][still_open] = pd.NA
    return pd.DataFrame(columns, index=range(len(rows)))[list(TRADE_COLUMNS)]
