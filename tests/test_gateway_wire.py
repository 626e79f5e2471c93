"""The text protocol: frames split anywhere, and formats against the real client's encoder and decoder."""

import asyncio
import struct
from datetime import datetime

import ib_async
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ib_async.client import Client
from ib_async.decoder import Decoder as RealDecoder
from ib_async.objects import ExecutionFilter

from live.gateway import KOLKATA, Listing, messages, messages_order, messages_out
from live.gateway.market import Bar
from live.gateway.orders import Execution, Order, Ticket
from live.gateway.wire import GREETING, UNSET, Decoder, WireError, encode, text

FIELD = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
VERSIONS = [157, 158, 159, 160, 162, 163, 164, 166, 169, 170, 176, 177, 178]


@pytest.fixture(autouse=True)
def loop():
    """Give the real client a loop that is closed again: without one it makes its own, and leaves it."""
    made = asyncio.new_event_loop()
    asyncio.set_event_loop(made)
    yield
    asyncio.set_event_loop(None)
    made.close()


LISTING = Listing("INE002A01018", "RELIANCE", 1001)
NOON = datetime(2024, 3, 15, 12, 0, tzinfo=KOLKATA)
TICKET = Ticket(7, 3, 1001, "DU1", "SELL", 10, "TRAIL", None, 12.5, "GTC", "stop", True, 2, 2487.55)


@given(st.lists(st.lists(FIELD, min_size=1, max_size=5), min_size=1, max_size=4), st.data())
def test_any_split_gives_the_same_messages(rows, data):
    stream = GREETING + b"".join(encode(*row) for row in rows)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    decoder = Decoder(greeting=True)
    parts = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [message for part in parts for message in decoder.feed(part)] == [tuple(row) for row in rows]


@given(st.lists(st.lists(FIELD, min_size=1, max_size=5), min_size=1, max_size=4))
def test_split_at_every_byte(rows):
    stream = GREETING + b"".join(encode(*row) for row in rows)
    for cut in range(len(stream) + 1):
        decoder = Decoder(greeting=True)
        assert decoder.feed(stream[:cut]) + decoder.feed(stream[cut:]) == [tuple(row) for row in rows]
    decoder = Decoder(greeting=True)
    assert [m for i in range(len(stream)) for m in decoder.feed(stream[i : i + 1])] == [tuple(row) for row in rows]


def test_fields_are_written_as_the_official_clients_read_them():
    # ibapi 9.81 does int() on quantities: a whole number has no point.
    assert [text(value) for value in (True, False, None, 10.0, 10.5, 3, "a")] == ["1", "0", "", "10", "10.5", "3", "a"]
    with pytest.raises(WireError, match="NUL"):
        encode("a\0b")
    with pytest.raises(WireError, match="too long"):
        encode("a" * 2**24)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1", GREETING + struct.pack(">I", 0), GREETING + b"\xff\xff\xff\xff"])
def test_what_is_no_protocol_is_refused(data):
    with pytest.raises(WireError):
        Decoder(greeting=True).feed(data)


class _Wrapper:
    """Keeps what the real decoder calls; takes the place of the client's wrapper."""

    def __init__(self):
        self.calls = []
        self.ib = ib_async.IB()
        self.defaultTimezone = KOLKATA

    def __getattr__(self, name):
        return lambda *args: self.calls.append((name, args))


def client(version):
    """Make a real client whose messages come back as decoded fields."""
    made = Client(_Wrapper())
    made._serverVersion, made.connState = version, Client.CONNECTED
    sent = []
    made.conn.sendMsg = lambda data: sent.extend(Decoder().feed(data))
    made.MaxRequests = 0
    return made, sent


def decoded(message, version):
    """Let the real decoder read a message; it must not complain."""
    wrapper = _Wrapper()
    decoder = RealDecoder(wrapper, version)
    fields = list(Decoder().feed(message.frame())[0])
    decoder.handlers[int(fields[0])](fields)
    return wrapper.calls


CONTRACT = ib_async.Contract(conId=1001, symbol="RELIANCE", secType="STK", exchange="NSE", currency="INR")


@pytest.mark.parametrize("version", VERSIONS)
def test_orders_are_read_to_the_last_field(version):
    real, sent = client(version)
    child = ib_async.Order(
        action="SELL", orderType="TRAIL", totalQuantity=10, auxPrice=12.5, trailStopPrice=2487.55, parentId=2,
        orderRef="stop", tif="GTC", account="DU1", hedgeType="D", hedgeParam="1", scalePriceIncrement=1.0,
        algoStrategy="Adaptive", algoParams=[ib_async.TagValue("adaptivePriority", "Normal")],
    )  # fmt: skip
    real.placeOrder(3, CONTRACT, child)
    child.hedgeType, child.algoStrategy, child.scalePriceIncrement = "", "", ib_async.util.UNSET_DOUBLE
    real.placeOrder(3, CONTRACT, child)
    for fields in sent:
        request = messages.parse(fields)
        contract, ticket = messages.ticket(request, 7, version)
        assert (contract.con_id, contract.exchange) == (1001, "NSE")
        assert ticket == TICKET
        assert messages.parent_of(request) == 2
        for wrong in (fields[:-1], (*fields, "")):
            with pytest.raises(WireError):
                messages.ticket(messages.parse(wrong), 7, version)
    assert version != 178 or len(sent[1]) == 1 + 113


def test_other_requests_are_named_and_read():
    real, sent = client(178)
    real.reqContractDetails(5, ib_async.Contract(secIdType="ISIN", secId="INE002A01018", exchange="NSE"))
    real.reqHistoricalData(6, CONTRACT, "", "5 Y", "1 day", "TRADES", True, 1, False, [])
    real.cancelOrder(9)
    real.reqExecutions(8, ExecutionFilter())
    real.reqAccountSummary(4, "All", "AvailableFunds")
    read = [messages.parse(fields) for fields in sent]
    assert [(request.kind, request.identifier) for request in read] == [
        ("reqContractDetails", 5), ("reqHistoricalData", 6), ("cancelOrder", 9), ("reqExecutions", 8), ("reqAccountSummary", 4),
    ]  # fmt: skip
    assert messages.contract_query(read[0]).isin == "INE002A01018"
    query = messages.history_query(read[1])
    assert (query.contract.con_id, query.end, query.size, query.duration, query.what) == (
        1001,
        "",
        "1 day",
        "5 Y",
        "TRADES",
    )
    with pytest.raises(WireError, match="does not know"):
        messages.parse(("999", "1"))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_real_client_reads_orders_and_executions(version):
    order = Order(TICKET, 77, "PreSubmitted", filled=4, average=2500.25, last=2500.5, stop=2490.05)
    ((name, (number, contract, told, state)),) = decoded(messages_order.open_order(order, LISTING, version), version)
    assert (name, number, contract.conId, state.status) == ("openOrder", 3, 1001, "PreSubmitted")
    assert (told.action, told.totalQuantity, told.orderType, told.auxPrice) == ("SELL", 10, "TRAIL", 12.5)
    assert (told.trailStopPrice, told.parentId, told.orderRef, told.permId) == (2490.05, 2, "stop", 77)
    assert (told.tif, told.clientId, told.account) == ("GTC", 7, "DU1")
    ((name, args),) = decoded(messages_order.order_status(order), version)
    assert (name, args[:10]) == ("orderStatus", (3, "PreSubmitted", 4.0, 6.0, 2500.25, 77, 2, 2500.5, 7, "child"))
    done = Order(TICKET, 77, "Filled", filled=10, done_at=NOON)
    ((name, (_, told, state)),) = decoded(messages_order.completed_order(done, LISTING, 76, version), version)
    assert (name, state.status, told.filledQuantity, told.parentPermId) == ("completedOrder", "Filled", 10, 76)
    assert (told.orderRef, told.permId, state.completedStatus) == ("stop", 77, "Filled Size: 10")
    execution = Execution("e.01", order, NOON, 4, 2500.25, 3.0, None)
    ((name, (_, contract, fill)),) = decoded(messages_out.execution_details(-1, LISTING, execution, version), version)
    assert (name, contract.conId, fill.shares, fill.price, fill.side) == ("execDetails", 1001, 4, 2500.25, "SLD")
    assert (fill.time, fill.orderRef, fill.cumQty, fill.permId) == (NOON, "stop", 4, 77)
    ((name, (report,)),) = decoded(messages_out.commission(execution, "INR"), version)
    assert (name, report.execId, report.commission) == ("commissionReport", "e.01", 3.0)
    assert report.realizedPNL == float(UNSET)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_real_client_reads_contracts_bars_and_accounts(version):
    ((name, (number, details)),) = decoded(messages_out.contract_details(5, LISTING, NOON, version), version)
    assert (name, number, details.contract.conId, details.contract.currency) == ("contractDetails", 5, 1001, "INR")
    assert (details.secIdList[0].tag, details.secIdList[0].value) == ("ISIN", LISTING.isin)
    assert (details.minTick, details.marketRuleIds, details.timeZoneId) == (0.05, "11001", "Asia/Kolkata")
    assert version < 164 or (details.minSize, details.sizeIncrement) == (1.0, 1.0)
    calls = decoded(messages_out.bars(6, [Bar(NOON.date(), 1.0, 2.0, 0.5, 1.5, 100.0)]), version)
    assert (calls[0][1][1].date, calls[0][1][1].close) == ("20240315", 1.5)
    assert [name for name, _ in calls] == ["historicalData", "historicalDataEnd"]
    ((name, args),) = decoded(messages_out.error(3, 201, "no", version), version)
    assert (name, args) == ("error", (3, 201, "no", ""))
    ((name, args),) = decoded(messages_out.portfolio("DU1", LISTING, 2, 10.0, 9.0, 1.0), version)
    assert (name, args[1:]) == ("updatePortfolio", (2.0, 10.0, 20.0, 9.0, 2.0, 1.0, "DU1"))
    ((name, args),) = decoded(messages_out.position("DU1", LISTING, 2, 9.0), version)
    assert (name, args[0], args[2:]) == ("position", "DU1", (2.0, 9.0))
    ((name, args),) = decoded(messages_out.market_rule(1, ((0.0, 0.05), (250.0, 0.1))), version)
    assert (name, [(step.lowEdge, step.increment) for step in args[1]]) == ("marketRule", [(0.0, 0.05), (250.0, 0.1)])
