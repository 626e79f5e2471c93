"""From trades to orders: every fill of a result by itself, with its own fee."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.costs.plain import Costs
from engine.costs.schedule import CostSchedule
from engine.kernels.charges import SELL_SIDE, Charges, charge

__all__ = ["ORDER_COLUMNS", "order_table"]

ORDER_COLUMNS = ("symbol", "bar", "date", "side", "price", "quantity", "fees")


def order_table(trades: pd.DataFrame, costs: Costs | CostSchedule) -> pd.DataFrame:
    """Take trades of a long-only result apart.

    Parameters
    ----------
    trades : DataFrame
        TRADE_COLUMNS of ``engine.results.tables``.
    costs : Costs or CostSchedule
        What they were charged by.

    Returns
    -------
    DataFrame
        ORDER_COLUMNS: the purchase of each trade, and behind it its sale if it was sold. A trade has the fees of both; what is left of them after the sale's own is the purchase's.
    """
    left = (trades["exit_reason"] != "open").to_numpy()
    sale_fees = np.zeros(len(trades))
    sale_fees[left] = _sale_fees(trades[left], costs)
    sides: Mapping[str, tuple[str, Any]] = {
        "buy": ("entry", trades["fees"].to_numpy(dtype=np.float64) - sale_fees),
        "sell": ("exit", sale_fees),
    }
    halves = [
        pd.DataFrame(
            {
                "symbol": trades["symbol"],
                "bar": trades[f"{end}_bar"],
                "date": trades[f"{end}_date"],
                "side": side,
                "price": trades[f"{end}_price"],
                "quantity": trades["quantity"],
                "fees": fees,
            }
        )
        for side, (end, fees) in sides.items()
    ]
    table = pd.concat([halves[0], halves[1][left]])
    table = table.sort_index(kind="stable").reset_index(drop=True)  # the purchase of a trade before its sale
    return table.astype({"bar": np.int64})


def _sale_fees(trades: pd.DataFrame, costs: Costs | CostSchedule) -> NDArray[np.float64]:
    """Give what the sale of each trade cost, in currency, as the kernels charge it."""
    shares = trades["quantity"].to_numpy(dtype=np.float64)
    values = shares * trades["exit_price"].to_numpy(dtype=np.float64)
    if isinstance(costs, Costs):
        fees: NDArray[np.float64] = np.maximum(costs.minimum, costs.fixed + costs.rate * values)
        return fees
    # One by one: symbols of several zones share a column, and each charge goes by the day at its own exchange.
    days = np.array([pd.Timestamp(day).tz_localize(None) for day in trades["exit_date"]], dtype="datetime64[ns]")
    table, rows = costs.rows(days)
    charges = [Charges(*line) for line in table[:, SELL_SIDE].tolist()]
    orders = zip(shares.tolist(), values.tolist(), rows.tolist(), strict=True)
    return np.array([charge(quantity, value, charges[row]) for quantity, value, row in orders])
