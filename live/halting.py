"""The kill switch: while the halt file exists there are no entries, in this and every later run. A person can make it with ``touch``."""

from __future__ import annotations

import os
from pathlib import Path

from engine.errors import OutputError

__all__ = ["halt", "halted", "resume"]


def halted(halt_file: Path) -> str | None:
    """Tell why there are no entries: the first line of the halt file; None if there is no such file. In doubt it is there."""
    try:
        os.lstat(halt_file)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{halt_file} cannot be looked for ({error.strerror})"
    try:
        lines = halt_file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return (lines[0].strip() if lines else "") or f"{halt_file} exists"


def halt(halt_file: Path, reason: str) -> None:
    """Stop all entries from now on, of this and every later run, until ``resume``.

    Raises
    ------
    OutputError
        The file could not be written; entries go on.
    """
    try:
        halt_file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(halt_file, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write(reason.replace("\n", " ") + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OutputError(f"{halt_file} cannot be written ({error.strerror}); stop the bot itself") from error


def resume(halt_file: Path) -> bool:
    """Allow entries again; tell whether they were stopped.

    Raises
    ------
    OutputError
        The file could not be removed.
    """
    try:
        halt_file.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise OutputError(f"{halt_file} cannot be removed ({error.strerror}); remove it by hand") from error
    return True
