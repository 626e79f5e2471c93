"""A seeded market without any edge, for tests, demonstrations and benchmarks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import InputError
from engine.limits import require_memory
from engine.prices.history import History, Prices

__all__ = ["OVERNIGHT", "STEPS", "check_market", "names_of", "noises", "priced", "simulate"]

STEPS = 16  # of the path within a bar, from which high and low are read
_NOISES = 6  # arrays of all steps of a symbol that are alive together
_HISTORY_BYTES, _FRAME_BYTES = 40, 4_000  # of a bar that is kept, and of a symbol besides
OVERNIGHT = 0.25  # share of a bar's variance that falls between close and open


def simulate(
    symbols: int | list[str] = 10,
    bars: int = 1250,
    seed: int = 0,
    *,
    volatility: float = 0.015,
    drift: float = 0.0,
    correlation: float = 0.3,
    price: float = 1000.0,
    tick: float = 0.05,
    start: str = "2020-01-01",
    frequency: str = "B",
) -> Prices:
    """Make a market in which nobody can expect to win: prices are martingales.

    Parameters
    ----------
    symbols : int or list of str
        How many (named SIM001, SIM002, ...), or the names.
    bars : int
        For each symbol.
    seed : int
        0 or more. The same seed gives the same market; symbol i does not depend on how many others there are.
    volatility : float
        Standard deviation of a bar's log return.
    drift : float
        Expected relative price change of a bar. 0 (default) is no edge. A geometric martingale sinks in the median over very many bars;
        ``volatility**2 / 2`` keeps the median level instead.
    correlation : float
        Of the log returns of any two symbols, 0 up to but not 1.
    price : float
        First open, currency.
    tick : float
        All prices are whole multiples of it and at least one tick.
    start : str
        First date.
    frequency : str
        Of the bars, as pandas names it: B is business days, h hours, min minutes.

    Returns
    -------
    Prices

    Raises
    ------
    InputError
    """
    names = names_of(symbols, bars)
    check_market(seed, volatility, correlation, price, tick)
    dates = _dates(start, bars, frequency)
    histories = []
    for name, rng, noise in noises(names, bars, seed, correlation):
        opened, high, low, close = _bars_of(noise, volatility, drift, price, tick)
        volume = np.round(rng.lognormal(13, 0.5, bars))
        histories.append(History(name, dates, opened, high, low, close, volume))
    return Prices.from_histories(histories)


def names_of(symbols: int | list[str], bars: int) -> list[str]:
    """Name the symbols, and check that so many bars of each fit in memory.

    Raises
    ------
    InputError
    """
    count = symbols if isinstance(symbols, int) else len(symbols)
    need = max(count, 0) * (_HISTORY_BYTES * max(bars, 0) + _FRAME_BYTES) + 8 * max(bars, 0) * _NOISES * (STEPS + 1)
    require_memory(need, f"a market of {count:,} symbols with {bars:,} bars each", "take fewer of them")
    names = [f"SIM{i + 1:03d}" for i in range(symbols)] if isinstance(symbols, int) else list(symbols)
    if not names or len(set(names)) < len(names):
        raise InputError("symbols must be a number of 1 or more, or a list of different names")
    if bars < 1:
        raise InputError(f"bars is {bars}; it must be 1 or more")
    return names


def check_market(seed: int, volatility: float, correlation: float, price: float, tick: float) -> None:
    """Check what makes a market.

    Raises
    ------
    InputError
    """
    if seed < 0:
        raise InputError(f"seed is {seed}; it must be 0 or more")
    if not (0 <= correlation < 1 and 0 < volatility <= 100 and tick > 0 and price >= tick):
        raise InputError("it must hold that 0 <= correlation < 1, 0 < volatility <= 100, tick > 0 and price >= tick")


def noises(
    names: list[str], bars: int, seed: int, correlation: float
) -> Iterator[tuple[str, np.random.Generator, NDArray[np.float64]]]:
    """Give each symbol its generator and its normal noise, float64 (bars, STEPS + 1), of which a part is common to all."""
    market, *own = np.random.SeedSequence(seed).spawn(1 + len(names))
    common = np.random.default_rng(market).standard_normal((bars, STEPS + 1))
    for name, sequence in zip(names, own, strict=True):
        rng = np.random.default_rng(sequence)
        noise = rng.standard_normal((bars, STEPS + 1))
        yield name, rng, np.sqrt(correlation) * common + np.sqrt(1 - correlation) * noise


def _dates(start: str, bars: int, frequency: str) -> pd.DatetimeIndex:
    """Make the dates, which must end before 2262, where nanoseconds do."""
    try:
        dates = pd.date_range(start, periods=bars, freq=frequency, name="date")
    except (ValueError, OverflowError) as error:  # pandas raises its out-of-bounds error as a ValueError
        raise InputError(f"{bars:,} bars from {start} with frequency {frequency!r}: {error}") from None
    if dates[-1].year > 2261:
        raise InputError(
            f"{bars:,} bars from {start} with frequency {frequency!r} end after 2261; take a frequency such as min"
        )
    return dates


def _bars_of(
    noise: NDArray[np.float64], volatility: float, drift: float, price: float, tick: float
) -> tuple[NDArray[np.float64], ...]:
    """Turn normal noise (bars, steps + 1) into open, high, low, close on the tick; column 0 is the overnight move."""
    share = np.full(noise.shape[1], (1 - OVERNIGHT) / STEPS)
    share[0] = OVERNIGHT
    moves = noise * volatility * np.sqrt(share) + (np.log1p(drift) - volatility**2 / 2) * share
    return priced(moves, price, tick)


def priced(moves: NDArray[np.float64], price: float, tick: float) -> tuple[NDArray[np.float64], ...]:
    """Turn log moves (bars, steps + 1) into open, high, low, close on the tick; the very first one is none. ``moves`` is written to."""
    moves[0, 0] = 0.0
    path = price * np.exp(np.cumsum(moves.ravel()).reshape(moves.shape))
    ticks = np.maximum(np.rint(path / tick), 1.0)
    # Dividing by a whole number of ticks per unit gives the double nearest to the decimal price; multiplying by 0.05 would not.
    per_unit = np.rint(1 / tick)
    level = ticks / per_unit if np.isclose(per_unit * tick, 1.0, rtol=1e-12) else ticks * tick
    return level[:, 0].copy(), level.max(axis=1), level.min(axis=1), level[:, -1].copy()
