"""Turns the bytes of a session into lines of a recording, in a thread of its own: scrubbing and a slow disk must not slow the session down."""

from __future__ import annotations

import queue
import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from live.gateway.layouts import NEWEST, OLDEST, Sender
from live.gateway.recording import Line, What, Writer
from live.gateway.scrubbing import Scrubber
from live.gateway.wire import Decoder, WireError

__all__ = ["Tape"]

_PROTOBUF = 201  # from this server version on, frames are no longer text
_MOST_WAITING = 256 * 2**20  # bytes that wait for the disk; beyond, the recording ends rather than fill the memory
_KIND = re.compile("[0-9]{1,8}")


@dataclass
class _Line:
    """What is known of one connection."""

    decoders: dict[Sender, Decoder] = field(
        default_factory=lambda: {"client": Decoder(greeting=True), "gateway": Decoder()}
    )
    heard: Counter[Sender] = field(default_factory=Counter)
    version: int = 0
    stopped: bool = False


@dataclass(frozen=True)
class _Item:
    seconds: float
    connection: int
    sender: Sender
    what: What
    data: bytes = b""


class Tape:
    """Takes bytes and events in the order in which they came, and writes them down.

    Whatever goes wrong with that, the session is not told: the recording ends, one sentence says so, and the file stays readable up to there.

    Parameters
    ----------
    writer : Writer
    say : callable
        Told one sentence where something could not be recorded; from another thread. It must not raise.

    Attributes
    ----------
    failed : str
        Why the recording ended before the session did, else empty.
    frames, withheld : Counter
        How many are in the file, by connection.
    """

    def __init__(self, writer: Writer, say: Callable[[str], None]) -> None:
        self.failed = ""
        self.incomplete = False
        self.frames: Counter[int] = Counter()
        self.withheld: Counter[int] = Counter()
        self._writer, self._say = writer, say
        self._scrubber = Scrubber()
        self._lines: dict[int, _Line] = {}
        self._items: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._put = self._taken = 0  # bytes
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    def put(self, seconds: float, connection: int, sender: Sender, data: bytes) -> None:
        """Take some bytes of a connection; returns at once."""
        if self.failed:
            return
        self._put += len(data)
        if self._put - self._taken > _MOST_WAITING:
            self._fail("the disk is too slow")
            return
        self._items.put(_Item(seconds, connection, sender, "frame", data))

    def note(self, seconds: float, connection: int, sender: Sender, what: What) -> None:
        """Take an event of a connection."""
        self._items.put(_Item(seconds, connection, sender, what))

    def close(self, patience: float = 10.0) -> None:
        """Write what is left, for some seconds at most, and close the file."""
        self._items.put(None)
        self._thread.join(patience)
        if self._thread.is_alive():
            self._fail("the disk does not answer")
        else:
            self._writer.close()

    def _run(self) -> None:
        while (item := self._items.get()) is not None:
            self._taken += len(item.data)
            if self.failed:
                continue
            try:
                self._take(item)
            except OSError as error:
                self._fail(str(error.strerror))
            except Exception as error:  # noqa: BLE001  a defect here must not reach the session; its text could tell what has to be scrubbed
                self._fail(f"a defect of the recorder, {type(error).__name__}")

    def _fail(self, reason: str) -> None:
        """End the recording."""
        self.failed, self.incomplete = reason, True
        self._say(f"The recording ends here: {reason}. The session goes on, unrecorded.")

    def _take(self, item: _Item) -> None:
        """Write one event, or the messages that some bytes complete."""
        line = self._lines.setdefault(item.connection, _Line())
        if item.what != "frame":
            self._write(item, item.what)
        elif not line.stopped:
            try:
                arrived = line.decoders[item.sender].feed(item.data)
            except WireError:
                self._stop(item, line, f"what the {item.sender} sends is not this protocol")
                return
            for fields in arrived:
                if not line.stopped:
                    self._message(item, line, fields)

    def _message(self, item: _Item, line: _Line, fields: tuple[str, ...]) -> None:
        """Write one message."""
        line.heard[item.sender] += 1
        if line.heard[item.sender] > 1:
            self._scrubbed(item, line, fields)
        elif item.sender == "client":
            self._write(item, "frame", self._scrubber.greeting(fields))
        else:
            told = self._scrubber.handshake(fields)
            line.version = int(told[0]) if _KIND.fullmatch(told[0]) else 0
            if OLDEST <= line.version <= NEWEST:
                self._write(item, "frame", told)
            else:
                self._stop(item, line, _refusal(line.version))

    def _scrubbed(self, item: _Item, line: _Line, fields: tuple[str, ...]) -> None:
        """Write a message without what is private, or only its number if nothing is known of its fields."""
        try:
            cleaned = self._scrubber.clean(item.sender, fields, line.version)
        except WireError:
            number = fields[0] if _KIND.fullmatch(fields[0]) else "0"
            self._write(item, "withheld", (number[:4], str(len(fields))))
        else:
            self._write(item, "frame", cleaned)

    def _stop(self, item: _Item, line: _Line, reason: str) -> None:
        """Record nothing more of a connection."""
        line.stopped = self.incomplete = True
        self._write(item, "stopped", (reason,))
        self._say(f"Connection {item.connection} is not recorded, but goes on: {reason}.")

    def _write(self, item: _Item, what: What, fields: tuple[str, ...] = ()) -> None:
        self._writer.write(Line(item.seconds, item.connection, item.sender, what, fields))
        if what in ("frame", "withheld"):
            (self.frames if what == "frame" else self.withheld)[item.connection] += 1


def _refusal(version: int) -> str:
    """Say why a server version cannot be recorded."""
    if version >= _PROTOBUF:
        return f"server version {version} speaks protobuf, which cannot be scrubbed; let the client ask for at most {NEWEST}"
    return f"of server version {version} the fields are not known; {OLDEST} to {NEWEST} can be recorded"
