"""One SQLite file of events that only grows, chained by hashes; and a lock, so that one bot writes at a time."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.errors import OutputError

__all__ = ["Event", "Journal", "JournalError", "single_instance"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    kind TEXT NOT NULL,
    symbol TEXT NOT NULL,
    reference TEXT NOT NULL,
    data TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS events_are_not_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER IF NOT EXISTS events_are_not_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER IF NOT EXISTS events_are_not_replaced BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
"""
_BEGIN = "0" * 64


class JournalError(OutputError):
    """The journal cannot be read or written; without it nothing is sent."""


@dataclass(frozen=True)
class Event:
    """One line of the journal.

    Attributes
    ----------
    number : int
        1, 2, 3, ...
    time : str
        UTC, ISO with microseconds.
    kind, symbol, reference : str
        What happened; to which share and which of our orders, empty if to none.
    data : dict
    hash : str
        SHA-256 over the hash before and this event.
    """

    number: int
    time: str
    kind: str
    symbol: str
    reference: str
    data: dict[str, Any]
    hash: str

    def chained(self, before: str) -> str:
        """Give the hash that this event has after another."""
        row = [before, self.number, self.time, self.kind, self.symbol, self.reference, self.data]
        return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()


class Journal:
    """The events of one account.

    Parameters
    ----------
    path : Path
        Made if it does not exist, readable by its owner only.
    read_only : bool
        For looking at it while a bot writes.
    clock : callable
        Gives the time, aware.

    Raises
    ------
    JournalError
        It cannot be opened, or its end is not as it was written.
    """

    def __init__(
        self, path: Path, *, read_only: bool = False, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.path, self._clock, self._head = Path(path), clock, Path(f"{path}.head")
        self._is_open = False  # whether several events are being written as one
        with self._errors("open"):
            if read_only:
                self._file = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
            else:
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
                self.path.chmod(0o600)
                self._file = sqlite3.connect(self.path, isolation_level=None)
                self._file.execute("PRAGMA journal_mode=WAL")
                self._file.execute("PRAGMA synchronous=FULL")
                self._file.executescript(_SCHEMA)
            last = list(self._events("ORDER BY number DESC LIMIT 2"))
        self._number, self._hash = (last[0].number, last[0].hash) if last else (0, _BEGIN)
        if last and last[0].chained(last[1].hash if len(last) > 1 else _BEGIN) != last[0].hash:
            raise JournalError(f"the journal {self.path} was changed: event {last[0].number} is not as it was written")
        self._require_end(self._number)

    def append(self, kind: str, data: dict[str, Any], *, symbol: str = "", reference: str = "") -> Event:
        """Write an event to the disk, and give it when it is there.

        Raises
        ------
        JournalError
        """
        time = self._clock().astimezone(UTC).isoformat(timespec="microseconds")
        data = json.loads(json.dumps(data))  # what is hashed is what will be read
        event = Event(self._number + 1, time, kind, symbol, reference, data, "")
        event = Event(**{**vars(event), "hash": event.chained(self._hash)})
        row = (event.number, time, kind, symbol, reference, json.dumps(data, sort_keys=True), event.hash)
        with self._errors("write"):
            self._file.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            if not self._is_open:
                self._write_head(event.number)
        self._number, self._hash = event.number, event.hash
        return event

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write several events as one: all of them, or none; they are on the disk when the block ends.

        Raises
        ------
        JournalError
        """
        begin = self._number, self._hash
        with self._errors("write"):
            self._file.execute("BEGIN")
        self._is_open = True
        try:
            yield
            with self._errors("write"):
                self._file.execute("COMMIT")
        except BaseException:
            self._number, self._hash = begin
            with suppress(sqlite3.Error):
                self._file.execute("ROLLBACK")
            raise
        finally:
            self._is_open = False
        if self._number > begin[0]:
            with self._errors("write"):
                self._write_head(self._number)

    def events(self) -> list[Event]:
        """Read everything, oldest first.

        Raises
        ------
        JournalError
        """
        with self._errors("read"):
            return list(self._events("ORDER BY number"))

    def verify(self) -> int:
        """Check the whole chain; give the number of events.

        Raises
        ------
        JournalError
            Names the first event that is not as it was written, or that is missing.
        """
        before = _BEGIN
        events = self.events()
        for number, event in enumerate(events, start=1):
            if event.number != number:
                raise JournalError(f"the journal {self.path} was changed: event {number} is missing")
            if event.chained(before) != event.hash:
                raise JournalError(f"the journal {self.path} was changed: event {number} is not as it was written")
            before = event.hash
        self._require_end(len(events))
        return len(events)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write_head(self, number: int) -> None:
        """Write beside the file how far it goes: a chain shows what was changed, not that its end is missing."""
        with open(os.open(self._head, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:  # noqa: PTH123  the mode is set before there is a byte in it
            file.write(f"{number:012d}\n")
            file.flush()
            os.fsync(file.fileno())

    def _require_end(self, number: int) -> None:
        """Check that nothing is missing at the end; a kill between event and head leaves one more event, never one less."""
        with self._errors("read"):
            written = int(self._head.read_text(encoding="ascii")) if self._head.exists() else 0
        if written > number:
            raise JournalError(f"the journal {self.path} was changed: events {number + 1} to {written} are missing")

    def _events(self, order: str) -> Iterator[Event]:
        for number, time, kind, symbol, reference, data, chained in self._file.execute(f"SELECT * FROM events {order}"):  # noqa: S608  the order is ours
            yield Event(number, time, kind, symbol, reference, json.loads(data), chained)

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        """Turn whatever the disk or SQLite says into one line."""
        try:
            yield
        except (sqlite3.Error, OSError, ValueError, TypeError) as error:
            raise JournalError(f"cannot {what} the journal {self.path}: {error}; nothing is sent without it") from None


@contextmanager
def single_instance(path: Path) -> Iterator[None]:
    """Hold the lock of a journal; it goes with the process, however that ends.

    Raises
    ------
    JournalError
        Another bot holds it.
    """
    lock = Path(f"{path}.lock")
    try:
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise JournalError(f"cannot make the lock {lock}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise JournalError(f"another bot is running with the journal {path}; two would buy twice") from None
    try:
        yield
    finally:
        with suppress(OSError):
            os.close(descriptor)
