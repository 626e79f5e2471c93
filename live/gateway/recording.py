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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked

from live.errors import RecordingError
from live.gateway.layouts import Sender

__all__ = ["HEADER", "Line", "What", "Writer"]

HEADER = {"recording": "goldencross-live", "format": 1}
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
            words = "exists already and is never written over; give another name after --out"
            raise RecordingError(f"{self.path} {words}") from None
        except (OSError, ValueError) as error:
            raise RecordingError(f"{self.path} cannot be made: {_reason(error)}") from None
        try:
            self._append(json.dumps(HEADER))
        except OSError as error:
            self.close()
            self.path.unlink()
            raise RecordingError(f"{self.path} cannot be written: {_reason(error)}") from None

    def write(self, line: Line) -> None:
        """Append one line.

        Raises
        ------
        OSError
            If it could not be written; the file is then as it was before.
        """
        self._append(json.dumps(vars(line)))
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


def _reason(error: Exception) -> str:
    """Say why, in the system's words."""
    return getattr(error, "strerror", None) or str(error)
