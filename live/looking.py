"""The commands that only look: status, journal, export. They read the journal and write nothing but the file that is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from engine.errors import InputError, OutputError
from live.config import ACCOUNT_VARIABLE
from live.errors import SessionError
from live.halting import halted
from live.journal import Journal, state_of
from live.journal.chain import Event
from live.journal.standing import Standing
from live.schema import Config
from live.sessions import next_run

__all__ = ["account_to_mask", "events_of", "standing_of", "write_for_the_owner"]


def account_to_mask() -> str:
    """Give the account of the environment, empty if there is none: these commands do not need it."""
    return os.environ.get(ACCOUNT_VARIABLE, "").strip()


def events_of(config: Config) -> list[Event]:
    """Read the journal, its chain checked.

    Raises
    ------
    InputError
        There is none yet.
    JournalError
    """
    path = config.paths.journal
    if not path.exists() and not Path(f"{path}.head").exists():
        raise InputError(f"there is no journal {path} yet; the first run makes it")
    journal = Journal(path, read_only=True)
    try:
        return journal.events()
    finally:
        journal.close()


def standing_of(config: Config, now: datetime | None = None) -> Standing:
    """Find out how things stand.

    Raises
    ------
    InputError, JournalError
    """
    state, reason = state_of(events_of(config)), halted(config.paths.halt)
    try:
        return Standing(state, reason, next_run(now or datetime.now(UTC), config.instruments, config.run.before))
    except SessionError as error:
        return Standing(state, reason, None, str(error))


def write_for_the_owner(config: Config, out: Path, text: str, *, overwrite: bool) -> None:
    """Write a file that only its owner reads, whole or not at all.

    Raises
    ------
    InputError
        It is one of the bot's own files, or exists and is not to be overwritten.
    OutputError
        It cannot be written.
    """
    target = out.absolute()
    paths = config.paths
    own = [paths.halt, *([paths.log] if paths.log else [])]
    own += [Path(f"{paths.journal}{ending}") for ending in ("", "-wal", "-shm", ".head", ".lock")]
    if any(_is_same(target, file) for file in own):
        raise InputError(f"--out {out}: this is a file of the bot itself; name another one")
    if target.is_dir():
        raise InputError(f"--out {out}: this is a folder; name a file")
    with _partial(target, text) as partial:
        if overwrite:
            partial.replace(target)
            return
        try:
            os.link(partial, target)
        except FileExistsError:
            raise InputError(f"--out {out}: this file exists; give --overwrite, or name another one") from None


@contextmanager
def _partial(target: Path, text: str) -> Iterator[Path]:
    """Write beside the target, under another name that is gone at the end."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield partial
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _is_same(one: Path, other: Path) -> bool:
    """Tell whether two paths are one file, whatever they are called."""
    try:
        return one.samefile(other)
    except OSError:
        return one.resolve() == other.resolve()
