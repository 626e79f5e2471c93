"""Faults to order: at which message, what goes wrong, and how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import InputError
from live.gateway.corrupt import CORRUPTIONS
from live.gateway.messages import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from live.gateway.server import Gateway

__all__ = ["Deed", "Fault", "Faults"]

Deed = Callable[["Gateway"], None]

# What can happen at a message of a client, with the number of words that follow.
_INCOMING = {
    "silence": 0,  # it is not read
    "mute": 0,  # nor is anything after it; the connection stays open
    "drop": 0,  # the connection is closed before it is read
    "drop_after": 0,  # it has its effect, then the connection is closed without an answer
    "no_answer": 0,  # it has its effect, without an answer
    "duplicate": 0,  # every answer comes twice
    "reorder": 0,  # the answers come in reverse
    "delay": 1,  # seconds until it is read
    "error": 1,  # code of the answer, in place of any effect
    "warn": 1,  # code told after the effect and its answers
    "reject_parent": 0,  # 201 for an order without parent
    "reject_child": 0,  # 201 for an order with one
    "partial": 1,  # share of the order that fills, the rest never does
    "inactive": 0,  # the order is taken and put aside
    "cancel": 1,  # seconds until the broker cancels the order
    "fill": 0,  # the order to be cancelled fills at that moment
    "split": 1,  # from now on so many bytes are written at once
    "do": 0,  # what is done before it is read
}
_OUTGOING = {"silence": 0, "drop": 0, "duplicate": 0, "delay": 1, "mute": 0, "do": 0}  # the last is done after it


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Attributes
    ----------
    at : str or int
        Name of a client's message ("placeOrder", "hello", ...), also "placeOrder.parent" and "placeOrder.child"; "in 7" for the message of that index,
        counted from 0 over all connections; "out commissionReport" for a message of the gateway; a number or "out 7" for the one of that index.
    what : str or callable
        A word of the tables above or of ``live.gateway.corrupt``, with its number, such as "error 201" or "delay 2.5"; or what is done with the gateway
        at that moment, before a message of a client has its effect, or after one of the gateway.
    count : float
        How often it happens; infinity for always.
    after : int
        How many messages that match pass before.

    Raises
    ------
    InputError
        If there is no such message or no such fault.
    """

    at: str | int
    what: str | Deed
    count: float = 1
    after: int = 0

    def __post_init__(self) -> None:
        name = self.place.removesuffix(".parent").removesuffix(".child")
        first, _, index = name.partition(" ")
        known = name in KINDS | {"hello"} or first == "out" or (first == "in" and index.isdigit())
        verbs = _OUTGOING if first == "out" else {**_INCOMING, **dict.fromkeys(CORRUPTIONS, 0)}
        if not known:
            raise InputError(f"there is no message {self.at!r} at which a fault could happen")
        if verbs.get(self.verb) != len(self._words) - 1:
            raise InputError(f"there is no fault {self.what!r} at {self.at!r}; there are {', '.join(sorted(verbs))}")
        _ = self.number

    @property
    def place(self) -> str:
        """The message, as text."""
        return f"out {self.at}" if isinstance(self.at, int) else self.at

    @property
    def verb(self) -> str:
        """What goes wrong, without its number."""
        return (self._words or [""])[0]

    @property
    def _words(self) -> list[str]:
        return self.what.split() if isinstance(self.what, str) else ["do"]

    @property
    def number(self) -> float:
        """The number that goes with it: seconds, code or share; 0 where there is none."""
        words = self._words
        try:
            return float(words[1]) if len(words) > 1 else 0.0
        except ValueError:
            raise InputError(f"{words[1]!r} in the fault {self.what!r} is no number") from None


class Faults:
    """Which faults are still to come."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._faults = list(faults)
        self._matched: dict[int, int] = {}

    def add(self, fault: Fault) -> None:
        """Add one; its count starts now."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Have none any more."""
        self._faults.clear()
        self._matched.clear()

    def at(self, *places: str) -> Fault | None:
        """Count a message under each of its names and return the first fault that is due."""
        due = None
        for number, fault in enumerate(self._faults):
            if fault.place not in places or (fault.verb == "reject_parent" and "placeOrder.parent" not in places):
                continue
            if fault.verb == "reject_child" and "placeOrder.child" not in places:
                continue
            seen = self._matched.get(number, 0)
            self._matched[number] = seen + 1
            if due is None and fault.after <= seen < fault.after + fault.count:
                due = fault
        return due
