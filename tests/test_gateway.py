"""The simulated gateway, talked to by the real client over sockets in virtual time."""

import asyncio
import logging
import math
from datetime import date, datetime

import ib_async
import numpy as np
import pandas as pd
import pytest

import engine
from live.gateway import KOLKATA, Fault, Gateway, Listing, Market, Ticket, now, run_virtual

ISIN = "INE002A01018"
LISTING = Listing(ISIN, "RELIANCE", 1001)
DAY = date(2024, 3, 15)


def history(rows, symbol="RELIANCE"):
    """Make prices that end with rows of (open, high, low, close) on the business days up to DAY."""
    dates = pd.bdate_range(end=DAY, periods=1300)
    table = np.full((len(dates), 4), 100.0)
    table[len(dates) - len(rows) :] = rows
    volume = np.full(len(dates), 1000.0)
    return engine.History(symbol, dates, *table.T, volume, "INR")


def market(*rows):
    return Market(engine.Prices.from_histories([history(rows)]), [LISTING])


def at(clock, day=DAY):
    return datetime.combine(day, datetime.strptime(clock, "%H:%M").time(), KOLKATA)  # noqa: DTZ007


async def connected(port, client_id=7, **options):
    ib = ib_async.IB()
    await ib.connectAsync("127.0.0.1", port, clientId=client_id, account="DU1234567", **options)
    return ib


async def qualified(ib):
    (contract,) = await ib.qualifyContractsAsync(
        ib_async.Contract(secType="STK", secIdType="ISIN", secId=ISIN, exchange="NSE", currency="INR")
    )
    return contract


def bracket(ib, contract, quantity=10, limit=100.0, stop=95.0, trail=5.0):
    parent = ib_async.LimitOrder("BUY", quantity, limit, transmit=False, orderId=ib.client.getReqId(), tif="DAY")
    child = ib_async.Order(
        action="SELL", orderType="TRAIL", totalQuantity=quantity, auxPrice=trail, trailStopPrice=stop,
        parentId=parent.orderId, transmit=True, tif="GTC", orderRef="stop", orderId=ib.client.getReqId(),
    )  # fmt: skip
    parent.orderRef, parent.account, child.account = "entry", "DU1234567", "DU1234567"
    return ib.placeOrder(contract, parent), ib.placeOrder(contract, child)


async def wait(seconds=1.0):
    await asyncio.sleep(seconds)


def play(scenario, start="09:30", rows=((100, 100, 100, 100),), **options):
    """Run scenario(gateway, port) in virtual time."""

    async def main():
        gateway = Gateway(market(*rows), **options)
        async with gateway.serve() as port:
            result = await scenario(gateway, port)
        return gateway, result

    return run_virtual(main(), at(start))


def test_bracket_fills_and_the_trailing_stop_exits():
    rows = ((101, 112, 99, 104),)  # low first: the entry fills, the stop rises to 107, the fall to 104 sells at it

    async def scenario(_, port):
        ib = await connected(port)
        contract = await qualified(ib)
        assert (contract.conId, contract.exchange, contract.currency) == (1001, "NSE", "INR")
        details = (await ib.reqContractDetailsAsync(contract))[0]
        rule = await ib.reqMarketRuleAsync(int(details.marketRuleIds))
        assert [(step.lowEdge, step.increment) for step in rule] == [(0.0, 0.05)]
        bars = await ib.reqHistoricalDataAsync(contract, "", "5 Y", "1 day", "TRADES", useRTH=True)
        assert (len(bars), bars[-1].date) == (1300, DAY)
        assert bars[-1].open == 101
        parent, child = bracket(ib, contract)
        await wait()
        assert (parent.orderStatus.status, child.orderStatus.status) == ("Submitted", "PreSubmitted")
        await asyncio.sleep(6.5 * 3600)
        assert (parent.orderStatus.status, child.orderStatus.status) == ("Filled", "Filled")
        assert [(fill.execution.side, fill.execution.price) for fill in ib.fills()] == [("BOT", 100.0), ("SLD", 107.0)]
        assert all(fill.commissionReport.commission > 0 for fill in ib.fills())
        assert [position.position for position in ib.positions()] in ([], [0])
        ib.disconnect()
        await wait()

    gateway, _ = play(scenario, rows=rows)
    assert gateway.book.accounts["DU1234567"].cash == pytest.approx(1_000_070 - 0.30 - 0.32)


@pytest.fixture(autouse=True)
def readable(caplog):
    """Fail if the real client could not read a message."""
    with caplog.at_level(logging.ERROR):
        yield
    assert [r.getMessage() for r in caplog.records if r.name == "ib_async.Decoder" or "exception" in r.name] == []
    assert [r.getMessage() for r in caplog.records if "orderStatus: No order found" in r.getMessage()] == []


async def leave(ib):
    ib.disconnect()
    await wait()


def run(scenario, **options):
    """Run scenario(gateway, ib) with a connected client and return (gateway, result)."""

    async def with_client(gateway, port):
        ib = await connected(port)
        try:
            return await scenario(gateway, ib)
        finally:
            await leave(ib)

    return play(with_client, **options)


# Connecting


def connecting(**options):
    """Try to connect once; return the outcome, the codes told, and the virtual seconds that it took."""

    async def scenario(_, port):
        codes, ib, start = [], ib_async.IB(), now()
        ib.errorEvent += lambda _id, code, *_: codes.append(code)
        try:
            await ib.connectAsync("127.0.0.1", port, clientId=7, raiseSyncErrors=True)
        except (ConnectionError, TimeoutError) as error:
            return type(error), codes, (now() - start).total_seconds()
        finally:
            await leave(ib)
        return None, codes, (now() - start).total_seconds()

    return play(scenario, **options)[1]


def test_connecting_takes_no_virtual_time():
    outcome, codes, seconds = connecting()
    assert (outcome, codes, seconds) == (None, [2104, 2106, 2158], pytest.approx(1.0))  # the second of leave()


@pytest.mark.parametrize(
    "fault",
    [
        Fault("out managedAccounts", "silence"),
        Fault("out nextValidId", "silence"),
        Fault("hello", "silence"),
        Fault("hello", "delay 5"),
        Fault("startApi", "mute"),
        Fault("startApi", "error 326"),
    ],
)
def test_a_connection_that_is_not_completed_times_out(fault):
    outcome, codes, seconds = connecting(faults=[fault])
    assert outcome is TimeoutError
    assert 4 <= seconds <= 6
    assert (326 in codes) == (fault.what == "error 326")


@pytest.mark.parametrize(
    "kind", ["reqPositions", "reqOpenOrders", "reqCompletedOrders", "reqAccountUpdates", "reqExecutions"]
)
def test_a_startup_request_without_answer_is_told_by_the_client(kind):
    assert connecting(faults=[Fault(kind, "silence")])[0] is ConnectionError


def test_drop_at_every_message_of_the_start():
    messages = len(run(lambda *_: wait(0))[0].log)
    for index in range(messages):
        outcome, *_ = connecting(faults=[Fault(index, "drop")])
        assert outcome in {None, ConnectionError, TimeoutError}
    assert messages > 20
    assert connecting(faults=[Fault(3, "drop")])[0] is not None
    assert connecting(faults=[Fault("in 4", "drop")])[0] is ConnectionError


def test_versions():
    assert connecting(server_version=156)[0] is TimeoutError
    assert [connecting(server_version=version)[0] for version in (157, 166, 178)] == [None] * 3


def test_a_client_number_is_taken_once():
    async def scenario(gateway, ib):
        codes, other = [], ib_async.IB()
        other.errorEvent += lambda _id, code, *_: codes.append(code)
        with pytest.raises(TimeoutError):
            await other.connectAsync("127.0.0.1", gateway.port, clientId=7)
        assert gateway.clients == [7]
        assert ib.isConnected()
        await leave(ib)
        await other.connectAsync("127.0.0.1", gateway.port, clientId=7)
        await leave(other)
        return codes

    assert 326 in run(scenario)[1]


# Contracts and bars


async def details(ib):
    return await ib.reqContractDetailsAsync(
        ib_async.Contract(secType="STK", secIdType="ISIN", secId=ISIN, exchange="NSE")
    )


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("error 200", []),
        ("two_listings", [("NSE", ISIN, "INR", 1001), ("BSE", ISIN, "INR", 901001)]),
        ("other_isin", [("NSE", "INE000000000", "INR", 1001)]),
        ("other_currency", [("NSE", ISIN, "USD", 1001)]),
        ("other_number", [("NSE", ISIN, "INR", 999999999)]),
    ],
)
def test_wrong_contract_details(what, expected):
    async def scenario(_, ib):
        return [
            (d.contract.exchange, d.secIdList[0].value, d.contract.currency, d.contract.conId)
            for d in await details(ib)
        ]

    assert run(scenario, faults=[Fault("reqContractDetails", what)])[1] == expected


@pytest.mark.parametrize("what", ["error 321", "silence"])
def test_contract_details_that_hang(what):
    async def scenario(_, ib):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(details(ib), 30)

    run(scenario, faults=[Fault("reqContractDetails", what)])


def test_an_unknown_isin_and_a_rule_without_answer():
    async def scenario(_, ib):
        unknown = ib_async.Contract(secType="STK", secIdType="ISIN", secId="INE999A01018", exchange="NSE")
        assert await ib.qualifyContractsAsync(unknown) == [None]
        start = now()
        assert await ib.reqMarketRuleAsync(11001) is None
        return (now() - start).total_seconds()

    assert run(scenario, faults=[Fault("reqMarketRule", "silence")])[1] == pytest.approx(1.0)


async def bars_of(ib, end="", duration="5 Y"):
    contract = await qualified(ib)
    return list(await ib.reqHistoricalDataAsync(contract, end, duration, "1 day", "TRADES", useRTH=True, timeout=60))


@pytest.mark.parametrize(
    ("what", "check"),
    [
        ("error 162", lambda bars: bars == []),
        ("bars_empty", lambda bars: bars == []),
        ("silence", lambda bars: bars == []),
        ("error 321", lambda bars: bars == []),
        ("bars_stale", lambda bars: bars[-1].date == date(2024, 3, 14)),
        ("bars_duplicate", lambda bars: bars[-1].date == bars[-2].date == DAY),
        ("bars_unordered", lambda bars: bars[-2].date == DAY),
        ("bars_nan", lambda bars: math.isnan(bars[-1].close)),
        ("bars_halved", lambda bars: bars[-1].close == 50.0),
        ("bars_few", lambda bars: len(bars) == 20),
    ],
)
def test_wrong_bars(what, check):
    async def scenario(_, ib):
        return await bars_of(ib)

    assert check(run(scenario, faults=[Fault("reqHistoricalData", what)])[1])


def test_a_late_answer_comes_after_the_clients_patience():
    async def scenario(gateway, ib):
        assert await bars_of(ib) == []
        await wait(60)
        assert gateway.log[-1].kind == "historicalData"

    run(scenario, faults=[Fault("reqHistoricalData", "delay 90")])


def test_the_bar_of_today_is_partial_while_the_session_is_on():
    async def scenario(_, ib):
        before = (await bars_of(ib))[-1].date
        seen = []
        for _ in range(3):
            await wait(2.5 * 3600)
            bar = (await bars_of(ib))[-1]
            seen.append((bar.date, bar.open, bar.high, bar.low, bar.close, bar.volume))
        assert len(await bars_of(ib, duration="10 D")) == 10
        assert (await bars_of(ib, end="20240314 23:59:59"))[-1].date == date(2024, 3, 14)
        return before, seen

    _, (before, seen) = run(scenario, start="09:00", rows=((101, 112, 99, 104),))
    assert before == date(2024, 3, 14)
    # 11:30 is 36 % of the session, so 8 % of the way from the low at 99 up to the high at 112.
    assert seen[0] == (DAY, 101.0, 101.0, 99.0, pytest.approx(100.04, abs=0.03), 360.0)
    assert seen[1][2:4] == (112.0, 99.0)
    assert seen[2] == (DAY, 101.0, 112.0, 99.0, 104.0, 1000.0)


# Money


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("bars_nan", [("1000000.00", "INR")]),  # concerns something else
        ("funds_missing", []),
        ("funds_unset", [("1.7976931348623157E308", "INR")]),
        ("funds_negative", [("-1000.00", "INR")]),
        ("funds_in_dollars", [("1000000.00", "USD")]),
    ],
)
def test_available_funds(what, expected):
    async def scenario(_, ib):
        rows = await ib.accountSummaryAsync("DU1234567")
        return [(row.value, row.currency) for row in rows if row.tag == "AvailableFunds"]

    assert run(scenario, faults=[Fault("reqAccountSummary", what)])[1] == expected


def test_two_accounts():
    async def scenario(_, ib):
        return ib.managedAccounts(), [v.value for v in ib.accountValues("U2") if v.tag == "TotalCashValue"]

    accounts = {"DU1234567": 100.0, "U2": 5.0}
    assert run(scenario, accounts=accounts)[1] == (["DU1234567", "U2"], ["5.00"])


# Orders: each scenario places a bracket that is marketable at 100 and returns what client and broker say.


def placing(faults=(), limit=100.0, seconds=5.0, then=None, **options):
    async def scenario(gateway, ib):
        trades = bracket(ib, await qualified(ib), limit=limit)
        await wait(seconds)
        if then is not None:
            await then(gateway, ib, *trades)
            await wait()
        return [trade.orderStatus.status for trade in trades]

    gateway, client = run(scenario, faults=faults, **options)
    return client, [order.status for order in gateway.book.orders.values()], gateway


@pytest.mark.parametrize(
    ("faults", "client", "broker"),
    [
        ([], ["Filled", "PreSubmitted"], ["Filled", "PreSubmitted"]),
        ([Fault("placeOrder", "reject_parent")], ["Cancelled", "Cancelled"], []),
        ([Fault("placeOrder", "reject_child")], ["PendingSubmit", "Cancelled"], ["Held"]),
        ([Fault("placeOrder.child", "error 321")], ["PendingSubmit", "ValidationError"], ["Held"]),
        ([Fault("placeOrder.child", "error 110")], ["PendingSubmit", "Cancelled"], ["Held"]),
        ([Fault("placeOrder", "silence", count=2)], ["PendingSubmit"] * 2, []),
        ([Fault("placeOrder", "no_answer", count=2)], ["PendingSubmit"] * 2, ["Filled", "PreSubmitted"]),
        ([Fault("placeOrder", "duplicate", count=2)], ["Filled", "PreSubmitted"], ["Filled", "PreSubmitted"]),
        ([Fault("placeOrder.child", "warn 399")], ["Filled", "ValidationError"], ["Filled", "PreSubmitted"]),
        ([Fault("placeOrder.child", "cancel 2")], ["Filled", "Cancelled"], ["Filled", "Cancelled"]),
        ([Fault("placeOrder.child", "inactive")], ["Filled", "Inactive"], ["Filled", "Inactive"]),
        ([Fault("placeOrder.parent", "partial 0.4")], ["Submitted", "PreSubmitted"], ["Submitted", "PreSubmitted"]),
        ([Fault("placeOrder", "drop", after=1)], ["PendingSubmit"] * 2, ["Held"]),
        ([Fault("placeOrder", "drop_after", after=1)], ["PendingSubmit"] * 2, ["Filled", "PreSubmitted"]),
        ([Fault("placeOrder", "drop")], ["PendingSubmit"] * 2, []),
    ],
)
def test_what_client_and_broker_say_of_a_bracket(faults, client, broker):
    assert placing(faults)[:2] == (client, broker)


def test_a_read_only_gateway_refuses_and_the_client_believes_that_it_works():
    assert placing(read_only=True)[:2] == (["ValidationError"] * 2, [])


def test_a_price_off_the_tick_and_missing_funds():
    assert placing(limit=100.02)[:2] == (["Cancelled", "Cancelled"], [])
    assert placing(accounts={"DU1234567": 900.0})[:2] == (["Cancelled"] * 2, ["Cancelled"] * 2)


def test_commission_that_never_arrives():
    async def check(_gateway, ib, *_trades):
        assert [fill.commissionReport.execId for fill in ib.fills()] == [""]

    placing([Fault("out commissionReport", "silence", count=math.inf)], then=check)


def test_a_partial_fill_expires_and_its_stop_shrinks():
    async def check(gateway, ib, _parent, child):
        assert [position.position for position in ib.positions()] == [4]
        await wait(6.5 * 3600)
        assert child.order.totalQuantity == 4
        assert len(gateway.book.working()) == 1

    client, broker, _ = placing([Fault("placeOrder.parent", "partial 0.4")], then=check)
    assert (client, broker) == (["Cancelled", "PreSubmitted"], ["Cancelled", "PreSubmitted"])


def test_a_partial_fill_can_be_released():
    async def check(gateway, _ib, parent, _child):
        gateway.release(7, parent.order.orderId)

    assert placing([Fault("placeOrder.parent", "partial 0.4")], then=check)[0] == ["Filled", "PreSubmitted"]


@pytest.mark.parametrize(
    ("fault", "client", "broker"),
    [
        (None, "Cancelled", "Cancelled"),
        (Fault("cancelOrder", "error 10148"), "Cancelled", "PreSubmitted"),  # the client is wrong
        (Fault("cancelOrder", "error 10147"), "Cancelled", "PreSubmitted"),
        (Fault("cancelOrder", "silence"), "PendingCancel", "PreSubmitted"),
        (Fault("cancelOrder", "fill"), "Filled", "Filled"),
        (Fault("cancelOrder", "drop"), "PendingCancel", "PreSubmitted"),
    ],
)
def test_cancelling_the_stop(fault, client, broker):
    async def cancel(_gateway, ib, _parent, child):
        ib.cancelOrder(child.order)

    said = placing([fault] if fault else [], then=cancel)
    assert (said[0][1], said[1][1]) == (client, broker)


def test_an_order_that_is_gone_and_one_of_another_client():
    async def scenario(gateway, ib):
        codes = []
        ib.errorEvent += lambda _id, code, *_: codes.append(code)
        contract = await qualified(ib)
        gateway.enter(Ticket(3, 50, 1001, "DU1234567", "BUY", 1, "LMT", 90.0))
        gateway.enter(Ticket(0, 0, 1001, "DU1234567", "BUY", 1, "LMT", 91.0))
        assert await ib.reqOpenOrdersAsync() == []
        theirs = {trade.order.clientId: trade for trade in await ib.reqAllOpenOrdersAsync()}
        assert sorted(theirs) == [0, 3]
        ib.client.cancelOrder(50)
        parent, _ = bracket(ib, contract)
        await wait()
        ib.client.cancelOrder(parent.order.orderId)
        ib.client.placeOrder(parent.order.orderId, contract, parent.order)
        await wait()
        assert gateway.book.find(3, 50).working
        ib.reqGlobalCancel()
        await wait()
        assert gateway.book.working() == []
        return codes

    assert run(scenario)[1][:3] == [10147, 10148, 103]


def test_a_fill_while_away_is_found_again():
    async def scenario(gateway, port):
        ib = await connected(port)
        bracket(ib, await qualified(ib))
        await wait()
        gateway.drop()
        await wait(6.5 * 3600)
        assert not ib.isConnected()
        ib = await connected(port)
        sides = [fill.execution.side for fill in ib.fills()]
        refs = {trade.order.orderRef: trade.orderStatus.status for trade in ib.trades()}
        await leave(ib)
        return sides, refs

    result = play(scenario, rows=((101, 112, 99, 104),))[1]
    assert result == (["BOT", "SLD"], {"entry": "Filled", "stop": "Filled"})


def test_a_restart_hands_out_ids_again_and_loses_what_was_held():
    async def scenario(gateway, port):
        ib = await connected(port)
        contract = await qualified(ib)
        first = [trade.order.orderId for trade in bracket(ib, contract, limit=90.0)]
        ib.placeOrder(contract, ib_async.LimitOrder("BUY", 1, 80.0, transmit=False))
        await wait()
        gateway.restart(next_id=1, downtime=20)
        with pytest.raises((ConnectionError, TimeoutError)):
            await connected(port)
        await wait(20)
        ib = await connected(port)
        # The client itself skips the ids of open orders that it is told.
        seen = [e.fields[2] for e in gateway.log if e.kind == "nextValidId"], ib.client._reqIdSeq > max(first)
        await leave(ib)
        return seen

    gateway, (ids, skipped) = play(scenario)
    assert ids == [1, 1]
    assert skipped
    assert len(gateway.book.orders) == 2


def test_a_lost_link_swallows_orders_and_fills():
    async def scenario(gateway, ib):
        codes = []
        ib.errorEvent += lambda _id, code, *_: codes.append(code)
        contract = await qualified(ib)
        parent, _ = bracket(ib, contract, limit=99.0)
        await wait()
        gateway.broadcast(1100)
        lost = ib.placeOrder(contract, ib_async.LimitOrder("BUY", 1, 90.0))
        await wait(3 * 3600)
        assert parent.orderStatus.status == "Submitted"
        assert gateway.book.find(7, parent.order.orderId).status == "Filled"
        gateway.broadcast(1102)
        await wait()
        assert ib.isConnected()
        assert gateway.book.find(7, lost.order.orderId) is None
        assert len(await ib.reqExecutionsAsync()) == 1
        return codes

    assert run(scenario, rows=((100, 100, 98, 100),))[1] == [1100, 1102]


def test_silence_without_a_close_is_found_by_asking_the_time():
    async def scenario(gateway, ib):
        assert (await ib.reqCurrentTimeAsync()).timestamp() == int(now().timestamp())
        gateway.fault(Fault("reqCurrentTime", "mute"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ib.reqCurrentTimeAsync(), 10)
        assert ib.isConnected()
        gateway.drop()

    run(scenario)


def test_the_log_tells_the_time_and_the_order():
    gateway = placing()[2]
    placed = gateway.placed()
    assert [entry.client_id for entry in placed] == [7, 7]
    assert placed[0].when == at("09:30")
    told = [entry.kind for entry in gateway.log if entry.when == at("09:30") and entry.direction == "out"]
    assert told.index("execDetails") < told.index("commissionReport")


@pytest.mark.parametrize(
    ("place", "what", "message"),
    [("placeOrders", "drop", "no message"), ("placeOrder", "dropp", "no fault"), ("placeOrder", "error", "no fault"),
     ("placeOrder", "error x", "no number"), ("out position", "error 3", "no fault"), ("in x", "drop", "no message")],
)  # fmt: skip
def test_faults_that_make_no_sense(place, what, message):
    with pytest.raises(engine.InputError, match=message):
        Fault(place, what)


def test_a_clock_set_by_hand_in_real_time():
    moment = [at("09:10")]

    async def main():
        gateway = Gateway(market((101, 112, 99, 104)), clock=lambda: moment[0])
        async with gateway.serve() as port:
            ib = await connected(port)
            parent, child = bracket(ib, await qualified(ib))
            seen = []
            for clock in ("09:10", "09:15", "11:30", "15:30"):
                moment[0] = at(clock)
                gateway.advance()
                await asyncio.sleep(0.02)
                seen.append((parent.orderStatus.status, child.orderStatus.status))
            ib.disconnect()
            await asyncio.sleep(0.01)
        return seen

    waiting = ("PreSubmitted", "PreSubmitted"), ("Submitted", "PreSubmitted")
    assert asyncio.run(main()) == [*waiting, ("Filled", "PreSubmitted"), ("Filled", "Filled")]


def test_an_order_in_a_quiet_market_fills_at_the_price_of_the_moment():
    async def scenario(_, ib):
        contract = await qualified(ib)
        await wait(2.5 * 3600)  # until 11:30, of a day that opened at 101 and fell to 99
        ib.placeOrder(contract, ib_async.MarketOrder("BUY", 1, account="DU1234567"))
        await wait()
        return ib.fills()[0].execution.price, ib.portfolio()[0].position

    price, shares = run(scenario, start="09:00", rows=((101, 112, 99, 104),))[1]
    assert (price, shares) == (pytest.approx(100.04, abs=0.3), 1)


def test_years_pass_in_no_time_while_no_order_works():
    async def scenario(_, ib):
        await wait(365 * 86_400)
        return (await bars_of(ib))[-1].date

    async def main():
        gateway = Gateway(market((100, 100, 100, 100)))
        async with gateway.serve() as port:
            ib = await connected(port)
            try:
                return await scenario(gateway, ib)
            finally:
                await leave(ib)

    assert run_virtual(main(), at("09:00", date(2023, 3, 10))) == date(2024, 3, 8)


def test_what_cannot_be_read_is_told_and_nothing_else_happens():
    async def scenario(gateway, ib):
        codes = []
        ib.errorEvent += lambda _id, code, *_: codes.append(code)
        ib.client.send(999, 1)
        ib.client.send(3, 50, "x")
        ib.client.send(20, 51, await qualified(ib), "", "", "1 day", "5 lightyears", 1, "TRADES", 1, 0, "")
        await wait()
        assert ib.isConnected()
        return codes, gateway.book.orders

    assert run(scenario)[1] == ([320, 320, 320], {})


def test_a_stranger_is_disconnected():
    async def scenario(gateway, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await reader.read() == b""
        writer.close()
        return gateway.log

    assert play(scenario)[1] == []


def test_the_same_scenario_gives_the_same_log():
    first, second = (
        [(e.when, e.direction, e.client_id, e.kind, e.fields) for e in placing(rows=((101, 112, 99, 104),))[2].log]
        for _ in range(2)
    )
    assert first == second
