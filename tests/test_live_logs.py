"""What is said and written down: steps, messages, one line each; a log that cannot be written; and who may read what."""

import json
import os
import stat
from datetime import UTC, datetime

import pytest

from live.config import load_config
from live.demo import demo
from live.facts import Message
from live.flattening import flatten_now
from live.gateway import Fault, VirtualClock
from live.logs import Log, _OwnersFile, open_log
from live.plain import masked, plain
from live.service import run_now, stay_up
from tests.test_live_flatten import buy, play
from tests.test_live_journal_files import lax_umask, modes, no_file_grows_beyond
from tests.test_live_runner import GOLDEN, RISING
from tests.test_live_service import ACCOUNT, cli

NOW = datetime(2026, 3, 16, 9, 51, tzinfo=UTC)


def opened(path, said):
    return open_log(said.append, ACCOUNT, lambda: NOW, path)


def lines_of(path):
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


def with_log(folder, scenario):
    """Run a scenario with ``[paths] log`` set."""

    async def logged(_config, gateway, say):
        path = folder / "bot.toml"
        path.write_text(path.read_text().replace('halt = "HALT"', 'halt = "HALT"\nlog = "log"'))
        return await scenario(load_config(path), gateway, say)

    return logged


def once(config, _gateway, say):
    return run_now(config, ACCOUNT, send=True, say=say, clock=VirtualClock())


# One run


def test_a_run_is_written_down_step_by_step(tmp_path):
    status, gateway, said = play(tmp_path, with_log(tmp_path, once), {"RELIANCE": GOLDEN, "TCS": RISING}, start="15:21")
    assert status == 0, said
    lines = lines_of(tmp_path / "log")
    assert [line["kind"] for line in lines if line["kind"] not in ("message", "said")] == [
        "connecting",
        "handshake",
        "account",
        "received",
        "clock",
        "disconnected",
    ]
    sentences = {line["kind"]: line["text"] for line in lines}
    assert sentences["connecting"] == f"Connecting to 127.0.0.1 port {gateway.port} with client id 7."
    assert sentences["handshake"] == "The gateway answers, its server version is 178."
    assert sentences["account"] == "The gateway has the configured account."
    assert sentences["received"] == "Received 0 positions, 0 open orders and 0 executions."
    assert sentences["clock"].startswith("This clock and the broker's differ by ")
    spoken = [line["text"] for line in lines if line["kind"] != "message"]
    assert spoken == said  # nothing is said that is not written down, and in the same order
    messages = [(line["code"], line["class"], line["level"]) for line in lines if line["kind"] == "message"]
    assert messages[0] == (2104, "farm back", "info")
    assert lines[0]["time"].startswith("2026-03-16T09:51:")
    assert all(line.endswith(".") and line.isascii() for line in said)


def test_what_came_with_the_connection_is_counted(tmp_path):
    async def scenario(config, gateway, say):
        await buy(gateway, "RELIANCE")
        return await once(config, gateway, say)

    _, _, said = play(tmp_path, scenario, start="15:19")
    assert "Received 1 position, 1 open order and 1 execution." in said


def test_a_client_id_that_is_in_use_and_a_bad_message_are_said(tmp_path):
    async def scenario(config, gateway, say):
        from live.broker import Broker
        from live.facts import Door

        other = Broker(Door("127.0.0.1", gateway.port, 7, ACCOUNT))
        await other.connect()
        gateway.fault(Fault("placeOrder.parent", "error 201"))
        try:
            return await once(config, gateway, say)
        finally:
            other.disconnect()

    _, gateway, said = play(tmp_path, with_log(tmp_path, scenario), {"RELIANCE": GOLDEN, "TCS": RISING}, start="15:21")
    assert "Client id 7 is in use." in said
    assert f"Connecting to 127.0.0.1 port {gateway.port} with client id 8." in said
    assert any(line.startswith("The gateway says 201 (rejected): ") for line in said)
    levels = {line["code"]: line["level"] for line in lines_of(tmp_path / "log") if line["kind"] == "message"}
    assert (levels[201], levels[2104]) == ("warning", "info")


def test_tries_again_are_said(tmp_path):
    import asyncio

    async def scenario(config, gateway, say):
        gateway.restart(downtime=40 * 60)
        task = asyncio.create_task(stay_up(config, ACCOUNT, send=False, say=say, clock=VirtualClock()))
        await asyncio.sleep(39 * 60)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    _, _, said = play(tmp_path, with_log(tmp_path, scenario), start="14:50")
    assert (
        said.count("The next try is in 2 minutes.") == 4
    )  # 15:20, 22, 24, 26: at 15:28 there is no time for one at 15:30
    retries = [line for line in lines_of(tmp_path / "log") if line["kind"] == "retry"]
    assert len(retries) == 4


# The file


def test_no_line_can_be_forged_and_no_terminal_told_what_to_do(tmp_path):
    said = []
    text = 'all is well.\n{"kind": "said", "text": "forged"}\x1b[2J\r\x00\u2028\u202e over DU1234567'
    with opened(tmp_path / "log", said) as log:
        log.heard(Message(NOW, 201, text, 5))
        log.say(text)
    first, second = lines_of(tmp_path / "log")
    assert (first["kind"], second["kind"]) == ("message", "said")
    assert (tmp_path / "log").read_text().count("\n") == 2
    assert first["text"] == text.replace("DU1234567", "DU12***67")
    assert len(said) == 2
    for line in said:
        assert line.isascii()
        assert line.isprintable()
        assert "all is well.\\n{" in line
        assert "1234567" not in line


def test_only_the_owner_reads_the_log_and_what_it_was_before(tmp_path):
    said = []
    with lax_umask(), opened(tmp_path / "log", said) as log:
        (handler,) = log._logger.handlers
        handler.maxBytes = 500
        for i in range(60):
            log.say(f"Sentence {i}.")
    assert len(modes(tmp_path)) == 10
    assert set(modes(tmp_path).values()) == {0o600}
    assert lines_of(tmp_path / "log")[-1]["text"] == "Sentence 59."
    (tmp_path / "log").chmod(0o644)
    with opened(tmp_path / "log", said) as log:
        log.say("again")
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600
    assert isinstance(handler, _OwnersFile)


@pytest.mark.parametrize("trouble", ["no folder", "a folder", "full"])
def test_a_log_that_cannot_be_written_is_said_once(tmp_path, trouble):
    said, path = [], tmp_path / ("nowhere/log" if trouble == "no folder" else "log")
    if trouble == "a folder":
        path.mkdir()
    with opened(path, said) as log:
        with no_file_grows_beyond(0 if trouble == "full" else 10**9):
            for i in range(3):
                log.say(f"Sentence {i}.")
        log.say("The end.")
    (warning,) = [line for line in said if line.startswith("The log ")]
    assert warning.startswith(f"The log {path} cannot be written: ")
    assert warning.endswith("The bot goes on; its journal has everything.")
    assert [line for line in said if line != warning] == ["Sentence 0.", "Sentence 1.", "Sentence 2.", "The end."]
    if trouble == "full":
        assert [line["text"] for line in lines_of(path)] == [
            "The end."
        ]  # what could not be written does not come later


def test_a_run_goes_on_without_its_log(tmp_path):
    (tmp_path / "log").mkdir()
    status, gateway, said = play(tmp_path, with_log(tmp_path, once), {"RELIANCE": GOLDEN, "TCS": RISING}, start="15:21")
    assert status == 0
    assert len(gateway.placed()) == 2
    assert sum("cannot be written" in line for line in said) == 1


def test_without_the_key_there_is_no_log(tmp_path):
    log = Log([].append, ACCOUNT, lambda: NOW)
    log.say("x")
    log.close()
    assert list(tmp_path.iterdir()) == []


# Accounts


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("DU1234567", "DU12***67"),
        ("U7654321.", "U76***21."),
        ("F12345", "F***45"),
        ("INE002A01018 gc-20260316-SBIN-entry", "INE002A01018 gc-20260316-SBIN-entry"),
        ("0000e0d5.f1234567.01.01", "0000e0d5.f1234567.01.01"),
    ],
)
def test_what_looks_like_an_account_is_masked(text, shown):
    assert masked(text) == shown
    assert masked({text: [text, {"a": (text,)}]}) == {shown: [shown, {"a": [shown]}]}


def test_the_account_itself_is_masked_wherever_it_stands():
    assert masked("xdu1234567y \nDU1234567", ACCOUNT) == "xDU12***67y \nDU12***67"
    assert plain("a\nDU1234567") == "a\\nDU12***67"  # masked before the line break becomes a letter


# Privacy


def files_with(folder, text):
    return {
        file.name for file in folder.rglob("*") if file.is_file() and text.encode().lower() in file.read_bytes().lower()
    }


def test_nobody_else_reads_anything_and_the_account_is_in_the_journal_only(tmp_path):
    """A run that buys, with the account in what the gateway says, one that sells, and every command, with an umask that closes nothing."""
    folder = tmp_path / "bot"
    folder.mkdir()

    async def scenario(config, gateway, say):
        from live.broker import Broker

        real = Broker.server_time

        async def server_time(self):
            self._on_error(-1, 399, f"account {ACCOUNT}, {ACCOUNT.lower()}x\nof DU1234567", None)
            return await real(self)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Broker, "server_time", server_time)
            one = await once(config, gateway, say)
            other = await flatten_now(config, ACCOUNT, (), send=True, say=say, clock=VirtualClock())
        return one, other

    with lax_umask():
        statuses, _, said = play(folder, with_log(folder, scenario), {"RELIANCE": GOLDEN, "TCS": RISING}, start="15:21")
        assert statuses == (0, 0), said
        printed = "\n".join(said)
        config = folder / "bot.toml"
        for words in (
            ["status"], ["status", "--format", "json"], ["journal"], ["journal", "--format", "json"],
            ["journal", "--format", "csv"], ["export", "--what", "events", "--out", folder / "events.csv"],
            ["export", "--what", "events", "--format", "json", "--out", folder / "events.json"],
            ["export", "--what", "executions", "--out", folder / "executions.csv"], ["export"],
            ["halt", "DU1234567 is mine"], ["resume"],
        ):  # fmt: skip
            done = cli(words[0], config, *words[1:])
            assert done.exit_code == 0, (words, done.output)
            printed += done.output
    found = modes(folder)
    assert {"journal", "journal.head", "journal.lock", "log", "events.csv", "events.json", "executions.csv"} <= set(
        found
    )
    del found["bot.toml"]  # the only one that the bot has not made
    assert set(found.values()) == {0o600}, found
    assert "399" in printed
    assert "1234567" not in printed
    assert files_with(folder, "1234567") == {"journal"}


def test_the_demo_leaves_a_journal_for_its_owner_only(tmp_path):
    said = []
    with lax_umask():
        assert demo(3, tmp_path / "journal", said.append) == 0
    assert set(modes(tmp_path)) == {"journal", "journal.head"}
    assert set(modes(tmp_path).values()) == {0o600}
    assert "DU0000001" not in "\n".join(said)
    assert os.umask(0o022) == 0o022
