"""Daily bars from Interactive Brokers for the store of prices, no faster than the broker allows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import time

import pandas as pd

from engine.errors import DataError, InputError
from engine.prices.fetching import Fetched, Wanted
from live.broker import Broker
from live.errors import AnsweredError
from live.facts import DayBar, Pinned
from live.scheduler import Clock
from live.schema import is_isin, looks_like_isin
from live.sessions import EXCHANGE_ZONE, exchange_day

__all__ = ["BrokerSource", "Pace"]

LIMIT, WINDOW = 60, 600.0
"""Requests for history within so many seconds; Interactive Brokers, limitations of historical data. Whoever asks for more is answered 162."""
_MARGIN = 1.0  # seconds, so that the broker's clock counts no request too many
_WORTH_SAYING = 5.0  # seconds
_TRIES = 3
_OVER = time(16, 0)
"""At the exchange: from then on the bar of the day is not taken for one of a session that still runs. The close is at 15:30, the closing auction ends at 15:35."""


class Pace:
    """Lets so many requests through in any stretch of time.

    Parameters
    ----------
    clock : Clock
    say : callable
        Told why there is a wait.
    limit : int
    window : float
        Seconds.
    """

    def __init__(self, clock: Clock, say: Callable[[str], None], limit: int = LIMIT, window: float = WINDOW) -> None:
        self._clock, self._say, self._limit, self._window = clock, say, limit, window
        self._sent: deque[float] = deque(maxlen=limit)

    async def wait(self) -> None:
        """Wait until one more request is allowed, and count it."""
        if len(self._sent) == self._limit:
            seconds = self._sent[0] + self._window + _MARGIN - self._clock.elapsed()
            if seconds >= _WORTH_SAYING:
                minutes = f"{self._window / 60:g} minutes"
                self._say(f"Waiting {seconds:.0f} seconds: the broker allows {self._limit} requests in {minutes}.")
            if seconds > 0:
                await self._clock.sleep(seconds)
        self._sent.append(self._clock.elapsed())

    async def stop(self) -> None:
        """Wait for as long as the broker remembers."""
        self._say(f"The broker says that there were too many requests; waiting {self._window / 60:g} minutes.")
        await self._clock.sleep(self._window + _MARGIN)


class BrokerSource:
    """Daily bars of shares on the National Stock Exchange of India, in rupees.

    Parameters
    ----------
    broker : Broker
        Connected.
    clock : Clock
    say : callable
        Told why there is a wait.
    years : int
    """

    name = "ib"

    def __init__(self, broker: Broker, clock: Clock, say: Callable[[str], None], years: int = 5) -> None:
        self._broker, self._clock, self._years = broker, clock, years
        self._pace = Pace(clock, say)

    @property
    def is_lost(self) -> bool:
        """Whether the connection is gone."""
        return not self._broker.is_connected

    async def bars(self, wanted: Wanted) -> Fetched:
        """Ask for one share, by its ISIN or by the broker's symbol.

        Raises
        ------
        BrokerError
            It does not answer, or has no such share, or not exactly one.
        DataError
            It has no bar of a session that is over.
        InputError
            What looks like an ISIN has a wrong check digit.
        """
        key = wanted.key
        isin = key if is_isin(key) else ""
        if not isin and looks_like_isin(key):
            raise InputError(f"{key} is no ISIN, or its check digit is wrong; copy it again from the exchange's list")
        pinned = await self._broker.pin(isin, (wanted.name or key) if isin else key, "NSE", "INR")
        bars = await self._ask(pinned)
        now = self._clock.now()
        today = exchange_day(now)
        is_over = now.astimezone(EXCHANGE_ZONE).time() >= _OVER
        kept = [bar for bar in bars if bar.day < today or (is_over and bar.day == today)]
        if not kept:
            raise DataError(f"{pinned.symbol}: the broker has no bar of a session that is over", symbol=pinned.symbol)
        return Fetched(pinned.symbol, _frame(kept), pinned.currency, len(kept) < len(bars))

    async def _ask(self, pinned: Pinned) -> tuple[DayBar, ...]:
        """Ask for the bars, and again if the broker finds that it was asked too often."""
        for left in reversed(range(_TRIES)):
            await self._pace.wait()
            try:
                return await self._broker.daily_bars(pinned, self._years)
            except AnsweredError as error:
                if not left or "pacing" not in str(error).lower():
                    raise
                await self._pace.stop()
        raise AssertionError  # the last try returns or raises


def _frame(bars: list[DayBar]) -> pd.DataFrame:
    columns = {name: [getattr(bar, name) for bar in bars] for name in ("open", "high", "low", "close", "volume")}
    return pd.DataFrame(columns, index=pd.DatetimeIndex([bar.day for bar in bars], name="date"))
