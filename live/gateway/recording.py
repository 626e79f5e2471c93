"""The file of a recorded session: JSON lines that only their owner can read.

The first line says what the file is. Every other one has five keys::

    {"seconds": 0.0123, "connection": 1, "sender": "client", "what": "frame", "fields": ["61", "1"]}

- seconds: since the recorder started.
- connection: 1 for the first client, and so on.
- sender: "client" or "gateway".
- what: "frame" for a message with its scrubbed fields, the first of each side being greeting and handshake; "withheld" for one of which only its number and the count of its
  fields are told; "opened" and "closed" for a connection, closed by the sender; "stopped" where what follows of a connection could not be recorded, with the reason.

Nothing in it is ever run, or taken for the name of a file.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from live.errors import RecordingError
from live.gateway.layouts import Sender

__all__ = ["Line", "What", "Writer", "read_recording"]

_HEADER = {"recording": "goldencross-live", "format": 1}
_LONGEST = 64 * 2**20  # characters of a line: a frame of 16 MiB, each byte of it escaped
_COUNT = re.compile("[0-9]{1,8}")
What = Literal["frame", "withheld", "opened", "closed", "stopped"]
_Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]


@checked(frozen=True, config=ConfigDict(strict=True, extra="forbid"))
class Line:
    """One thing that happened; see the module for its fields."""

    seconds: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
    connection: Annotated[int, Field(ge=1, le=1_000_000)]
    sender: Sender
    what: What
    fields: tuple[_Text, ...] = ()


_READER: TypeAdapter[Line] = TypeAdapter(Line)


@dataclass
class Writer:
    """Writes a recording, line by line, each of them whole or not at all.

    Parameters
    ----------
    path : Path
        Must not exist yet.

    Raises
    ------
    RecordingError
        If the file exists or cannot be made.
    """

    path: Path
    lines: int = 0
    _file: int = field(init=False)
    _size: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        try:
            self._file = os.open(self.path, flags, 0o600)
        except FileExistsError:
            raise RecordingError(
                f"{self.path} exists already and is never written over; give another name after --out"
            ) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise RecordingError(f"{self.path} cannot be made: {reason}") from None
        self._append(json.dumps(_HEADER))

    def write(self, line: Line) -> None:
        """Append one line.

        Raises
        ------
        OSError
            If it could not be written; the file is then as it was before.
        """
        self._append(
            json.dumps(
                {
                    "seconds": line.seconds,
                    "connection": line.connection,
                    "sender": line.sender,
                    "what": line.what,
                    "fields": line.fields,
                }
            )
        )
        self.lines += 1

    def _append(self, text: str) -> None:
        data = memoryview((text + "\n").encode("ascii"))
        done = 0
        try:
            while done < len(data):
                done += os.write(self._file, data[done:])
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += done

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


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
    number, last, open_ones = 0, 0.0, dict[int, bool]()
    while data := readline(_LONGEST):
        number += 1
        where = f"{path}, line {number}"
        if not data.endswith(b"\n"):
            raise RecordingError(f"{where}: the line has no end; the file was cut off, or is no recording")
        if number == 1:
            _check_header(where, data)
            continue
        line = _line(where, data)
        if line.seconds < last:
            raise RecordingError(f"{where}: {line.seconds:g} seconds is earlier than the line before")
        _check_order(where, line, open_ones)
        last = line.seconds
        yield line
    if not number:
        raise RecordingError(f"{path} is empty, and no recording")


def _check_header(where: str, data: bytes) -> None:
    try:
        header = json.loads(data)
    except (ValueError, RecursionError):
        header = None
    if header != _HEADER:
        raise RecordingError(f"{where}: this is no recording of goldencross-live in a format that it knows")


def _line(where: str, data: bytes) -> Line:
    try:
        return _READER.validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RecordingError(f"{where}: {place + ': ' if place else ''}{first['msg'].splitlines()[0]}") from None


def _check_order(where: str, line: Line, known: dict[int, bool]) -> None:
    """Check that a connection is opened once, before all else, and is silent when it is closed."""
    number = line.connection
    if (line.what == "opened") == (number in known):
        raise RecordingError(f"{where}: connection {number} is {'opened twice' if number in known else 'not open yet'}")
    if not known.get(number, True):
        raise RecordingError(f"{where}: connection {number} is closed already")
    if line.what in ("frame", "withheld") and not line.fields:
        raise RecordingError(f"{where}: a message without fields")
    if line.what == "withheld" and not (len(line.fields) == 2 and all(map(_COUNT.fullmatch, line.fields))):
        raise RecordingError(f"{where}: of a withheld message, its number and the count of its fields are told")
    known[number] = line.what != "closed"
