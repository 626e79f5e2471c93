"""Reads a recording, strictly: a file that is damaged, cut off or made up gives one error with the line, and nothing of it is used."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from live.errors import RecordingError
from live.gateway.layouts import NEWEST, OLDEST, Sender
from live.gateway.recording import HEADER, Line
from live.gateway.scrubbing import HELLO

__all__ = ["read_recording"]

_LONGEST = 64 * 2**20  # bytes of a line: a frame of 16 MiB, a part of it escaped
_COUNT = re.compile("[0-9]{1,8}")
_KIND = re.compile("[0-9]{1,4}")
_READER: TypeAdapter[Line] = TypeAdapter(Line)


def read_recording(path: Path) -> tuple[Line, ...]:
    """Read a whole recording, strictly.

    Raises
    ------
    RecordingError
        If there is no such file or something is wrong in it; names the line.
    """
    try:
        with path.open("rb") as file:
            return tuple(_lines(path, file.readline))
    except (OSError, ValueError) as error:
        raise RecordingError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _lines(path: Path, readline: Callable[[int], bytes]) -> Iterator[Line]:
    """Read line by line; the first says what the file is."""
    number, order = 0, _Order()
    while data := readline(_LONGEST):
        number += 1
        where = f"{path}, line {number}"
        if not data.endswith(b"\n"):
            raise RecordingError(f"{where}: the line has no end; the file was cut off, or is no recording")
        if number == 1:
            _check_header(where, data)
            continue
        line = _line(where, data)
        wrong = order.fault(line)
        if wrong:
            raise RecordingError(f"{where}: {wrong}")
        yield line
    if not number:
        raise RecordingError(f"{path} is empty, and no recording")


def _check_header(where: str, data: bytes) -> None:
    try:
        header = json.loads(data)
    except (ValueError, RecursionError):
        header = None
    if header != HEADER:
        raise RecordingError(f"{where}: this is no recording of goldencross-live in a format that it knows")


def _line(where: str, data: bytes) -> Line:
    try:
        return _READER.validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RecordingError(f"{where}: {place + ': ' if place else ''}{first['msg'].splitlines()[0]}") from None


@dataclass
class _Order:
    """What may come next."""

    last: float = 0.0
    is_open: dict[int, bool] = field(default_factory=dict)
    heard: set[tuple[int, Sender]] = field(default_factory=set)

    def fault(self, line: Line) -> str:
        """Say what is wrong with a line at its place; empty for nothing."""
        number = line.connection
        if line.seconds < self.last:
            return f"{line.seconds:g} seconds is earlier than the line before"
        if (line.what == "opened") == (number in self.is_open):
            return f"connection {number} is {'opened twice' if number in self.is_open else 'not open yet'}"
        if not self.is_open.get(number, True):
            return f"connection {number} is closed already"
        self.last, self.is_open[number] = line.seconds, line.what != "closed"
        if line.what == "frame":
            return self._message(line)
        if line.what == "withheld" and not (len(line.fields) == 2 and all(map(_COUNT.fullmatch, line.fields))):
            return "of a withheld message, its number and the count of its fields are told"
        return ""

    def _message(self, line: Line) -> str:
        """Say what is wrong with a message: greeting and handshake come first, then those with a number."""
        side = (line.connection, line.sender)
        first = side not in self.heard
        self.heard.add(side)
        if first and line.sender == "client":
            return "" if line.fields[:1] == (HELLO,) and len(line.fields) == 2 else "the client does not greet first"
        if first:
            version = line.fields[0] if len(line.fields) == 2 else ""
            known = _KIND.fullmatch(version) and OLDEST <= int(version) <= NEWEST
            return "" if known else f"the gateway does not answer first with a version from {OLDEST} to {NEWEST}"
        return "" if line.fields and _KIND.fullmatch(line.fields[0]) else "a message without a number"
