"""Events, chained by hashes: what was changed, removed or cut off is found, and named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from live.errors import JournalError
from live.journal.head import FIRST, Head, head_path

__all__ = ["Event", "require_chain", "require_end"]


@dataclass(frozen=True)
class Event:
    """One line of the journal.

    Attributes
    ----------
    number : int
        1, 2, 3, ...
    time : str
        UTC, ISO with microseconds.
    kind, symbol, reference : str
        What happened; to which share and which of our orders, empty if to none.
    data : dict
    hash : str
        SHA-256 over the hash before and this event.
    """

    number: int
    time: str
    kind: str
    symbol: str
    reference: str
    data: dict[str, Any]
    hash: str

    def chained(self, before: str) -> str:
        """Give the hash that this event has after another."""
        row = [before, self.number, self.time, self.kind, self.symbol, self.reference, self.data]
        return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()


def require_chain(path: Path, events: Sequence[Event]) -> None:
    """Check that every event is as it was written, and that none is missing between two.

    Raises
    ------
    JournalError
        Names the first one that is not.
    """
    before = FIRST
    for number, event in enumerate(events, start=1):
        if event.number != number:
            raise JournalError(f"the journal {path} was changed: event {number} is missing")
        if event.chained(before) != event.hash:
            raise JournalError(f"the journal {path} was changed: event {number} is not as it was written")
        before = event.hash


def require_end(path: Path, events: Sequence[Event], head: Head | None) -> None:
    """Check that nothing is missing after the last event.

    Raises
    ------
    JournalError
        The head knows of more events, or of others, or there is none.
    """
    count = len(events)
    if head is None and count == 0:
        return
    if head is None:
        raise JournalError(
            f"{head_path(path)} is missing, so nobody knows where the journal ends; restore both files from one copy"
        )
    if head.number > count:
        lost = f"events {count + 1} to {head.number} are" if head.number > count + 1 else f"event {head.number} is"
        raise JournalError(
            f"the end of the journal {path} is missing: {lost} not in it; restore file and head from one copy, or move both away, "
            "and look at the broker"
        )
    if (events[head.number - 1].hash if head.number else FIRST) != head.hash:
        raise JournalError(f"{head_path(path)} is the head of another journal; restore both files from one copy")
