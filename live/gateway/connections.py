"""One socket to a client: bytes to messages and back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from live.gateway.news import Client
from live.gateway.wire import Decoder, WireError

__all__ = ["Connection"]


@dataclass(eq=False)
class Connection(asyncio.Protocol):
    """A socket and the client behind it.

    Parameters
    ----------
    receive : callable
        Called with the connection and the fields of each message.
    lost : callable
        Called once with the connection when it has ended.
    client : Client or None
        None until the client has named its number.
    muted : bool
        Whether nothing is read or sent any more.
    chunk : int
        Most bytes that are written at once, the next ones when the loop has gone round; 0 for all.
    """

    receive: Callable[[Connection, tuple[str, ...]], None]
    lost: Callable[[Connection], None]
    version: int = 0
    client: Client | None = None
    muted: bool = False
    open: bool = False
    chunk: int = 0
    _waiting: bytearray = field(default_factory=bytearray)
    _decoder: Decoder = field(default_factory=lambda: Decoder(greeting=True))
    _transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self.open = True

    def data_received(self, data: bytes) -> None:
        """Hand on the messages that the bytes complete, as long as nobody closes the connection."""
        try:
            arrived = self._decoder.feed(data)
        except WireError:
            self.drop()
            return
        for fields in arrived:
            if self.open and not self.muted:
                self.receive(self, fields)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the name is asyncio's
        """Tell that it has ended."""
        self.open = False
        self.lost(self)

    def send(self, data: bytes) -> None:
        """Send bytes unless it is closed or muted."""
        if self._transport is None or not self.open or self.muted or self._transport.is_closing():
            return
        if not self.chunk:
            self._transport.write(data)
            return
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._write_some)
        self._waiting += data

    def _write_some(self) -> None:
        if self._transport is None or not self.open or self._transport.is_closing():
            return
        self._transport.write(bytes(self._waiting[: self.chunk]))
        del self._waiting[: self.chunk]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._write_some)

    def drop(self) -> None:
        """Close at once, even with bytes to send."""
        self.open = False
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Close after what was sent."""
        self.open = False
        if self._transport is not None:
            self._transport.close()
