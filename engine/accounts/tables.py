"""From the rows of the kernels to the tables of a portfolio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.kernels import purchases as limits
from engine.kernels.desk import SIGNAL_FIELDS
from engine.prices.history import History
from engine.prices.series import shared_dates
from engine.results.portfolio import SIGNAL_COLUMNS
from engine.results.tables import TRADE_COLUMNS, trade_table

__all__ = ["contribution_table", "portfolio_trades", "signal_table"]

Floats = NDArray[np.float64]

_REASONS = {
    limits.FREELY: "",
    limits.BY_POSITIONS: "positions",
    limits.BY_STOP: "no stop",
    limits.BY_RISK: "risk",
    limits.BY_WEIGHT: "weight",
    limits.BY_CASH: "cash",
    limits.BY_TIME: "time",
}


def portfolio_trades(histories: Sequence[History], start: NDArray[np.int64], rows: Floats) -> pd.DataFrame:
    """Name the trades of an account.

    Parameters
    ----------
    histories : sequence of History
    start : int64 (S + 1,)
        First bar of each symbol, counted through all symbols.
    rows : float64 (trades, 9)

    Returns
    -------
    DataFrame
        TRADE_COLUMNS, by entry date, then by the order of the symbols; bars are those of the symbol.
    """
    tables, dates = [], shared_dates(histories)
    for s, history in enumerate(histories):
        own = rows[rows[:, 8] == s]
        own[:, 0] -= start[s]
        own[:, 2] -= np.where(own[:, 2] < 0, 0, start[s])
        if len(own):
            tables.append(trade_table(history.symbol, dates[s], own))
    if not tables:
        return trade_table("", dates[0], rows[:0])
    return pd.concat(tables).sort_values("entry_date", kind="stable", ignore_index=True)[list(TRADE_COLUMNS)]


def signal_table(histories: Sequence[History], start: NDArray[np.int64], rows: Floats) -> pd.DataFrame:
    """Name the signals of an account: float64 (signals, 10) of SIGNAL_FIELDS to SIGNAL_COLUMNS, in the order in which they came."""
    columns = {name: rows[:, i] for i, name in enumerate(SIGNAL_FIELDS)}
    shared = shared_dates(histories)
    symbol = columns["symbol"].astype(np.int64)
    waiting = columns["fill_bar"] < 0
    skipped = columns["quantity"] == 0.0
    reason = [_REASONS[int(code)] for code in columns["limited"]]
    outcome = np.where(
        waiting, "pending", np.where(skipped, "skipped", np.where(columns["limited"] > 0, "cut", "filled"))
    )

    def dates(name: str) -> list[pd.Timestamp | None]:
        own = columns[name].astype(np.int64) - start[symbol]
        return [None if bar < 0 else shared[s][i] for s, i, bar in zip(symbol, own, columns[name], strict=True)]

    frame = pd.DataFrame(
        {
            "symbol": pd.Series([histories[s].symbol for s in symbol], dtype="str"),
            "date": pd.to_datetime(pd.Series(dates("signal_bar"), dtype="object")),
            "fill_date": pd.to_datetime(pd.Series(dates("fill_bar"), dtype="object")),
            **{name: columns[name] for name in ("strength", "equity", "distance", "wanted", "quantity", "price")},
            "outcome": pd.Series(outcome, dtype="str"),
            "reason": pd.Series(reason, dtype="str"),
        }
    )
    return frame[list(SIGNAL_COLUMNS)]


def contribution_table(symbols: Sequence[str], trades: pd.DataFrame, signals: pd.DataFrame) -> pd.DataFrame:
    """Say what each symbol did for the account."""
    still_open = trades["exit_reason"] == "open"

    def total(frame: pd.DataFrame, column: str | None = None) -> pd.Series[Any]:
        groups = frame.groupby("symbol")
        found = groups.size() if column is None else groups[column].sum()
        return found.reindex(list(symbols), fill_value=0)

    table = pd.DataFrame(
        {
            "trades": total(trades[~still_open]),
            "profit": total(trades[~still_open], "profit"),
            "open_profit": total(trades[still_open], "profit"),
            "fees": total(trades, "fees"),
            "signals": total(signals),
            "skipped": total(signals[signals["outcome"] == "skipped"]),
            "cut": total(signals[signals["outcome"] == "cut"]),
        }
    )
    return table.rename_axis("symbol")
