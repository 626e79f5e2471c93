"""One connection of a recording, played to a client."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from live.gateway.layouts import names_of
from live.gateway.recording import Line
from live.gateway.scrubbing import HELLO, Scrubber
from live.gateway.wire import Decoder, WireError, encode

__all__ = ["Play"]

_PATIENCE = 2.0  # seconds in which messages may overtake each other
_NUMBERS = frozenset({"requestId", "orderId", "parentId", "anyId"})
_NOT_COMPARED = _NUMBERS | {"clientId", "orderRef", "ocaGroup", "account", "manualOrderTime"}
_NOT_RECORDED = 320


@dataclass
class Play:
    """One connection that is played; see ``live.gateway.replay``.

    Parameters
    ----------
    number : int
        Of the connection.
    lines : tuple of Line
        Its own lines.
    pace : float
        Seconds that pass now for each one that passed then.
    differences : list of str
        Takes what the client does otherwise, one sentence each.
    """

    number: int
    lines: tuple[Line, ...]
    pace: float
    differences: list[str]
    position: int = 0  # lines that are played
    version: int = 0
    client_id: tuple[str, str] = ("", "")  # then and now
    _now: dict[str, str] = field(
        default_factory=dict
    )  # numbers and references of the recording, as the client has them
    _pending: list[tuple[str, ...]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _over: bool = False

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Play to the end of the recording, or until the client hangs up."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        listening = asyncio.create_task(self._listen(reader))
        try:
            for line in self.lines:
                if line.sender == "client" and line.what in ("frame", "withheld"):
                    if not await self._expect(line, writer):
                        return
                    begun = clock() - line.seconds * self.pace
                elif line.sender == "gateway":
                    await asyncio.sleep(max(0.0, begun + line.seconds * self.pace - clock()))
                    if line.what == "closed":
                        return
                    if line.what == "frame":
                        writer.write(encode(*self._translated(line.fields)))
                self.position += 1
            await self._hear_out(writer)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Take what the client says."""
        decoder, greeted = Decoder(greeting=True), False
        with suppress(OSError, WireError):
            while data := await reader.read(1 << 16):
                for fields in decoder.feed(data):
                    self._pending.append(fields if greeted else Scrubber().greeting(fields))
                    greeted = True
                self._news.set()
        self._over = True
        self._news.set()

    async def _expect(self, line: Line, writer: asyncio.StreamWriter) -> bool:
        """Wait for a recorded message, or for one of its kind if it does not come; False if the client hangs up first."""
        kind = line.fields[0]
        while True:
            alike = [said for said in self._pending if said[0] == kind]
            # Questions that are asked at the same time may come in another order: the one that was recorded is waited for.
            found = next((said for said in alike if not self._faults(line, said)), None)
            if found is None and alike and (self._over or not await self._news_come()):
                found = alike[0]
            if found is not None:
                self._pending.remove(found)
                self._learn(line, found)
                return True
            if not alike and self._over:
                self._differ(f"the client hung up before its message {kind} of second {line.seconds:g}")
                return False
            if not alike:
                await self._wait(writer, f"the recording has {kind} there")

    async def _news_come(self) -> bool:
        """Wait for the client to say more; False if it does not for a while."""
        self._news.clear()
        try:
            await asyncio.wait_for(self._news.wait(), _PATIENCE)
        except TimeoutError:
            return False
        return True

    async def _wait(self, writer: asyncio.StreamWriter, instead: str) -> None:
        """Wait for the client; refuse what it said if nothing follows for a while."""
        if not self._pending:
            self._news.clear()
            await self._news.wait()
        elif not await self._news_come():
            for said in self._pending:
                self._refuse(said, writer, instead)
            self._pending.clear()

    async def _hear_out(self, writer: asyncio.StreamWriter) -> None:
        """Wait until the client hangs up; the recording has nothing more."""
        while not self._over:
            await self._wait(writer, "the recording is over")
        for said in self._pending:
            self._differ(f"the client sent {said[0]}, the recording is over")

    def _refuse(self, said: tuple[str, ...], writer: asyncio.StreamWriter, instead: str) -> None:
        """Answer a message that was not recorded."""
        self._differ(f"the client sent {said[0]}, {instead}")
        if not self.version:
            return
        try:
            named = dict(zip(names_of("client", said, self.version), said, strict=True))
        except WireError:
            named = {}
        about = named.get("requestId") or named.get("orderId") or "-1"
        words = "Error reading request. It is not in the recording."
        writer.write(encode(4, 2, about, _NOT_RECORDED, words, *([""] if self.version >= 166 else [])))

    def _faults(self, line: Line, said: tuple[str, ...]) -> list[str]:
        """Say what a message of the client has otherwise than the recorded one, its numbers left aside."""
        if line.what == "withheld":
            return []
        if said[0] == HELLO:
            same = said == line.fields
            return [] if same else [f"the client offers versions {said[1]}, recorded was {line.fields[1]}"]
        try:
            names = names_of("client", said, self.version)
            cleaned = Scrubber().clean("client", said, self.version)
        except WireError:
            return [f"message {said[0]} of the client cannot be read"]
        if len(said) != len(line.fields):
            return [f"message {said[0]} has {len(said)} fields, recorded were {len(line.fields)}"]
        return [
            f"in message {said[0]} of the client {name} is {now!r}, recorded was {then!r}"
            for name, then, now in zip(names, line.fields, cleaned, strict=True)
            if name not in _NOT_COMPARED and not _same(now, then)
        ]

    def _learn(self, line: Line, said: tuple[str, ...]) -> None:
        """Note the numbers that the client uses now, and what it says otherwise."""
        for fault in self._faults(line, said):
            self._differ(fault)
        if line.what == "withheld" or said[0] == HELLO or len(said) != len(line.fields):
            return
        try:
            names = names_of("client", said, self.version)
        except WireError:
            return
        for name, then, now in zip(names, line.fields, said, strict=True):
            if name in ("requestId", "orderId", "orderRef") and then:
                self._now[then] = now
            if name == "clientId" and said[0] == "71":
                self.client_id = (then, now)

    def _translated(self, fields: tuple[str, ...]) -> tuple[str, ...]:
        """Give a message of the gateway with the numbers that the client uses now."""
        if not self.version:
            self.version = int(fields[0])
            return fields
        try:
            names = names_of("gateway", fields, self.version)
        except WireError:
            return fields
        then, now = self.client_id
        owner = dict(zip(names, fields, strict=True)).get("clientId", then)
        rows = []
        for name, value in zip(names, fields, strict=True):
            mine = name == "orderRef" or (name in _NUMBERS and (owner == then or name in ("requestId", "anyId")))
            rows.append(now if name == "clientId" and value == then else self._now.get(value, value) if mine else value)
        return tuple(rows)

    def _differ(self, sentence: str) -> None:
        self.differences.append(f"Connection {self.number}: {sentence}.")


def _same(one: str, other: str) -> bool:
    """Tell whether two fields mean the same: 7 and 7.0 do."""
    if one == other:
        return True
    try:
        return float(one) == float(other)
    except ValueError:
        return False
