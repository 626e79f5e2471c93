"""The bot over many days through the simulated gateway, held to the portfolio on the same bars."""

import dataclasses
import functools
import os
import signal
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import engine
import live.entries
import live.rehearsal
from engine.errors import InputError
from engine.terms import AccountTerms
from live.agreement import agreement
from live.command import app
from live.gateway import KOLKATA, Fault, Gateway
from live.journal import Event, Journal, state_of
from live.rehearsal import on_ticks, rehearse
from live.strategy import Strategy

DATA = next((up / "shared/data" for up in Path(__file__).resolve().parents if (up / "shared/data").is_dir()), Path())
REAL = DATA / "nse_daily_recent"
REPAIRS = ["drop-duplicates", "drop-blank-last", "rescale", "drop-flat"]
YEARS = int(os.environ.get("GOLDENCROSS_YEARS", "0"))
STRATEGY = Strategy(2, 5, engine.TrailingStop(2.0, 3), 0.005, AccountTerms(max_positions=3), above=0.003, below=0.01)


def market(symbols=4, bars=60, seed=11):
    return engine.simulate([f"S{i}" for i in range(symbols)], bars, seed, volatility=0.02)


def played(tmp_path, prices=None, strategy=STRATEGY, after=20, **options):
    prices = prices or market()
    first = prices[prices.symbols[0]].dates[after].date()
    return rehearse(prices, strategy, first, journal=tmp_path / "journal", **options)


def test_the_orders_are_the_same(tmp_path):
    done = played(tmp_path)
    found = done.agreement
    assert found.differences == [], "\n".join(map(str, found.differences))
    half = len(done.events) // 2
    assert state_of(done.events[half:], state_of(done.events[:half])) == state_of(done.events)
    assert Journal(tmp_path / "journal", read_only=True).events(half) == done.events[half:]
    assert found.same >= 20
    assert set(done.statuses) <= {0, 1}  # 1: there was no room for a share
    assert {"cross", "stop"} <= set(done.account.trades["exit_reason"])
    lines = list(found.lines())
    assert lines[-1] == "0 differences unexplained."
    assert all(line.isascii() and line.endswith(".") for line in lines)


def test_money_that_is_short_is_shared_in_the_same_way(tmp_path):
    strategy = dataclasses.replace(STRATEGY, risk=0.2, terms=AccountTerms(max_positions=2))
    found = played(tmp_path, strategy=strategy, capital=50_000.0).agreement
    assert found.unexplained == [], "\n".join(map(str, found.unexplained))
    assert found.reasons["sized at its limit"] >= 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("partial 0.4", "partial fill"), ("partial 0", "limit not reached"), ("error 201", "refused by the broker")],
)
def test_what_goes_wrong_at_the_broker_is_a_reason(tmp_path, monkeypatch, fault, reason):
    faults = [Fault("placeOrder.parent", fault, after=3)]
    monkeypatch.setattr(live.rehearsal, "Gateway", functools.partial(Gateway, faults=faults))
    found = played(tmp_path).agreement
    assert found.unexplained == [], "\n".join(map(str, found.unexplained))
    assert found.reasons[reason] == 1, found.reasons


def stop_too_near(one, price, name, quantity=0.0, *, right=live.entries.stop_of):
    stop = right(one, price, name, quantity)
    return dataclasses.replace(stop, trail=round(stop.trail * 0.7, 2))


def a_share_less(*arguments, right=live.entries.size, **named):
    sized = right(*arguments, **named)
    return dataclasses.replace(sized, quantity=max(0.0, sized.quantity - 1))


def weakest_first(wishes, terms, *, right=live.entries.in_turn):
    return right(wishes, terms)[::-1]


@pytest.mark.parametrize(
    ("name", "wrong", "options"),
    [
        ("stop_of", stop_too_near, {}),
        ("size", a_share_less, {}),
        ("in_turn", weakest_first, {"strategy": dataclasses.replace(STRATEGY, terms=AccountTerms(max_positions=1))}),
    ],
)
def test_a_bot_that_trades_otherwise_is_found(tmp_path, monkeypatch, name, wrong, options):
    monkeypatch.setattr(live.entries, name, wrong)
    assert played(tmp_path, **options).agreement.unexplained


# The reasons, one by one


DAY = date(2026, 3, 16)
SIZING = {
    "available": 100_000.0,
    "equity": 100_000.0,
    "distance": 10.0,
    "close": 100.0,
    "limit": 100.3,
    "wanted": 200.0,
    "quantity": 200.0,
    "reason": "",
}


PART = "S0: bought 120 of 200 shares. The stop is made smaller."


def event(kind, data, day=DAY):
    time = datetime(day.year, day.month, day.day, 15, 20, tzinfo=KOLKATA)
    return Event(1, time.isoformat(), kind, "S0", "", data, "")


def execution(side, quantity, price, day=DAY):
    time = datetime(day.year, day.month, day.day, 15, 20, tzinfo=KOLKATA)
    number = f"{side}{day}"
    data = {
        "execution_id": number,
        "symbol": "S0",
        "side": side,
        "quantity": quantity,
        "price": price,
        "commission": 0.0,
    }
    return event("execution", {**data, "time": time.isoformat(), "reference": "gc-entry"}, day)


def trades(quantity, price=100.0, exit_price=np.nan):
    sold = pd.NaT if np.isnan(exit_price) else pd.Timestamp(DAY + timedelta(days=1))
    row = {
        "symbol": "S0",
        "entry_date": pd.Timestamp(DAY),
        "entry_price": price,
        "exit_date": sold,
        "exit_price": exit_price,
        "quantity": quantity,
        "exit_reason": "stop",
    }
    return pd.DataFrame([row] if quantity else [], columns=list(row))


def reasons(events, theirs, said=(), terms=AccountTerms()):  # noqa: B008  it is frozen
    strategy = dataclasses.replace(STRATEGY, risk=0.02, terms=terms)
    found = agreement(list(events), list(said), theirs, strategy, 0.05)
    return [one.reason for one in found.differences]


@pytest.mark.parametrize(
    ("events", "theirs", "said", "expected"),
    [
        ([event("sized", SIZING), execution("BUY", 200, 100.0)], trades(200.0), [], []),
        ([event("sized", SIZING), execution("BUY", 200, 100.05)], trades(200.0), [], ["rounding to tick"]),
        ([event("sized", SIZING), execution("BUY", 200, 100.10)], trades(200.0), [], [""]),
        ([execution("BUY", 199, 100.0)], trades(200.0), [], [""]),  # nobody knows from what it was sized
        ([event("sized", {**SIZING, "quantity": 199.0}), execution("BUY", 199, 100.0)], trades(200.0), [], [""]),
        ([], trades(200.0), [], [""]),
        ([], trades(200.0), [(DAY, "S0: nothing was bought at 99.5.")], ["limit not reached"]),
        ([], trades(200.0), [(DAY, "S0: nothing was bought at 99.5, no.")], ["refused by the broker"]),
        ([], trades(200.0), [(DAY, "Skipped S0: stale.")], ["skipped"]),
        ([event("sized", SIZING), execution("BUY", 120, 100.0)], trades(200.0), [(DAY, PART)], ["partial fill"]),
        ([event("sized", SIZING), execution("BUY", 110, 100.0)], trades(200.0), [(DAY, PART)], [""]),
        ([event("sized", SIZING), execution("BUY", 120, 100.0)], trades(200.0), [], [""]),
        ([event("sized", {**SIZING, "equity": 1e9}), execution("BUY", 120, 100.0)], trades(200.0), [(DAY, PART)], [""]),
        ([], trades(200.0), [(DAY, "Skipped S1: stale.")], [""]),
        ([], trades(200.0), [(DAY - timedelta(days=1), "Skipped S0: stale.")], [""]),
        ([event("sized", SIZING), execution("BUY", 200, 100.0)], trades(0.0), [], [""]),
        ([], trades(200.0, exit_price=95.0), [(DAY, "Skipped S0: x.")], ["skipped", "follows its purchase"]),
    ],
)
def test_a_reason_is_checked(events, theirs, said, expected):
    assert reasons(events, theirs, said) == expected


def test_a_cut_size_is_computed_again():
    terms = AccountTerms(max_weight=0.1)
    cut = {
        **SIZING,
        "quantity": 99.0,
        "reason": "weight",
    }  # 10,000 pay for 99 shares at 100.3, and for 100 at the close
    assert reasons([event("sized", cut), execution("BUY", 99, 100.0)], trades(100.0), terms=terms) == [
        "sized at its limit"
    ]
    assert reasons([event("sized", cut), execution("BUY", 99, 100.0)], trades(101.0), terms=terms) == [""]


def test_other_money_needs_a_difference_before():
    later = DAY + timedelta(days=3)
    poorer = {**SIZING, "equity": 99_000.0, "wanted": 198.0, "quantity": 198.0}
    mine = [event("sized", poorer, later), execution("BUY", 198, 100.0, later)]
    theirs = trades(200.0).assign(entry_date=pd.Timestamp(later))
    assert reasons(mine, theirs) == [""]
    missed = pd.concat([trades(200.0, exit_price=95.0), theirs])
    assert reasons(mine, missed, [(DAY, "Skipped S0: x.")]) == ["skipped", "follows its purchase", "other money"]


@pytest.mark.skipif(not REAL.exists(), reason="no real prices here")
def test_real_days_of_nse(tmp_path):
    loaded = engine.load(REAL, repair=REPAIRS).select(["SBIN", "INFY", "ITC"], "2024-10-01", "2025-02-28")
    done = played(tmp_path, on_ticks(loaded), dataclasses.replace(STRATEGY, fast=3, slow=8), 60)
    assert done.agreement.unexplained == [], "\n".join(map(str, done.agreement.unexplained))
    assert done.agreement.same >= 10


@pytest.mark.skipif(not YEARS, reason="nightly only: GOLDENCROSS_YEARS=5")
def test_years_of_all_real_shares(tmp_path):
    """Not less than this is the claim: five years, twenty shares, none of whose orders differs without a reason."""
    loaded = on_ticks(engine.load(REAL, repair=REPAIRS))
    last = min(loaded[symbol].dates[-1] for symbol in loaded.symbols)
    first = last - pd.DateOffset(years=YEARS)
    strategy = Strategy(20, 50, engine.TrailingStop(3.0), 0.02, AccountTerms(max_positions=15, max_weight=0.25))
    old = [symbol for symbol in loaded.symbols if (loaded[symbol].dates < first).sum() >= strategy.slow]
    done = rehearse(loaded.select(old), strategy, first.date(), journal=tmp_path / "journal")
    lines = list(done.agreement.lines())
    print(f"{len(old)} shares, {len(done.statuses)} days.", *lines, sep="\n")  # noqa: T201  the numbers of the night
    assert done.agreement.unexplained == [], "\n".join(lines)
    assert len(old) >= 20
    assert len(done.statuses) >= 230 * YEARS
    assert done.agreement.same >= 20 * YEARS


def test_what_is_interrupted_is_compared_so_far(tmp_path):
    def stop_soon(done, _total):
        if done == 25:
            os.kill(os.getpid(), signal.SIGINT)

    done = played(tmp_path, progress=stop_soon)
    assert not done.is_whole
    assert len(done.statuses) == 25
    assert done.agreement.unexplained == [], "\n".join(map(str, done.agreement.unexplained))
    assert done.agreement.same >= 10
    assert done.account.equity.index[-1].date() == market()["S0"].dates[44].date()


def test_what_is_interrupted_at_once_is_interrupted(tmp_path, monkeypatch):
    def stop(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(live.rehearsal, "run_virtual", lambda coroutine, _begin: (coroutine.close(), stop()))
    with pytest.raises(KeyboardInterrupt):
        played(tmp_path)


def test_rules_that_make_no_sense_are_refused_before_a_day_is_played(tmp_path):
    days = []
    with pytest.raises(InputError, match="fast below slow"):
        played(
            tmp_path, strategy=dataclasses.replace(STRATEGY, fast=5, slow=2), progress=lambda *done: days.append(done)
        )
    assert days == []
    assert not (tmp_path / "journal").exists()


def test_the_command(tmp_path):
    for symbol, frame in market(2, 45).to_frames().items():
        frame.to_csv(tmp_path / f"{symbol}.csv")
    options = ["--fast", "2", "--slow", "5", "--stop", "2", "--atr-window", "3", "--progress", "none"]
    done = CliRunner().invoke(app, ["rehearse", str(tmp_path), "--first", "2020-02-03", *options])
    assert done.exit_code == 0, done.output
    assert "the same in day, shares and price." in done.stdout
    assert done.stdout.rstrip().endswith("0 differences unexplained.")
    late = CliRunner().invoke(app, ["rehearse", str(tmp_path), "--first", "2030-01-01", *options])
    assert (late.exit_code, late.stderr) == (2, "error: there are no bars from 2030-01-01 on\n")
    early = CliRunner().invoke(app, ["rehearse", str(tmp_path), "--first", "2020-01-02", *options])
    assert early.exit_code == 2
    assert "bars before" in early.stderr
