"""The whole list of faults that the bot has to survive, by its names (C connection, D data, A account, O orders, T time, P process), each with what comes of it.

What the gateway does in them is from Interactive Brokers' documents, the source of ib_async and field reports. Inferred, because nobody has published it: that a bust comes as a
correction to no shares (O13b), and that a child keeps its size when its parent is filled in part and cancelled (O10b).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from live.gateway import Fault, Ticket
from live.halting import halt
from live.journal import single_instance
from tests.live_world import ACCOUNT, NUMBERS, OtherClock, World, Writes, in_zone

ALWAYS = float("inf")
GOLDEN = (100, 99, 98, 97, 96, 95, 94, 99)
AFTER = (97, 93, 90)  # the day after nothing, then a death cross; no stop is hit
ALL = 1153  # shares that the risk rule buys at a golden cross
ENTRY = ("entry", "entry-stop")
RELIANCE = NUMBERS["RELIANCE"]

NAMES = {
    *(f"C{i}" for i in range(1, 15)), *(f"D{i}" for i in range(1, 13)), *(f"A{i}" for i in range(1, 4)),
    *(f"O{i}" for i in range(1, 24)), *(f"T{i}" for i in range(1, 8)), *(f"P{i}" for i in range(1, 5)),
}  # fmt: skip
"""Every item of the list; a letter behind a number is one more form of it."""


async def once(world: World) -> None:
    """Run the bot."""
    await world.run()


async def twice(world: World) -> None:
    """Run the bot, and again a minute later."""
    await world.run()
    await asyncio.sleep(60)
    await world.run()


def leaving(fault: Fault | None = None) -> Callable[[World], Awaitable[None]]:
    """Buy on the first day; at the death cross the fault is there."""

    async def play(world: World) -> None:
        await world.run()
        await world.next_day()
        await world.next_day()
        if fault:
            world.gateway.fault(fault)
        await world.run()

    return play


def held_and(deed, *, days=1):
    """Buy on the first day, do something with the gateway after the run, and run again on a later day."""

    async def play(world: World) -> None:
        await world.run()
        deed(world)
        for _ in range(days):
            await world.next_day()
        await world.run()

    return play


def later(seconds, deed):
    """Do something with the gateway, some seconds from now."""
    return lambda gateway: asyncio.get_running_loop().call_later(seconds, deed, gateway)


def lost(code, seconds=30.0):
    """Tell 1100 and, unless the code is 0, what ends it."""

    def deed(gateway):
        gateway.broadcast(1100)
        if code:
            later(seconds, lambda g: g.broadcast(code))(gateway)

    return deed


def by_hand(side, quantity, kind="MKT", **more):
    """Give an order that somebody made in the workstation: client 0, order 0."""
    return Ticket(0, 0, RELIANCE, ACCOUNT, side, quantity, kind, reference="", **more)


def of_another(side, quantity, kind="MKT", **more):
    """Give an order of another program."""
    return Ticket(3, 5, RELIANCE, ACCOUNT, side, quantity, kind, reference="theirs", **more)


@dataclass(frozen=True)
class Case:
    """One fault and what comes of it.

    Attributes
    ----------
    name, says : str
        Of the list, and in words.
    faults : tuple of Fault
    play : callable
        What happens; one run on a day with a golden cross if nothing else is said.
    options : Mapping
        Of the world.
    statuses : tuple
        How each run ended.
    sent : tuple of str
        Orders as they came in.
    held, stopped : int
        Shares at the gateway afterwards, and those of them under stops that work.
    alarms : bool
        Whether there is one in the journal.
    line : str
        Is in what was said.
    """

    name: str
    says: str
    faults: tuple[Fault, ...] = ()
    play: Callable[[World], Awaitable[None]] = once
    options: Mapping[str, object] = field(default_factory=dict)
    statuses: tuple[object, ...] = (0,)
    sent: tuple[str, ...] = ()
    held: int = 0
    stopped: int = 0
    alarms: bool = False
    line: str = ""


def bought(name, says, *faults, **more):
    """Give a case in which everything ends as it should: bought, and under a stop."""
    more = {"sent": ENTRY, "held": ALL, "stopped": ALL, "line": "1153 shares are under a stop", **more}
    return Case(name, says, faults, **more)


def skipped(name, says, *faults, **more):
    """Give a case in which the share is left alone, with a reason."""
    return Case(name, says, faults, **{"statuses": (1,), **more})


def away(name, says, *faults, **more):
    """Give a case in which the gateway cannot be used."""
    return Case(name, says, faults, **{"statuses": (4,), **more})


async def refused(world: World) -> None:
    """Nobody listens at the port."""
    world.gateway.port = 9
    await world.run()


async def another_client(world: World) -> None:
    """Another bot has our number, and is still connected."""
    world.gateway.fault(Fault("startApi", "error 326"))
    await world.run()


async def rolled_back(world: World) -> None:
    """Buy, have the gateway restarted with its numbers from 1 again, and sell."""
    await world.run()
    await world.next_day()
    world.gateway.restart(next_id=1)
    await world.next_day()
    await world.run()


CONNECTION = (
    away("C1", "the connection is refused", play=refused, line="cannot connect to 127.0.0.1 port 9"),
    bought("C2", "the handshake takes 3 seconds", Fault("hello", "delay 3")),
    away("C2b", "the handshake takes 30 seconds", Fault("hello", "delay 30"), line="no answer within the deadline"),
    away("C3", "managedAccounts never comes", Fault("out managedAccounts", "silence"), line="no answer within the deadline"),
    away("C4", "nextValidId never comes", Fault("out nextValidId", "silence"), line="no answer within the deadline"),
    bought("C5", "the client id is in use, once", play=another_client),
    away("C5b", "all client ids are in use", Fault("startApi", "error 326", ALWAYS), line="client ids 7 to 14 are in use"),
    away("C6", "the gateway is too old", options={"server_version": 156}, line="version must be >= 972"),
    bought("C7", "every byte comes alone", Fault("hello", "split 1")),
    away("C8", "the connection is cut while positions are asked for", Fault("reqPositions", "drop", after=1), alarms=True, line="the connection was lost: the positions"),
    away("C9", "silence, the connection stays", Fault("reqAllOpenOrders", "mute"), alarms=True, line="no answer within 10 seconds: the open orders"),
    Case("C10", "a restart after which order numbers begin at 1 again", (), rolled_back, statuses=(0, 0), sent=(*ENTRY, "exit"), line="sold 1153 shares"),
    skipped("C11", "1100 before the bars, 1102 after 30 seconds", Fault("reqHistoricalData", lost(1102)), line="no answer within 60 seconds: the daily bars"),
    bought("C11b", "1100 when the order is in, 1102 after 30 seconds", Fault("out orderStatus", lost(1102))),
    Case("C11c", "1100 before the order, which is dropped, 1102 after 30 seconds", (Fault("placeOrder", lost(1102)),), statuses=(1,), sent=ENTRY, line="the broker has never told of the order"),
    skipped("C12", "1100 before the bars, 1101 after 30 seconds", Fault("reqHistoricalData", lost(1101)), line="no answer within 60 seconds: the daily bars"),
    bought("C12b", "1100 when the order is in, 1101 after 30 seconds", Fault("out orderStatus", lost(1101))),
    skipped("C13", "1100 for ever", Fault("reqCurrentTime", lost(0)), line="no answer within 10 seconds: the listings"),
    skipped("C13b", "1100 after the bars, for ever", Fault("reqAccountSummary", lost(0)), line="the gateway has lost its line to the broker"),
    bought("C13c", "a data farm was away and is back (2103, 2104)", Fault("reqAccountSummary", lambda g: (g.broadcast(2103), g.broadcast(2104)))),
    away("C14", "open orders are never told", Fault("reqOpenOrders", "silence"), line="open orders request timed out"),
    away("C14b", "positions are never told", Fault("reqPositions", "silence"), line="positions request timed out"),
    away("C14d", "executions are answered with an error", Fault("reqExecutions", "error 162"), line="API error: 162"),
    away("C14c", "executions are never told", Fault("reqExecutions", "silence"), line="executions request timed out"),
)  # fmt: skip

DATA = (
    skipped("D1", "no such security", Fault("reqContractDetails", "error 200"), statuses=(3,), alarms=True, line="0 listings"),
    bought("D2", "two listings, on two exchanges", Fault("reqContractDetails", "two_listings")),
    skipped("D3", "another ISIN comes back", Fault("reqContractDetails", "other_isin"), statuses=(3,), alarms=True, line="does not name INE002A01018"),
    skipped("D4", "321 to the request for a contract", Fault("reqContractDetails", "error 321"), line="no answer within 10 seconds: the listings"),
    skipped("D4b", "321 to the request for bars", Fault("reqHistoricalData", "error 321"), line="no answer within 60 seconds: the daily bars"),
    skipped("D5", "the price steps never come", Fault("reqMarketRule", "silence"), line="no answer within 10 seconds: the price steps of RELIANCE"),
    skipped("D6", "162 to the request for bars", Fault("reqHistoricalData", "error 162"), line="the broker answers 162"),
    skipped("D7", "no bars, and no error", Fault("reqHistoricalData", "bars_empty"), line="no daily bars"),
    bought("D8", "the last bar is today's, as far as it has gone"),
    skipped("D9", "the last bar is missing", Fault("reqHistoricalData", "bars_stale"), line="the data is stale"),
    skipped("D10", "the last bar comes twice", Fault("reqHistoricalData", "bars_duplicate"), line="Skipped RELIANCE"),
    skipped("D10b", "the last two bars are out of order", Fault("reqHistoricalData", "bars_unordered"), line="Skipped RELIANCE"),
    skipped("D10c", "the last close is nan", Fault("reqHistoricalData", "bars_nan"), line="Skipped RELIANCE"),
    skipped("D11", "the last bar is at half the price", Fault("reqHistoricalData", "bars_halved"), line="until it is explained"),
    skipped("D12", "the bars come after 70 seconds", Fault("reqHistoricalData", "delay 70"), line="no answer within 60 seconds: the daily bars"),
)  # fmt: skip


def funds(what):
    """Give a wrong answer to every question for money."""
    return Fault("reqAccountSummary", what, ALWAYS)


ACCOUNTS = (
    skipped("A1", "AvailableFunds is missing", funds("funds_missing"), line="AvailableFunds in INR is not known"),
    skipped("A1b", "AvailableFunds is 1.797e308", funds("funds_unset"), line="AvailableFunds in INR is not known"),
    skipped("A1c", "AvailableFunds is in dollars", funds("funds_in_dollars"), line="AvailableFunds in INR is not known"),
    skipped("A1d", "AvailableFunds is negative", funds("funds_negative"), line="with less than nothing, nothing is ordered"),
    bought("A2", "two accounts", options={"accounts": {ACCOUNT: 1e6, "DU7654321": 5e6}}),
    Case("A3", "a live account for a paper file", options={"accounts": {"U1234567": 1e6}}, statuses=(2,), line="logged in to another account"),
)  # fmt: skip


def hand_sells(world):
    """Somebody sells all by hand: the bot's stop stays behind."""
    world.gateway.enter(by_hand("SELL", world.held()))


def forgotten_parent(by_others):
    """After a restart the gateway does not know the parent of our stop any more, and refuses to change it (135); inferred from what it says of unknown parents."""

    def deed(world):
        world.gateway.restart(next_id=1)
        world.gateway.enter(by_hand("BUY" if by_others > 0 else "SELL", abs(by_others)))

    return held_and(deed)


def outage(gateway):
    gateway.restart(downtime=90)


async def fills_in_the_outage(world: World) -> None:
    """The order is in, the gateway goes away for 90 seconds, and the order is filled then."""
    gateway = world.gateway
    gateway.fault(Fault("placeOrder.parent", "partial 0"))
    gateway.fault(Fault("out orderStatus", outage, after=1))
    asyncio.get_running_loop().call_later(30, lambda: gateway.release(7, next_number(world)))
    await world.run()
    await asyncio.sleep(100)
    await world.run()


def next_number(world):
    """Number of the entry's order."""
    return next(o.ticket.order_id for o in world.gateway.book.orders.values() if o.ticket.action == "BUY")


def put_aside(gateway):
    """The broker takes the entry and does not work on it."""
    (entry,) = (order for order in gateway.book.working() if order.ticket.action == "BUY")
    gateway._board.happened(gateway.book.set_inactive(entry))


async def expires(world: World) -> None:
    """Killed when the order is in, which is not filled until the close: its child must vanish with it."""
    world.gateway.fault(Fault("placeOrder.parent", "partial 0"))
    with Writes(kill_at="sent").watched():
        await world.run()
    await world.until("15:40")
    assert not world.gateway.book.working(), "the child outlived its parent"
    await world.next_day()
    await world.run()


async def corrected(world: World) -> None:
    """After the run the broker corrects the fill: 153 shares fewer; the next run makes the stop smaller."""
    await world.run()
    world.gateway.correct(0, 1000)
    await asyncio.sleep(5)
    await world.run()


async def busted(world: World) -> None:
    """After the run the fill is busted: nothing is held, and the stop must go."""
    await world.run()
    world.gateway.correct(0, 0)
    await asyncio.sleep(5)
    await world.run()


ORDERS = (
    Case("O1", "201 for the parent", (Fault("placeOrder", "reject_parent"),), statuses=(1,), sent=ENTRY, line="the broker refuses it: 201"),
    Case("O1b", "no money after all", (), options={"figures": {"orders": 1}, "faults": (Fault("placeOrder.parent", "error 201"),)}, statuses=(1,), sent=ENTRY, line="the broker refuses it: 201"),
    Case("O2", "201 for the child: the parent stays untransmitted", (Fault("placeOrder", "reject_child"),), statuses=(1,), sent=ENTRY, line="the broker refuses it: 201"),
    Case("O3", "110 for the parent", (Fault("placeOrder.parent", "error 110"),), statuses=(1,), sent=ENTRY, line="the broker refuses it: 110"),
    Case("O3b", "110 for the child", (Fault("placeOrder.child", "error 110"),), statuses=(1,), sent=ENTRY, line="the broker refuses it: 110"),
    Case("O4", "the gateway is read-only: 321 for every order", options={"read_only": True}, statuses=(1,), sent=ENTRY, line="the broker refuses it: 321"),
    bought("O5", "399 about the parent, which fills all the same", Fault("placeOrder.parent", "warn 399")),
    Case("O6", "orders are lost on their way", (Fault("placeOrder", "silence", ALWAYS),), statuses=(1,), sent=ENTRY, line="the broker has never told of the order"),
    bought("O6b", "orders are taken without an answer", Fault("placeOrder", "no_answer", ALWAYS)),
    Case("O7", "cut after the parent, before the child", (Fault("placeOrder.child", "drop"),), twice, statuses=(4, 1), sent=ENTRY, alarms=True, line="its order of today has been sent already"),
    bought("O8", "cut after the child, before any answer", Fault("placeOrder.child", "drop_after"), play=twice, statuses=(4, 0), alarms=True, line="1 position held after the run, 1 live orders."),
    bought("O9", "filled by 40 percent, then nothing", Fault("placeOrder.parent", "partial 0.4"), held=461, stopped=461, line="bought 461 of 1153 shares. 461 shares are under a stop"),
    bought("O9b", "filled by 40 percent, and the child keeps its size", Fault("placeOrder.parent", "partial 0.4"), options={"shrinks": False}, sent=(*ENTRY, "entry-stop"), held=461, stopped=461, line="461 shares are under a stop"),
    bought("O10", "filled by 40 percent, and the broker cancels the rest", Fault("placeOrder.parent", "partial 0.4"), Fault("placeOrder.child", later(30, lambda h: h.cancel(7, h.book.next_id(7) - 2))), held=461, stopped=461, line="bought 461 of 1153 shares"),
    bought("O11", "the fill is told before the order", Fault("placeOrder.child", "reorder")),
    bought("O12", "everything is told twice", *(Fault(f"out {name}", "duplicate", ALWAYS) for name in ("openOrder", "orderStatus", "execDetails", "commissionReport"))),
    bought("O13", "the fill is corrected to fewer shares", play=corrected, statuses=(0, 0), sent=(*ENTRY, "entry-stop"), held=1000, stopped=1000, line="1000 shares are under a stop"),
    Case("O13b", "the fill is busted", (), busted, statuses=(0, 1), sent=ENTRY, line="held at the last run and not any more"),
    bought("O14", "10148 to a cancellation", play=leaving(Fault("cancelOrder", "error 10148", ALWAYS)), statuses=(0, 3), alarms=True, line="its stop cannot be cancelled"),
    bought("O14b", "10147 to a cancellation", play=leaving(Fault("cancelOrder", "error 10147", ALWAYS)), statuses=(0, 3), alarms=True, line="its stop cannot be cancelled"),
    Case("O15", "the stop is filled while it is cancelled", (), leaving(Fault("cancelOrder", "fill")), statuses=(0, 0), sent=ENTRY, line="the stop had sold it before"),
    bought("O16", "the broker cancels the child after the fill", Fault("placeOrder.child", "cancel 1"), sent=(*ENTRY, "entry-stop-2")),
    bought("O16b", "the broker cancels the child after the run", play=held_and(lambda w: w.gateway.cancel(7, w.gateway.book.next_id(7) - 1)), statuses=(0, 0), sent=(*ENTRY, "repair")),
    bought("O16c", "the stop cannot be made smaller, since its parent is forgotten", play=forgotten_parent(-153), statuses=(0, 0), sent=(*ENTRY, "entry-stop", "repair"), held=1000, stopped=1000, options={"margin": True}),
    bought("O16d", "the stop cannot be made larger, since its parent is forgotten", play=forgotten_parent(7), statuses=(0, 0), sent=(*ENTRY, "entry-stop", "repair"), held=1160, stopped=1160),
    Case("O17", "somebody sells by hand: the stop must go", (), held_and(hand_sells), {"margin": True}, statuses=(0, 0), sent=ENTRY, line="held at the last run and not any more"),
    bought("O17b", "somebody buys by hand: the stop must grow", play=held_and(lambda w: w.gateway.enter(by_hand("BUY", 7))), statuses=(0, 0), sent=(*ENTRY, "entry-stop"), held=1160, stopped=1160, line="1160 shares are under a stop"),
    bought("O17c", "somebody has a sale by hand at a higher price, too: nobody but him can cancel it", play=held_and(lambda w: w.gateway.enter(by_hand("SELL", 100, "LMT", limit=200.0, tif="GTC"))), options={"margin": True}, statuses=(0, 3), alarms=True, line="shares are on sale"),
    bought("O18", "another program sells with an order that we cannot cancel", play=held_and(lambda w: w.gateway.enter(of_another("SELL", 100, "LMT", limit=200.0, tif="GTC"))), options={"margin": True}, statuses=(0, 3), alarms=True, line="shares are on sale"),
    bought("O18b", "our stop was placed under another client id", Fault("startApi", "error 326"), play=leaving(), statuses=(0, 3), alarms=True, line="its stop cannot be cancelled"),
    Case("O19", "103 for the parent", (Fault("placeOrder.parent", "error 103"),), statuses=(1,), sent=ENTRY, line="the broker refuses it: 103"),
    bought("O20", "the commission never comes", Fault("out commissionReport", "silence", ALWAYS)),
    bought("O21", "filled while the connection is down", play=fills_in_the_outage, statuses=(4, 0), alarms=True, line="1 position held after the run, 1 live orders."),
    Case("O22", "the parent becomes inactive", (Fault("placeOrder.parent", "partial 0"), Fault("out orderStatus", put_aside)), sent=ENTRY, line="nothing was bought"),
    bought("O22b", "the child becomes inactive", Fault("placeOrder.child", "inactive"), sent=(*ENTRY, "entry-stop-2")),
    Case("O23", "not filled until the close, and nobody cancels it", (), expires, statuses=("killed", 0), sent=ENTRY, line="not held, and no golden cross"),
)  # fmt: skip


def waiting(hours):
    """Stay up for some hours."""

    async def play(world: World) -> None:
        from live.service import stay_up

        task = asyncio.create_task(stay_up(world.config, ACCOUNT, send=True, say=world.said.append, clock=world.clock))
        await asyncio.sleep(hours * 3600)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    return play


async def clock_goes_forward(world: World) -> None:
    """The machine sleeps, or its clock is set, over the time of the run."""
    asyncio.get_running_loop().call_later(3600, lambda: setattr(world.clock, "ahead", 7200.0))
    await waiting(5)(world)


async def clock_goes_back(world: World) -> None:
    """The clock is half an hour behind for a while."""
    asyncio.get_running_loop().call_later(3600, lambda: setattr(world.clock, "ahead", -1800.0))
    asyncio.get_running_loop().call_later(5400, lambda: setattr(world.clock, "ahead", 0.0))
    await waiting(5)(world)


def in_other_zones(*zones):
    """Run once for each zone of the machine; all but the first find everything done."""

    async def play(world: World) -> None:
        for zone in zones:
            before = in_zone(zone)
            try:
                await world.run()
            finally:
                in_zone(before)

    return play


NOT_ITS_TIME = "It is not the time of a run: nothing was done."
AUCTION_DAY = date(2026, 8, 17)
TIME = (
    Case("T1", "a holiday", options={"day": date(2026, 3, 16), "start_day": date(2026, 3, 26)}, statuses=(2,), line=NOT_ITS_TIME),
    Case("T1b", "a holiday, and the bot stays up", (), waiting(20), {"start_day": date(2026, 3, 26), "start": "09:00"}, statuses=(), line="The next run is at 2026-03-27 15:20"),
    bought("T2", "the Sunday of the budget", options={"day": date(2026, 2, 1)}),
    Case("T3", "a late start", options={"start": "15:30"}, statuses=(2,), line=NOT_ITS_TIME),
    Case("T4", "a share with a closing auction, in it", options={"day": AUCTION_DAY, "auction": True}, statuses=(2,), line=NOT_ITS_TIME),
    bought("T4b", "a share with a closing auction, before it", options={"day": AUCTION_DAY, "auction": True, "start": "15:12"}),
    Case("T5", "the clock is 90 seconds ahead", options={"clock": OtherClock(90.0)}, statuses=(2,), line="90 s ahead of the broker's"),
    bought("T6", "the machine is in New York, then in Tokyo", play=in_other_zones("America/New_York", "Asia/Tokyo", "UTC"), statuses=(0, 0, 0)),
    Case("T7", "the clock goes forward over the time of the run", (), clock_goes_forward, {"start": "13:00", "clock": OtherClock()}, statuses=(), alarms=True, line="was missed"),
    bought("T7b", "the clock goes back and comes right again", play=clock_goes_back, options={"start": "13:00", "clock": OtherClock()}, statuses=()),
)  # fmt: skip


async def killed(world: World) -> None:
    """Killed when both orders are sent, and started again."""
    with Writes(kill_at="sent").watched():
        await world.run()
    await asyncio.sleep(2)
    await world.run()


async def disk_full(world: World) -> None:
    """The disk is full from the intent on: nothing may be sent."""
    with Writes(full_at="intent").watched():
        await world.run()


async def disk_full_later(world: World) -> None:
    """The disk is full when the orders are sent; the next day there is room again."""
    with Writes(full_at="sent").watched():
        await world.run()
    await world.next_day()
    await world.run()


async def second(world: World) -> None:
    """Another bot has the journal."""
    with single_instance(world.config.paths.journal):
        await world.run()


async def halted(world: World) -> None:
    halt(world.config.paths.halt, "somebody is looking")
    await world.run()


PROCESS = (
    bought("P1", "killed when the orders are sent, and started again", play=killed, statuses=("killed", 0), line="1 position held after the run, 1 live orders."),
    Case("P2", "the disk is full before an order", (), disk_full, statuses=(2,), line="cannot write the journal"),
    bought("P2b", "the disk is full when the orders are sent, and not on the next day", play=disk_full_later, statuses=(3, 0), line="cannot write the journal"),
    Case("P3", "a second bot with the same journal", (), second, statuses=(2,), line="another bot is running"),
    skipped("P3b", "halted", play=halted, line="halted: somebody is looking"),
)  # fmt: skip

IN_A_PROCESS = {"P4"}
"""What needs a process of its own: ``test_live_processes.py``."""
CASES = (*CONNECTION, *DATA, *ACCOUNTS, *ORDERS, *TIME, *PROCESS)
