"""What the bot says: plain sentences to the console, and the same as lines of JSON to a file, with every step of a connection and every message of the gateway.

The file is for its owner only, and so are those that it was before it was rotated. The journal is the truth, not the log: if the log cannot be written, that is said
once, and the bot goes on.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from live.codes import CodeClass, class_of
from live.facts import Message
from live.plain import masked, plain

__all__ = ["Log", "open_log"]

_MOST_BYTES, _KEPT = 5_000_000, 9
"""Of a file before the next one is begun, and how many older ones are kept."""
_BAD = {
    CodeClass.REJECTED,
    CodeClass.CANCEL_REFUSED,
    CodeClass.LINK_LOST,
    CodeClass.FARM_LOST,
    CodeClass.FATAL,
    CodeClass.UNKNOWN,
}


class Log:
    """Says everything.

    Parameters
    ----------
    console : callable
        Told every sentence, as one line.
    account : str
        Masked everywhere.
    now : callable
        Gives the time, aware.
    path : Path or None
        The file; None is none.
    """

    def __init__(
        self, console: Callable[[str], None], account: str, now: Callable[[], datetime], path: Path | None = None
    ) -> None:
        self._console, self._account, self._now = console, account, now
        self._logger: logging.Logger | None = None
        if path is not None:
            self._logger = logging.Logger("goldencross-live")  # noqa: LOG001  not that of the whole process
            self._logger.addHandler(_OwnersFile(path, self._cannot_be_written))

    def say(self, text: str, kind: str = "said") -> None:
        """Say a sentence."""
        self._console(plain(text, self._account))
        self._write(logging.INFO, kind, text)

    def step(self, kind: str, text: str) -> None:
        """Say a step of a connection."""
        self.say(text, kind)

    def heard(self, message: Message) -> None:
        """Write down what the gateway said besides answers; the console gets what is bad."""
        group = class_of(message.code)
        level = logging.WARNING if group in _BAD else logging.INFO
        self._write(
            level, "message", message.text, code=message.code, request=message.request, **{"class": group.value}
        )
        if group in _BAD:
            self._console(
                plain(f"The gateway says {message.code} ({group.value}): {message.text.rstrip('.')}.", self._account)
            )

    def close(self) -> None:
        """Close the file."""
        for handler in tuple(self._logger.handlers if self._logger else ()):
            with suppress(OSError):
                handler.close()

    def _write(self, level: int, kind: str, text: str, **facts: object) -> None:
        """Write one line of JSON; it escapes what cannot be printed."""
        if self._logger is None:
            return
        time = self._now().astimezone(UTC).isoformat(timespec="milliseconds")
        line = {"time": time, "level": logging.getLevelName(level).lower(), "kind": kind, "text": text, **facts}
        self._logger.log(level, "%s", json.dumps(masked(line, self._account)))

    def _cannot_be_written(self, path: Path, error: BaseException | None) -> None:
        why = error.strerror or error if isinstance(error, OSError) else error
        self._console(plain(f"The log {path} cannot be written: {why}. The bot goes on; its journal has everything."))


class _OwnersFile(RotatingFileHandler):
    """A file that only its owner reads; what goes wrong with it is told once."""

    def __init__(self, path: Path, failed: Callable[[Path, BaseException | None], None]) -> None:
        super().__init__(path, maxBytes=_MOST_BYTES, backupCount=_KEPT, encoding="ascii", delay=True)
        self._path, self._failed, self._is_told = path, failed, False

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        os.fchmod(descriptor, 0o600)
        return TextIOWrapper(os.fdopen(descriptor, "ab"), encoding="ascii")

    def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802  the name is the standard library's
        error, stream = sys.exc_info()[1], self.stream
        self.stream = None  # opened again for the next line: what could not be written must not come later
        with suppress(OSError, ValueError):
            if stream is not None:
                stream.close()
        if not self._is_told:
            self._is_told = True
            self._failed(self._path, error)


@contextmanager
def open_log(
    console: Callable[[str], None], account: str, now: Callable[[], datetime], path: Path | None = None
) -> Iterator[Log]:
    """Give a log, and close it at the end."""
    log = Log(console, account, now, path)
    try:
        yield log
    finally:
        log.close()
