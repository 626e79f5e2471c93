"""The simulated gateway, talked to by the real client over sockets in virtual time."""

import asyncio
from datetime import date, datetime

import ib_async
import numpy as np
import pandas as pd
import pytest

import engine
from live.gateway import KOLKATA, Gateway, Listing, Market, run_virtual

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

    async def scenario(gateway, port):
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
