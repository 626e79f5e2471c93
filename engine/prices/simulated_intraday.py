"""A seeded market of intraday bars without any edge: sessions on weekdays, with a gap over every night."""

from __future__ import annotations

import re
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import InputError
from engine.prices.history import History, Prices
from engine.prices.simulated import OVERNIGHT, STEPS, check_market, names_of, noises, priced
from engine.requirements import require_number
from engine.validation.sessions import DAY, read_time
from engine.validation.zones import Zones

__all__ = ["simulate_intraday"]

_SESSION = re.compile(r"(\d\d):([0-5]\d)-(\d\d):([0-5]\d)", re.ASCII)
_SESSIONS_A_YEAR = 252
_HOLIDAY = 29  # every 29th weekday, which leaves 252 of the 261 of a year


def simulate_intraday(
    symbols: int | list[str] = 10,
    years: float = 1.0,
    seed: int = 0,
    *,
    bar: str = "1min",
    session: str = "09:15-15:30",
    timezone: str | None = None,
    volatility: float = 0.015,
    drift: float = 0.0,
    correlation: float = 0.3,
    price: float = 1000.0,
    tick: float = 0.05,
    start: str = "2024-01-01",
) -> Prices:
    """Make intraday bars of a market in which nobody can expect to win: prices are martingales.

    Parameters
    ----------
    symbols, seed, correlation, price, tick
        As for ``engine.simulate``.
    years : float
        Of 252 sessions each: on weekdays, of which every 29th is a holiday.
    bar : str
        Length of a bar: 1min, 5min, 1h.
    session : str
        From and to, by the exchange's clock; a bar is stamped with its beginning. 09:15-15:30 is that of the NSE: 375 bars of 1 minute, 94,500 in a year.
    timezone : str or None
        Such as Asia/Kolkata; with None the stamps have no zone.
    volatility : float
        Standard deviation of the log return of a session and the night before it, of whose variance a quarter is the night's.
    drift : float
        Expected relative price change of a session.
    start : str
        First date.

    Returns
    -------
    Prices

    Raises
    ------
    InputError
    """
    require_number("years", years, above=0, most=1000)
    begin, length, count = _hours(bar, session)
    sessions = max(1, round(years * _SESSIONS_A_YEAR))
    names = names_of(symbols, sessions * count)
    check_market(seed, volatility, correlation, price, tick)
    dates = _stamps(start, sessions, begin + length * np.arange(count), timezone)
    there = ~np.asarray(dates.isna())  # a clock that goes forward skips times
    share = _shares(count)
    expected = np.log1p(drift) - volatility**2 / 2
    histories = []
    for name, rng, noise in noises(names, sessions * count, seed, correlation):
        moves = noise.reshape(sessions, count, STEPS + 1) * (volatility * np.sqrt(share)) + expected * share
        columns = priced(moves.reshape(-1, STEPS + 1), price, tick)
        volume = np.round(rng.lognormal(9, 0.8, sessions * count))
        histories.append(History(name, dates[there], *(column[there] for column in (*columns, volume))))
    return Prices.from_histories(histories)


def _hours(bar: str, session: str) -> tuple[int, int, int]:
    """Read the begin of a session and the length of a bar, nanoseconds, and count the bars of a session."""
    length = read_time(bar)
    if length is None or length >= DAY:
        raise InputError(f"bar is {bar!r}; it must be the length of an intraday bar, such as 1min, 5min or 1h")
    match = _SESSION.fullmatch(session)
    begin, end = (
        (
            timedelta(hours=int(match[at]), minutes=int(match[at + 1])) // timedelta(microseconds=1) * 1000
            for at in (1, 3)
        )
        if match
        else (0, 0)
    )
    if not begin < end <= DAY:
        raise InputError(f"session is {session!r}; it must be two times of one day, such as 09:15-15:30")
    return begin, length, -(-(end - begin) // length)


def _stamps(start: str, sessions: int, times: NDArray[np.int64], timezone: str | None) -> pd.DatetimeIndex:
    """Make the stamps of all bars; NaT where the clock of the zone shows no such time."""
    try:
        weekdays = pd.bdate_range(start, periods=sessions + sessions // (_HOLIDAY - 1) + 1).as_unit("ns")
    except (ValueError, OverflowError) as error:  # pandas raises its out-of-bounds error as a ValueError
        raise InputError(f"{sessions:,} sessions from {start}: {error}") from None
    days = weekdays[np.arange(len(weekdays)) % _HOLIDAY != _HOLIDAY - 1][:sessions]
    dates = pd.DatetimeIndex((days.asi8[:, None] + times).ravel().view("M8[ns]"), name="date")
    zones = Zones.of(timezone)
    return dates if zones is None else dates.tz_localize(zones.to, ambiguous=True, nonexistent="NaT")


def _shares(count: int) -> NDArray[np.float64]:
    """Give each step of a session its share of the variance, float64 (bars, STEPS + 1): the first is the night, the others are alike."""
    share = np.full((count, STEPS + 1), (1 - OVERNIGHT) / (count * (STEPS + 1) - 1))
    share[0, 0] = OVERNIGHT
    return share
