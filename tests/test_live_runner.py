"""A whole run of the bot, through the real client, against the simulated gateway in virtual time."""

import asyncio
from datetime import date, datetime, time, timedelta

import numpy as np
import pandas as pd
import pytest

import engine
from engine.terms import AccountTerms
from live.acting import Patience
from live.broker import Broker
from live.facts import Door
from live.gateway import KOLKATA, Fault, Gateway, Listing, Market, VirtualClock, run_virtual
from live.protection import cover_of
from live.runner import Runner, Status
from live.schema import Instrument
from live.sessions import Run, session_on
from live.strategy import Strategy
from tests.test_live_broker import ACCOUNT, Notes

DAY = date(2026, 3, 16)
PATIENCE = Patience(fill=60.0, confirm=20.0, poll=1.0)
STRATEGY = Strategy(fast=2, slow=5, stop=engine.TrailingStop(2.0, 3), terms=AccountTerms(), risk=0.02)
NAMES = {"RELIANCE": "INE002A01018", "TCS": "INE467B01029"}
SHARES = tuple(Instrument(isin=isin, symbol=symbol, closing_auction=False) for symbol, isin in NAMES.items())
GOLDEN = (100, 99, 98, 97, 96, 95, 94, 99)
DEATH = (94, 95, 96, 97, 98, 99, 100, 95)
FALLING = (100, 99, 98, 97, 96, 95, 94, 93)
RISING = (93, 94, 95, 96, 97, 98, 99, 100)


def history(symbol, closes):
    """Make bars that end with these closes on DAY, one currency unit wide, each opening at the close before."""
    dates = pd.bdate_range(end=DAY, periods=1300)
    close = np.full(len(dates), float(closes[0]))
    close[-len(closes) :] = closes
    open_ = np.r_[close[0], close[:-1]]
    high, low = np.maximum(open_, close) + 1, np.minimum(open_, close) - 1
    return engine.History(symbol, dates, open_, high, low, close, np.full(len(dates), 1000.0), "INR")


def play(
    closes, *, send=True, runs=1, before=None, start="15:20", strategy=STRATEGY, after=None, cash=1_000_000.0, **options
):
    """Run the bot once or more often on DAY; give the gateway, the reports, and what was recorded."""
    prices = engine.Prices.from_histories([history(symbol, closes[symbol]) for symbol in closes])
    shares = tuple(share for share in SHARES if share.symbol in closes)
    listings = [Listing(share.isin, share.symbol, 1001 + i) for i, share in enumerate(shares)]
    notes, reports = Notes(), []

    async def main():
        gateway = Gateway(Market(prices, listings), {ACCOUNT: cash}, **options)
        session = session_on(DAY)
        window = Run(session.close - timedelta(minutes=15), session.close, session, shares)
        async with gateway.serve() as port:
            if before:
                await before(gateway, port)
            for _ in range(runs):
                broker = Broker(Door("127.0.0.1", port, 7, ACCOUNT))
                runner = Runner(broker, notes, VirtualClock(), strategy, send=send, patience=PATIENCE)
                reports.append(await runner.run(window))
                await asyncio.sleep(1.0)
            if after:
                await after(gateway, port)
        return gateway

    moment = datetime.combine(DAY, time.fromisoformat(start), KOLKATA)
    return run_virtual(main(), moment), reports, notes


def positions(gateway):
    return {symbol: quantity for symbol, quantity in gateway.book.accounts[ACCOUNT].positions.items() if quantity}


def bought(gateway):
    return [order for order in gateway.placed() if "BUY" in order.fields]


async def hold(_gateway, port, quantity=10, stop=True):
    """Buy shares with another run's bracket, so that there is something to hold."""
    broker = Broker(Door("127.0.0.1", port, 7, ACCOUNT))
    await broker.connect()
    pinned = await broker.pin(NAMES["RELIANCE"], "RELIANCE", "NSE", "INR")
    from live.facts import OrderRequest

    orders = [OrderRequest("old", "BUY", "MKT", quantity)]
    if stop:
        orders.append(OrderRequest("old-stop", "SELL", "TRAIL", quantity, trail=9.0, time_in_force="GTC", stop=80.0))
    broker.send(broker.number(pinned, orders))
    await asyncio.sleep(60)
    truth = await broker.truth()
    assert truth.positions == {pinned.con_id: quantity}
    broker.disconnect()
    await asyncio.sleep(1)


def test_a_golden_cross_is_bought_with_its_stop():
    gateway, (report,), notes = play({"RELIANCE": GOLDEN})
    text = "\n".join(report.lines)
    assert report.status is Status.DONE, text
    assert "RELIANCE: golden cross at the last close." in report.lines
    assert "shares are under a stop." in text
    assert len(gateway.placed()) == 2
    assert not notes.alarms


def test_a_dry_run_sends_nothing():
    gateway, (report,), _ = play({"RELIANCE": GOLDEN}, send=False)
    assert report.status is Status.DONE
    assert gateway.placed() == []
    assert any(line.startswith("Would buy ") for line in report.lines)


def test_the_size_is_that_of_the_portfolio():
    _, (report,), _ = play({"RELIANCE": GOLDEN}, send=False)
    line = next(line for line in report.lines if line.startswith("Would buy "))
    reading = engine.portfolio(
        engine.Prices.from_histories([history("RELIANCE", GOLDEN)]),
        2,
        5,
        STRATEGY.stop,
        fill="close",
        capital=1_000_000.0,
    )
    signal = reading.signals.iloc[-1]
    assert float(line.split()[2]) == signal["wanted"] == np.floor(0.02 * 1_000_000 / signal["distance"])


def test_nothing_is_done_twice_on_one_day():
    gateway, reports, _ = play({"RELIANCE": GOLDEN}, runs=3)
    assert len(gateway.placed()) == 2
    assert [report.status for report in reports] == [Status.DONE] * 3


def test_a_death_cross_is_sold_after_its_stop_is_gone():
    gateway, (report,), notes = play({"RELIANCE": DEATH}, before=hold)
    assert report.status is Status.DONE, report.lines
    assert "RELIANCE: sold 10 shares." in report.lines
    kinds = [entry.kind for entry in gateway.log if entry.kind in ("placeOrder", "cancelOrder")]
    assert kinds == ["placeOrder", "placeOrder", "cancelOrder", "placeOrder"]
    assert not notes.alarms


def test_a_missed_death_cross_is_made_up_for():
    _, (report,), _ = play({"RELIANCE": FALLING}, before=hold)
    assert "RELIANCE: the fast average is below the slow one: a death cross was missed." in report.lines
    assert "RELIANCE: sold 10 shares." in report.lines


def test_what_is_held_without_a_stop_gets_one():
    async def unprotected(gateway, port):
        await hold(gateway, port, stop=False)

    async def look(_gateway, port):
        broker = Broker(Door("127.0.0.1", port, 9, ACCOUNT))
        await broker.connect()
        cover = cover_of(await broker.truth(), 1001)
        assert (cover.held, cover.stopped) == (10, 10)
        broker.disconnect()
        await asyncio.sleep(1)

    _, (report,), _ = play({"RELIANCE": RISING}, before=unprotected, after=look)
    assert report.status is Status.DONE, report.lines


def test_a_held_share_that_cannot_be_read_is_judged_all_the_same():
    async def unprotected(gateway, port):
        await hold(gateway, port, stop=False)

    fault = Fault("reqHistoricalData", "bars_stale")
    _, (report,), notes = play({"RELIANCE": RISING}, before=unprotected, faults=[fault])
    assert any(line.startswith("Skipped RELIANCE: ") for line in report.lines)
    assert report.status is Status.ALARM, report.lines
    assert any("under no stop" in text for text in notes.alarms)


def test_a_dry_run_says_that_a_stop_is_missing():
    async def unprotected(gateway, port):
        await hold(gateway, port, stop=False)

    gateway, (report,), _ = play({"RELIANCE": RISING}, before=unprotected, send=False)
    assert report.status is Status.ALARM
    assert len(gateway.placed()) == 1


def test_late_is_late():
    gateway, (report,), _ = play({"RELIANCE": GOLDEN}, start="15:31")
    assert gateway.placed() == []
    assert any("the time for entries is over" in line for line in report.lines)


def test_the_stronger_cross_comes_first_when_there_is_room_for_one():
    strong = (100, 99, 98, 97, 96, 95, 94, 103)
    strategy = Strategy(fast=2, slow=5, stop=STRATEGY.stop, terms=AccountTerms(max_positions=1))
    gateway, (report,), _ = play({"RELIANCE": GOLDEN, "TCS": strong}, strategy=strategy)
    assert "TCS: bought" in "\n".join(report.lines)
    assert any("RELIANCE: not bought, 1 position is open already, or on the way" in line for line in report.lines)
    assert len(gateway.placed()) == 2


def test_entries_share_the_money_and_are_sent_together():
    """As in ``engine.portfolio``: what the first one spends, the second one does not have."""
    strategy = Strategy(fast=2, slow=5, stop=STRATEGY.stop, risk=0.05)
    closes = {"RELIANCE": GOLDEN, "TCS": GOLDEN}
    _, (alone,), _ = play({"TCS": GOLDEN}, strategy=strategy, cash=100_000.0, send=False)
    gateway, (report,), notes = play(closes, strategy=strategy, cash=100_000.0)
    assert report.status is Status.DONE, report.lines
    placed = [float(order.fields[order.fields.index("BUY") + 1]) for order in bought(gateway)]
    wanted = float(next(line for line in alone.lines if line.startswith("Would buy ")).split()[2])
    assert placed[0] == wanted
    assert 0 < placed[1] < wanted
    (limit,) = {float(order.fields[order.fields.index("LMT") + 1]) for order in bought(gateway)}
    assert (sum(placed) + 1) * limit > 100_000 >= sum(placed) * limit
    kinds = [kind for kind, *_ in notes.kinds]
    assert kinds == ["intent"] * 4 + ["sent"] * 4
    log = [entry.kind for entry in gateway.log if entry.direction == "in"]
    first = log.index("placeOrder")
    assert log[first : first + 4] == ["placeOrder"] * 4


def test_an_open_buy_takes_room():
    async def working(_gateway, port):
        broker = Broker(Door("127.0.0.1", port, 7, ACCOUNT))
        await broker.connect()
        pinned = await broker.pin(NAMES["TCS"], "TCS", "NSE", "INR")
        from live.facts import OrderRequest

        broker.send(broker.number(pinned, [OrderRequest("by hand", "BUY", "LMT", 1, limit=50.0)]))
        await asyncio.sleep(1)
        broker.disconnect()
        await asyncio.sleep(1)

    strategy = Strategy(fast=2, slow=5, stop=STRATEGY.stop, terms=AccountTerms(max_positions=1))
    gateway, (report,), _ = play({"RELIANCE": GOLDEN, "TCS": RISING}, strategy=strategy, before=working)
    assert any("RELIANCE: not bought, 1 position is open already" in line for line in report.lines), report.lines
    assert len(bought(gateway)) == 1


def test_no_buy_is_open_when_the_time_for_entries_is_over():
    """A limit that is not reached is cancelled before the deadline, however patient the bot is."""

    async def look(gateway, _port):
        cancelled = [entry for entry in gateway.log if entry.kind == "cancelOrder"]
        assert cancelled
        assert cancelled[0].when.time() < session_on(DAY).close.time()

    fault = Fault("placeOrder.parent", "partial 0.0", count=float("inf"))
    _, (report,), _ = play({"RELIANCE": GOLDEN}, start="15:28", faults=[fault], after=look)
    assert any("nothing was bought" in line for line in report.lines), report.lines


DATA_FAULTS = [
    Fault("reqContractDetails", "error 200"),
    Fault("reqContractDetails", "error 321"),
    Fault("reqContractDetails", "silence"),
    Fault("reqMarketRule", "silence"),
    Fault("reqHistoricalData", "error 162"),
    Fault("reqHistoricalData", "silence"),
    *(
        Fault("reqHistoricalData", what)
        for what in ("bars_empty", "bars_stale", "bars_duplicate", "bars_nan", "bars_unordered", "bars_halved")
    ),
]


@pytest.mark.parametrize("fault", DATA_FAULTS, ids=lambda fault: f"{fault.at}-{fault.what}")
def test_doubtful_data_is_a_skipped_share(fault):
    gateway, (report,), _ = play({"RELIANCE": GOLDEN}, faults=[fault])
    unknown = fault.what == "error 200"  # no such listing: that does not mend itself
    assert report.status is (Status.ALARM if unknown else Status.SKIPPED), report.lines
    assert gateway.placed() == []
    assert any(line.startswith("Skipped RELIANCE: ") for line in report.lines)


def test_no_gateway_is_one_line_and_nothing_sent():
    async def main():
        broker = Broker(Door("127.0.0.1", 9, 7, ACCOUNT))
        session = session_on(DAY)
        window = Run(session.open, session.close, session, SHARES)
        return await Runner(broker, Notes(), VirtualClock(), STRATEGY).run(window)

    report = run_virtual(main(), datetime(2026, 3, 16, 15, 20, tzinfo=KOLKATA))
    assert report.status is Status.UNREACHABLE
    assert len(report.lines) == 1


@pytest.mark.parametrize("index", range(40))
def test_a_connection_dropped_anywhere_never_leaves_two_orders_or_a_naked_share(index):
    """Drop at one message in; run again twice, and look."""
    gateway, reports, notes = play({"RELIANCE": GOLDEN}, runs=3, faults=[Fault(f"in {index}", "drop")])
    book = gateway.book
    # One that was never transmitted is known to the gateway alone, and can buy nothing.
    entries = [order for order in book.orders.values() if order.ticket.action == "BUY" and order.status != "Held"]
    text = "\n".join(line for report in reports for line in report.lines)
    assert len(entries) <= 1, (text, [(order.status, order.ticket) for order in entries])
    assert reports[-1].status in (Status.DONE, Status.SKIPPED) or notes.alarms, text


def test_a_sale_that_does_not_fill_is_under_a_stop_again_before_the_last_entry():
    async def held(gateway, port):
        await hold(gateway, port)
        gateway.fault(Fault("placeOrder", "partial 0"))  # the sale: it stays open

    gateway, (report,), _ = play(
        {"RELIANCE": DEATH}, before=held, start="15:27:50"
    )  # some 61 seconds pass before the run
    assert report.status is Status.ALARM
    assert "10 shares are under a stop." in "\n".join(report.lines)
    close = datetime.combine(DAY, session_on(DAY).close.time(), KOLKATA)
    sent = [entry.when for entry in gateway.log if entry.kind in ("placeOrder", "cancelOrder")]
    assert max(sent) < close - timedelta(seconds=20)
