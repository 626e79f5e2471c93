"""From the arrays of the kernels to pandas tables with the contract's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.kernels import position as rules
from engine.kernels.metrics import METRICS
from engine.prices.history import Prices

__all__ = ["COUNTS", "TRADE_COLUMNS", "buy_and_hold", "metric_table", "trade_table"]

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

_REASONS = {rules.CROSS: "cross", rules.STOP: "stop", rules.GAP: "gap", rules.OPEN: "open"}


def buy_and_hold(prices: Prices, symbols: Sequence[str]) -> pd.Series[float]:
    """Give last close / first close - 1 of each symbol, without costs."""
    returns = [prices[symbol].close[-1] / prices[symbol].close[0] - 1 for symbol in symbols]
    return pd.Series(returns, index=pd.Index(symbols, name="symbol"), name="buy_and_hold")


def metric_table(values: NDArray[np.float64], index: pd.Index[Any]) -> pd.DataFrame:
    """Name the metrics: ``values`` is float64 (rows, METRIC_COUNT); counts become whole numbers, <NA> where not defined."""
    frame = pd.DataFrame(values, index=index, columns=list(METRICS))
    return frame.astype(dict.fromkeys(COUNTS, "Int64"))


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
