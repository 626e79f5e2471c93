"""Plays the gateway's side of a recording to a client, and notes where the client says something else than was recorded.

The first client gets the first connection of the recording, and so on. After each message of the client it is told what the gateway said until the next one, as long after it as
then (``pace``). Messages that were recorded one right after the other may come in any order. Numbers of requests, orders and clients, and references of orders, are those that the client
uses now. What the recording does not have is answered with error 320. What it has withheld is not played.

A client that is to be played to must be configured for an account of the recording (``Replay.accounts``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from live.gateway.playing import Play
from live.gateway.recording import Line
from live.gateway.wire import WireError

__all__ = ["Replay"]


class Replay:
    """A gateway that only knows one recording.

    Parameters
    ----------
    lines : sequence of Line
        From ``read_recording``.
    pace : float
        Seconds that pass now for each one that passed then; 0 for at once.

    Attributes
    ----------
    differences : list of str
        Where a client did something else than was recorded, one sentence each.
    """

    def __init__(self, lines: Sequence[Line], pace: float = 1.0) -> None:
        self.differences: list[str] = []
        self._pace = pace
        self._recorded = {
            number: tuple(line for line in lines if line.connection == number)
            for number in dict.fromkeys(line.connection for line in lines)
        }
        self._served = 0
        self._newest: Play | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def position(self) -> int:
        """How many lines of the newest connection have been played."""
        return self._newest.position if self._newest else 0

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts in the recording: stand-ins."""
        told = [line.fields for lines in self._recorded.values() for line in lines if _kind(line) == ("gateway", "15")]
        return tuple(dict.fromkeys(name for fields in told for name in fields[-1].split(",") if name))

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[int]:
        """Listen on any free port of 127.0.0.1 and yield it."""
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        numbers = list(self._recorded)
        self._served += 1
        try:
            if self._served > len(numbers):
                self.differences.append(f"Client {self._served} is one more than the recording has.")
                return
            number = numbers[self._served - 1]
            self._newest = Play(number, self._recorded[number], self._pace, self.differences)
            await self._newest.play(reader, writer)
        except asyncio.CancelledError:
            pass  # the replay ends; asyncio 3.11 prints a traceback of a handler that is cancelled
        except (OSError, WireError) as error:
            self.differences.append(f"Client {self._served}: {type(error).__name__} ended the connection.")
        finally:
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()


def _kind(line: Line) -> tuple[str, str]:
    """Give who sent a message, and its number."""
    return (line.sender, line.fields[0]) if line.what == "frame" else (line.sender, "")
