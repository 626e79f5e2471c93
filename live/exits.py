"""The sale of a share, and the stop of what it leaves: at a price near the last close, whatever the bars before it are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import DataError
from live.bars import history_of
from live.decision import read_last_bar
from live.facts import DayBar, OrderRequest, Pinned, WorkingOrder, order_reference
from live.pricing import sell_limit, sell_stop, trail_amount
from live.protection import Cover
from live.schema import Config, Instrument
from live.sessions import Session
from live.strategy import Strategy

__all__ = ["Exit", "Holding", "exit_of"]


@dataclass(frozen=True)
class Holding:
    """One share with what the broker has of it."""

    share: Instrument
    pinned: Pinned
    cover: Cover
    entries: tuple[WorkingOrder, ...]

    @property
    def is_flat(self) -> bool:
        """Whether there is nothing to do."""
        return self.cover.held == 0 and not self.cover.sells and not self.entries


@dataclass(frozen=True)
class Exit:
    """A sale, whose quantity is found when it is sent, and the stop of what it leaves."""

    sale: OrderRequest
    stop: OrderRequest


def exit_of(one: Holding, bars: Sequence[DayBar], session: Session, config: Config) -> Exit:
    """Give the orders with which a share is left.

    Parameters
    ----------
    one : Holding
    bars : sequence of DayBar
        Up to now.
    session : Session
        Of today.
    config : Config
        Its price band keeps the limit near the last close.

    Raises
    ------
    DataError
        There is no close of today, which the price could keep near.
    MoneyError, InputError
        The price steps, or the distance of the stop, make no sense.
    """
    close, rule = bars[-1].close, one.pinned.market_rule
    if bars[-1].day != session.day or not (math.isfinite(close) and close > 0):
        raise DataError(f"the last bar is of {bars[-1].day} with the close {close:g}, so there is no price of today")
    below = min(Strategy.of(config).below, config.limits.price_band_percent / 100)
    trail = trail_amount(_distance(one, bars, session, config), close, rule)
    sale, kept = (order_reference(session.day, one.pinned.symbol, purpose) for purpose in ("flatten", "kept"))
    first = sell_stop(close - trail, rule)
    return Exit(
        OrderRequest(sale, "SELL", "LMT", 0.0, limit=sell_limit(close * (1 - below), rule)),
        OrderRequest(kept, "SELL", "TRAIL", 0.0, trail=trail, stop=first, time_in_force="GTC"),
    )


def _distance(one: Holding, bars: Sequence[DayBar], session: Session, config: Config) -> float:
    """Give the distance of a stop, currency: that of the rules; without it that of the stop that is there; without it the price band."""
    strategy, close = Strategy.of(config), bars[-1].close
    least = strategy.slow + strategy.stop.atr_window
    try:
        history = history_of(one.share.symbol, one.share.currency, bars, session.day, least)
        distance = read_last_bar(history, strategy.fast, strategy.slow, strategy.stop).distance
    except DataError:  # bars that are no reason to buy are no reason to keep
        distance = math.nan
    for found in (distance, *(order.trail for order in one.cover.stops if order.trail)):
        if 0 < found < close:
            return found
    return close * config.limits.price_band_percent / 100
