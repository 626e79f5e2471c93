"""A loopback proxy between any client and a gateway, that writes down what they say to each other.

Bytes are passed on unchanged, in both directions, as they come, before anything else is done with them; scrubbing and writing are the work of ``live.gateway.tape``.
If the recording fails, because the disk is full or the server speaks a version that cannot be scrubbed, the session goes on and one sentence says that it is not recorded.
What the proxy cannot hide is that it is one more process: when it ends, the connections through it end.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from engine.errors import InputError
from live.errors import BrokerError, RecordingError
from live.gateway.layouts import Sender
from live.gateway.recording import What, Writer
from live.gateway.tape import Tape

__all__ = ["Recorder"]

_HERE = "127.0.0.1"
_CHUNK = 1 << 16
_LAST_PORT = 65535
_PATIENCE = 5.0  # seconds for the gateway to take a connection


class Recorder:
    """A proxy on 127.0.0.1 that records.

    Parameters
    ----------
    path : Path
        The file, which must not exist yet.
    gateway_port : int
    gateway_host : str
        An address of this machine.
    port : int
        Where clients connect; 0 for any that is free.
    say : callable
        Told one sentence where something could not be recorded; from any thread.

    Raises
    ------
    InputError
        If the host is not an address of this machine itself, or a port is none.
    """

    def __init__(
        self,
        path: Path,
        gateway_port: int,
        gateway_host: str = _HERE,
        port: int = 0,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        if not (1 <= gateway_port <= _LAST_PORT and 0 <= port <= _LAST_PORT):
            raise InputError(f"ports {gateway_port} and {port}: a port is a number from 1 to {_LAST_PORT}, 0 for any")
        self._gateway = (_loopback(gateway_host), gateway_port)
        self._path, self._port, self._told = path, port, say
        self._connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._begun = 0.0
        self._tape: Tape | None = None

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[int]:
        """Listen, and yield the port; at the end connections are closed and the file is whole.

        Raises
        ------
        RecordingError
            If the port is taken, or the file exists already or cannot be made.
        BrokerError
            If no gateway answers; neither then nor with a port that is taken a file is made.
        """
        try:
            server = await asyncio.start_server(self._meet, _HERE, self._port, start_serving=False)
        except OSError as error:
            raise RecordingError(
                f"port {self._port} cannot be listened on: {_reason(error)}; give another --port, or 0 for any"
            ) from None
        try:
            await self._knock()
            self._tape = Tape(Writer(self._path), self._say)
            self._begun = asyncio.get_running_loop().time()
            await server.start_serving()
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            if self._tape is not None:
                self._tape.close()

    @property
    def is_complete(self) -> bool:
        """Whether all that passed is in the file."""
        return self._tape is not None and not self._tape.incomplete

    def summary(self) -> list[str]:
        """Say what is in the file, one sentence a line."""
        if self._tape is None:
            return []
        frames, withheld = self._tape.frames, self._tape.withheld
        number = self._connections
        lines = [f"{self._path} has {sum(frames.values())} frames of {number} connection{'s' * (number != 1)}."]
        lines += [f"Connection {one}: {count} frames." for one, count in sorted(frames.items())]
        if withheld:
            count = sum(withheld.values())
            lines.append(
                f"Of {count} more {'messages' if count > 1 else 'message'} it has only the kind, not the contents."
            )
        return lines

    async def _knock(self) -> None:
        """See that a gateway is there."""
        host, port = self._gateway
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), _PATIENCE)
        except (OSError, TimeoutError) as error:
            raise BrokerError(f"no gateway at {host} port {port}: {_reason(error)}; is it running?") from None
        await _hang_up(writer)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect a client with the gateway until both have hung up, or the recording ends."""
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._connections += 1
        with suppress(asyncio.CancelledError):  # asyncio 3.11 prints a traceback of a handler that is cancelled
            await self._connect(self._connections, reader, writer)
        await _hang_up(writer)

    async def _connect(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Find the gateway and pass on what is said; without one the client is cut off, as it would be by the gateway's own port."""
        self._note(number, "client", "opened")
        try:
            from_gateway, to_gateway = await asyncio.open_connection(*self._gateway)
        except OSError as error:
            writer.transport.abort()
            self._note(number, "gateway", "closed")
            self._say(f"Connection {number} was closed at once: the gateway does not answer, {_reason(error)}.")
            return
        over: list[Sender] = []
        try:
            await asyncio.gather(
                self._pass_on(reader, to_gateway, number, "client", over),
                self._pass_on(from_gateway, writer, number, "gateway", over),
            )
            self._note(number, over[0], "closed")
        finally:
            await _hang_up(to_gateway)

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        number: int,
        sender: Sender,
        over: list[Sender],
    ) -> None:
        """Pass bytes on until their sender ends, and note who did so first."""
        clock = asyncio.get_running_loop().time
        try:
            while data := await reader.read(_CHUNK):
                writer.write(data)
                if self._tape is not None:
                    self._tape.put(round(clock() - self._begun, 6), number, sender, data)
                await writer.drain()
            over.append(sender)
            writer.write_eof()
        except OSError:
            over.append(sender)
            writer.transport.abort()

    def _say(self, sentence: str) -> None:
        with suppress(OSError):  # nobody listens any more; the session goes on
            self._told(sentence)

    def _note(self, number: int, sender: Sender, what: What) -> None:
        if self._tape is not None:
            seconds = asyncio.get_running_loop().time() - self._begun
            self._tape.note(round(seconds, 6), number, sender, what)


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection, whatever state it is in."""
    writer.close()
    with suppress(OSError, asyncio.CancelledError):
        await writer.wait_closed()


def _loopback(host: str) -> str:
    """Take an address of this machine, and no other."""
    with suppress(ValueError):
        if ipaddress.ip_address("127.0.0.1" if host == "localhost" else host).is_loopback:
            return _HERE if host == "localhost" else host
    raise InputError(f"--gateway-host {host}: only an address of this machine itself, such as 127.0.0.1, is recorded")


def _reason(error: Exception) -> str:
    """Say in a few words why a connection or a port failed."""
    if isinstance(error, TimeoutError):
        return "no answer"
    number = getattr(error, "errno", None)
    return os.strerror(number).lower() if number else str(error)
