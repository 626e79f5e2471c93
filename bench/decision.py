"""From the last bars to the wire: what the bot itself needs for many shares at once, apart from the broker's answers.

The worst day: every share has a golden cross, and there is money for all. The real ib_async is connected to the simulated gateway in this process, in real time; what is timed runs
without a break in between, so that nothing of the gateway is in it. Its own brake of 45 messages a second is off, since it keeps to the broker's rule and is no work of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

import engine
from engine.costs.india import nse_delivery
from live.acting import Actor
from live.bars import history_of
from live.broker import Broker
from live.decision import read_last_bar
from live.entries import Chosen, Entries
from live.facts import DayBar, Door, Pinned
from live.gateway import Gateway, Listing, Market
from live.journal import Journal, JournalRecorder, state_of
from live.limits import Limits
from live.plan import wish
from live.protection import cover_of
from live.rehearsal import isin_of
from live.schema import Instrument
from live.strategy import Guard, Strategy

__all__ = ["Times", "decision_to_wire"]

_ACCOUNT, _CAPITAL, _BARS = "DU1234567", 1e9, 1250
_DAY = date(2026, 3, 16)
_LIMITS = Limits(1000, 1e12, 1e13, 1e12, 5.0, 1000)


@dataclass(frozen=True)
class Times:
    """Seconds, of all shares together.

    Attributes
    ----------
    checking : float
        Bars to a history that the engine's validation lets through; done share by share, while the bars of others are on their way.
    reading, choosing, sending : float
        Kernels on the last bars and wishes; sizes, prices, limits; journal (on the disk) and messages (in the socket).
    orders : int
        Written to the socket.
    """

    checking: float
    reading: float
    choosing: float
    sending: float
    orders: int

    @property
    def decision_to_wire(self) -> float:
        """From checked bars to the socket, without writing."""
        return self.reading + self.choosing + self.sending


def _shares(count: int) -> list[Instrument]:
    return [Instrument(isin=isin_of(i), symbol=f"S{i:03d}", closing_auction=False) for i in range(count)]


def _closes() -> np.ndarray:
    """Make closes that fall, then rise, just so long that the last one is a golden cross of 50 and 200."""
    for rising in range(5, 200):
        closes = np.r_[500.0 - 0.1 * np.arange(_BARS - rising), 375.0 + 0.5 * np.arange(rising)]
        gap = [closes[i - 50 : i].mean() - closes[i - 200 : i].mean() for i in (_BARS - 1, _BARS)]
        if gap[0] < 0 < gap[1]:
            return np.round(closes, 2)
    raise AssertionError("no number of rising bars gives a golden cross")


def _histories(shares: list[Instrument]) -> list[engine.History]:
    """Make a history for each share, each at a level of its own."""
    close, days = _closes(), pd.bdate_range(end=_DAY, periods=_BARS)
    open_ = np.r_[close[0], close[:-1]]
    bars = open_, np.maximum(open_, close) + 2.5, np.minimum(open_, close) - 2.5, close
    volume = np.full(_BARS, 100_000.0)
    return [
        engine.History(share.symbol, days, *(np.round(x * (1 + i / 100), 2) for x in bars), volume, "INR")
        for i, share in enumerate(shares)
    ]


def _bars(history: engine.History) -> list[DayBar]:
    rows = np.c_[history.open, history.high, history.low, history.close, history.volume].tolist()
    return [DayBar(stamp.date(), *row) for stamp, row in zip(history.dates, rows, strict=True)]


@contextlib.contextmanager
def _timed(into: Callable[[float], None]) -> Iterator[None]:
    begun = perf_counter()
    yield
    into(perf_counter() - begun)


def decision_to_wire(count: int = 100, turns: int = 5) -> Times:
    """Time the bot's own work for so many shares, the best of several turns, each with a new connection and a new journal."""
    shares = _shares(count)
    histories = _histories(shares)
    found = [asyncio.run(_turn(shares, histories)) for _ in range(turns)]
    return min(found, key=lambda times: times.decision_to_wire)


async def _turn(shares: list[Instrument], histories: list[engine.History]) -> Times:
    """Connect, pin, and time one decision."""
    listings = [Listing(share.isin, share.symbol, 1001 + i) for i, share in enumerate(shares)]
    gateway = Gateway(Market(engine.Prices.from_histories(histories), listings), {_ACCOUNT: _CAPITAL})
    with tempfile.TemporaryDirectory() as folder:
        async with gateway.serve() as port:
            broker = Broker(Door("127.0.0.1", port, 7, _ACCOUNT))
            broker._ib.client.MaxRequests = 0  # noqa: SLF001  nobody but a benchmark may do that
            await broker.connect()
            pinned = [await broker.pin(share.isin, share.symbol, "NSE", "INR") for share in shares]
            journal = Journal(Path(folder) / "journal")
            try:
                return await _time(broker, journal, shares, histories, pinned)
            finally:
                await asyncio.sleep(0.5)  # until the gateway has said all that it has to say of the orders
                broker.disconnect()
                journal.close()
                await asyncio.sleep(0.1)


async def _time(
    broker: Broker, journal: Journal, shares: list[Instrument], histories: list[engine.History], pinned: list[Pinned]
) -> Times:
    strategy = Strategy(risk=0.0001, costs=nse_delivery("interactive_brokers"))
    truth, funds = await broker.truth(), await broker.funds("INR")
    bars = [_bars(history) for history in histories]
    known = state_of(journal.events())
    recorder = JournalRecorder(journal, known)
    actor = Actor(broker, recorder, asyncio.sleep, perf_counter)
    spans: list[float] = []
    with _timed(spans.append):
        checked = [history_of(h.symbol, "INR", rows, _DAY, 214) for h, rows in zip(histories, bars, strict=True)]
    with _timed(spans.append):
        readings = [read_last_bar(history, strategy.fast, strategy.slow, strategy.stop) for history in checked]
        wishes = [wish(p, r, cover_of(truth, p.con_id)) for p, r in zip(pinned, readings, strict=True)]
    with _timed(spans.append):
        guard = Guard(_LIMITS, journal.path.with_name("HALT"))
        entries = Entries(strategy, shares, _DAY, known, guard, recorder)
        chosen = [one.bracket for one in entries.choose(wishes, truth, funds) if isinstance(one, Chosen)]
    with _timed(spans.append):
        groups = [broker.number(one.pinned, (one.buy, one.stop)) for one in chosen]
        actor.send(groups)
    return Times(*spans, orders=sum(len(group) for group in groups))


def main() -> None:
    """Print it."""
    count = 100
    times = decision_to_wire(count)
    parts = {
        "reading the last bars": times.reading,
        "choosing and sizing": times.choosing,
        "writing down and sending": times.sending,
    }
    lines = [
        f"{count} shares, {times.orders} orders.",
        f"Checking the bars of a share: {times.checking / count * 1000:.1f} ms, while those of others are on their way.",
        *(f"{name.capitalize()}: {seconds * 1000:.1f} ms." for name, seconds in parts.items()),
        f"From the decision to the wire: {times.decision_to_wire * 1000:.1f} ms.",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
