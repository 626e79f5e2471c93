"""Frames of the socket protocol: a length of four bytes, then text fields, each ended by a NUL."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from engine.errors import GoldencrossError

__all__ = ["GREETING", "UNSET", "Decoder", "WireError", "encode", "text"]

GREETING = b"API\0"
UNSET = "1.7976931348623157E308"  # how a number that is not known is written
_LARGEST = 0xFFFFFF  # bytes; the official client refuses longer frames too


class WireError(GoldencrossError):
    """Bytes that are no message of the protocol."""


def text(value: object) -> str:
    """Write one field: booleans as 1 and 0, None as nothing, whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def encode(*fields: object) -> bytes:
    """Make one frame of the fields.

    Raises
    ------
    WireError
        If a field has a NUL within or the frame would be too long.
    """
    texts = [text(value) for value in fields]
    if any("\0" in part for part in texts):
        raise WireError("a field has a NUL within")
    body = "".join(part + "\0" for part in texts).encode()
    if len(body) > _LARGEST:
        raise WireError(f"a message of {len(body):,} bytes is too long")
    return struct.pack(">I", len(body)) + body


@dataclass
class Decoder:
    """Turns bytes, split in any way, into messages.

    Parameters
    ----------
    greeting : bool
        Whether the bytes start with ``GREETING``, as those from a client do.
    """

    greeting: bool = False
    _held: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[tuple[str, ...]]:
        """Take some bytes and return the messages that they complete, oldest first.

        Raises
        ------
        WireError
            If the greeting is not there, or a frame is empty or too long.
        """
        self._held += data
        if self.greeting and not self._greeted():
            return []
        messages = []
        while len(self._held) >= 4:
            (length,) = struct.unpack_from(">I", self._held)
            if not 0 < length <= _LARGEST:
                raise WireError(f"a frame of {length:,} bytes")
            if len(self._held) < 4 + length:
                break
            body = bytes(self._held[4 : 4 + length])
            del self._held[: 4 + length]
            parts = body.decode(errors="backslashreplace").split("\0")
            messages.append(tuple(parts if parts[-1] else parts[:-1]))
        return messages

    def _greeted(self) -> bool:
        start = bytes(self._held[: len(GREETING)])
        if not GREETING.startswith(start):
            raise WireError(f"the peer began with {start!r}, not with {GREETING!r}")
        if len(start) < len(GREETING):
            return False
        del self._held[: len(GREETING)]
        self.greeting = False
        return True
