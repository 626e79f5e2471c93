"""What SQLite and the system say when a journal cannot be read or written, in one line that says what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from live.errors import JournalError

__all__ = ["faults_told"]

_SAID = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk does not take or give the data",
    sqlite3.SQLITE_BUSY: "another program has locked it",
    sqlite3.SQLITE_LOCKED: "another program has locked it",
    sqlite3.SQLITE_READONLY: "no permission to write the file, or in its folder",
    sqlite3.SQLITE_PERM: "no permission",
    sqlite3.SQLITE_CANTOPEN: "no permission, or no such folder",
    sqlite3.SQLITE_NOTADB: "it is no journal, or it is damaged; restore it together with its head from a copy, and look at the broker",
    sqlite3.SQLITE_CORRUPT: "it is damaged; restore it together with its head from a copy, and look at the broker",
}


@contextmanager
def faults_told(path: Path, doing: str) -> Iterator[None]:
    """Turn whatever the disk or SQLite says into a JournalError.

    Parameters
    ----------
    path : Path
    doing : {"open", "read", "write"}
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        why = (_SAID.get(code & 0xFF) if isinstance(code, int) else None) or " ".join(str(error).split())
    except OSError as error:
        why = error.strerror or str(error)
    except (ValueError, TypeError) as error:  # a row that was never written by this program
        why = f"it has something that is no event ({error})"
    else:
        return
    raise JournalError(f"cannot {doing} the journal {path}: {why}; nothing is sent without it")
