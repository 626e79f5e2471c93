"""What is listed, and the price of it at any moment of a session."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from engine.errors import InputError
from live.gateway.clock import KOLKATA

if TYPE_CHECKING:
    from collections.abc import Iterable

    import engine
    from engine.prices.series import History

__all__ = ["CLOSE", "OPEN", "Bar", "Listing", "Market", "Path"]

OPEN, CLOSE = time(9, 15), time(15, 30)  # of the continuous session, Asia/Kolkata
STEPS = 48  # moments of a session at which orders are tested; a multiple of 3, so that the extremes are among them
Path = Literal["low_first", "high_first"]


@dataclass(frozen=True)
class Listing:
    """One instrument on one exchange.

    Attributes
    ----------
    isin, symbol : str
        The symbol is that of its prices, too.
    con_id : int
        The broker's number of it.
    exchange, currency : str
    market_rule : tuple of (float, float)
        Lowest price and the tick from there on, currency; rising.
    minimum_size, size_increment : int
        Shares.
    """

    isin: str
    symbol: str
    con_id: int
    exchange: str = "NSE"
    currency: str = "INR"
    market_rule: tuple[tuple[float, float], ...] = ((0.0, 0.05),)
    minimum_size: int = 1
    size_increment: int = 1

    def tick(self, price: float) -> float:
        """Return the price increment at a price, currency."""
        return [tick for edge, tick in self.market_rule if edge <= max(price, 0.0)][-1]

    def on_tick(self, price: float) -> bool:
        """Tell whether a price is a whole multiple of the tick, to the last digit as written."""
        return Decimal(repr(float(price))) % Decimal(repr(float(self.tick(price)))) == 0


@dataclass(frozen=True)
class Bar:
    """One day, prices in currency, volume in shares."""

    day: date
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True)
class Market:
    """Prices and listings.

    Parameters
    ----------
    prices : engine.Prices
        Daily bars by symbol.
    listings : iterable of Listing
    path : {"low_first", "high_first"}
        Which extreme of a day comes first.
    settles : time
        From when on, Asia/Kolkata, a day's price stays what it closes with; with a time before that of a run, the bot decides on whole bars, as a backtest does.

    Raises
    ------
    InputError
        If two listings have one number, or a listing has no prices.
    """

    prices: engine.Prices
    listings: tuple[Listing, ...]
    path: Path = "low_first"
    settles: time = CLOSE
    _bars: dict[str, tuple[Bar, ...]] = field(default_factory=dict, repr=False)

    def __init__(
        self, prices: engine.Prices, listings: Iterable[Listing], path: Path = "low_first", settles: time = CLOSE
    ) -> None:
        object.__setattr__(self, "prices", prices)
        object.__setattr__(self, "listings", tuple(listings))
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "settles", settles)
        if not OPEN < settles <= CLOSE:
            raise InputError(f"the price of a day cannot settle at {settles}; the session is from {OPEN} to {CLOSE}")
        if len({listing.con_id for listing in self.listings}) < len(self.listings):
            raise InputError("two listings have the same con_id")
        for listing in self.listings:
            if listing.symbol not in prices:
                raise InputError(f"there are no prices for the listing {listing.symbol}")
        object.__setattr__(self, "_bars", {listing.symbol: _days(prices[listing.symbol]) for listing in self.listings})

    def find(
        self, *, con_id: int = 0, isin: str = "", symbol: str = "", exchange: str = "", currency: str = ""
    ) -> tuple[Listing, ...]:
        """Return the listings that agree with all that is given; SMART stands for any exchange."""
        return tuple(
            listing
            for listing in self.listings
            if con_id in {0, listing.con_id}
            and isin in {"", listing.isin}
            and symbol in {"", listing.symbol}
            and exchange in {"", "SMART", listing.exchange}
            and currency in {"", listing.currency}
        )

    def price(self, listing: Listing, moment: datetime) -> float | None:
        """Return the last price up to a moment, currency; None before the first bar."""
        bars = self.bars(listing, moment, last=1)
        return bars[-1].close if bars else None

    def days(self) -> list[date]:
        """Return the days on which anything trades."""
        return sorted({bar.day for bars in self._bars.values() for bar in bars})

    def trades_on(self, listing: Listing, day: date) -> bool:
        """Tell whether a listing has a bar on a day."""
        known = self._bars[listing.symbol]
        place = bisect_left(known, day, key=lambda bar: bar.day)
        return place < len(known) and known[place].day == day

    def bars(self, listing: Listing, moment: datetime, last: int | None = None) -> tuple[Bar, ...]:
        """Return the daily bars up to a moment, with that of the day as far as it has gone; with ``last`` about as many."""
        local = moment.astimezone(KOLKATA)
        known = self._bars[listing.symbol]
        before = bisect_left(known, local.date(), key=lambda bar: bar.day)
        bars = known[0 if last is None else max(0, before - last) : before]
        if before < len(known) and known[before].day == local.date() and local.time() >= OPEN:
            return (*bars, self._partial(listing, known[before], local))
        return bars

    def moments(self, day: date) -> list[datetime]:
        """Return the moments of a session at which orders are tested, from the opening to the close."""
        settled = datetime.combine(day, self.settles, KOLKATA)
        step: timedelta = (settled - opening(day)) / STEPS
        moving = [opening(day) + step * i for i in range(STEPS)]
        return [*moving, settled] if settled == closing(day) else [*moving, settled, closing(day)]

    def _partial(self, listing: Listing, bar: Bar, local: datetime) -> Bar:
        settled = datetime.combine(bar.day, self.settles, KOLKATA)
        part = (local - opening(bar.day)) / (settled - opening(bar.day))
        if part >= 1:
            return bar
        second, third = (bar.low, bar.high) if self.path == "low_first" else (bar.high, bar.low)
        knots = (bar.open, second, third, bar.close)
        leg = int(part * 3)
        within = part * 3 - leg
        level = knots[leg] if within == 0 else knots[leg] + (knots[leg + 1] - knots[leg]) * within
        tick = listing.tick(level)
        last = level if within == 0 else round(round(level / tick) * tick, 6)
        seen = (*knots[: leg + 1], last)
        return Bar(bar.day, bar.open, max(seen), min(seen), last, float(int(bar.volume * part)))


def opening(day: date) -> datetime:
    """Return when the session of a day starts."""
    return datetime.combine(day, OPEN, KOLKATA)


def closing(day: date) -> datetime:
    """Return when the session of a day ends."""
    return datetime.combine(day, CLOSE, KOLKATA)


def _days(history: History) -> tuple[Bar, ...]:
    columns = (history.open, history.high, history.low, history.close, history.volume)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return tuple(Bar(stamp.date(), *row) for stamp, row in zip(history.dates, rows, strict=True))
