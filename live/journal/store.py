"""The journal: one SQLite file of events that only grows, chained by hashes, with its head beside it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from live.errors import JournalError
from live.journal.chain import Event, require_chain, require_end
from live.journal.faults import faults_told
from live.journal.head import FIRST, Head, create_head, read_head, write_head
from live.journal.locking import make_folder
from live.journal.opening import open_file, prepare, require_room

__all__ = ["Event", "Journal"]


class Journal:
    """The events of one account.

    Parameters
    ----------
    path : Path
        Made if it does not exist, readable by its owner only; so is its folder, if that does not exist.
    read_only : bool
        For looking at it while a bot writes.
    clock : callable
        Gives the time, aware.

    Raises
    ------
    JournalError
        It cannot be opened, belongs to another program, is not as it was written, or lacks its end.
    """

    def __init__(
        self, path: Path, *, read_only: bool = False, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.path, self._clock = Path(path).absolute(), clock
        self._is_open = False  # whether several events are being written as one
        if not read_only:
            make_folder(self.path)
        with faults_told(self.path, "open"):
            self._file = open_file(self.path, read_only=read_only)
            try:
                events = self._verified()
                last = events[-1] if events else None
                self._number, self._hash = (last.number, last.hash) if last else (0, FIRST)
                if not read_only:
                    self._prepare()
            except BaseException:
                self._file.close()
                raise

    def append(self, kind: str, data: dict[str, Any], *, symbol: str = "", reference: str = "") -> Event:
        """Write an event to the disk, and give it when it is there.

        Raises
        ------
        JournalError
        """
        time = self._clock().astimezone(UTC).isoformat(timespec="microseconds")
        with faults_told(self.path, "write"):
            data = json.loads(json.dumps(data))  # what is hashed is what will be read
            event = Event(self._number + 1, time, kind, symbol, reference, data, "")
            event = Event(**{**vars(event), "hash": event.chained(self._hash)})
            row = (event.number, time, kind, symbol, reference, json.dumps(data, sort_keys=True), event.hash)
            self._file.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            if not self._is_open:
                write_head(self.path, Head(event.number, event.hash))
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
        with faults_told(self.path, "write"):
            self._file.execute("BEGIN")
        self._is_open = True
        try:
            yield
            with faults_told(self.path, "write"):
                self._file.execute("COMMIT")
        except BaseException:
            self._number, self._hash = begin
            with suppress(sqlite3.Error):
                self._file.execute("ROLLBACK")
            raise
        finally:
            self._is_open = False
        if self._number > begin[0]:
            with faults_told(self.path, "write"):
                write_head(self.path, Head(self._number, self._hash))

    def require_room(self) -> None:
        """Take room on the disk for what will have to be written about an order, before anything is done about it.

        A disk that is full is so noticed while the old stop is still in place, and not between its cancellation and the sale.

        Raises
        ------
        JournalError
            There is none.
        """
        with faults_told(self.path, "write"):
            require_room(self._file)

    def events(self, after: int = 0) -> list[Event]:
        """Read everything after the event of a number, oldest first.

        Raises
        ------
        JournalError
        """
        with faults_told(self.path, "read"):
            return self._events(after)

    def verify(self) -> int:
        """Check the whole chain and its end; give the number of events.

        Raises
        ------
        JournalError
            Names the first event that is not as it was written, or that is missing.
        """
        with faults_told(self.path, "read"):
            return len(self._verified())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _prepare(self) -> None:
        """Make file and head ready for writing."""
        prepare(self.path, self._file)
        head = read_head(self.path)
        if head is None:
            create_head(self.path)
        elif head.number < self._number:  # killed between an event and its head
            write_head(self.path, Head(self._number, self._hash))

    def _verified(self) -> list[Event]:
        """Check the pages, the chain, and that the end is there; give the events."""
        head = read_head(self.path)  # before the events, of which a bot may write more meanwhile
        said = self._file.execute("PRAGMA quick_check(1)").fetchone()[0]
        if said != "ok":
            raise JournalError(f"the journal {self.path} is damaged ({' '.join(said.split())}); restore it from a copy")
        events = self._events()
        require_chain(self.path, events)
        require_end(self.path, events, head)
        return events

    def _events(self, after: int = 0) -> list[Event]:
        if not self._file.execute("SELECT count(*) FROM sqlite_master WHERE name = 'events'").fetchone()[0]:
            return []
        rows = self._file.execute("SELECT * FROM events WHERE number > ? ORDER BY number", (after,))
        return [
            Event(number, time, kind, symbol, reference, json.loads(data), chained)
            for number, time, kind, symbol, reference, data, chained in rows
        ]
