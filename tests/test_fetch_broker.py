"""Daily bars from the broker, through the real client, against the simulated gateway in virtual time: ten minutes of waiting take none."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import engine
import live.facts
import live.gateway.switchboard
from engine.prices.fetching import Wanted, fetch
from engine.prices.store import Store
from live.broker import Broker
from live.command import app
from live.facts import Door
from live.fetching import LIMIT, WINDOW, BrokerSource, Pace
from live.gateway import KOLKATA, Fault, Gateway, Listing, Market, VirtualClock, now, run_virtual
from live.schema import is_isin

ACCOUNT, DAY = "DU1234567", date(2026, 3, 4)
DATES = pd.bdate_range(end=DAY, periods=1300)


SLOW = Fault("reqContractDetails", "delay 0.2", count=float("inf"))


def isin_of(number):
    """An ISIN of a made-up share."""
    body = f"INE{number:06d}01"
    return next(f"{body}{digit}" for digit in range(10) if is_isin(f"{body}{digit}"))


def market(count=3):
    names = [f"S{number:03d}" for number in range(count)]
    simulated = engine.simulate(names, len(DATES), seed=4)
    histories = [
        engine.History(h.symbol, DATES, h.open, h.high, h.low, h.close, h.volume, "INR")
        for h in map(simulated.__getitem__, names)
    ]
    listings = [Listing(isin_of(number), name, 1001 + number) for number, name in enumerate(names)]
    return Market(engine.Prices.from_histories(histories), listings)


def play(folder, wanted, when="20:00", day=DAY, count=3, faults=(), scenario=None, **options):
    """Fetch in virtual time; give the outcome, the gateway and what was said."""
    said = []

    async def main():
        # Each answer takes a while: the client holds back its 46th message of a second until the clock goes on, which a virtual one would never do by itself.
        gateway = Gateway(market(count), faults=[*faults, SLOW])
        async with gateway.serve() as port:
            broker = Broker(Door("127.0.0.1", port, 27, ACCOUNT))
            await broker.connect()
            source = BrokerSource(broker, VirtualClock(), said.append)
            job = fetch(source, wanted, Store(folder), now=now, **options)
            try:
                outcome = await (scenario(gateway, job) if scenario else job)
            finally:
                broker.disconnect()
                await asyncio.sleep(0.1)
        return outcome, gateway, said

    return run_virtual(main(), datetime.combine(day, datetime.strptime(when, "%H:%M").time(), KOLKATA))  # noqa: DTZ007


def asked_at(gateway):
    return [entry.when for entry in gateway.log if (entry.direction, entry.kind) == ("in", "reqHistoricalData")]


def test_by_isin_and_by_symbol(tmp_path):
    wanted = [Wanted("", isin_of(0)), Wanted("MINE", isin_of(1)), Wanted("S002", "S002")]
    outcome, gateway, _ = play(tmp_path, wanted)
    assert outcome.failures == {}
    assert [one.symbol for one in outcome.updates] == ["S000", "MINE", "S002"]
    stored, true = engine.load(tmp_path), gateway.market.prices
    first = int(DATES.searchsorted(pd.Timestamp("2021-03-04")))  # five years before, without the day itself
    for name, symbol in (("S000", "S000"), ("MINE", "S001"), ("S002", "S002")):
        assert len(stored[name]) == pytest.approx(len(DATES) - first, abs=2)
        at = len(DATES) - len(stored[name])
        for field in ("open", "high", "low", "close"):
            assert getattr(stored[name], field).tolist() == getattr(true[symbol], field)[at:].tolist()
        assert stored[name].currency == "INR"
        assert stored[name].dates[-1].date() == DAY


@pytest.mark.parametrize(
    ("when", "last"),
    [("12:00", date(2026, 3, 3)), ("15:59", date(2026, 3, 3)), ("16:00", DAY), ("08:00", date(2026, 3, 3))],
)
def test_the_bar_of_a_session_that_is_not_over_is_left_out(tmp_path, when, last):
    play(tmp_path, [Wanted("S000", "S000")], when)
    assert engine.load(tmp_path)["S000"].dates[-1].date() == last
    assert Store(tmp_path).read("S000").unfinished is (when in ("12:00", "15:59"))


def test_the_next_evening_adds_one_bar_and_finds_no_revision(tmp_path):
    play(tmp_path, [Wanted("S000", "S000")], "12:00")
    outcome, *_ = play(tmp_path, [Wanted("S000", "S000")], "20:00")
    assert [(one.change, one.added) for one in outcome.updates] == [("added", 1)]


def test_no_more_than_sixty_requests_in_ten_minutes(tmp_path):
    wanted = [Wanted("", isin_of(number)) for number in range(130)]
    outcome, gateway, said = play(tmp_path, wanted, count=130)
    times = asked_at(gateway)
    assert len(outcome.updates) == len(times) == 130
    for i in range(len(times) - LIMIT):
        assert times[i + LIMIT] - times[i] > timedelta(seconds=WINDOW)
    assert times[-1] - times[0] < timedelta(seconds=2.2 * WINDOW)  # two waits, and not one more
    assert len(said) == 2
    assert said[0].startswith("Waiting 589 seconds")
    assert said[0].endswith(": the broker allows 60 requests in 10 minutes.")


def test_a_broker_that_finds_it_too_much_is_waited_for(tmp_path, monkeypatch):
    words = "Historical Market Data Service error message:Historical data request pacing violation"
    monkeypatch.setitem(live.gateway.switchboard.CODES, 162, words)
    fault = Fault("reqHistoricalData", "error 162", count=2)
    outcome, gateway, said = play(tmp_path, [Wanted("S000", "S000")], faults=[fault])
    assert [one.change for one in outcome.updates] == ["new"]
    assert said == ["The broker says that there were too many requests; waiting 10 minutes."] * 2
    times = asked_at(gateway)
    assert [after - before > timedelta(seconds=WINDOW) for before, after in pairwise(times)] == [True] * 2
    stubborn = Fault("reqHistoricalData", "error 162", count=9)
    outcome, gateway, _ = play(tmp_path / "other", [Wanted("S000", "S000")], faults=[stubborn])
    assert "pacing violation" in outcome.failures["S000"]
    assert len(asked_at(gateway)) == 3


def test_any_other_162_is_a_failure_at_once(tmp_path):
    outcome, gateway, said = play(
        tmp_path, [Wanted("S000", "S000"), Wanted("S001", "S001")], faults=[Fault("reqHistoricalData", "error 162")]
    )
    assert list(outcome.failures) == ["S000"]
    assert "the broker answers 162" in outcome.failures["S000"]
    assert [one.symbol for one in outcome.updates] == ["S001"]
    assert (said, len(asked_at(gateway))) == ([], 2)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("NOBODY", "0 listings of NOBODY on NSE, not exactly one"),
        (isin_of(77), f"0 listings of {isin_of(77)} on NSE"),
        ("INE000000019", "is no ISIN, or its check digit is wrong"),
    ],
)
def test_what_is_not_listed(tmp_path, key, words):
    assert not is_isin("INE000000019")
    outcome, *_ = play(tmp_path, [Wanted("MINE", key), Wanted("S000", "S000")])
    assert words in outcome.failures["MINE"]
    assert outcome.failures["MINE"].startswith("MINE: ") is is_isin(key)
    assert [one.symbol for one in outcome.updates] == ["S000"]


def test_silence_is_one_failure_and_a_lost_connection_ends_the_run(tmp_path):
    wanted = [Wanted(f"S00{number}", f"S00{number}") for number in range(3)]
    outcome, *_ = play(tmp_path, wanted, faults=[Fault("reqHistoricalData", "silence")])
    assert (list(outcome.failures), len(outcome.updates), outcome.missing) == (["S000"], 2, [])
    outcome, *_ = play(tmp_path / "other", wanted, faults=[Fault("reqHistoricalData", "drop", after=1)])
    assert ([one.symbol for one in outcome.updates], list(outcome.failures), outcome.missing) == (
        ["S000"],
        ["S001"],
        ["S002"],
    )
    again, gateway, _ = play(tmp_path / "other", wanted)
    assert again.fresh == ["S000"]
    assert len(asked_at(gateway)) == 2
    assert set(engine.load(tmp_path / "other").symbols) == {"S000", "S001", "S002"}


def test_a_run_that_is_stopped_while_it_waits_goes_on_the_next_time(tmp_path):
    wanted = [Wanted("", isin_of(number)) for number in range(70)]

    async def stopped(_gateway, job):
        task = asyncio.create_task(job)
        await asyncio.sleep(300)  # it waits for its turn
        task.cancel()
        return await task

    outcome, gateway, _ = play(tmp_path, wanted, count=70, scenario=stopped)
    assert (outcome.interrupted, len(outcome.updates), len(outcome.missing)) == (True, LIMIT, 10)
    outcome, gateway, said = play(tmp_path, wanted, when="20:10", count=70)
    assert (len(outcome.fresh), len(outcome.updates), said) == (LIMIT, 10, [])
    assert len(asked_at(gateway)) == 10


def test_a_revision_by_the_broker_is_found(tmp_path):
    play(tmp_path, [Wanted("S000", "S000")], day=date(2026, 3, 3))
    stored = Store(tmp_path).read("S000").frame
    halved = stored.assign(**{name: np.round(stored[name] / 2, 2) for name in ("open", "high", "low", "close")})
    (tmp_path / "S000.parquet").unlink()
    Store(tmp_path).update(
        "S000", halved, currency="INR", source="ib", key="S000", fetched=datetime(2026, 3, 3, tzinfo=KOLKATA)
    )
    outcome, *_ = play(tmp_path, [Wanted("S000", "S000")])
    (update,) = outcome.updates
    assert update.change == "refused"
    assert f"{len(stored) - 1:,} old bars were revised" in update.detail or f"{len(stored):,} old bars" in update.detail
    assert Store(tmp_path).read("S000").frame["close"].tolist() == halved["close"].tolist()


def test_pace_counts_a_moving_window():
    async def main():
        clock, said, times = VirtualClock(), [], []
        pace = Pace(clock, said.append, limit=3, window=10.0)
        for pause in (0, 4, 4, 0, 0, 30, 0, 0, 0):
            await asyncio.sleep(pause)
            await pace.wait()
            times.append(round(clock.elapsed()))
        return times

    assert run_virtual(main(), datetime(2026, 3, 4, tzinfo=KOLKATA)) == [0, 4, 8, 11, 15, 45, 45, 45, 56]


def test_the_command_by_the_broker(tmp_path, monkeypatch):
    monkeypatch.setenv("GOLDENCROSS_ACCOUNT", ACCOUNT)
    refused = CliRunner().invoke(app, ["fetch", str(tmp_path), "S000", "--source", "ib", "--port", "1"])
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "cannot connect to 127.0.0.1 port 1" in refused.stderr

    def run(coroutine):
        async def main():
            async with (gateway := Gateway(market())).serve() as port:
                monkeypatch.setattr(live.facts, "Door", lambda host, _port, *rest: Door(host, port, *rest))
                outcome = await coroutine
                await asyncio.sleep(0.1)
                assert gateway.clients == []
                return outcome

        return run_virtual(main(), datetime(2026, 3, 4, 20, 0, tzinfo=KOLKATA))

    monkeypatch.setattr("live.fetch.asyncio.run", run)
    monkeypatch.setattr("live.scheduler.SystemClock", VirtualClock)
    done = CliRunner().invoke(app, ["fetch", str(tmp_path), isin_of(0), "X=S001", "NOBODY", "--source", "ib"])
    assert done.exit_code == 1, done.output
    assert done.stdout.splitlines()[0].startswith("2 of 3 symbols answered or up to date, ")
    assert "Not got: NOBODY, because 0 listings of NOBODY on NSE, not exactly one." in done.stdout
    assert set(engine.load(tmp_path).symbols) == {"S000", "X"}
