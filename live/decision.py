"""What the strategy asks for after the last bar: the backtest itself, run up to now."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import engine
from engine.accounts.market import sides_of, signals_of
from engine.kernels.crosses import ABOVE, DEATH, GOLDEN, NO_SIGNAL

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CROSSES", "Action", "Decision", "Reading", "decide", "read_last_bar"]

Action = Literal["buy", "sell", "none"]

CROSSES = {GOLDEN: "golden", DEATH: "death", NO_SIGNAL: "none"}
"""What the kernels' numbers are called."""


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


@dataclass(frozen=True)
class Reading:
    """What the last close of one symbol says, from the engine's own kernels.

    Attributes
    ----------
    symbol : str
    date : Timestamp
        Of the last bar.
    cross : {"golden", "death", "none"}
        At the last close.
    is_above : bool
        Whether the fast average is above.
    strength : float
        Of a golden cross, (fast - slow) / slow; nan otherwise.
    distance : float
        Of the stop that a purchase now would have, currency; nan if it is not defined, or there is no stop.
    close : float
        Last close, currency.
    """

    symbol: str
    date: pd.Timestamp
    cross: Literal["golden", "death", "none"]
    is_above: bool
    strength: float
    distance: float
    close: float


def read_last_bar(history: engine.History, fast: int, slow: int, stop: engine.TrailingStop | None) -> Reading:
    """Read the last bar of a history; the backtest's cross, strength and stop distance at that bar, bit for bit."""
    signals = signals_of([history], fast, slow, stop)
    return Reading(
        symbol=history.symbol,
        date=history.dates[-1],
        cross=cast("Literal['golden', 'death', 'none']", CROSSES[int(signals.cross[-1])]),
        is_above=bool(sides_of(history, fast, slow)[-1] == ABOVE),
        strength=float(signals.strength[-1]),
        distance=float(stop.multiple * signals.atr[-1]) if stop else math.nan,
        close=float(history.close[-1]),
    )
