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
    """

    receive: Callable[[Connection, tuple[str, ...]], None]
    lost: Callable[[Connection], None]
    version: int = 0
    client: Client | None = None
    muted: bool = False
    open: bool = False
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
        if self._transport is not None and self.open and not self.muted and not self._transport.is_closing():
            self._transport.write(data)

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
