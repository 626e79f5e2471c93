"""Whose the journal is: files that only their owner can read, and locks, so that one bot at a time writes, and one trades an account."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from live.errors import JournalError

__all__ = ["make_folder", "only_bot_of", "only_for_the_owner", "single_instance"]

_BESIDE = ("", "-wal", "-shm", ".head", ".lock")
"""What the names of the files of a journal have at the end."""


def make_folder(path: Path) -> None:
    """Make the folder of a journal for its owner only, if it does not exist; not those above it, since a name that is misspelt should be an error.

    Raises
    ------
    JournalError
    """
    with suppress(FileExistsError):
        try:
            path.parent.mkdir(mode=0o700)
        except FileNotFoundError:
            raise JournalError(
                f"cannot make the journal {path}: there is no folder {path.parent.parent}; nothing is sent without it"
            ) from None
        except PermissionError:
            raise JournalError(
                f"cannot make the journal {path}: no permission to make the folder {path.parent}; nothing is sent without it"
            ) from None


def only_for_the_owner(path: Path) -> None:
    """Take everybody else's rights to the files of a journal away.

    Raises
    ------
    OSError
    """
    for ending in _BESIDE:
        file = Path(f"{path}{ending}")
        with suppress(FileNotFoundError):
            if stat.S_IMODE(file.stat().st_mode) & 0o077:
                file.chmod(0o600)


@contextmanager
def single_instance(path: Path) -> Iterator[None]:
    """Hold the lock of a journal; it goes with the process, however that ends.

    Raises
    ------
    JournalError
        Another bot holds it, or it cannot be made.
    """
    make_folder(path)
    with _locked(Path(f"{path}.lock"), f"another bot is running with the journal {path}; two would buy twice"):
        yield


@contextmanager
def only_bot_of(account: str) -> Iterator[None]:
    """Hold the lock of an account, whatever journals the bots of this user have; its name tells nobody which account it is.

    Raises
    ------
    JournalError
        Another bot holds it, or it cannot be made.
    """
    state = os.environ.get("XDG_STATE_HOME", "").strip()
    folder = (Path(state) if state else Path.home() / ".local/state") / "goldencross"
    lock = folder / f"account-{hashlib.sha256(account.encode()).hexdigest()[:16]}.lock"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise JournalError(f"cannot make the folder {folder}: {error.strerror}; nothing is sent without it") from None
    with _locked(lock, "another bot is running with this account, with another journal; two would buy twice"):
        yield


@contextmanager
def _locked(lock: Path, taken: str) -> Iterator[None]:
    """Hold a lock, or say that it is taken."""
    try:
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise JournalError(f"cannot make the lock {lock}: {error.strerror}; nothing is sent without it") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise JournalError(taken) from None
    try:
        yield
    finally:
        with suppress(OSError):
            os.close(descriptor)
