"""The recorder does not touch the session: bytes pass unchanged, whatever they are and whatever becomes of the file; and what its commands say."""

import asyncio
import contextlib
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.errors import InputError
from live.errors import BrokerError, RecordingError
from live.gateway import run_virtual, tape
from live.gateway.recorder import Recorder
from live.gateway.recording import Line, Writer
from live.gateway.recording_reader import read_recording
from live.gateway.wire import GREETING, encode
from tests.recorded_session import ACCOUNT, CASH, ISIN, MOMENT, gateway_of_the_day, session

HELLO = GREETING + struct.pack(">I", 9) + b"v157..178"
SHAKE = encode("178", "20240315 09:30:00 India Standard Time")
ASKED = HELLO + encode(71, 2, 7, "") + encode(61, 1) + encode(62, 1, 5, "All", "NetLiquidation")
TOLD = (
    SHAKE
    + encode(15, 1, ACCOUNT)
    + encode(9, 1, 1)
    + encode(62, 1)
    + encode(63, 1, 5, ACCOUNT, "NetLiquidation", CASH, "INR")
)
FIELDS = {
    "client": [("API", "v157..178"), ("71", "2", "7", ""), ("61", "1"), ("62", "1", "5", "All", "NetLiquidation")],
    "gateway": [
        ("178", "20240315 09:30:00 India Standard Time"),
        ("15", "1", "DU0000001"),
        ("9", "1", "1"),
        ("62", "1"),
        ("63", "1", "5", "DU0000001", "NetLiquidation", "1000000.00", "INR"),
    ],
}


class Peer:
    """A gateway that keeps what it hears, and says what it is told to."""

    def __init__(self):
        self.heard, self.writers, self.arrived = b"", [], asyncio.Event()

    async def meet(self, reader, writer):
        self.writers.append(writer)
        self.arrived.set()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                self.heard += data
        writer.close()


@contextlib.asynccontextmanager
async def between(path, **options):
    """Put a recorder between a peer and a client; give peer, reader, writer and recorder."""
    peer = Peer()
    server = await asyncio.start_server(peer.meet, "127.0.0.1", 0)
    recorder = Recorder(path, server.sockets[0].getsockname()[1], **options)
    async with recorder.serve() as port:
        await asyncio.sleep(0.1)
        peer.writers.clear()
        peer.arrived.clear()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await peer.arrived.wait()
        yield peer, reader, writer, recorder
        for one in (writer, *peer.writers):
            one.close()
            with contextlib.suppress(ConnectionError):
                await one.wait_closed()
        await asyncio.sleep(0.1)
    server.close()


def passed(path, asked, told, **options):
    """Send bytes both ways, given as the parts in which they are sent; give what arrived, the lines of the file, and the recorder."""

    async def main():
        async with between(path, **options) as (peer, reader, writer, recorder):
            # The gateway first: nothing can be read of a client before the version is known.
            for end, parts in ((peer.writers[0], told), (writer, asked)):
                for part in parts:
                    end.write(part)
                    await asyncio.sleep(0.001)
            arrived = await reader.readexactly(sum(map(len, told)))
            await asyncio.sleep(0.1)
        return peer.heard, arrived, recorder

    heard, arrived, recorder = run_virtual(main(), MOMENT)
    return heard, arrived, read_recording(path), recorder


def frames(lines):
    return {
        sender: [line.fields for line in lines if (line.sender, line.what) == (sender, "frame")]
        for sender in ("client", "gateway")
    }


def single(data):
    return [data[i : i + 1] for i in range(len(data))]


@pytest.mark.parametrize("split", [single, lambda data: [data]], ids=["every byte by itself", "all in one packet"])
def test_frames_pass_and_are_recorded_however_they_are_cut(tmp_path, split):
    heard, arrived, lines, recorder = passed(tmp_path / "x", split(ASKED), split(TOLD))
    assert (heard, arrived) == (ASKED, TOLD)
    assert frames(lines) == FIELDS
    assert recorder.is_complete


@pytest.mark.parametrize("side", ["asked", "told"])
def test_frames_cut_in_two_at_every_byte(tmp_path, side):
    data = {"asked": ASKED, "told": TOLD}[side]
    for cut in range(1, len(data)):
        parts = {"asked": [ASKED], "told": [TOLD]} | {side: [data[:cut], data[cut:]]}
        heard, arrived, lines, _ = passed(tmp_path / str(cut), **parts)
        assert (heard, arrived) == (ASKED, TOLD)
        assert frames(lines) == FIELDS


def test_what_has_no_layout_is_recorded_without_its_contents(tmp_path):
    secret = encode(16, 1, 1, f"<account>{ACCOUNT}</account>")
    heard, arrived, lines, recorder = passed(
        tmp_path / "x", [ASKED, encode(19, 1, 1, "my own words", 5)], [TOLD, secret]
    )
    assert heard.endswith(encode(19, 1, 1, "my own words", 5))
    assert arrived.endswith(secret)
    assert [line.fields for line in lines if line.what == "withheld"] == [("16", "4"), ("19", "5")]
    assert recorder.summary()[-1] == "Of 2 more messages it has only the kind, not the contents."
    text = (tmp_path / "x").read_text()
    assert ACCOUNT not in text
    assert "my own words" not in text


@pytest.mark.parametrize(
    ("asked", "told", "reason"),
    [
        ([HELLO], [encode("225", "20240315 09:30:00 IST"), encode(61, ACCOUNT)], "server version 225 speaks protobuf"),
        ([HELLO], [encode("201", "x"), encode(61, ACCOUNT)], "server version 201 speaks protobuf"),
        ([HELLO], [encode("200", "x"), encode(61, ACCOUNT)], "of server version 200 the fields are not known"),
        ([HELLO], [encode("what?", ACCOUNT), encode(61, ACCOUNT)], "of server version 0 the fields are not known"),
        ([f"GET /{ACCOUNT} HTTP/1.1\r\n\r\n".encode()], [SHAKE, encode(61, ACCOUNT)], "what the client sends is not this protocol"),
        ([HELLO], [SHAKE, b"\xff\xff\xff\xff" + ACCOUNT.encode()], "what the gateway sends is not this protocol"),
    ],
    ids=["225", "201", "200", "no version", "another client", "no frame"],
)  # fmt: skip
def test_what_cannot_be_scrubbed_passes_but_is_not_recorded(tmp_path, asked, told, reason):
    said = []
    heard, arrived, lines, recorder = passed(tmp_path / "x", asked, told, say=said.append)
    assert (heard, arrived) == (b"".join(asked), b"".join(told))
    assert ACCOUNT not in (tmp_path / "x").read_text()
    assert len(said) == 1
    assert said[0].startswith(f"Connection 1 is not recorded, but goes on: {reason}")
    assert [line.fields for line in lines if line.what == "stopped"] == [(said[0].split(": ", 1)[1].rstrip("."),)]
    assert not recorder.is_complete


def test_a_full_disk_ends_the_recording_and_not_the_session(tmp_path, monkeypatch):
    write, left = os.write, [600]

    def full(file, data):
        if len(data) > left[0]:
            done = write(file, data[: left[0]])
            left[0] = 0
            if done:
                return done
            raise OSError(28, "No space left on device")
        left[0] -= len(data)
        return write(file, data)

    said = []
    monkeypatch.setattr("live.gateway.recording.os.write", full)
    heard, arrived, lines, recorder = passed(tmp_path / "x", single(ASKED), single(TOLD), say=said.append)
    assert (heard, arrived) == (ASKED, TOLD)
    assert said == ["The recording ends here: No space left on device. The session goes on, unrecorded."]
    assert 0 < len(lines) < 8
    assert (recorder.is_complete, sum(map(len, frames(lines).values()))) == (False, sum(recorder._tape.frames.values()))


def test_a_defect_in_the_scrubbing_ends_the_recording_and_not_the_session(tmp_path, monkeypatch):
    def broken(*_):
        raise KeyError(ACCOUNT)

    said = []
    monkeypatch.setattr(tape.Scrubber, "clean", broken)
    heard, arrived, _, _ = passed(tmp_path / "x", [ASKED], [TOLD], say=said.append)
    assert (heard, arrived) == (ASKED, TOLD)
    assert said == ["The recording ends here: a defect of the recorder, KeyError. The session goes on, unrecorded."]


def test_a_slow_disk_does_not_hold_up_the_session(tmp_path, monkeypatch):
    gate = threading.Event()
    write = Writer.write

    def slow(self, line):
        gate.wait(20)
        write(self, line)

    monkeypatch.setattr(Writer, "write", slow)
    path = tmp_path / "x"

    async def main():
        async with between(path) as (peer, reader, writer, _):
            peer.writers[0].write(TOLD)
            await asyncio.sleep(0.1)
            writer.write(ASKED)
            assert await reader.readexactly(len(TOLD)) == TOLD  # while nothing can be written
            await asyncio.sleep(0.1)
            assert peer.heard == ASKED
            assert len(path.read_text().splitlines()) == 1
            gate.set()

    run_virtual(main(), MOMENT)
    assert frames(read_recording(path)) == FIELDS


def test_a_disk_that_never_answers_does_not_fill_the_memory(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(tape, "_MOST_WAITING", 100)
    heard, arrived, _, recorder = passed(tmp_path / "x", [ASKED + encode(61, 1) * 100], [TOLD], say=said.append)
    assert heard == ASKED + encode(61, 1) * 100
    assert arrived == TOLD
    assert said == ["The recording ends here: the disk is too slow. The session goes on, unrecorded."]
    assert not recorder.is_complete


@pytest.mark.parametrize("first", ["client", "gateway"])
@pytest.mark.parametrize("how", ["close", "abort", "reset"])
def test_who_hangs_up_is_passed_on_and_recorded(tmp_path, first, how):
    async def main():
        async with between(tmp_path / "x") as (peer, reader, writer, _):
            peer.writers[0].write(TOLD)
            await asyncio.sleep(0.1)
            writer.write(ASKED)
            await reader.readexactly(len(TOLD))
            await asyncio.sleep(0.1)
            leaving = writer if first == "client" else peer.writers[0]
            if how == "reset":
                leaving.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
            leaving.close() if how == "close" else leaving.transport.abort()
            if first == "gateway":
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
                writer.close()
            await asyncio.sleep(0.1)
            assert peer.writers[0].transport.is_closing()

    run_virtual(main(), MOMENT)
    lines = read_recording(tmp_path / "x")
    assert frames(lines) == FIELDS
    assert (lines[-1].sender, lines[-1].what) == (first, "closed")


def test_a_gateway_that_goes_away_and_comes_back(tmp_path):
    said = []

    async def main():
        gateway = gateway_of_the_day()
        async with gateway.serve() as port:
            recorder = Recorder(tmp_path / "x", port, say=said.append)
            served = recorder.serve()
            here = await served.__aenter__()
            await session(here, ACCOUNT, nothing)
        with pytest.raises(BrokerError):
            await session(here, ACCOUNT, nothing)
        async with gateway_of_the_day().serve(port):
            await session(here, ACCOUNT, nothing)
            await served.__aexit__(None, None, None)
        return recorder

    recorder = run_virtual(main(), MOMENT)
    assert said == ["Connection 2 was closed at once: the gateway does not answer, connection refused."]
    lines = read_recording(tmp_path / "x")
    assert [(line.connection, line.sender, line.what) for line in lines if line.what in ("opened", "closed")] == [
        (1, "client", "opened"), (1, "client", "closed"), (2, "client", "opened"), (2, "gateway", "closed"),
        (3, "client", "opened"), (3, "client", "closed"),
    ]  # fmt: skip
    assert recorder.summary()[0].endswith("frames of 3 connections.")
    assert "DU0000002" not in (tmp_path / "x").read_text()  # the same account has the same stand-in


async def nothing(_broker, _facts):
    pass


def test_it_listens_on_the_loopback_only_and_takes_no_other_gateway(tmp_path):
    async def main():
        async with between(tmp_path / "x") as (_, _, writer, _):
            port = writer.get_extra_info("peername")[1]
            listening = [
                line.split()[1]
                for line in Path("/proc/net/tcp").read_text().splitlines()  # noqa: ASYNC240  no file of a disk
                if line.split()[3] == "0A"
            ]
            assert f"0100007F:{port:04X}" in listening
            assert f"00000000:{port:04X}" not in listening

    run_virtual(main(), MOMENT)
    for host in ("192.168.1.7", "example.com", "0.0.0.0", ""):  # noqa: S104
        with pytest.raises(InputError, match="only an address of this machine"):
            Recorder(tmp_path / "y", 4002, host)
    for ports in ((0, 0), (65536, 0), (4002, -1), (4002, 65536)):
        with pytest.raises(InputError, match="a port is a number"):
            Recorder(tmp_path / "y", ports[0], port=ports[1])


def test_a_line_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    writer = Writer(tmp_path / "x")
    line = Line(1.0, 1, "client", "opened")
    writer.write(line)
    before = (tmp_path / "x").read_bytes()

    def torn(file, data):
        if len(data) < 20:
            raise OSError(28, "full")
        return real(file, data[: len(data) // 2])

    real = os.write
    monkeypatch.setattr("live.gateway.recording.os.write", torn)
    with pytest.raises(OSError, match="full"):
        writer.write(line)
    writer.close()
    assert (tmp_path / "x").read_bytes() == before


# The commands


COMMAND = [sys.executable, "-c", "from live.cli import main; main()"]


def run(*arguments):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def listening():
    """Give a port on which somebody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        yield str(one.getsockname()[1])


def unused():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def test_without_a_gateway_it_ends_with_4(tmp_path):
    done = run("record", "--out", str(tmp_path / "x"), "--gateway-port", unused())
    assert done.returncode == 4
    assert done.stderr.startswith("error: no gateway at 127.0.0.1 port ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_with_a_port_in_use_it_ends_with_2(tmp_path, listening):
    done = run("record", "--out", str(tmp_path / "x"), "--gateway-port", listening, "--port", listening)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: port {listening} cannot be listened on: address already in use")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_a_file_is_never_written_over(tmp_path, listening):
    (tmp_path / "x").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("x", "link"):
        done = run("record", "--out", str(tmp_path / name), "--gateway-port", listening)
        assert done.returncode == 2
        assert "exists already and is never written over" in done.stderr
        assert done.stderr.count("\n") == 1
    assert (tmp_path / "x").read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_cannot_be_made_is_one_line(tmp_path, listening):
    done = run("record", "--out", str(tmp_path / "none" / "x"), "--gateway-port", listening)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "No such file or directory" in done.stderr


def test_a_disk_that_is_full_from_the_start_is_one_line(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("live.gateway.recording.os.write", full)
    with pytest.raises(RecordingError, match="x cannot be written: No space left on device"):
        Writer(tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_nobody_who_listens_does_not_end_the_session(tmp_path):
    def deaf(_):
        raise BrokenPipeError

    heard, arrived, _, recorder = passed(tmp_path / "x", [HELLO], [encode("225", "x"), SHAKE], say=deaf)
    assert (heard, arrived) == (HELLO, encode("225", "x") + SHAKE)
    assert recorder._tape.failed == ""


def test_another_machine_is_refused(tmp_path):
    done = run("record", "--out", str(tmp_path / "x"), "--gateway-host", "192.168.1.7")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "only an address of this machine" in done.stderr


@contextlib.contextmanager
def recording(path, *, limit=None):
    """Record a real client by the command, with a simulated gateway in a thread; give the process and the port."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    ports = []

    async def serve():
        over = asyncio.Event()
        ports.append(over)
        async with gateway_of_the_day().serve() as port:
            ports.append(port)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(30)
    small = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) if limit else None
    process = subprocess.Popen(
        [*COMMAND, "record", "--out", str(path), "--gateway-port", str(ports[1])],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=small,  # noqa: PLW1509
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
        loop.call_soon_threadsafe(ports[0].set)
        thread.join(30)
        loop.close()


def told_port(process):
    line = process.stdout.readline()
    assert line.startswith("Recording into ")
    assert process.stdout.readline() == "Ctrl-C ends the recording, and with it the connections through it.\n"
    return int(line.split(" port ")[1].split(",")[0])


@pytest.mark.parametrize("sort", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_with_what_is_in_the_file(tmp_path, sort):
    path = tmp_path / "session.jsonl"
    with recording(path) as process:
        port = told_port(process)
        facts = asyncio.run(session(port, ACCOUNT, look))
        process.send_signal(sort)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    lines = read_recording(path)
    count = sum(line.what == "frame" for line in lines)
    assert out.splitlines() == [
        f"{path} has {count} frames of 1 connection.",
        f"Connection 1: {count} frames.",
    ]
    assert facts.funds[0].available == CASH
    done = run("recording", str(path))
    assert done.returncode == 0
    assert done.stdout.startswith(f"{path} has {count} messages of 1 connection in ")
    assert path.stat().st_mode & 0o777 == 0o600


def test_ctrl_c_with_a_client_connected_says_no_more(tmp_path):
    path = tmp_path / "session.jsonl"
    with recording(path) as process, socket.create_connection(("127.0.0.1", told_port(process)), 10) as client:
        client.sendall(HELLO)
        assert client.recv(4)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, f"{path} has 2 frames of 1 connection.\nConnection 1: 2 frames.\n")
    assert read_recording(path)[-1].what == "frame"  # nobody had hung up


async def look(broker, facts):
    facts.funds.append(await broker.funds("INR"))
    facts.pins.append(await broker.pin(ISIN, "RELIANCE", "NSE", "INR"))
    facts.bars.append(await broker.daily_bars(facts.pins[0], 5))


def test_a_file_that_may_not_grow_ends_the_recording_with_1(tmp_path):
    path = tmp_path / "session.jsonl"
    with recording(path, limit=1500) as process:
        port = told_port(process)
        facts = asyncio.run(session(port, ACCOUNT, look))
        assert len(facts.bars[0]) == 250
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert out.count("The recording ends here: File too large. The session goes on, unrecorded.") == 1
    assert out.endswith("It is not complete; the reasons are above.\n")
    assert 5 < len(read_recording(path)) < 20


def test_a_killed_recorder_leaves_a_file_that_can_be_read(tmp_path):
    path = tmp_path / "session.jsonl"
    with recording(path) as process:
        port = told_port(process)
        asyncio.run(session(port, ACCOUNT, look))
        process.kill()
        process.wait()
    assert any(line.fields[:1] == ("17",) for line in read_recording(path))


def test_the_command_recording_says_what_is_wrong_in_one_line(tmp_path):
    (tmp_path / "x").write_text("nothing\n")
    for path in (tmp_path / "x", tmp_path / "none", tmp_path):
        done = run("recording", str(path))
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith("error: ")
