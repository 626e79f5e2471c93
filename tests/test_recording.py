"""Recordings of sessions: what is in the file, that it plays back, that the session is not touched, and what is refused."""

import asyncio
import json
import logging
import os
import stat
import struct
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ib_async.decoder import Decoder as RealDecoder

from live.errors import BrokerError, RecordingError
from live.gateway import run_virtual
from live.gateway.contents import describe_recording
from live.gateway.recording import Line
from live.gateway.recording_reader import read_recording
from live.gateway.replay import Replay
from live.gateway.scrubbing import AMOUNT, Scrubber
from live.gateway.wire import GREETING, encode
from tests.recorded_session import (
    ACCOUNT,
    CASH,
    FIXTURE,
    MOMENT,
    RECORDINGS,
    CallsAgain,
    connections_of,
    named_messages,
    record,
    replay,
    session,
)
from tests.test_gateway_wire import _Wrapper

FILES = sorted(RECORDINGS.glob("*.jsonl"))


@pytest.fixture(autouse=True)
def quiet():
    """Keep to itself what the real client says of refused orders."""
    logging.getLogger("ib_async").setLevel(logging.CRITICAL)
    yield
    logging.getLogger("ib_async").setLevel(logging.NOTSET)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    path = tmp_path_factory.mktemp("recorded") / "session.jsonl"
    return path, *record(path)


def visible(truth):
    """Give what a scrubbed recording still tells of the truth."""
    orders = [replace(order, permanent_id=0) for order in truth.orders]
    return truth.positions, orders, [replace(one, execution_id="", permanent_id=0) for one in truth.executions]


# What is in the file


def test_a_recording_plays_back_to_the_same_facts(recorded):
    path, facts, _, recorder = recorded
    again, differences = replay(read_recording(path))
    assert differences == []
    assert recorder.is_complete
    assert (again.pins, again.bars) == (facts.pins, facts.bars)
    assert [visible(truth) for truth in again.truths] == [visible(truth) for truth in facts.truths]
    assert [(len(truth.orders), truth.positions) for truth in facts.truths] == [
        (0, {}), (1, {1001: 7.0}), (1, {1001: 7.0}), (0, {1001: 7.0}),
    ]  # fmt: skip
    assert (again.funds[0].available, facts.funds[0].available) == (float(AMOUNT), CASH)


def test_the_file_tells_no_account_no_balance_and_no_name(recorded):
    path, _, gateway, _ = recorded
    text = path.read_text()
    told = [entry for entry in gateway.log if entry.direction == "out"]
    amounts = {str(entry.fields[5]) for entry in told if entry.kind == "accountSummary" and "." in str(entry.fields[5])}
    costs = {str(entry.fields[-1]) for entry in told if entry.kind == "position"}
    assert f"{CASH:.2f}" in amounts
    assert len(costs) == 1
    permanent = {str(order.perm_id) for order in gateway.book.orders.values()}
    executions = {one.exec_id.rpartition(".")[0] for one in gateway.book.executions}
    secrets = {ACCOUNT, "7654321", "987654", "my broker", "Jane", "too much"} | costs | permanent | executions
    secrets |= amounts - {"0.00"}
    assert [secret for secret in secrets if secret in text] == []
    assert "DU0000001" in text
    assert "gc-20240315-RELIANCE-entry" in text


def test_the_file_is_its_owners_only_even_if_everything_is_allowed(tmp_path):
    before = os.umask(0)
    try:
        path = tmp_path / "session.jsonl"
        record(path, nothing)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


async def nothing(_broker, _facts):
    pass


def test_handshake_and_ends_are_recorded(recorded):
    lines = read_recording(recorded[0])
    assert [(line.sender, line.what, line.fields) for line in lines[:4]] == [
        ("client", "opened", ()),
        ("client", "frame", ("API", "v157..178")),
        ("gateway", "frame", ("178", "20240315 09:30:00 India Standard Time")),
        ("client", "frame", ("71", "2", "7", "")),
    ]
    assert (lines[-1].sender, lines[-1].what) == ("client", "closed")


def test_every_message_of_the_session_is_in_the_file(recorded):
    path, _, gateway, _ = recorded
    lines = read_recording(path)
    for sender, direction in (("client", "in"), ("gateway", "out")):
        kinds = [line.fields[0] for line in lines if (line.sender, line.what) == (sender, "frame")]
        log = [str(entry.fields[0]) for entry in gateway.log if entry.direction == direction]
        assert kinds[1:] == log[1:]  # the first ones are greeting and handshake
    assert not [line for line in lines if line.what == "withheld"]


def test_what_is_said_of_it_are_plain_sentences(recorded):
    path = recorded[0]
    said = describe_recording(path, read_recording(path))
    text = "\n".join(said)
    assert text.isascii()
    assert all(line.endswith(".") for line in said)
    assert "Connection 1: server version 178, closed by the client." in said
    assert "Accounts, all of them stand-ins: DU0000001." in said
    assert "Instruments: RELIANCE." in said
    assert "References of orders: gc-20240315-RELIANCE-entry, reference0001, reference0002." in said
    assert "4 placeOrder" in text
    assert "A text that stayed: Order rejected - reason:We are unable to accept your order" in text


# Recordings beside this file: the simulated one, and those of real sessions that somebody adds


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recording_is_scrubbed(path):
    lines, scrubber = read_recording(path), Scrubber()
    versions = {}
    for line in lines:
        if line.what == "frame":
            if line.sender == "gateway" and line.connection not in versions:
                versions[line.connection] = int(line.fields[0])
            elif line.fields[0] != "API":
                assert scrubber.clean(line.sender, line.fields, versions[line.connection]) == line.fields


def complaints(lines, caplog):
    """Let the real client decode what the gateway says; give what it could not read."""
    version = 0
    with caplog.at_level(logging.ERROR, "ib_async.Decoder"):
        for line in lines:
            if (line.sender, line.what) == ("gateway", "frame") and not version:
                version = int(line.fields[0])
                decoder = RealDecoder(_Wrapper(), version)
            elif (line.sender, line.what) == ("gateway", "frame"):
                decoder.interpret(list(line.fields))
    return [one.getMessage() for one in caplog.records if one.name == "ib_async.Decoder"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_real_client_reads_every_message_of_a_recording(path, caplog):
    for lines in connections_of(read_recording(path)):
        assert complaints(lines, caplog) == []


def test_the_real_client_complains_of_a_message_that_lacks_a_field(caplog):
    lines = [
        replace(line, fields=line.fields[:-1]) if line.fields[:1] == ("61",) else line
        for line in read_recording(FIXTURE)
    ]
    assert complaints(lines, caplog)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recording_is_replayed_to_the_bots_broker(path):
    for lines in connections_of(read_recording(path)):
        play = CallsAgain(lines)
        facts, differences = replay(lines, play, client_id=play.client_id)
        assert differences == []
        assert facts.refusals == [] or not path.name.startswith("SIMULATED")
        told = [message for _, message in named_messages(lines, "gateway")]
        listings = {message["conId"] for message in told if message["kind"] == "10"}
        assert {str(pinned.con_id) for pinned in facts.pins} <= listings
        counts = {int(message["barCount"]) for message in told if message["kind"] == "17"}
        assert {len(bars) for bars in facts.bars} <= counts
        traded = {message["execId"] for message in told if message["kind"] == "11"}
        assert {one.execution_id for truth in facts.truths for one in truth.executions} <= traded


def test_the_committed_recording_is_what_the_simulation_says(recorded):
    again, committed = read_recording(recorded[0]), read_recording(FIXTURE)
    assert [(line.sender, line.what, line.fields) for line in again] == [
        (line.sender, line.what, line.fields) for line in committed
    ]


# Replay


def test_other_numbers_and_names_are_mapped(recorded):
    path, facts, *_ = recorded
    again, differences = replay(read_recording(path), client_id=12, floor=5000)
    assert differences == []
    ours, theirs = again.truths[1].orders[0], facts.truths[1].orders[0]
    assert (ours.client_id, theirs.client_id) == (12, 7)
    assert ours.order_id > 5000 > theirs.order_id
    assert ours.parent_id > 5000
    assert ours.reference == theirs.reference == "my broker is Jane"
    assert again.truths[1].bought("gc-20240315-RELIANCE-entry") == 7


def differences_of(path, play):
    """Play a recording to other calls; give what is noted, and the error."""

    async def main():
        played, error = Replay(read_recording(path)), None
        async with played.serve() as port:
            try:
                await session(port, "DU0000001", play)
            except BrokerError as caught:
                error = caught
        return played.differences, error

    return run_virtual(main(), MOMENT)


def test_a_question_that_was_not_recorded_is_refused_and_noted(recorded):
    async def other(broker, _facts):
        await broker.server_time()
        await broker.pin("INE002A01018", "RELIANCE", "NSE", "INR")  # before the money

    differences, error = differences_of(recorded[0], other)
    assert differences == [
        "Connection 1: the client sent 9, the recording has 62 there.",
        "Connection 1: the client hung up before its message 62 of second 0.",
    ]
    assert error.code == 320


def test_a_question_that_is_asked_otherwise_is_noted(recorded):
    async def other(broker, _facts):
        await broker.server_time()
        await broker.funds("INR")
        await broker.pin("INE002A01018", "RELIANCE", "BSE", "INR")

    differences, error = differences_of(recorded[0], other)
    assert differences[0] == "Connection 1: in message 9 of the client exchange is 'BSE', recorded was 'NSE'."
    assert "0 listings" in str(error)


def test_a_question_after_the_end_is_noted(tmp_path):
    path = tmp_path / "short.jsonl"
    record(path, nothing)

    async def other(broker, _facts):
        await broker.server_time()

    lines = [line for line in read_recording(path) if line.what != "closed"]

    async def main():
        played = Replay(lines)
        async with played.serve() as port:
            with pytest.raises(BrokerError):
                await session(port, "DU0000001", other)
        return played.differences

    assert run_virtual(main(), MOMENT) == ["Connection 1: the client sent 49, the recording is over."]


def test_questions_asked_at_once_may_come_in_another_order():
    async def main():
        asked = [
            Line(0.0, 1, "client", "frame", question("1", "A")),
            Line(0.0, 1, "client", "frame", question("2", "B")),
        ]
        told = [Line(0.0, 1, "gateway", "frame", ("52", "1", number)) for number in ("1", "2")]
        played = Replay([*HEAD, *asked, *told])
        async with played.serve() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(GREETING + struct.pack(">I", 9) + b"v157..178" + encode(*question("8", "B")))
            await asyncio.sleep(0.5)
            writer.write(encode(*question("9", "A")))
            end = encode(52, 1, 9) + encode(52, 1, 8)
            data = await reader.readexactly(len(encode(*HEAD[2].fields)) + len(end))
            writer.close()
            await writer.wait_closed()
        return data.endswith(end), played.differences

    assert run_virtual(main(), MOMENT) == (True, [])


def test_an_order_of_another_client_keeps_its_number():
    def status(order, client):
        return ("3", order, "Submitted", "0", "7", "0", "1000001", "0", "0", client, "", "0")

    async def main():
        asked = [("71", "2", "7", ""), ("4", "1", "5", "")]
        lines = [Line(0.0, 1, "client", "frame", fields) for fields in asked]
        lines += [Line(0.0, 1, "gateway", "frame", status("5", client)) for client in ("7", "8")]
        played = Replay([*HEAD, *lines])
        async with played.serve() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(GREETING + struct.pack(">I", 9) + b"v157..178" + encode(71, 2, 17, "") + encode(4, 1, 50, ""))
            end = encode(*status("50", "17")) + encode(*status("5", "8"))
            data = await reader.readexactly(len(encode(*HEAD[2].fields)) + len(end))
            writer.close()
            await writer.wait_closed()
        assert data.endswith(end)
        assert played.differences == []

    run_virtual(main(), MOMENT)


HEAD = (
    Line(0.0, 1, "client", "opened"),
    Line(0.0, 1, "client", "frame", ("API", "v157..178")),
    Line(0.0, 1, "gateway", "frame", ("178", "20240315 09:30:00 India Standard Time")),
)


def question(number, isin):
    return ("9", "8", number, "0", "", "STK", *[""] * 10, "0", "ISIN", isin, "")


def test_one_client_more_than_recorded_is_noted(recorded):
    async def main():
        played = Replay(read_recording(recorded[0])[:3])
        async with played.serve() as port:
            first = await asyncio.open_connection("127.0.0.1", port)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.read() == b""
            for one in (first[1], writer):
                one.close()
                await one.wait_closed()
        return played.differences

    assert "Client 2 is one more than the recording has." in run_virtual(main(), MOMENT)


def test_replay_keeps_the_pace_and_can_be_faster(recorded):
    async def elapsed(pace):
        loop = asyncio.get_running_loop()
        played = Replay(lines, pace)
        async with played.serve() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(GREETING + struct.pack(">I", 9) + b"v157..178")
            begun = loop.time()
            await reader.readexactly(4)
            took = loop.time() - begun
            writer.close()
            await writer.wait_closed()
        return took

    opened, greeting, handshake = read_recording(recorded[0])[:3]
    lines = [opened, greeting, replace(handshake, seconds=30.0)]
    assert run_virtual(elapsed(1.0), MOMENT) == pytest.approx(30.0)
    assert run_virtual(elapsed(0.1), MOMENT) == pytest.approx(3.0)
    assert run_virtual(elapsed(0.0), MOMENT) == pytest.approx(0.0)


# Reading


HEADER = '{"recording": "goldencross-live", "format": 1}'


def row(**changes):
    return json.dumps({"seconds": 0.0, "connection": 1, "sender": "client", "what": "opened", "fields": []} | changes)


GREET = row(what="frame", fields=["API", "v157..178"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("\n", "line 1: this is no recording"),
        ("[" * 100_000 + "\n", "line 1: this is no recording"),
        (HEADER.replace("1", "2") + "\n", "line 1: this is no recording"),
        (HEADER, "line 1: the line has no end"),
        (f"{HEADER}\n{row()}", "line 2: the line has no end"),
        (f"{HEADER}\n{row()}\n{{\n", "line 3: Invalid JSON"),
        (f"{HEADER}\n{'[' * 100_000}\n", "line 2: Invalid JSON"),
        (f"{HEADER}\n[]\n", "line 2"),
        (f"{HEADER}\n{row(connection=0)}\n", "line 2: connection"),
        (f"{HEADER}\n{row(connection='1')}\n", "line 2: connection"),
        (f"{HEADER}\n{row(seconds=-1.0)}\n", "line 2: seconds"),
        (f"{HEADER}\n{row(seconds=float('nan'))}\n", "line 2"),
        (f"{HEADER}\n{row(sender='somebody')}\n", "line 2: sender"),
        (f"{HEADER}\n{row(what='run')}\n", "line 2: what"),
        (f"{HEADER}\n{row(path='/etc/passwd')}\n", "line 2: path"),
        (f"{HEADER}\n{row(fields=[1])}\n", "line 2: fields.0"),
        (f"{HEADER}\n{row(fields=[chr(0)])}\n", "line 2: fields.0"),
        (f"{HEADER}\n{row()}\n{row()}\n", "line 3: connection 1 is opened twice"),
        (f"{HEADER}\n{GREET}\n", "line 2: connection 1 is not open yet"),
        (f"{HEADER}\n{row()}\n{row(what='closed')}\n{GREET}\n", "line 4: connection 1 is closed already"),
        (f"{HEADER}\n{row(seconds=2.0)}\n{GREET}\n", "line 3: 0 seconds is earlier"),
        (f"{HEADER}\n{row()}\n{row(what='frame', fields=['61', '1'])}\n", "line 3: the client does not greet first"),
        (f"{HEADER}\n{row()}\n{row(sender='gateway', what='frame', fields=['9', ''])}\n", "version from 157 to 178"),
        (f"{HEADER}\n{row()}\n{row(sender='gateway', what='frame', fields=['225', ''])}\n", "version from 157 to 178"),
        (f"{HEADER}\n{row()}\n{GREET}\n{row(what='frame')}\n", "line 4: a message without a number"),
        (f"{HEADER}\n{row()}\n{GREET}\n{row(what='frame', fields=['x'])}\n", "line 4: a message without a number"),
        (f"{HEADER}\n{row()}\n{row(what='withheld', fields=['x', '1'])}\n", "line 3: of a withheld message"),
        (f"{HEADER}\n{row()}\n".encode() + b'"\xff"\n', "line 3"),
        (f"{HEADER}\n{row()}\n".encode() + GREET.replace("v157", "\\ud800").encode() + b"\n", "line 3"),
    ],
)
def test_a_damaged_recording_is_refused_with_its_line(tmp_path, text, words):
    path = tmp_path / "damaged.jsonl"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RecordingError) as caught:
        read_recording(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_what_is_no_file_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none", tmp_path / "a\0b"):
        with pytest.raises(RecordingError, match="cannot be read"):
            read_recording(path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 6000), byte=st.integers(0, 255), cut=st.booleans())
def test_any_damage_is_read_or_refused(tmp_path, place, byte, cut):
    data = bytearray(FIXTURE.read_bytes()[:6000].rpartition(b"\n")[0] + b"\n")
    if cut:
        del data[place:]
    else:
        data[place % len(data)] = byte
    path = tmp_path / "damaged.jsonl"
    path.write_bytes(data)
    try:
        said = describe_recording(path, read_recording(path))
    except RecordingError as error:
        said = [str(error)]
    assert said
    assert "\n" not in "".join(said)
