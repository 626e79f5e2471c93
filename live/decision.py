"""What the strategy asks for after the last bar: the backtest itself, run up to now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import engine

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Action", "Decision", "decide"]

Action = Literal["buy", "sell", "none"]


@dataclass(frozen=True)
class Decision:
    """One symbol after its last bar.

    Attributes
    ----------
    symbol : str
    date : Timestamp
        Of the last bar.
    action : {"buy", "sell", "none"}
        What to do at the next open.
    holding : bool
        Whether the backtest holds the symbol after this bar.
    close : float
        Last close, currency.
    """

    symbol: str
    date: pd.Timestamp
    action: Action
    holding: bool
    close: float


def decide(
    prices: engine.Prices, fast: int = 50, slow: int = 200, stop: engine.TrailingStop | None = None
) -> tuple[Decision, ...]:
    """Decide for every symbol from its bars up to now, with fills at the next open.

    Raises
    ------
    DataError
        No symbol has enough bars.
    """
    result = engine.backtest(prices, fast, slow, stop)
    open_now = set(result.trades.loc[result.trades["exit_reason"] == "open", "symbol"])
    return tuple(
        Decision(
            symbol=str(symbol),
            date=prices[str(symbol)].dates[-1],
            action=cast("Action", result.pending[str(symbol)]),
            holding=symbol in open_now,
            close=float(prices[str(symbol)].close[-1]),
        )
        for symbol in result.metrics.index
    )
