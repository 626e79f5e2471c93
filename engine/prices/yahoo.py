"""Prices from Yahoo, by way of the package yfinance, which is not part of the installation."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd

from engine.errors import DataError, InputError
from engine.prices.fetching import Fetched, Wanted

__all__ = ["YahooSource"]

_SETTLED = timedelta(minutes=30)  # after the end of a session; Yahoo is some minutes late


class YahooSource:
    """Daily bars, adjusted for splits and not for dividends, as Yahoo gives them.

    Parameters
    ----------
    years : int
        How far back.
    session : object or None
        What yfinance sends its questions with; None is its own. Tests have one that goes to a server on this machine.
    now : callable
        Gives the time, UTC.

    Raises
    ------
    InputError
        yfinance is not installed.
    """

    name = "yahoo"
    is_lost = False

    def __init__(
        self, years: int = 5, session: Any = None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        try:
            import yfinance  # noqa: PLC0415  optional, and it takes a second
        except ImportError:
            raise InputError("Yahoo needs the package yfinance: pip install 'goldencross[yahoo]'") from None
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # what it says is said once, by us
        self._yahoo, self._session, self._now = yfinance, session, now
        self._start = _years_before(now().date(), years)

    async def bars(self, wanted: Wanted) -> Fetched:
        """Ask for one ticker, such as SBIN.NS.

        Raises
        ------
        DataError
            There is no answer, or no bar in it.
        """
        options = {} if self._session is None else {"session": self._session}
        try:
            with warnings.catch_warnings(category=DeprecationWarning, action="ignore"):  # its own use of pandas
                ticker = self._yahoo.Ticker(wanted.key, **options)
                frame: pd.DataFrame = ticker.history(
                    start=self._start.isoformat(), interval="1d", auto_adjust=False, actions=False, timeout=30
                )
                about = ticker.get_history_metadata()  # asks again for each key that it does not have: not to be copied
        except Exception as error:  # noqa: BLE001  yfinance passes on whatever its parts raise
            reason = " ".join(str(error).split()).encode("ascii", "replace").decode() or type(error).__name__
            raise DataError(
                f"{wanted.key}: Yahoo does not answer ({reason}); try again later", symbol=wanted.key
            ) from None
        if not len(frame):
            raise DataError(f"{wanted.key}: Yahoo has no bars since {self._start}; check the ticker", symbol=wanted.key)
        return self._finished(wanted.key, frame, about)

    def _finished(self, key: str, frame: pd.DataFrame, about: Mapping[str, Any]) -> Fetched:
        """Leave out the bar of a session that is not over, and take the exchange's days for dates."""
        now, index = self._now(), pd.DatetimeIndex(frame.index)
        today = now.astimezone(index.tz).date() if index.tz is not None else now.date()
        end = _session_end(about)
        is_over = end is not None and now >= end + _SETTLED
        keep = [stamp.date() < today or (is_over and stamp.date() == today) for stamp in index]
        days = pd.DatetimeIndex([stamp.date() for stamp in index], name="date")
        kept = frame.set_axis(days, axis=0)[keep]
        if not len(kept):
            raise DataError(f"{key}: Yahoo has only the bar of a session that is not over; try again later", symbol=key)
        currency = about.get("currency")
        return Fetched(key, kept, str(currency) if currency else None, not all(keep))


def _session_end(about: Mapping[str, Any]) -> datetime | None:
    """Read when the session ends of which the last bar may be."""
    try:
        end = about["currentTradingPeriod"]["regular"]["end"]
        return end.to_pydatetime() if isinstance(end, pd.Timestamp) else datetime.fromtimestamp(end, UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # the 29th of February
        return day.replace(year=day.year - years, day=28)
