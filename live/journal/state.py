"""What is known, from the events alone: any beginning of a journal gives a state, and the same one every time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from live.facts import name_of_execution, order_reference
from live.journal.chain import Event
from live.journal.trades import Trade, trades_of

__all__ = ["State", "state_of"]


@dataclass
class State:
    """What the journal knows.

    Attributes
    ----------
    intents : dict
        By reference: the last order that was to be sent.
    numbers : dict
        By reference: the number under which it was sent, or was to be.
    executions : dict
        By execution id, without its correction's number: the newest version.
    held : dict
        By symbol: (shares held, shares under stops), as last seen.
    listings : dict
        By symbol: the broker's number of the share.
    alarms : list of str
        Since the last run that ended well.
    runs : list of dict
        Of each run its begin, end and status; an end of None was broken off.
    days : dict
        By day: the equity with which it began.
    """

    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    held: dict[str, tuple[float, float]] = field(default_factory=dict)
    listings: dict[str, int] = field(default_factory=dict)
    alarms: list[str] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    days: dict[str, float] = field(default_factory=dict)

    def day(self, day: date) -> tuple[float | None, int, float]:
        """Give the equity with which a day began, and the entries that were to be sent on it: their number and value."""
        begin = order_reference(day)
        entries = [one for name, one in self.intents.items() if name.startswith(begin) and one["side"] == "BUY"]
        return (
            self.days.get(day.isoformat()),
            len(entries),
            sum(float(one["limit"] or 0) * float(one["quantity"]) for one in entries),
        )

    @property
    def highest_number(self) -> int:
        """The highest order number that was ever used."""
        return max(self.numbers.values(), default=0)

    @property
    def trades(self) -> tuple[Trade, ...]:
        """Purchases and the sales that they were sold by, oldest first."""
        return trades_of(self.executions.values())

    def bought(self, reference: str) -> float:
        """Shares executed under a reference."""
        return sum(float(one["quantity"]) for one in self.executions.values() if one["reference"] == reference)


def state_of(events: Iterable[Event], state: State | None = None) -> State:
    """Replay events, after those that a state is of; it is changed, and given back."""
    state = State() if state is None else state
    for event in events:
        _take(state, event)
    return state


def _is_newer(data: dict[str, Any], known: dict[str, Any]) -> bool:
    """Tell whether an execution takes the place of one that is known: it corrects it, or tells it again."""
    if data["execution_id"] != known["execution_id"]:
        return bool(data["execution_id"] > known["execution_id"])
    return data.get("commission") is not None or known.get("commission") is None


def _take(state: State, event: Event) -> None:
    """Take one event in."""
    data = event.data
    if event.kind == "intent":
        state.intents[event.reference] = data
        state.listings[event.symbol] = int(data.get("listing", 0))
        state.numbers[event.reference] = int(data["number"])
    elif event.kind == "execution":
        name = name_of_execution(data["execution_id"])
        known = state.executions.get(name)
        # Not an older version that is told again after its correction, nor one that has lost its commission.
        if known is None or _is_newer(data, known):
            state.executions[name] = data
    elif event.kind == "protection":
        state.held[event.symbol] = (data["held"], data["stopped"])
        state.listings[event.symbol] = int(data.get("listing", 0))
    elif event.kind == "day":
        state.days.setdefault(data["day"], float(data["equity"]))
    elif event.kind == "alarm":
        state.alarms.append(data["text"])
    elif event.kind == "run started":
        state.runs.append({"begun": event.time, "ended": None, "status": None, **data})
    elif event.kind == "run ended" and state.runs:
        state.runs[-1].update(ended=event.time, status=data["status"])
        if data["status"] == 0:
            state.alarms.clear()
