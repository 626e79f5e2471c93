"""The file of a journal: told from those of other programs, made for its owner only, and with room on the disk beforehand."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

from live.errors import JournalError
from live.journal.locking import only_for_the_owner

__all__ = ["open_file", "prepare", "require_room"]

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
CREATE TABLE IF NOT EXISTS room (filler BLOB NOT NULL);
CREATE TRIGGER IF NOT EXISTS events_are_not_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER IF NOT EXISTS events_are_not_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER IF NOT EXISTS events_are_not_replaced BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
"""
_OURS = 0x676A3031
"""Marks the file as a journal of this program, so that the database of another one is not taken for it."""
_COLUMNS = ["number", "time", "kind", "symbol", "reference", "data", "hash"]
_ROOM = 2 * 1024 * 1024
_LEAST_PAGES = 256
_CHECKPOINT_PAGES = 200
"""Bytes that are taken on the disk beforehand, pages of these that must be free before an order is sent or cancelled, and pages of the write-ahead log after which
it is put into the file and begun anew: fewer than the room, so that it never has to grow."""


def open_file(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open the file, and refuse what is none of this program's before a byte of it is changed.

    Raises
    ------
    JournalError
        It is no file, or that of another program.
    sqlite3.Error, OSError
    """
    if not read_only:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    if not stat.S_ISREG(path.stat().st_mode):
        raise JournalError(f"cannot open the journal {path}: it is no file; nothing is sent without it")
    file = sqlite3.connect(f"{path.as_uri()}?mode={'ro' if read_only else 'rw'}", uri=True, isolation_level=None)
    try:
        _require_ours(path, file)
    except BaseException:
        file.close()
        raise
    return file


def _require_ours(path: Path, file: sqlite3.Connection) -> None:
    """Check the mark and the columns; an empty file has neither."""
    mark = file.execute("PRAGMA application_id").fetchone()[0]
    columns = [row[1] for row in file.execute("PRAGMA table_info(events)")]
    is_empty = file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if (mark, columns) not in ([(0, []), (_OURS, [])] if is_empty else [(_OURS, _COLUMNS)]):
        raise JournalError(f"{path} is the file of another program, no journal; name another file in the configuration")


def prepare(path: Path, file: sqlite3.Connection) -> None:
    """Make a file that was checked ready for writing.

    Raises
    ------
    sqlite3.Error, OSError
    """
    only_for_the_owner(path)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"wal_autocheckpoint={_CHECKPOINT_PAGES}"):
        file.execute(f"PRAGMA {pragma}")
    file.executescript(f"BEGIN IMMEDIATE; PRAGMA application_id={_OURS}; {_SCHEMA} COMMIT;")
    _take_room(file)


def require_room(file: sqlite3.Connection) -> None:
    """Take room again if little of it is left.

    Raises
    ------
    sqlite3.Error
        The disk is full.
    """
    if file.execute("PRAGMA freelist_count").fetchone()[0] < _LEAST_PAGES:
        _take_room(file)


def _take_room(file: sqlite3.Connection) -> None:
    """Make file and write-ahead log so long that some hundred events fit, then leave the pages free; in two steps, or nothing would be written."""
    file.execute("INSERT INTO room VALUES (zeroblob(?))", (_ROOM,))
    file.execute("DELETE FROM room")
    file.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
