"""Two clients that the broker itself has written read what the gateway writes, and the gateway reads what they write.

They are looked for in the folders of ``.official`` (``.ci/run`` puts them there): both packages are called ibapi, so each runs in a process of its own.
"""

import asyncio
import contextlib
import json
import os
import sys
import time
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import engine
from live.gateway import KOLKATA, Gateway, Listing, Market
from live.gateway.recorder import Recorder
from live.gateway.recording_reader import read_recording

ROOT = Path(__file__).parent.parent
FOLDERS = {"ibapi-9.81": 157, "ibapi-10.46": 178}
ISIN, ACCOUNT, DAY = "INE002A01018", "DU1234567", date(2026, 2, 24)


def gateway_of_the_day():
    """Serve in real time that begins at ten in the morning of DAY."""
    dates = pd.bdate_range(end=DAY, periods=30)
    flat = np.full(len(dates), 100.0)
    prices = engine.History("RELIANCE", dates, flat, flat + 1, flat - 1, flat, np.full(len(dates), 1e6), "INR")
    begun, start = time.monotonic(), datetime(2026, 2, 24, 10, 0, tzinfo=KOLKATA)
    market = Market(engine.Prices.from_histories([prices]), [Listing(ISIN, "RELIANCE", 1001)])
    return Gateway(market, {ACCOUNT: 1_000_000.0}, clock=lambda: start + timedelta(seconds=time.monotonic() - begun))


@contextlib.asynccontextmanager
async def reached(gateway, recording):
    """Serve, through a recorder if there is a file for it; give the port."""
    async with gateway.serve() as port:
        if recording is None:
            yield port
            return
        async with Recorder(recording, port).serve() as here:
            yield here


async def read_back(folder, limit, recording=None):
    gateway = gateway_of_the_day()
    environment = os.environ | {"PYTHONPATH": str(folder)}
    async with reached(gateway, recording) as port:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            ROOT / "tests/official_client.py",
            str(port),
            str(limit),
            env=environment,
            stdout=-1,
            stderr=-1,
        )
        out, said = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode == 0, said.decode()[-3000:]
    return gateway, json.loads(out)


@pytest.mark.parametrize("name", FOLDERS)
def test_an_official_client_reads_the_same(name):
    folder = ROOT / ".official" / name
    if not folder.is_dir():
        pytest.skip(f"{name} is not installed in {folder}")
    gateway, read = asyncio.run(read_back(folder, 95.0))
    assert read["version"] == FOLDERS[name]
    details = read["contractDetails"][0]
    assert (details["conId"], details["symbol"], details["exchange"]) == ("1001", "RELIANCE", "NSE")
    assert details["ids"] == [["ISIN", ISIN]]
    assert read["marketRule"][0][1] == [[0.0, 0.05]]
    assert len(read["bars"]) == 10
    assert read["bars"][-1][0] == "20260224"
    orders = {order.ticket.reference: order for order in gateway.book.orders.values()}
    check_bracket(read["openOrder"][:2], orders["parent"], orders["child"])
    check_fill(gateway, read)
    assert {order.ticket.reference: order.status for order in gateway.book.orders.values()} == {
        "by market": "Filled",
        "parent": "Cancelled",
        "child": "Cancelled",
    }


@pytest.mark.parametrize("name", FOLDERS)
def test_all_that_an_official_client_says_has_a_layout(name, tmp_path):
    folder = ROOT / ".official" / name
    if not folder.is_dir():
        pytest.skip(f"{name} is not installed in {folder}")
    gateway, _ = asyncio.run(read_back(folder, 95.0, tmp_path / "x"))
    told = [line for line in read_recording(tmp_path / "x") if line.what == "frame"]
    assert len(told) == len(gateway.log)
    assert sum(line.fields[0] == "3" and line.sender == "client" for line in told) == len(gateway.placed()) >= 3
    assert ACCOUNT not in (tmp_path / "x").read_text()


def check_bracket(rows, parent, child):
    first, second = sorted(rows, key=lambda row: row["id"])
    assert [first["id"], second["id"]] == [parent.ticket.order_id, child.ticket.order_id]
    assert (first["orderType"], float(first["lmtPrice"]), first["tif"]) == ("LMT", 95.0, "DAY")
    assert (first["action"], float(first["totalQuantity"]), first["orderRef"]) == ("BUY", 10.0, "parent")
    assert (second["orderType"], float(second["auxPrice"]), float(second["trailStopPrice"])) == ("TRAIL", 12.5, 82.5)
    assert (second["parentId"], second["tif"], second["orderRef"]) == (str(parent.ticket.order_id), "GTC", "child")
    assert (second["account"], second["permId"]) == (ACCOUNT, str(child.perm_id))


def check_fill(gateway, read):
    (execution,) = gateway.book.executions
    for row in read["execDetails"]:
        assert (row["side"], float(row["shares"]), row["orderRef"]) == ("BOT", 10, "by market")
        assert row["execId"] == execution.exec_id
    assert [[*row[:2], float(row[2])] for row in read["position"]] == [[ACCOUNT, 1001, 10.0]]
    assert [one for one in read["commission"] if one[0] == execution.exec_id]
