"""Prices on the disk: added to, compared, never half written, whoever else writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import engine
import engine.prices.store
from engine.errors import DataError, InputError, OutputError
from engine.prices.merging import merge
from engine.prices.store import Store

MOMENT = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
DAYS = pd.bdate_range("2024-01-01", periods=100, name="date").as_unit("ns")


def bars(start=0, stop=100, seed=1):
    rng = np.random.default_rng(seed)
    close = np.round(500 * np.exp(np.cumsum(rng.normal(0, 0.01, 100))), 2)
    columns = {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": np.arange(100.0)}
    return pd.DataFrame(columns, index=DAYS)[start:stop]


def put(store, frame, symbol="SBIN", **options):
    given = {"currency": "INR", "source": "test", "key": symbol, "fetched": MOMENT, **options}
    return store.update(symbol, frame, **given)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "prices")


def test_what_is_stored_is_what_load_reads(store):
    done = put(store, bars())
    assert (done.change, done.bars, done.added, done.first, done.last) == ("new", 100, 100, "2024-01-01", "2024-05-17")
    expected = engine.Prices.from_frames({"SBIN": bars()}, currency="INR")
    assert engine.load(store.folder).digest == expected.digest
    pd.testing.assert_frame_equal(store.read("SBIN").frame, bars(), check_exact=True, check_freq=False)
    assert list(pd.read_parquet(store.folder / "SBIN.parquet").columns) == [
        "date", "open", "high", "low", "close", "volume", "currency"
    ]  # fmt: skip
    stored = store.read("SBIN")
    assert (stored.currency, stored.source, stored.fetched, stored.unfinished) == ("INR", "test", MOMENT, False)
    assert store.read("TCS") is None
    assert store.names("test") == {"SBIN": "SBIN"}
    assert store.names("other") == {}


def test_bars_are_added_after_and_before(store):
    put(store, bars(30, 60))
    done = put(store, bars(50, 80), fetched=MOMENT + timedelta(days=1), unfinished=True)
    assert (done.change, done.added, done.bars, done.detail) == ("added", 20, 50, "")
    assert put(store, bars(0, 80)).added == 30
    done = put(store, bars(70, 80), fetched=MOMENT + timedelta(days=2))
    assert (done.change, done.bars, done.first) == ("unchanged", 80, "2024-01-01")
    assert store.read("SBIN").fetched == MOMENT + timedelta(days=2)
    pd.testing.assert_frame_equal(store.read("SBIN").frame, bars(0, 80), check_exact=True, check_freq=False)


def revised(start=0, stop=100, factor=0.5, first=0, last=40):
    frame = bars(start, stop)
    where = (frame.index >= DAYS[first]) & (frame.index < DAYS[last])
    frame.loc[where, ["open", "high", "low", "close"]] *= factor
    return frame


def content(store, symbol="SBIN"):
    return (store.folder / f"{symbol}.parquet").read_bytes()


def test_a_revision_changes_nothing_unless_it_is_said_what_to_do(store):
    put(store, bars(0, 80))
    before = content(store)
    done = put(store, revised(), fetched=MOMENT + timedelta(days=1))
    assert (done.change, done.bars, done.added) == ("refused", 80, 0)
    assert done.detail == (
        "40 old bars were revised, the first on 2024-01-01: 40 with other prices, all 0.5 times the old ones"
    )
    assert content(store) == before


def test_old_bars_are_kept_or_replaced_on_demand(store):
    put(store, bars(0, 80))
    kept = put(store, revised(), on_revision="keep")
    assert (kept.change, kept.added, kept.bars) == ("kept", 20, 100)
    pd.testing.assert_frame_equal(store.read("SBIN").frame, bars(), check_exact=True, check_freq=False)
    replaced = put(store, revised(10, 100), on_revision="replace")
    assert (replaced.change, replaced.added, replaced.bars) == ("replaced", 0, 100)
    assert replaced.detail.endswith(
        "; 10 older bars are not in the answer and stay as they were, so look for a step after them"
    )
    assert "older bars" not in put(store, bars(), on_revision="replace").detail
    put(store, revised(10, 100), on_revision="replace")
    pd.testing.assert_frame_equal(
        store.read("SBIN").frame, pd.concat([bars(0, 10), revised(10, 100)]), check_exact=True, check_freq=False
    )


def test_a_part_in_the_middle_is_replaced():
    found = merge("A", bars(), revised(30, 60, last=60), "replace")
    expected = pd.concat([bars(0, 30), revised(30, 60, last=60), bars(60)])
    pd.testing.assert_frame_equal(found.frame, expected, check_exact=True, check_freq=False)


def test_without_a_revision_nothing_is_replaced():
    noisy = bars().astype(np.float32).astype(float).assign(volume=bars()["volume"])
    found = merge("A", bars(), noisy, "replace")
    assert found.revisions is None
    pd.testing.assert_frame_equal(found.frame, bars(), check_exact=True, check_freq=False)


def test_every_kind_of_revision_is_counted():
    new = bars().drop(DAYS[[20, 21]])
    new.loc[DAYS[5], "volume"] = 7.0
    new.loc[DAYS[6], "close"] += 0.01
    new.loc[DAYS[6], "volume"] = 1.0  # counts once
    old = bars(0, 90).drop(DAYS[[50]])
    found = merge("A", old, new, "replace")
    assert str(found.revisions) == (
        "5 old bars were revised, the first on 2024-01-08: "
        "1 with other prices, 1 with another volume, 2 no longer there, 1 there now and not before"
    )
    assert list(found.frame.index) == list(new.index)
    kept = merge("A", old, new, "keep").frame
    assert list(kept.index) == [*old.index, *DAYS[90:]]
    assert kept.loc[DAYS[6], "close"] == old.loc[DAYS[6], "close"]


def test_noise_of_single_precision_is_no_revision():
    noisy = bars().astype(np.float32).astype(float).assign(volume=bars()["volume"])
    assert merge("A", bars(0, 90), noisy, "refuse").revisions is None
    unknown = bars().assign(volume=np.nan)
    assert merge("A", unknown[:90], unknown, "refuse").after == 10
    assert merge("A", unknown[:90], bars(), "refuse").revisions.volumes == 90


def test_one_factor_is_named_only_if_it_is_one():
    mixed = pd.concat([revised(0, 20), revised(20, 40, factor=0.7), bars(40)])
    assert merge("A", bars(), mixed, "refuse").revisions.factor is None
    assert merge("A", bars(), revised(factor=1.25), "refuse").revisions.factor == pytest.approx(1.25)


def test_other_zones_sources_and_currencies_are_refused(store):
    put(store, bars())
    with pytest.raises(DataError, match="SBIN: the time zones of the old and the new bars differ: none and UTC"):
        put(store, bars().tz_localize("UTC"))
    with pytest.raises(InputError, match="SBIN: the bars that are there are from test, not yahoo; take another folder"):
        put(store, bars(), source="yahoo")
    with pytest.raises(InputError, match="are in INR, not USD"):
        put(store, bars(), currency="USD")
    put(store, bars(), currency=None)
    assert store.read("SBIN").currency == "INR"


@pytest.mark.parametrize("symbol", ["", ".x", "a/b", "a\\b", "~$x", "a\nb", "x" * 101])
def test_a_symbol_that_cannot_be_a_file(store, symbol):
    with pytest.raises(InputError, match="cannot be the name of a file; give it another name"):
        put(store, bars(), symbol=symbol)
    assert list(store.folder.glob("*.parquet")) == []


def test_names_that_can(store):
    for symbol in ("M&M", "BAJAJ-AUTO", "^NSEI", "SBIN.NS", "NA"):
        put(store, bars(), symbol=symbol)
    assert set(engine.load(store.folder).symbols) == {"M&M", "BAJAJ-AUTO", "^NSEI", "SBIN.NS", "NA"}


def test_a_symbol_has_one_file(store):
    (store.folder / "SBIN.csv").write_text("x")
    with pytest.raises(InputError, match=r"SBIN: there is a SBIN.csv in .*, too"):
        put(store, bars())


@pytest.mark.parametrize("wreck", [b"", b"no parquet", None])
def test_a_file_that_is_not_ours_is_left_alone(store, wreck):
    path = store.folder / "SBIN.parquet"
    if wreck is None:
        bars().reset_index().to_parquet(path)
    else:
        path.write_bytes(wreck)
    before = path.read_bytes()
    with pytest.raises(DataError, match="this is not a file of the store, or it is damaged"):
        put(store, bars())
    assert path.read_bytes() == before


def test_another_format_is_refused(store, monkeypatch):
    monkeypatch.setattr(engine.prices.store, "_FORMAT", 2)
    put(store, bars())
    monkeypatch.undo()
    with pytest.raises(DataError, match="not a file of the store"):
        store.read("SBIN")


def test_a_write_that_fails_leaves_what_was_there(store, monkeypatch):
    put(store, bars(0, 50))
    before = content(store)

    def full(_table, file, *_):
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OutputError, match=r"cannot write .*SBIN.parquet: No space left on device"):
        put(store, bars())
    assert content(store) == before
    assert [path.name for path in store.folder.iterdir() if path.name.endswith("partial")] == []


def test_bytes_are_on_the_disk_before_the_name_is_moved(store, monkeypatch):
    order = []
    sync, replace = os.fsync, type(store.folder).replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (order.append("sync"), sync(descriptor))[1])
    monkeypatch.setattr(type(store.folder), "replace", lambda a, b: (order.append("move"), replace(a, b))[1])
    put(store, bars())
    assert order == ["sync", "move", "sync"]


def test_a_lock_that_is_held_is_an_error_after_a_while(store, monkeypatch):
    monkeypatch.setattr(engine.prices.store, "_PATIENCE", 0.05)
    with store._locked(), pytest.raises(OutputError, match=r"another process has been writing to .* for 0.05 seconds"):
        put(store, bars())
    assert put(store, bars()).change == "new"


def test_a_system_without_locks_is_told(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with pytest.raises(OutputError, match="this system has no locks of files"):
        put(store, bars())


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot make the folder"):
        Store(tmp_path / "file")


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_store import Store, bars, put
store, first, step = Store(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
for k in range(first, 50, step):
    put(store, bars(49 - k, 51 + k))
print("done", flush=True)
"""


def writer(store, *arguments):
    program = WRITER.format(tests=os.path.dirname(__file__))  # noqa: PTH120
    command = [sys.executable, "-c", program, str(store.folder), *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def go(process):
    process.stdin.write("\n")
    process.stdin.flush()


def test_two_processes_lose_nothing(store):
    both = [writer(store, 0, 1), writer(store, 0, 1)]
    for process in both:
        go(process)
    for process in both:
        out, _ = process.communicate(timeout=120)
        assert (process.returncode, out) == (0, "done\n")
    pd.testing.assert_frame_equal(store.read("SBIN").frame, bars(), check_exact=True, check_freq=False)


def test_a_killed_writer_leaves_whole_files_and_the_next_goes_on(store):
    put(store, bars(49, 51))
    for delay in (0.0, 0.01, 0.03, 0.06):
        process = writer(store, 0, 1)
        go(process)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        process.stdin.close()
        process.stdout.close()
        stored = store.read("SBIN").frame
        pd.testing.assert_frame_equal(stored, bars().loc[stored.index], check_exact=True, check_freq=False)
        assert engine.load(store.folder)["SBIN"].close.tolist() == stored["close"].tolist()
    (store.folder / ".SBIN.parquet.1.partial").write_bytes(b"half of it")
    assert put(store, bars()).bars == 100
    assert list(store.folder.glob(".*.partial")) == []


def test_the_description_is_in_the_file(store):
    put(store, bars(), key="SBIN.NS")
    about = json.loads(pq.read_metadata(store.folder / "SBIN.parquet").metadata[b"goldencross.store"])
    assert about == {
        "format": 1, "currency": "INR", "source": "test", "key": "SBIN.NS", "fetched": MOMENT.isoformat(), "unfinished": False
    }  # fmt: skip
