"""The bot over years of somebody's own prices, day by day through the simulated gateway, and then held to ``engine.portfolio`` on the same bars.

Real client, real journal, real orders; only the broker is simulated, and time is virtual. So that both decide on the same bar, a day's price settles before the run:
the bot then sees the whole bar, as a backtest with fills at the close does, and of the extremes of a day the high comes first, in both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np

import engine
from engine.costs.plain import Costs
from engine.errors import DataError
from engine.results.portfolio import PortfolioResult
from live.agreement import Agreement, agreement, portfolio_since
from live.broker import Broker
from live.facts import Door
from live.gateway import KOLKATA, Gateway, Listing, Market, VirtualClock, now, run_virtual
from live.journal import Event, Journal, JournalRecorder, State, state_of
from live.runner import Report, Runner
from live.schema import Instrument
from live.sessions import Run, Session
from live.strategy import Strategy

__all__ = ["Rehearsal", "isin_of", "on_ticks", "rehearse", "run_simulated"]

_ACCOUNT = "DU0000001"
_OPEN, _SETTLES, _RUN, _CLOSE = time(9, 15), time(15, 15), time(15, 20), time(15, 30)
_COMMISSION = 0.0003
"""Of the turnover, charged by the simulated gateway and by the portfolio."""
_TICK = 0.01
_PRICES = ("open", "high", "low", "close")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Rehearsal:
    """What the bot did, and what the portfolio did.

    Attributes
    ----------
    agreement : Agreement
        Of the bot's orders with the portfolio's.
    events : list of Event
        Of the journal after the last day.
    said : list of (date, str)
        All that the bot said.
    statuses : list of int
        How each run ended.
    account : PortfolioResult
        Over the days of the bot.
    is_whole : bool
        False if it was interrupted: the days that were over by then are compared.
    """

    agreement: Agreement
    events: list[Event]
    said: list[tuple[date, str]]
    statuses: list[int]
    account: PortfolioResult
    is_whole: bool = True


def isin_of(number: int) -> str:
    """Give a made-up ISIN with a right check digit."""
    body = f"INE{number:06d}00"
    digits = "".join(str(int(character, 36)) for character in body)
    doubled = [int(digit) * (1 if i % 2 else 2) for i, digit in enumerate(reversed(digits))]
    return f"{body}{-sum(n // 10 + n % 10 for n in doubled) % 10}"


def on_ticks(prices: engine.Prices) -> engine.Prices:
    """Give prices as whole hundredths, as an exchange has them; adjusted ones are none."""
    return engine.Prices.from_histories(
        replace(one, **{name: np.round(getattr(one, name), 2) for name in _PRICES}, currency="INR")
        for one in map(prices.__getitem__, prices.symbols)
    )


def rehearse(
    prices: engine.Prices,
    strategy: Strategy,
    first: date,
    *,
    capital: float = 1_000_000.0,
    journal: Path,
    progress: Progress | None = None,
) -> Rehearsal:
    """Run the bot on every day from the first one on, and the portfolio over the same days.

    Parameters
    ----------
    prices : Prices
        On ticks of 0.01; with enough bars before the first day for the averages.
    strategy : Strategy
        Its costs are replaced by those that the simulated gateway charges.
    first : date
    capital : float
        Currency.
    journal : Path
        Of a file that does not exist yet.
    progress : callable or None
        Told days done and days in all.

    Raises
    ------
    DataError
        There is no day from the first one on.
    KeyboardInterrupt
        It was interrupted before the first day was over; later, what was done is compared.
    """
    strategy = replace(strategy, costs=Costs(rate=_COMMISSION))
    symbols = {1001 + i: symbol for i, symbol in enumerate(prices.symbols)}
    shares = tuple(
        Instrument(isin=isin_of(con_id), symbol=symbol, closing_auction=False) for con_id, symbol in symbols.items()
    )
    listings = [
        Listing(share.isin, share.symbol, con_id, market_rule=((0.0, _TICK),))
        for con_id, share in zip(symbols, shares, strict=True)
    ]
    market = Market(prices, listings, "high_first", _SETTLES)
    days = [day for day in market.days() if day >= first]
    if not days:
        raise DataError(f"there are no bars from {first} on")
    account = portfolio_since(
        prices, strategy, days[0], capital, "high_first", _TICK
    )  # first: it also checks the rules and the bars
    begin = datetime.combine(days[0], _OPEN, KOLKATA) - timedelta(hours=1)
    played = _Play(market, shares, strategy, capital, journal, progress or (lambda _done, _total: None))
    is_whole = played.until_interrupted(days, begin)
    with closing(Journal(journal, read_only=True)) as kept:
        events = kept.events()
    if not is_whole:
        last = days[len(played.statuses) - 1]
        events = [event for event in events if datetime.fromisoformat(event.time).astimezone(KOLKATA).date() <= last]
        account = portfolio_since(prices.select(None, None, last), strategy, days[0], capital, "high_first", _TICK)
    found = agreement(events, played.said, account.trades, strategy, _TICK)
    return Rehearsal(found, events, played.said, played.statuses, account, is_whole)


async def run_simulated(
    port: int,
    account: str,
    book: Journal,
    strategy: Strategy,
    window: Run[Instrument],
    known: State | None = None,
    *,
    send: bool = True,
) -> Report:
    """Run the bot once against a simulated gateway, in virtual time; it sends, unless it is told not to. What the journal knows is read from it, if it is not given."""
    known = known or state_of(book.events())
    recorder = JournalRecorder(book, known)
    broker = Broker(Door("127.0.0.1", port, 7, account), recorder.heard)
    return await Runner(broker, recorder, VirtualClock(), strategy, send=send, known=known).run(window)


class _Play:
    """Runs the bot on each day, as its command would."""

    def __init__(
        self,
        market: Market,
        shares: tuple[Instrument, ...],
        strategy: Strategy,
        capital: float,
        journal: Path,
        progress: Progress,
    ) -> None:
        self._market, self._shares, self._strategy = market, shares, strategy
        self._capital, self._path, self._progress = capital, journal, progress
        self._known, self._last = State(), 0
        self.said: list[tuple[date, str]] = []
        self.statuses: list[int] = []

    def until_interrupted(self, days: list[date], begin: datetime) -> bool:
        """Run on all days, or on those before an interruption; tell whether it was all of them."""
        try:
            run_virtual(self.run(days), begin)
        except KeyboardInterrupt:
            if not self.statuses:
                raise
        return len(self.statuses) == len(days)

    async def run(self, days: list[date]) -> None:
        """Serve the gateway, and run on each day."""
        gateway = Gateway(self._market, {_ACCOUNT: self._capital}, commission_rate=_COMMISSION)
        with closing(Journal(self._path, clock=now)) as book:
            async with gateway.serve() as port:
                for done, day in enumerate(days):
                    await asyncio.sleep((datetime.combine(day, _RUN, KOLKATA) - now()).total_seconds())
                    await self._day(port, book, day)
                    gateway.log.clear()  # it has every bar that was sent: some ten megabytes a day for 30 shares
                    self._progress(done + 1, len(days))
                    await asyncio.sleep(60.0)

    async def _day(self, port: int, book: Journal, day: date) -> None:
        opened, closed = (datetime.combine(day, hour, KOLKATA) for hour in (_OPEN, _CLOSE))
        window = Run(opened, closed, Session(day, opened, closed), self._shares)
        new = book.events(self._last)  # all of them every day would be the larger part of some years
        self._known, self._last = state_of(new, self._known), new[-1].number if new else self._last
        report = await run_simulated(port, _ACCOUNT, book, self._strategy, window, self._known)
        self.said += [(day, line) for line in report.lines]
        self.statuses.append(int(report.status))
