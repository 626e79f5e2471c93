"""A session of the bot's broker, to be recorded, and the same calls again, read out of a recording.

``python -m tests.recorded_session`` makes tests/recordings/SIMULATED-bracket.jsonl anew. It is a session with the simulated gateway, not with a real one.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd

import engine
from live.broker import Broker
from live.errors import BrokerError
from live.facts import Door, OrderRequest
from live.gateway import KOLKATA, Gateway, Listing, Market, run_virtual
from live.gateway.layouts import names_of
from live.gateway.recorder import Recorder
from live.gateway.replay import Replay

RECORDINGS = Path(__file__).parent / "recordings"
FIXTURE = RECORDINGS / "SIMULATED-bracket.jsonl"
ISIN, ACCOUNT, CASH, PRICE = "INE002A01018", "DU7654321", 987_654.32, 1234.5
DAY = date(2024, 3, 15)
MOMENT = datetime(2024, 3, 15, 9, 30, tzinfo=KOLKATA)


def gateway_of_the_day(bars=250, **options):
    dates = pd.bdate_range(end=DAY, periods=bars)
    flat = np.full(bars, PRICE)
    history = engine.History("RELIANCE", dates, flat, flat, flat, flat, np.full(bars, 1e6), "INR")
    market = Market(engine.Prices.from_histories([history]), [Listing(ISIN, "RELIANCE", 1001)])
    return Gateway(market, {ACCOUNT: CASH}, **options)


@dataclass
class Facts:
    """What the broker's file made of a session."""

    pins: list = field(default_factory=list)
    bars: list = field(default_factory=list)
    truths: list = field(default_factory=list)
    funds: list = field(default_factory=list)
    refusals: list = field(default_factory=list)


async def calls(broker, facts):
    """Make the calls of a day, and more: an order too large, a stop that is changed, and cancelled."""
    await broker.server_time()
    facts.funds.append(await broker.funds("INR"))
    pinned = await broker.pin(ISIN, "RELIANCE", "NSE", "INR")
    facts.pins.append(pinned)
    facts.bars.append(await broker.daily_bars(pinned, 1))
    facts.truths.append(await broker.truth())
    buy = OrderRequest("gc-20240315-RELIANCE-entry", "BUY", "LMT", 7, limit=PRICE)
    stop = OrderRequest("my broker is Jane", "SELL", "TRAIL", 7, trail=5.0, stop=1229.5, time_in_force="GTC")
    broker.send(pinned, [buy, stop])
    await asyncio.sleep(5.0)
    facts.truths.append(await broker.truth())
    broker.send(pinned, [OrderRequest("too much", "BUY", "LMT", 100_000, limit=PRICE)])
    await asyncio.sleep(1.0)
    (working,) = facts.truths[-1].orders
    broker.change_quantity(pinned, working, 4)
    await asyncio.sleep(1.0)
    facts.truths.append(await broker.truth())
    broker.cancel(working.order_id)
    await asyncio.sleep(1.0)
    facts.truths.append(await broker.truth())


async def session(port, account, play=calls, client_id=7, floor=0):
    """Connect, make the calls, and hang up."""
    facts = Facts()
    broker = Broker(Door("127.0.0.1", port, client_id, account))
    await broker.connect()
    broker.raise_id_floor(floor)
    try:
        await play(broker, facts)
    finally:
        broker.disconnect()
        await asyncio.sleep(1.0)
    return facts


def record(path, play=calls, **options):
    """Record a session with the simulated gateway; give its facts, the gateway and the recorder."""

    async def main():
        gateway = gateway_of_the_day(**options)
        async with gateway.serve() as port:
            recorder = Recorder(path, port)
            async with recorder.serve() as here:
                facts = await session(here, ACCOUNT, play)
        return facts, gateway, recorder

    return run_virtual(main(), MOMENT)


def replay(lines, play=calls, **options):
    """Play a recording to the real client; give the facts and the differences."""

    async def main():
        played = Replay(lines)
        (account, *_) = played.accounts
        async with played.serve() as port:
            facts = await session(port, account, play, **options)
        return facts, played.differences

    return run_virtual(main(), MOMENT)


def connections_of(lines):
    """Give the lines of each connection."""
    return [[line for line in lines if line.connection == number] for number in {line.connection for line in lines}]


def named_messages(lines, sender):
    """Give each message of one side of a connection as a dictionary by the names of its fields, with its second."""
    greeting, handshake = (next(x for x in lines if (x.sender, x.what) == (s, "frame")) for s in ("client", "gateway"))
    version = int(handshake.fields[0])
    return [
        (line.seconds, dict(zip(names_of(sender, line.fields, version), line.fields, strict=True)))
        for line in lines
        if (line.sender, line.what) == (sender, "frame") and line not in (greeting, handshake)
    ]


def calls_of(lines):
    """Read out of the client's messages which calls of the broker made them: a coroutine function like ``calls``, and the client's number."""
    mine = named_messages(lines, "client")
    client_id = next(int(message["clientId"]) for _, message in mine if message["kind"] == "71")

    async def play(broker, facts):
        again, startup = _Again(broker, facts), {"71", "61", "5", "7"}
        clock = asyncio.get_running_loop().time
        begun = clock() - mine[0][0]
        for seconds, message in mine:
            if message["kind"] in startup:
                startup.discard(message["kind"])
                continue
            await asyncio.sleep(max(0.0, begun + seconds - clock()))
            try:
                await again.call(message)
            except BrokerError as error:
                facts.refusals.append(str(error))

    return play, client_id


class _Again:
    """Makes the calls that a message came from."""

    def __init__(self, broker, facts):
        self.broker, self.facts = broker, facts
        self.pins, self.group, self.sent, self.currency = {}, [], set(), "INR"

    async def call(self, message):
        broker, facts, kind = self.broker, self.facts, message["kind"]
        if kind == "49":
            await broker.server_time()
        elif kind == "62":
            facts.funds.append(await broker.funds(self.currency))
        elif kind == "9":
            self.currency = message["currency"]
            pinned = await broker.pin(message["secId"], message["secId"], message["exchange"], message["currency"])
            self.pins[str(pinned.con_id)] = pinned
            facts.pins.append(pinned)
        elif kind == "20":
            years = int(message["duration"].split()[0])
            facts.bars.append(await broker.daily_bars(self.pins[message["conId"]], years))
        elif kind == "61":
            facts.truths.append(await broker.truth())
        elif kind == "4":
            broker.cancel(int(message["orderId"]))
        elif kind == "3":
            self._order(message)

    def _order(self, message):
        pinned, quantity = self.pins[message["conId"]], float(message["totalQuantity"])
        if message["orderId"] in self.sent:
            orders = self.facts.truths[-1].orders
            working = next(order for order in orders if str(order.order_id) == message["orderId"])
            self.broker.change_quantity(pinned, working, quantity)
            return
        self.sent.add(message["orderId"])
        prices = (float(message[x]) if message[x] else None for x in ("lmtPrice", "auxPrice", "trailStopPrice"))
        terms = (message["orderRef"], message["action"], message["orderType"], quantity, *prices, message["tif"])
        self.group.append(OrderRequest(*terms))
        if message["transmit"] == "1":
            self.broker.send(pinned, list(self.group))
            self.group.clear()


if __name__ == "__main__":
    FIXTURE.unlink(missing_ok=True)
    record(FIXTURE)
