"""A world for the whole bot: its config file, its journal, a gateway with faults, and a clock that jumps.

Everything is real but the broker and the time: the bot is started as its command starts it, with ``live.service``, and speaks through ib_async over sockets.
What is judged afterwards is the gateway's book, never the bot's opinion of it.
"""

import asyncio
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache, cached_property, partial
from pathlib import Path

import numpy as np

import engine
import live.service
from live.acting import Patience
from live.config import load_config
from live.gateway import KOLKATA, Gateway, Listing, Market, VirtualClock, now, run_virtual
from live.journal import Journal, JournalError, opening, state_of
from live.runner import Runner
from live.sessions import trading_days

ACCOUNT = "DU1234567"
DAY = date(2026, 3, 16)
ISINS = {"RELIANCE": "INE002A01018", "TCS": "INE467B01029", "INFY": "INE009A01021"}
NUMBERS = {symbol: 1001 + i for i, symbol in enumerate(ISINS)}
SHARED = Path("/dev/shm")  # noqa: S108  a folder of its own is made in it; in memory, where a synchronous write costs nothing
CONFIG = """
[account]
mode = "paper"
[gateway]
port = {port}
[rules]
fast = 2
slow = 5
stop_multiple = {multiple}
stop_window = 3
max_weight = 1.0
max_positions = {positions}
[limits]
max_orders_per_day = {orders}
max_order_notional = 10_000_000
max_day_notional = 10_000_000
max_daily_loss = {loss}
price_band_percent = 3.0
[run]
minutes_before_last_entry = 10
[paths]
journal = "journal"
halt = "HALT"
"""
SHARE = '[[instruments]]\nisin = "{isin}"\nsymbol = "{symbol}"\nclosing_auction = {auction}\n'
FIGURES = {"multiple": 4.0, "positions": 5, "orders": 5, "loss": 500_000}


class KilledError(BaseException):
    """Stands for kill -9 at a write of the journal: nothing after it happens."""


@contextmanager
def folder():
    """Give a folder that is gone afterwards, in memory if there is one."""
    with tempfile.TemporaryDirectory(dir=SHARED if SHARED.is_dir() else None, prefix="goldencross-") as name:
        yield Path(name)


def history(symbol, closes, after, day, bars):
    """Make bars of which these closes end on a day, and others come after it; each opens at the close before and is wider by one on both sides."""
    days = [d for d in trading_days(date(2026, 1, 1), date(2026, 12, 31)) if d <= day]
    later = [d for d in trading_days(day, date(2026, 12, 31)) if d > day][: len(after)]
    dates = np.array([*days[-bars:], *later], "datetime64[ns]")
    close = np.r_[np.full(bars - len(closes), float(closes[0])), closes, after].astype(float)
    open_ = np.r_[close[0], close[:-1]]
    volume = np.full(len(dates), 1000.0)
    high, low = np.maximum(open_, close) + 1, np.minimum(open_, close) - 1
    return engine.History(symbol, dates, open_, high, low, close, volume, "INR")


@cache
def market_of(shares, day=DAY, bars=20, path="high_first"):
    """Make a market; ``shares`` are (symbol, closes up to the day, closes after it)."""
    prices = engine.Prices.from_histories([history(name, up, after, day, bars) for name, up, after in shares])
    return Market(prices, [Listing(ISINS[name], name, NUMBERS[name]) for name, _, _ in shares], path)


class OtherClock(VirtualClock):
    """A clock of the machine that is wrong; ``ahead`` can be set at any time."""

    def __init__(self, ahead=0.0):
        self.ahead = ahead

    def now(self):
        return super().now() + timedelta(seconds=self.ahead)


@dataclass
class World:
    """What a scenario plays in."""

    gateway: Gateway
    folder: Path
    said: list[str] = field(default_factory=list)
    statuses: list[object] = field(default_factory=list)
    clock: VirtualClock = field(default_factory=VirtualClock)
    figures: dict[str, object] = field(default_factory=dict)
    auction: bool = False

    @cached_property
    def config(self):
        path = self.folder / "bot.toml"
        shares = [
            SHARE.format(isin=listing.isin, symbol=listing.symbol, auction=str(self.auction).lower())
            for listing in self.gateway.market.listings
        ]
        path.write_text(CONFIG.format(port=self.gateway.port, **{**FIGURES, **self.figures}) + "".join(shares))
        return load_config(path)

    async def run(self, *, send=True, any_time=False):
        """Run the bot once, as cron would; a status, or what it died of."""
        try:
            status = await live.service.run_now(
                self.config, ACCOUNT, send=send, say=self.said.append, any_time=any_time, clock=self.clock
            )
        except KilledError:
            status = "killed"
        except JournalError as error:
            self.said.append(str(error))
            status = 2  # what its command makes of it
        self.statuses.append(status)
        await asyncio.sleep(1.0)  # sockets close
        return status

    async def look(self):
        """Look when the session is over, as ``goldencross-live check`` does; nothing is sent."""
        return await self.run(send=False, any_time=True)

    async def until(self, clock, days=0):
        """Wait for a time of the day."""
        day = now().date() + timedelta(days=days)
        moment = datetime.combine(day, datetime.strptime(clock, "%H:%M").time(), KOLKATA)  # noqa: DTZ007
        await asyncio.sleep(max(0.0, (moment - now()).total_seconds()))

    async def next_day(self, clock="15:21"):
        """Wait for a time of the next day on which the market trades."""
        later = [day for day in self.gateway.market.days() if day > now().date()]
        await self.until(clock, (later[0] - now().date()).days)

    # The broker's truth

    @property
    def account(self):
        return next(iter(self.gateway.book.accounts.values()))

    def held(self, symbol="RELIANCE"):
        return self.account.shares(NUMBERS[symbol])

    def stopped(self, symbol="RELIANCE"):
        """Shares that stops of this account would sell and that can be filled."""
        return sum(
            order.remaining
            for order in self.gateway.book.working()
            if order.ticket.sells and order.ticket.kind in {"TRAIL", "STP"} and order.status != "Inactive"
            if order.active and order.ticket.con_id == NUMBERS[symbol]
        )

    def sent(self):
        """Orders as they came in, by the last part of their names."""
        return tuple(entry.fields[26].split("-", 3)[-1] for entry in self.gateway.placed())

    # The bot's memory

    def events(self):
        if not (self.folder / "journal").exists():
            return []
        journal = Journal(self.folder / "journal", read_only=True)
        try:
            journal.verify()
            return journal.events()
        finally:
            journal.close()

    def state(self):
        return state_of(self.events())

    def alarms(self):
        return [event.data["text"] for event in self.events() if event.kind == "alarm"]


def live_in(scenario, market, *, start="15:21", day=DAY, cash=1_000_000.0, patience=None, figures=None, **options):
    """Play ``scenario(world)`` in virtual time; give the world as it is in the end."""
    auction, clock = options.pop("auction", False), options.pop("clock", None)

    async def main(place):
        options.setdefault("accounts", {ACCOUNT: cash})
        gateway = Gateway(market, **options)
        world = World(gateway, place, figures=figures or {}, auction=auction, clock=clock or VirtualClock())
        async with gateway.serve():
            await scenario(world)
            await asyncio.sleep(1.0)
        world.journal = world.events()
        world.noted = world.alarms()
        return world

    moment = datetime.combine(day, datetime.strptime(start, "%H:%M").time(), KOLKATA)  # noqa: DTZ007
    with folder() as place, patient(patience), little_room():
        return run_virtual(main(place), moment)


@contextmanager
def little_room():
    """Let the journal take less room beforehand, since two megabytes for every run take most of the time; ``test_live_disk.py`` holds what the room is for."""
    real = opening._ROOM, opening._LEAST_PAGES
    opening._ROOM, opening._LEAST_PAGES = 64 * 1024, 8
    try:
        yield
    finally:
        opening._ROOM, opening._LEAST_PAGES = real


@contextmanager
def patient(patience):
    """Let the bot wait less long than it does by itself."""
    real = live.service.Runner
    if patience is not None:
        live.service.Runner = partial(Runner, patience=patience)
    try:
        yield
    finally:
        live.service.Runner = real


SHORT = Patience(fill=20.0, confirm=8.0, poll=2.0)


class Writes:
    """Counts the writes of the journal, and at one of them kills the bot or fills the disk: at a number, or at the first of a kind."""

    def __init__(self, kill_at=0, full_at=0):
        self.kill_at, self.full_at, self.count, self.dead, self.full = kill_at, full_at, 0, False, False

    def mend(self):
        """Go on undisturbed: a new process, or room on the disk."""
        self.kill_at = self.full_at = 0
        self.dead = self.full = False

    @contextmanager
    def watched(self):
        real = Journal.append

        def append(journal, kind, *arguments, **named):
            self.count += 1
            self.dead |= self.kill_at in (self.count, kind)
            self.full |= self.full_at in (self.count, kind)
            if self.dead:
                raise KilledError
            if self.full:
                raise JournalError("cannot write the journal: database or disk is full")
            return real(journal, kind, *arguments, **named)

        Journal.append = append
        try:
            yield self
        finally:
            Journal.append = real


def in_zone(name):
    """Set the zone of this machine; give the one before."""
    import time

    before = os.environ.get("TZ")
    if name is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = name
    time.tzset()
    return before
