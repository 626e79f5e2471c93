"""What stops an order before it goes to the broker: the counters of the day against their limits, and the halt file.

Only entries are stopped. A sale or a stop makes the account safer, and is never refused here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Self

from engine.errors import InputError
from live.errors import LimitError, MoneyError
from live.halting import halted
from live.sizing import require_money

if TYPE_CHECKING:
    from live.schema import Config

__all__ = ["Entry", "Limits", "Tally", "refusals", "require_allowed"]


@dataclass(frozen=True)
class Limits:
    """What a day may not exceed.

    Attributes
    ----------
    max_orders_per_day : int
        Entries sent, filled or not.
    max_order_notional, max_day_notional : float
        Limit price times quantity of one entry and of all entries sent on a day, currency.
    max_daily_loss : float
        Fall of equity since the start of the day, currency; at it, and below, there are no entries.
    price_band_percent : float
        Of the limit price from the last close, both ways.
    max_positions : int
        Held, and entries that may still be filled.
    """

    max_orders_per_day: int
    max_order_notional: float
    max_day_notional: float
    max_daily_loss: float
    price_band_percent: float
    max_positions: int

    def __post_init__(self) -> None:
        for name in ("max_order_notional", "max_day_notional", "max_daily_loss", "price_band_percent"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InputError(f"{name} is {value!r}; it must be a finite number above 0")
        for name in ("max_orders_per_day", "max_positions"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)!r}; it must be 1 or more")

    @classmethod
    def of(cls, config: Config) -> Self:
        """Give the limits of a config file."""
        return cls(**config.limits.model_dump(), max_positions=config.rules.max_positions)


@dataclass(frozen=True)
class Entry:
    """A buy that is about to be sent.

    Attributes
    ----------
    symbol : str
    quantity : float
        Shares.
    limit, last_close : float
        Currency per share.
    """

    symbol: str
    quantity: float
    limit: float
    last_close: float

    @property
    def notional(self) -> float:
        """Limit price times quantity."""
        return self.limit * self.quantity


@dataclass(frozen=True)
class Tally:
    """What a day has seen so far; a journal gives the same again after a restart.

    Attributes
    ----------
    day : date
        At the exchange.
    start_equity : float
        Before the first order of the day, currency.
    orders : int
    notional : float
        Of the entries sent.
    """

    day: date
    start_equity: float
    orders: int = 0
    notional: float = 0.0

    def __post_init__(self) -> None:
        require_money("equity at the start of the day", self.start_equity)

    def sent(self, entry: Entry) -> Tally:
        """Count an entry; to be called before it is sent, so that a crash in between counts it too."""
        return replace(self, orders=self.orders + 1, notional=self.notional + entry.notional)


def refusals(
    entry: Entry, tally: Tally, limits: Limits, *, day: date, equity: float, positions: int, halt_file: Path
) -> tuple[str, ...]:
    """Tell why an entry must not be sent: nothing, if it may.

    Parameters
    ----------
    entry : Entry
    tally : Tally
    limits : Limits
    day : date
        Today at the exchange; a tally of another day counts for nothing, so it is refused.
    equity : float
        Now, currency.
    positions : int
        Held or on the way, without this one.
    halt_file : Path
    """
    found = [*_of_the_order(entry, limits), *_of_the_day(entry, tally, limits, day)]
    found += _of_the_account(tally, limits, equity, positions)
    reason = halted(halt_file)
    return tuple(found if reason is None else [f"halted: {reason}", *found])


def require_allowed(
    entry: Entry, tally: Tally, limits: Limits, *, day: date, equity: float, positions: int, halt_file: Path
) -> Tally:
    """Check an entry as ``refusals`` does, and give the tally that counts it.

    Raises
    ------
    LimitError
        With all reasons.
    """
    found = refusals(entry, tally, limits, day=day, equity=equity, positions=positions, halt_file=halt_file)
    if found:
        raise LimitError(tuple(f"{entry.symbol}: {reason}" for reason in found))
    return tally.sent(entry)


def _of_the_order(entry: Entry, limits: Limits) -> Iterator[str]:
    """Check what the order says of itself."""
    for name in ("quantity", "limit", "last_close"):
        value = getattr(entry, name)
        if not (math.isfinite(value) and 0 < value < 1e15):
            yield f"{name.replace('_', ' ')} is {value!r}, which is no number above 0"
            return
    if entry.notional > limits.max_order_notional:
        yield f"{entry.notional:,.2f} is more than an order may have, {limits.max_order_notional:,.2f}"
    # As decimal numbers, so that 103 is 3 percent from 100 and not a little more.
    limit, close, band = (Fraction(repr(x)) for x in (entry.limit, entry.last_close, limits.price_band_percent))
    away = abs(limit / close - 1) * 100
    if away > band:
        yield (
            f"limit {entry.limit:g} is {float(away):.2f} percent from the last close {entry.last_close:g}, "
            f"{limits.price_band_percent:g} are allowed"
        )


def _of_the_day(entry: Entry, tally: Tally, limits: Limits, day: date) -> Iterator[str]:
    """Check the counters with this order on top."""
    if tally.day != day:
        yield f"the counters are those of {tally.day}, today is {day}"
    if tally.orders + 1 > limits.max_orders_per_day:
        yield f"{tally.orders} orders were sent today, {limits.max_orders_per_day} are allowed"
    together = tally.notional + entry.notional
    if not together <= limits.max_day_notional:
        yield f"{together:,.2f} with today's other orders is more than a day may have, {limits.max_day_notional:,.2f}"


def _of_the_account(tally: Tally, limits: Limits, equity: float, positions: int) -> Iterator[str]:
    """Check the loss and the number of positions."""
    if positions + 1 > limits.max_positions:
        yield f"{positions} positions are held or on the way, {limits.max_positions} are allowed"
    try:
        loss = tally.start_equity - require_money("equity", equity)
    except MoneyError as error:
        yield str(error)
        return
    if loss >= limits.max_daily_loss:
        yield f"the day has lost {loss:,.2f}, at {limits.max_daily_loss:,.2f} there are no more entries"
