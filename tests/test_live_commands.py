"""The commands that look: status, journal and export, in sentences and for programs."""

import csv
import io
import json
import math
import re
import stat
from datetime import datetime

import pytest

from live.config import load_config
from live.flattening import flatten_now
from live.gateway import Fault, VirtualClock
from live.journal import Journal
from live.journal.exporting import exported
from live.looking import standing_of
from live.service import run_now
from tests.test_live_flatten import TCS, at, buy, play
from tests.test_live_journal_files import lax_umask, modes
from tests.test_live_runner import DAY, GOLDEN, RISING
from tests.test_live_service import ACCOUNT, cli, config_text


@pytest.fixture
def traded(tmp_path):
    """Give the folder of a bot that has bought and sold RELIANCE and holds TCS."""

    async def scenario(config, gateway, say):
        await buy(gateway, "TCS", 5)
        await run_now(config, ACCOUNT, send=True, say=say, clock=VirtualClock())
        return await flatten_now(config, ACCOUNT, ["RELIANCE"], send=True, say=say, clock=VirtualClock())

    status, gateway, said = play(tmp_path, scenario, {"RELIANCE": GOLDEN, "TCS": RISING}, start="15:19")
    assert status == 0, said
    (tmp_path / "gain").write_text(repr(sum(one.realized or 0.0 for one in gateway.book.executions)))
    return tmp_path


@pytest.fixture
def written(tmp_path):
    """Give a config and its empty journal."""
    path = tmp_path / "bot.toml"
    path.write_text(config_text(4002) + TCS)
    journal = Journal(tmp_path / "journal")
    yield path, journal
    journal.close()


# status


def test_status_says_everything_alarms_first(traded):
    lines = standing_of(load_config(traded / "bot.toml"), at("15:27")).lines()
    gain = float((traded / "gain").read_text())
    assert lines[:3] == ["0 alarms to look at.", "1 position held, as last seen.", "TCS: 5 shares, all under a stop."]
    assert lines[3].startswith("The last run began at ")
    assert lines[3].endswith("and ended with status 0.")
    assert lines[4] == f"Entries are halted: flattened by command on {DAY}. Sales and stops go on."
    assert lines[5] == "The next run is at 2026-03-17 15:20 at the exchange, for RELIANCE, TCS."
    assert lines[6] == f"Realized profit: {gain:,.2f} in 1 closed trade, after commissions."
    assert gain != 0
    assert len(lines) == 7


def test_a_commission_that_never_came_is_said_to_be_unknown_and_one_that_came_late_is_taken(tmp_path):
    async def scenario(config, gateway, say):
        gateway.fault(Fault("out commissionReport", "silence", count=math.inf))
        await run_now(config, ACCOUNT, send=True, say=say, clock=VirtualClock())
        await flatten_now(config, ACCOUNT, (), send=True, say=say, clock=VirtualClock())
        before = standing_of(config, at("15:27")).lines()[-1]
        gateway._faults._faults.clear()
        await flatten_now(config, ACCOUNT, (), send=True, say=say, clock=VirtualClock())
        return before, standing_of(config, at("15:27")).lines()[-1]

    (before, after), gateway, _ = play(tmp_path, scenario, {"RELIANCE": GOLDEN, "TCS": RISING}, start="15:21")
    gain = sum(one.realized or 0.0 for one in gateway.book.executions)
    assert before.startswith("Realized profit: not known, because commissions of 1 closed trade are not known yet; ")
    assert after == f"Realized profit: {gain:,.2f} in 1 closed trade, after commissions."


def test_status_of_a_new_journal(written):
    path, _ = written
    lines = standing_of(load_config(path), at("15:27")).lines()
    assert lines == [
        "0 alarms to look at.",
        "0 positions held, as last seen.",
        "The bot has never run with this journal.",
        "Entries are not halted.",
        "The next run is at 2026-03-17 15:20 at the exchange, for RELIANCE, TCS.",
        "No trade is closed yet, so no profit is realized.",
    ]


def test_alarms_naked_shares_and_a_run_that_was_broken_off(written):
    path, journal = written
    journal.append("run started", {"send": True})
    journal.append("protection", {"held": 7.0, "stopped": 3.0, "on_sale": 3.0}, symbol="TCS")
    journal.append("alarm", {"text": "TCS: 4 of 7 shares are under no stop"}, symbol="TCS")
    done = cli("status", path)
    assert done.exit_code == 3
    lines = done.stdout.splitlines()
    assert lines[:4] == [
        "1 alarm to look at.",
        "ALARM: TCS: 4 of 7 shares are under no stop.",
        "1 position held, as last seen.",
        "TCS: 7 shares, 3 under a stop.",
    ]
    assert "has not ended: it is running, or was broken off" in lines[4]
    document = json.loads(cli("status", path, "--format", "json").stdout)
    assert document["alarms"] == ["TCS: 4 of 7 shares are under no stop"]
    assert document["positions"] == [{"symbol": "TCS", "shares": 7.0, "under_stops": 3.0}]
    assert (document["last_run"]["ended"], document["last_run"]["status"]) == (None, None)


@pytest.mark.parametrize(
    ("kind", "data", "status"),
    [
        ("note", {}, 0),
        ("alarm", {"text": "look"}, 3),
        ("protection", {"held": 7.0, "stopped": 7.0}, 0),
        ("protection", {"held": 7.0, "stopped": 6.0}, 3),
        ("protection", {"held": 0.0, "stopped": 6.0}, 3),
        ("run started", {"send": True}, 3),
    ],
)
def test_the_exit_status_of_status_tells_whether_somebody_has_to_look(written, kind, data, status):
    path, journal = written
    journal.append("run started", {"send": True})
    journal.append("run ended", {"status": 0})
    journal.append(kind, data, symbol="TCS")
    for output_format in ("text", "json"):
        assert cli("status", path, "--format", output_format).exit_code == status
    assert json.loads(cli("status", path, "--format", "json").stdout)["needs_a_look"] == (status == 3)


def test_status_for_programs(traded):
    document = standing_of(load_config(traded / "bot.toml"), at("15:27")).document()
    assert document == json.loads(json.dumps(document))
    assert document["positions"] == [{"symbol": "TCS", "shares": 5.0, "under_stops": 5.0}]
    assert document["last_run"]["status"] == 0
    assert document["halted"] == f"flattened by command on {DAY}"
    assert document["next_run"] == {"moment": "2026-03-17T15:20:00+05:30", "shares": ["RELIANCE", "TCS"]}
    realized = document["realized"]
    assert (realized["closed"], realized["unknown"]) == (1, 0)
    assert realized["net"] == pytest.approx(float((traded / "gain").read_text()))


def test_where_the_session_table_ends_the_next_run_is_not_known(written):
    path, _ = written
    standing = standing_of(load_config(path), datetime.fromisoformat("2026-12-31T20:00:00+05:30"))
    (line,) = [line for line in standing.lines() if line.startswith("The next run")]
    assert line.startswith("The next run is not known: ")
    assert line.count(".") <= 3
    assert standing.document()["next_run"] is None


# journal and export


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_the_journal_in_three_formats(traded):
    config, events = traded / "bot.toml", Journal(traded / "journal", read_only=True).events()
    text = cli("journal", config).stdout.splitlines()
    assert len(text) == len(events)
    assert all(line.endswith(".") and line.isascii() and line.isprintable() for line in text)
    document = json.loads(cli("journal", config, "--format", "json").stdout)
    assert document == [vars(event) for event in events]
    table = rows(cli("journal", config, "--format", "csv").stdout)
    assert [(row["number"], row["kind"]) for row in table] == [(str(e.number), e.kind) for e in events]
    assert json.loads(table[0]["data"]) == events[0].data


def test_trades_and_executions(traded):
    config = traded / "bot.toml"
    trades = json.loads(cli("export", config, "--format", "json").stdout)
    assert [(t["symbol"], t["status"], t["commission_known"]) for t in trades] == [
        ("TCS", "open", True),
        ("RELIANCE", "closed", True),
    ]
    closed = trades[1]
    assert closed["entry_order"] == f"gc-{DAY:%Y%m%d}-RELIANCE-entry"
    assert closed["exit_order"] == f"gc-{DAY:%Y%m%d}-RELIANCE-flatten"
    assert closed["profit"] == pytest.approx(float((traded / "gain").read_text()))
    assert trades[0]["profit"] is None
    executions = rows(cli("export", config, "--what", "executions").stdout)
    assert {row["symbol"] for row in executions} == {"RELIANCE", "TCS"}
    bought = sum(float(row["quantity"]) for row in executions if (row["symbol"], row["side"]) == ("RELIANCE", "BUY"))
    assert bought == closed["quantity"]


def test_what_is_not_known_is_no_zero(written):
    path, journal = written
    data = {"execution_id": "x.01", "reference": "a", "permanent_id": 1, "con_id": 1, "side": "BUY", "quantity": 1.0}
    data |= {"price": 5.0, "time": at("10:00").isoformat(), "commission": None, "commission_currency": ""}
    journal.append("execution", data)
    journal.append("execution", {**data, "execution_id": "y.01", "side": "SELL", "price": 6.0, "reference": "b"})
    (row,) = rows(cli("export", path).stdout)
    assert (row["gross"], row["commission"], row["commission_known"], row["profit"]) == ("1.0", "", "no", "")
    (row,) = json.loads(cli("export", path, "--format", "json").stdout)
    assert (row["commission"], row["profit"], row["symbol"]) == (None, None, "listing 1")


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t=", " =", "\r@", "\n-"])
def test_text_from_the_wire_is_no_formula(written, begin):
    _, journal = written
    formula = f'{begin}HYPERLINK("http://x")'
    journal.append("message", {"text": "x"}, symbol=formula, reference=formula)
    (row,) = rows(exported(journal.events(), "events", "csv"))
    for field in (row["symbol"], row["reference"]):
        assert not field.lstrip().startswith(("=", "+", "-", "@"))
        assert "\n" not in field
        assert "\r" not in field
        assert "HYPERLINK" in field
    assert json.loads(exported(journal.events(), "events", "json"))[0]["symbol"] == formula


def test_numbers_below_nothing_stay_numbers(written):
    _, journal = written
    data = {"execution_id": "x.01", "reference": "a", "permanent_id": 1, "con_id": 1, "side": "BUY", "quantity": 1.0}
    data |= {"price": 6.0, "time": at("10:00").isoformat(), "commission": 1.0, "commission_currency": "INR"}
    journal.append("execution", data)
    journal.append("execution", {**data, "execution_id": "y.01", "side": "SELL", "price": 5.0, "reference": "b"})
    (row,) = rows(exported(journal.events(), "trades", "csv"))
    assert (row["gross"], row["profit"]) == ("-1.0", "-3.0")


def test_an_export_is_for_its_owner_and_overwrites_nothing_unasked(traded):
    config, out = traded / "bot.toml", traded / "out" / "trades.csv"
    out.parent.mkdir()
    with lax_umask():
        done = cli("export", config, "--out", out)
    assert (done.exit_code, done.stdout) == (0, f"Trades are in {out}.\n")
    assert modes(out.parent) == {"trades.csv": 0o600}
    out.write_text("mine")
    out.chmod(0o644)
    done = cli("export", config, "--out", out)
    assert done.exit_code == 2
    assert "this file exists; give --overwrite" in done.stderr
    assert out.read_text() == "mine"
    assert cli("export", config, "--out", out, "--overwrite").exit_code == 0
    assert len(rows(out.read_text())) == 2
    assert modes(out.parent) == {"trades.csv": 0o600}


@pytest.mark.parametrize(
    "name", ["journal", "journal.head", "journal-wal", "journal.lock", "HALT", "./journal", "link"]
)
def test_an_export_never_takes_the_place_of_the_bots_own_files(traded, name):
    (traded / "link").symlink_to(traded / "journal")
    before = {file.name: file.read_bytes() for file in traded.iterdir() if file.is_file()}
    done = cli("export", traded / "bot.toml", "--out", f"{traded}/{name}", "--overwrite")
    assert done.exit_code == 2
    assert "this is a file of the bot itself" in done.stderr
    after = {file.name: file.read_bytes() for file in traded.iterdir() if file.is_file()}
    assert {name: after[name] for name in before if name in after and not name.endswith(("-wal", "-shm"))} == {
        name: content for name, content in before.items() if not name.endswith(("-wal", "-shm"))
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["export", "CONFIG", "--what", "orders"], "--what orders: it must be one of: events, executions, trades"),
        (["export", "CONFIG", "--format", "xml"], "--format xml: it must be one of: csv, json"),
        (["export", "CONFIG", "--out", "FOLDER"], "this is a folder"),
        (["export", "CONFIG", "--out", "FOLDER/no/where.csv"], "cannot write "),
        (["status", "CONFIG", "--format", "csv"], "--format csv: it must be one of: text, json"),
    ],
)
def test_refusals(written, words, message):
    path, _ = written
    done = cli(*[word.replace("CONFIG", str(path)).replace("FOLDER", str(path.parent)) for word in words])
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_journal_that_lost_its_file_is_an_error_and_not_a_new_one(written):
    path, journal = written
    journal.append("note", {})
    journal.close()
    (path.parent / "journal").unlink()
    done = cli("status", path)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert not (path.parent / "journal").exists()
    assert stat.S_IMODE((path.parent / "journal.head").stat().st_mode) == 0o600


def test_status_as_a_page_for_its_owner_only(traded, tmp_path):
    page = tmp_path / "status.html"
    for _ in range(2):  # replaced each time
        assert cli("status", traded / "bot.toml", "--html", page).exit_code == 0
    text = page.read_text()
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert "Nothing needs a look." in text
    assert "under stops" in text
    assert ACCOUNT not in text
    assert "://" not in re.sub(r"<(style|script)\b.*?</\1>|http://www\.w3\.org/\S+", "", text, flags=re.DOTALL)
    refused = cli("status", traded / "bot.toml", "--html", tmp_path)
    assert refused.exit_code == 2
