"""The broker's state machine, the price path and the clock, without a socket."""

import asyncio
import time
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from datetime import time as hour

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.errors import InputError
from live.gateway import KOLKATA, Listing, Market, StandstillError, Ticket, VirtualLoop, now, run_virtual
from live.gateway.book import Book
from live.gateway.market import CLOSE, closing, opening
from live.gateway.orders import Changed, Charged, Executed, Refused

WHEN = datetime(2024, 3, 15, 10, 0, tzinfo=KOLKATA)
LISTING = Listing("INE002A01018", "RELIANCE", 1, market_rule=((0.0, 0.05), (1000.0, 0.1)))
ENTRY = Ticket(7, 1, 1, "A", "BUY", 10, "LMT", limit=100.0, transmit=False)
STOP = Ticket(7, 2, 1, "A", "SELL", 10, "TRAIL", auxiliary=5.0, tif="GTC", parent_id=1, trail_stop=95.0)


def book(price=101.0, cash=10_000.0, **options):
    made = Book({"A": cash}, [LISTING], commission_rate=0.0, **options)
    made.trading = True
    made.trade(1, price, WHEN)
    return made


def codes(events):
    return [event.code for event in events if isinstance(event, Refused)]


def statuses(made):
    return [order.status for order in made.orders.values()]


def fills(made):
    return [(execution.shares, execution.price) for execution in made.executions]


def bought(shares=10, price=100.0, **options):
    """Make a book that holds shares."""
    made = book(price=price, **options)
    made.place(Ticket(7, 1, 1, "A", "BUY", shares, "MKT"), WHEN)
    assert made.accounts["A"].shares(1) == shares
    return made


def test_a_held_parent_is_sent_with_its_child():
    made = book()
    assert made.place(ENTRY, WHEN) == []
    assert made.working() == []
    events = made.place(STOP, WHEN)
    assert [(e.order.ticket.order_id, e.order.status, e.order.why_held) for e in events] == [
        (1, "Submitted", ""), (2, "PreSubmitted", "child"),
    ]  # fmt: skip
    made.trade(1, 90.0, WHEN)  # through the limit and, with the child awake, through its stop
    assert fills(made) == [(10, 100.0), (10, 95.0)]
    assert made.accounts["A"].cash == 10_000 - 50


def test_the_order_of_events_of_a_fill():
    made = book()
    made.place(ENTRY, WHEN)
    made.place(STOP, WHEN)
    kinds = [type(event) for event in made.trade(1, 100.0, WHEN)]
    assert kinds == [Executed, Changed, Charged, Changed]


def test_the_trailing_stop_only_follows_upwards():
    made = bought()
    made.place(replace(STOP, parent_id=0), WHEN)
    for price, stop in ((103.0, 98.0), (102.0, 98.0), (110.0, 105.0), (106.0, 105.0)):
        made.trade(1, price, WHEN)
        assert made.find(7, 2).stop == stop
    made.trade(1, 104.0, WHEN)
    assert fills(made)[-1] == (10, 105.0)


def test_a_gap_fills_at_the_opening_price():
    made = bought()
    made.place(replace(STOP, parent_id=0), WHEN)
    made.close_session(WHEN)
    made.open_session()
    made.trade(1, 80.0, WHEN, opening=True)
    assert fills(made)[-1] == (10, 80.0)
    made.place(replace(ENTRY, order_id=3, transmit=True, limit=79.0), WHEN)
    made.trade(1, 70.0, WHEN, opening=True)
    assert fills(made)[-1] == (10, 70.0)


@pytest.mark.parametrize(
    ("ticket", "price", "fill"),
    [
        (Ticket(7, 2, 1, "A", "SELL", 10, "LMT", limit=110.0), 111.0, 110.0),
        (Ticket(7, 2, 1, "A", "SELL", 10, "LMT", limit=99.0), 100.0, 100.0),  # marketable: at the market
        (Ticket(7, 2, 1, "A", "SELL", 10, "STP", auxiliary=95.0), 94.0, 95.0),
        (Ticket(7, 2, 1, "A", "SELL", 10, "MKT"), 100.0, 100.0),
        (Ticket(7, 2, 1, "A", "SELL", 10, "TRAIL", trail_percent=10.0), 89.0, 90.0),
        (Ticket(7, 2, 1, "A", "BUY", 10, "STP", auxiliary=105.0), 106.0, 105.0),
        (Ticket(7, 2, 1, "A", "BUY", 10, "TRAIL", auxiliary=5.0), 106.0, 105.0),
    ],
)
def test_kinds_of_orders(ticket, price, fill):
    made = bought()
    made.place(ticket, WHEN)
    made.trade(1, price, WHEN)
    assert fills(made)[-1] == (10, fill)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"limit": 100.02}, 110),
        ({"limit": 100.05 + 1e-12}, 110),
        ({"limit": 1000.05}, 110),
        ({"limit": None}, 321),
        ({"quantity": 0}, 321),
        ({"kind": "MIT"}, 321),
        ({"con_id": 9}, 200),
        ({"account": "B"}, 435),
        ({"parent_id": 6}, 135),
        ({"quantity": 101}, 201),
        ({"action": "SELL"}, 201),
        ({"kind": "STP", "auxiliary": 105.01}, 110),
        ({"kind": "TRAIL", "auxiliary": 5.0, "trail_stop": 105.01}, 110),
    ],
)
def test_rejections(change, code):
    made = book()
    assert codes(made.place(replace(ENTRY, transmit=True, **change), WHEN)) == [code]
    assert made.working() == []


def test_ids_are_used_once_and_a_working_order_is_modified():
    made = book()
    order = replace(ENTRY, order_id=5, transmit=True, limit=90.0)
    made.place(order, WHEN)
    made.place(replace(order, limit=102.0), WHEN)
    assert fills(made) == [(10, 101.0)]
    assert codes(made.place(order, WHEN)) == [103]
    made.place(replace(order, order_id=6, quantity=20, limit=80.0), WHEN)
    assert codes(made.place(replace(order, order_id=6, action="SELL"), WHEN)) == [105]
    assert codes(made.place(replace(order, order_id=4), WHEN)) == [103]
    assert made.place(replace(order, order_id=4, client_id=8), WHEN)
    assert (made.next_id(7), made.next_id(8), made.next_id(9)) == (7, 5, 1)
    made.restart(next_id=4)
    assert not codes(made.place(replace(order, order_id=5, limit=80.0), WHEN))
    assert len(made.orders) == 4


def test_funds_are_reserved_and_shares_are_sold_once():
    made = bought(50)
    made.place(replace(ENTRY, order_id=2, quantity=40, limit=90.0, transmit=True), WHEN)
    assert made.available_funds("A") == 10_000 - 5_000 - 3_600
    assert codes(made.place(replace(ENTRY, order_id=3, quantity=20, limit=90.0, transmit=True), WHEN)) == [201]
    sale = Ticket(7, 4, 1, "A", "SELL", 50, "STP", auxiliary=80.0)
    assert not codes(made.place(sale, WHEN))
    assert codes(made.place(replace(sale, order_id=5, quantity=1, kind="MKT"), WHEN)) == [201]
    made.cancel(7, 4, WHEN)
    assert not codes(made.place(replace(sale, order_id=6, kind="MKT"), WHEN))
    assert made.accounts["A"].shares(1) == 0


def test_a_parent_partly_filled_wakes_its_child_for_that_part():
    made = book()
    made.place(ENTRY, WHEN, cap=4)
    made.place(STOP, WHEN)
    made.trade(1, 99.0, WHEN)
    made.trade(1, 94.0, WHEN)
    assert fills(made) == [(4, 100.0), (4, 95.0)]
    assert statuses(made) == ["Submitted", "Submitted"]
    made.release(1_750_000_001, WHEN)  # what still comes is sold at once
    assert fills(made)[2:] == [(6, 94.0), (6, 94.0)]
    assert statuses(made) == ["Filled", "Filled"]


def test_the_end_of_a_day():
    made = book()
    made.place(ENTRY, WHEN)
    made.place(STOP, WHEN)
    assert codes(made.close_session(WHEN)) == [202, 202]  # the child is GTC, but its parent has gone
    assert statuses(made) == ["Cancelled", "Cancelled"]
    made.place(replace(ENTRY, order_id=3, transmit=True), WHEN)
    assert statuses(made)[-1] == "PreSubmitted"  # for the next session
    assert [event.order.status for event in made.open_session()] == ["Submitted"]


def test_a_partly_filled_parent_that_expires_leaves_its_child_the_filled_part():
    made = book()
    made.place(ENTRY, WHEN, cap=4)
    made.place(STOP, WHEN)
    made.trade(1, 99.0, WHEN)
    made.close_session(WHEN)
    assert statuses(made) == ["Cancelled", "PreSubmitted"]
    assert made.find(7, 2).ticket.quantity == 4


def test_cancelling():
    made = book()
    made.place(ENTRY, WHEN)
    made.place(STOP, WHEN)
    assert codes(made.cancel(8, 1, WHEN)) == [10147]
    assert codes(made.cancel(7, 2, WHEN)) == [202]
    assert statuses(made) == ["Submitted", "Cancelled"]
    assert codes(made.cancel(7, 2, WHEN)) == [10148]
    assert codes(made.cancel_all(WHEN)) == [202]
    read_only = book(read_only=True)
    assert codes(read_only.place(ENTRY, WHEN) + read_only.cancel(7, 1, WHEN)) == [321, 321]


TICKETS = st.builds(
    Ticket,
    client_id=st.sampled_from([7, 8]),
    order_id=st.integers(1, 12),
    con_id=st.just(1),
    account=st.just("A"),
    action=st.sampled_from(["BUY", "SELL"]),
    quantity=st.integers(1, 40),
    kind=st.sampled_from(["LMT", "MKT", "STP", "TRAIL"]),
    limit=st.integers(90, 110).map(float),
    auxiliary=st.integers(1, 110).map(float),
    tif=st.sampled_from(["DAY", "GTC"]),
    transmit=st.booleans(),
    parent_id=st.sampled_from([0, 0, 1, 2, 3]),
)
STEPS = st.one_of(
    st.tuples(st.just("place"), TICKETS, st.one_of(st.none(), st.integers(0, 20))),
    st.tuples(st.just("trade"), st.integers(85, 115), st.booleans()),
    st.tuples(st.just("cancel"), st.sampled_from([7, 8]), st.integers(1, 12)),
    st.tuples(st.sampled_from(["close", "open"]), st.none(), st.none()),
)


@settings(max_examples=300)
@given(st.lists(STEPS, max_size=40))
def test_the_books_balance_whatever_happens(steps):
    made = book(cash=5_000.0)
    for what, first, second in steps:
        if what == "place":
            made.place(first, WHEN, second)
        elif what == "trade":
            made.trade(1, float(first), WHEN, opening=second)
        elif what == "cancel":
            made.cancel(first, second, WHEN)
        else:
            made.open_session() if what == "open" else made.close_session(WHEN)
        account, traded, spent = made.accounts["A"], Counter(), 0.0
        for execution in made.executions:
            signed = -execution.shares if execution.order.ticket.sells else execution.shares
            traded[execution.order.perm_id] += execution.shares
            spent += signed * execution.price
            assert execution.shares > 0
        assert account.shares(1) >= 0
        assert account.cash == pytest.approx(5_000.0 - spent)
        for order in made.orders.values():
            assert 0 <= order.filled == traded[order.perm_id] <= order.ticket.quantity
            assert (order.status == "Filled") == (order.remaining == 0)
            parent = made.parent(order)
            assert not (parent and order.filled and not parent.filled and parent.ticket.sells != order.ticket.sells)


# Market


def market(path="low_first", settles=CLOSE):
    dates = pd.DatetimeIndex(["2024-03-14", "2024-03-15"])
    bars = np.array([[100.0, 101.0, 99.0, 100.0], [101.0, 112.0, 99.0, 104.0]])
    history = engine.History("RELIANCE", dates, *bars.T, np.array([500.0, 1000.0]), "INR")
    return Market(engine.Prices.from_histories([history]), [LISTING], path, settles)


@pytest.mark.parametrize(("path", "order"), [("low_first", [101, 99, 112, 104]), ("high_first", [101, 112, 99, 104])])
def test_the_path_of_a_day_passes_its_four_prices(path, order):
    made, day = market(path), date(2024, 3, 15)
    prices = [made.price(LISTING, moment) for moment in made.moments(day)]
    places = [prices.index(price) for price in order]
    assert places == sorted(places)
    assert (max(prices), min(prices), prices[0], prices[-1]) == (112, 99, 101, 104)
    assert all(LISTING.on_tick(price) for price in prices)
    assert (made.moments(day)[0], made.moments(day)[-1]) == (opening(day), closing(day))


def test_a_market_may_settle_before_its_close():
    made, day = market(settles=hour(15, 15)), date(2024, 3, 15)
    settled = datetime(2024, 3, 15, 15, 15, tzinfo=KOLKATA)
    whole = made.bars(LISTING, closing(day))[-1]
    assert made.bars(LISTING, settled)[-1] == whole
    assert made.bars(LISTING, settled - timedelta(seconds=60))[-1] != whole
    prices = [made.price(LISTING, moment) for moment in made.moments(day)]
    assert (max(prices), min(prices), prices[-2:]) == (112, 99, [104, 104])
    assert made.moments(day)[-2:] == [settled, closing(day)]
    with pytest.raises(InputError, match="cannot settle at 09:15"):
        market(settles=hour(9, 15))


def test_todays_bar_grows_into_the_whole_one():
    made, day = market(), date(2024, 3, 15)
    assert made.bars(LISTING, opening(day) - timedelta(seconds=1))[-1].day == date(2024, 3, 14)
    highs = [made.bars(LISTING, moment)[-1].high for moment in made.moments(day)]
    volumes = [made.bars(LISTING, moment)[-1].volume for moment in made.moments(day)]
    assert highs == sorted(highs)
    assert volumes == sorted(volumes)
    assert (volumes[0], volumes[-1]) == (0.0, 1000.0)
    assert made.price(LISTING, datetime(2024, 3, 13, tzinfo=KOLKATA)) is None


def test_listings_are_found_by_what_is_given():
    prices = market().prices
    twins = [LISTING, replace(LISTING, con_id=2, exchange="BSE")]
    made = Market(prices, twins)
    assert made.find(isin=LISTING.isin, exchange="SMART") == tuple(twins)
    assert made.find(isin=LISTING.isin, exchange="NSE") == (LISTING,)
    assert made.find(isin=LISTING.isin, currency="USD") == ()
    assert (LISTING.tick(999.95), LISTING.tick(1000.0)) == (0.05, 0.1)
    with pytest.raises(engine.InputError, match="same con_id"):
        Market(prices, [LISTING, LISTING])
    with pytest.raises(engine.InputError, match="no prices"):
        Market(prices, [replace(LISTING, symbol="TCS")])


# Clock


def test_virtual_time_is_not_waited_for():
    async def scenario():
        loop, begun = asyncio.get_running_loop(), now()
        order = []
        loop.call_later(7200, order.append, "later")
        loop.call_later(60, order.append, "soon")
        await asyncio.sleep(86_400 * 3)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 30)
        return order, now() - begun

    order, passed = run_virtual(scenario(), WHEN)
    assert order == ["soon", "later"]
    assert (
        timedelta(0) <= passed - timedelta(days=3, seconds=30) < timedelta(milliseconds=1)
    )  # timers are late by a microsecond


def test_a_thread_stops_the_clock():
    async def scenario():
        begun = now()
        timer = asyncio.get_running_loop().call_later(1.0, lambda: None)
        await asyncio.to_thread(time.sleep, 0.02)
        timer.cancel()
        return now() - begun

    assert run_virtual(scenario(), WHEN) == timedelta(0)


def test_a_standstill_is_told_and_a_start_without_zone_refused(monkeypatch):
    monkeypatch.setattr("live.gateway.clock._PATIENCE", 0.01)
    with pytest.raises(StandstillError):
        run_virtual(_forever(), WHEN)
    with pytest.raises(engine.InputError, match="zone"):
        run_virtual(_forever(), WHEN.replace(tzinfo=None))
    with pytest.raises(engine.InputError, match="zone"):
        VirtualLoop(WHEN.replace(tzinfo=None))
    assert now().tzinfo is KOLKATA


async def _forever():
    await asyncio.Event().wait()
