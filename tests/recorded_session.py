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
    broker.send(broker.number(pinned, [buy, stop]))
    await asyncio.sleep(5.0)
    facts.truths.append(await broker.truth())
    broker.send(broker.number(pinned, [OrderRequest("too much", "BUY", "LMT", 100_000, limit=PRICE)]))
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
        if isinstance(play, CallsAgain):
            play.played = played
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


async def until(condition):
    """Wait, some virtual seconds at most."""
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never came")


class CallsAgain:
    """Makes the calls of the broker that the client's messages came from, like ``calls``: each at its time, and when all is told that was told before it then."""

    def __init__(self, lines):
        self.lines, self.messages = lines, named_messages(lines, "client")
        self.client_id = next(int(message["clientId"]) for _, message in self.messages if message["kind"] == "71")
        self.played = None
        self.pins, self.group, self.sent, self.currency = {}, [], set(), "INR"

    async def __call__(self, broker, facts):
        self.broker, self.facts = broker, facts
        clock = asyncio.get_running_loop().time
        begun, asked, startup = clock() - self.messages[0][0], [], {"71", "61", "5", "7"}
        places = [i for i, x in enumerate(self.lines) if (x.sender, x.what) == ("client", "frame")][1:]
        for place, (seconds, message) in zip(places, self.messages, strict=True):
            if message["kind"] in startup:
                startup.discard(message["kind"])
                continue
            await asyncio.sleep(max(0.0, begun + seconds - clock()))
            told = max(i for i in range(place) if self.lines[i].sender == "gateway")
            await until(lambda told=told: self.played.position > told)
            await asyncio.sleep(0.001)
            if message["kind"] in ("3", "4"):
                await self.order(message)
            else:
                asked.append(asyncio.create_task(self.ask(message)))  # the bot asks about all its shares at once
                await asyncio.sleep(0)
        for done in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(done, BrokerError):
                facts.refusals.append(str(done))
            elif done is not None:
                raise done

    async def ask(self, message):
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
            await until(lambda: message["conId"] in self.pins)
            years = int(message["duration"].split()[0])
            facts.bars.append(await broker.daily_bars(self.pins[message["conId"]], years))
        elif kind == "61":
            facts.truths.append(await broker.truth())

    async def order(self, message):
        number = message["orderId"]
        if message["kind"] == "4":
            self.broker.cancel(int(number))
            return
        pinned, quantity = self.pins[message["conId"]], float(message["totalQuantity"])
        if number in self.sent:
            known = {str(order.order_id): order for truth in self.facts.truths for order in truth.orders}
            self.broker.change_quantity(pinned, known[number], quantity)
            return
        self.sent.add(number)
        prices = (float(message[x]) if message[x] else None for x in ("lmtPrice", "auxPrice", "trailStopPrice"))
        terms = (message["orderRef"], message["action"], message["orderType"], quantity, *prices, message["tif"])
        self.group.append(OrderRequest(*terms))
        if message["transmit"] == "1":
            self.broker.send(self.broker.number(pinned, self.group))
            self.group.clear()


if __name__ == "__main__":
    FIXTURE.unlink(missing_ok=True)
    record(FIXTURE)
