"""The broker's file and the acting, through the real client, against the simulated gateway in virtual time."""

import asyncio
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

import engine
from live.acting import Actor, Patience
from live.asking import at_the_same_time
from live.broker import Broker
from live.errors import BrokerError, RefusedError
from live.facts import Bracket, Door, Execution, OrderRequest, newest
from live.gateway import KOLKATA, Fault, Gateway, Listing, Market, now, run_virtual
from live.protection import cover_of
from live.rehearsal import isin_of

ISIN, ACCOUNT = "INE002A01018", "DU1234567"
LISTING = Listing(ISIN, "RELIANCE", 1001)
DAY = date(2024, 3, 15)
FLAT = ((100, 100, 100, 100),)
PATIENCE = Patience(fill=60.0, confirm=20.0, poll=1.0)


class Notes:
    """A recorder that remembers."""

    def __init__(self):
        self.kinds, self.alarms, self.sizes = [], [], []

    def intents(self, orders):
        self.kinds += [("intent", one.request.reference, one.request.quantity) for one in orders]

    def sent(self, orders):
        self.kinds += [("sent", one.request.reference, one.number) for one in orders]

    def read(self, shares):
        pass

    def sized(self, buys):
        self.sizes += buys

    def cancelling(self, _pinned, reference, _number):
        self.kinds.append(("cancel", reference, 0))

    def truth(self, truth):
        pass

    def protection(self, _pinned, cover):
        pass

    def day(self, _day, _equity):
        pass

    def alarm(self, _pinned, text):
        self.alarms.append(text)


def market(rows=FLAT, listings=(LISTING,)):
    dates = pd.bdate_range(end=DAY, periods=1300)
    table = np.full((len(dates), 4), 100.0)
    table[len(dates) - len(rows) :] = rows
    columns = (*table.T, np.full(len(dates), 1000.0))
    names = dict.fromkeys(listing.symbol for listing in listings)
    histories = [engine.History(name, dates, *columns, currency="INR") for name in names]
    return Market(engine.Prices.from_histories(histories), listings)


def play(scenario, rows=FLAT, start="09:30", listings=(LISTING,), account=ACCOUNT, **options):
    """Run scenario(gateway, broker) in virtual time, connected; give the gateway."""

    async def main():
        gateway = Gateway(market(rows, listings), **options)
        async with gateway.serve() as port:
            broker = Broker(Door("127.0.0.1", port, 7, account))
            await broker.connect()
            try:
                await scenario(gateway, broker)
            finally:
                broker.disconnect()
                await asyncio.sleep(0.1)
        return gateway

    moment = datetime.combine(DAY, datetime.strptime(start, "%H:%M").time(), KOLKATA)  # noqa: DTZ007
    return run_virtual(main(), moment)


def actor_of(broker):
    notes = Notes()
    loop = asyncio.get_running_loop()
    return Actor(broker, notes, asyncio.sleep, loop.time, PATIENCE), notes


async def pinned_by(broker):
    return await broker.pin(ISIN, "RELIANCE", "NSE", "INR")


def bracket(quantity=10, limit=100.0, trail=5.0):
    return (
        OrderRequest("entry", "BUY", "LMT", quantity, limit=limit),
        OrderRequest("entry-stop", "SELL", "TRAIL", quantity, trail=trail, stop=limit - trail, time_in_force="GTC"),
    )


async def enter(actor, pinned, **options):
    (result,) = await actor.enter([Bracket(pinned, *bracket(**options))])
    return result


# Data


def test_what_the_broker_says_is_read():
    async def scenario(_gateway, broker):
        pinned = await pinned_by(broker)
        assert (pinned.con_id, pinned.symbol, pinned.market_rule) == (1001, "RELIANCE", ((0.0, 0.05),))
        funds = await broker.funds("INR")
        assert (funds.available, funds.equity) == (1_000_000.0, 1_000_000.0)
        bars = await broker.daily_bars(pinned)
        assert (len(bars), bars[-1].day, bars[-1].close) == (1300, DAY, 100.0)
        skew = abs((await broker.server_time() - now()).total_seconds())
        assert skew <= 1
        truth = await broker.truth()
        assert (truth.positions, truth.orders, truth.executions) == ({}, (), ())

    play(scenario)


@pytest.mark.parametrize(
    ("fault", "step", "error"),
    [
        (Fault("reqContractDetails", "error 200"), "pin", RefusedError),
        (Fault("reqContractDetails", "error 321"), "pin", BrokerError),  # the library would wait for ever
        (Fault("reqContractDetails", "silence"), "pin", BrokerError),
        (Fault("reqMarketRule", "silence"), "pin", BrokerError),
        (Fault("reqHistoricalData", "error 162"), "bars", BrokerError),
        (Fault("reqHistoricalData", "silence"), "bars", BrokerError),
        (Fault("reqHistoricalData", "drop"), "bars", BrokerError),
        (Fault("reqAccountSummary", "silence"), "funds", BrokerError),
        (Fault("reqPositions", "silence", after=1), "truth", BrokerError),
        (Fault("reqAllOpenOrders", "silence"), "truth", BrokerError),
        (Fault("reqExecutions", "silence", after=1), "truth", BrokerError),
    ],
    ids=lambda value: f"{value.at}-{value.what}" if isinstance(value, Fault) else None,
)
def test_no_answer_is_an_error_within_the_deadline(fault, step, error):
    async def scenario(_gateway, broker):
        loop = asyncio.get_running_loop()
        if step == "pin":
            with pytest.raises(error) as caught:
                await pinned_by(broker)
        else:
            pinned = await pinned_by(broker)
            calls = {
                "bars": lambda: broker.daily_bars(pinned),
                "funds": lambda: broker.funds("INR"),
                "truth": broker.truth,
            }
            begun = loop.time()
            with pytest.raises(error) as caught:
                await calls[step]()
            assert loop.time() - begun <= 62
        assert "\n" not in str(caught.value)

    play(scenario, faults=[fault])


def test_many_shares_at_once_are_asked_about_within_the_librarys_brake():
    """It lets 45 messages through in a second: who waits for an answer from the moment of asking would not get all of them."""
    many = [Listing(isin_of(i), f"S{i}", 2001 + i) for i in range(40)]

    async def scenario(_gateway, broker):
        pinned = await at_the_same_time(broker.pin(one.isin, one.symbol, "NSE", "INR") for one in many)
        bars = await at_the_same_time(map(broker.daily_bars, pinned))
        assert [one.con_id for one in pinned] == [one.con_id for one in many]
        assert {len(some) for some in bars} == {1300}

    play(scenario, listings=many)


def test_two_listings_on_the_exchange_are_refused():
    async def scenario(_gateway, broker):
        with pytest.raises(RefusedError, match="2 listings"):
            await pinned_by(broker)

    play(scenario, listings=(LISTING, Listing(ISIN, "RELIANCE", 1002)))


def test_the_listing_on_the_wanted_exchange_is_taken():
    async def scenario(_gateway, broker):
        assert (await pinned_by(broker)).con_id == 1001

    play(scenario, listings=(LISTING, Listing(ISIN, "RELIANCE", 1002, exchange="BSE")))


def test_a_client_id_in_use_is_stepped_over():
    async def scenario(gateway, _broker):
        other = Broker(Door("127.0.0.1", gateway.port, 7, ACCOUNT))
        assert await other.connect() == 8
        other.disconnect()

    play(scenario)


def test_another_account_is_refused():
    async def scenario(_gateway, _broker):
        raise AssertionError

    with pytest.raises(BrokerError, match="another account"):
        play(scenario, account="DU7654321")


# Acting


def test_enter_ends_with_every_share_under_a_stop():
    async def scenario(_gateway, broker):
        pinned = await pinned_by(broker)
        actor, notes = actor_of(broker)
        result = await enter(actor, pinned)
        assert result.done, result.text
        assert result.text == "RELIANCE: bought 10 shares. 10 shares are under a stop."
        cover = cover_of(await broker.truth(), 1001)
        assert (cover.held, cover.stopped) == (10, 10)
        assert not notes.alarms
        assert [kind for kind, *_ in notes.kinds[:4]] == ["intent", "intent", "sent", "sent"]

    gateway = play(scenario)
    assert len(gateway.placed()) == 2


def test_a_limit_that_is_not_reached_leaves_nothing():
    async def scenario(_gateway, broker):
        pinned = await pinned_by(broker)
        actor, notes = actor_of(broker)
        result = await enter(actor, pinned, limit=90.0)
        assert result.done
        assert "nothing was bought" in result.text
        truth = await broker.truth()
        assert not [order for order in truth.orders if order.is_live]
        assert not notes.alarms

    play(scenario)


def test_a_part_that_is_filled_has_a_stop_of_its_size():
    async def scenario(_gateway, broker):
        pinned = await pinned_by(broker)
        actor, notes = actor_of(broker)
        result = await enter(actor, pinned)
        assert result.done, (result.text, notes.kinds)
        cover = cover_of(await broker.truth(), 1001)
        assert (cover.held, cover.stopped) == (4, 4)

    play(scenario, faults=[Fault("placeOrder.parent", "partial 0.4")])


def test_a_rejected_stop_is_placed_anew():
    async def scenario(_gateway, broker):
        pinned = await pinned_by(broker)
        actor, _ = actor_of(broker)
        result = await enter(actor, pinned)
        cover = cover_of(await broker.truth(), 1001)
        assert cover.is_exact
        assert result.done, result.text

    play(scenario, faults=[Fault("placeOrder.child", "reject_child")])


def test_orders_that_are_told_twice_are_one():
    async def scenario(_gateway, broker):
        pinned = await pinned_by(broker)
        actor, notes = actor_of(broker)
        result = await enter(actor, pinned)
        assert result.done, (result.text, notes.kinds)
        truth = await broker.truth()
        assert len([order for order in truth.orders if order.reference == "entry-stop"]) == 1
        assert cover_of(truth, 1001).is_exact

    faults = [Fault("out openOrder", "duplicate", count=float("inf")), Fault("placeOrder.parent", "partial 0.4")]
    play(scenario, faults=faults)


def test_a_correction_takes_the_place_of_what_it_corrects():
    def execution(name, quantity):
        return Execution(name, "a", 1, 1001, "BUY", quantity, 100.0, datetime(2026, 3, 16, tzinfo=KOLKATA), None, "")

    told = [execution("x.01", 5.0), execution("y.01", 2.0), execution("x.02", 4.0), execution("x.01", 5.0)]
    assert {one.execution_id: one.quantity for one in newest(told)} == {"x.02": 4.0, "y.01": 2.0}


def test_a_stop_that_sleeps_is_replaced():
    async def scenario(_gateway, broker):
        pinned = await pinned_by(broker)
        actor, notes = actor_of(broker)
        result = await enter(actor, pinned)
        assert result.done, (result.text, notes.kinds)
        cover = cover_of(await broker.truth(), 1001)
        assert (cover.held, cover.stopped, len(cover.sells)) == (10, 10, 1)
        assert cover.stops[0].reference == "entry-stop-2"

    play(scenario, faults=[Fault("placeOrder.child", "inactive")])


def test_a_stop_that_the_broker_cancels_is_placed_again():
    async def scenario(gateway, broker):
        pinned = await pinned_by(broker)
        actor, _ = actor_of(broker)
        assert (await enter(actor, pinned)).done
        (stop,) = cover_of(await broker.truth(), 1001).stops
        gateway.cancel(7, stop.order_id)
        await asyncio.sleep(1)
        assert cover_of(await broker.truth(), 1001).naked == 10
        result = await actor.protect(pinned, bracket()[1])
        assert result.done, result.text
        assert cover_of(await broker.truth(), 1001).is_exact

    play(scenario)


def test_a_stop_of_the_wrong_size_is_changed():
    async def scenario(_gateway, broker):
        pinned = await pinned_by(broker)
        actor, _ = actor_of(broker)
        assert (await enter(actor, pinned)).done
        (stop,) = cover_of(await broker.truth(), 1001).stops
        broker.change_quantity(pinned, stop, 4)
        await asyncio.sleep(1)
        assert cover_of(await broker.truth(), 1001).naked == 6
        result = await actor.protect(pinned, bracket()[1])
        assert result.done, result.text
        cover = cover_of(await broker.truth(), 1001)
        assert (cover.held, cover.stopped, len(cover.sells)) == (10, 10, 1)
        assert cover.stops[0].order_id == stop.order_id

    play(scenario)


def test_stops_that_are_never_accepted_raise_an_alarm():
    async def scenario(_gateway, broker):
        pinned = await pinned_by(broker)
        actor, notes = actor_of(broker)
        await enter(actor, pinned)
        result = await actor.protect(pinned, bracket()[1])
        held = cover_of(await broker.truth(), 1001).held
        assert result.done is (held == 0)
        assert held == 0 or notes.alarms

    play(scenario, faults=[Fault("placeOrder", "error 201", count=float("inf"), after=1)])


def test_leave_cancels_the_stop_before_it_sells():
    async def scenario(gateway, broker):
        pinned = await pinned_by(broker)
        actor, _ = actor_of(broker)
        assert (await enter(actor, pinned)).done
        sale = OrderRequest("exit", "SELL", "LMT", 10, limit=99.0)
        result = await actor.leave(pinned, sale, bracket()[1], 3600.0)
        assert result.done, result.text
        cover = cover_of(await broker.truth(), 1001)
        assert (cover.held, cover.sells) == (0, ())
        kinds = [entry.kind for entry in gateway.log if entry.kind in ("placeOrder", "cancelOrder")]
        assert kinds == ["placeOrder", "placeOrder", "cancelOrder", "placeOrder"]

    play(scenario)


def test_a_stop_that_fills_while_it_is_cancelled_is_not_sold_twice():
    async def scenario(gateway, broker):
        pinned = await pinned_by(broker)
        actor, _ = actor_of(broker)
        assert (await enter(actor, pinned)).done
        gateway.fault(Fault("cancelOrder", "fill"))
        result = await actor.leave(pinned, OrderRequest("exit", "SELL", "LMT", 10, limit=99.0), bracket()[1], 3600.0)
        assert result.done
        assert "the stop had sold it before" in result.text
        assert (await broker.truth()).positions.get(1001, 0) == 0

    play(scenario)


def test_a_stop_that_cannot_be_cancelled_keeps_the_shares():
    async def scenario(gateway, broker):
        pinned = await pinned_by(broker)
        actor, notes = actor_of(broker)
        assert (await enter(actor, pinned)).done
        gateway.fault(Fault("cancelOrder", "error 10148", count=float("inf")))
        result = await actor.leave(pinned, OrderRequest("exit", "SELL", "LMT", 10, limit=99.0), bracket()[1], 3600.0)
        assert not result.done
        assert notes.alarms
        cover = cover_of(await broker.truth(), 1001)  # the client says Cancelled, the broker says it is live
        assert (cover.held, cover.stopped) == (10, 10)

    play(scenario)
