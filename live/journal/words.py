"""The journal in plain sentences; account numbers never leave the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from live.journal.chain import Event
from live.journal.state import State
from live.plain import masked, plain

__all__ = ["journal_lines", "masked", "status_lines"]


def journal_lines(events: Iterable[Event], account: str = "") -> list[str]:
    """Say every event, one a line, oldest first; ``account`` is masked besides whatever looks like one."""
    return [plain(_sentence(event), account) for event in events]


def _sentence(event: Event) -> str:
    when = event.time[:19].replace("T", " ")
    about = " ".join(part for part in (event.symbol, event.reference) if part)
    said = _SAY.get(event.kind, _anything)(event.data)
    return f"{when} UTC: {about + ': ' if about else ''}{said}."


def _anything(data: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in data.items()) or "noted"


def _price(data: dict[str, Any]) -> str:
    if data["kind"] == "TRAIL":
        return f"trailing {data['trail']:g} below the highest price"
    return "at the market" if data["limit"] is None else f"at {data['limit']:g} or better"


def _commission(data: dict[str, Any]) -> str:
    return "commission not known yet" if data["commission"] is None else f"commission {data['commission']:g}"


_SAY: dict[str, Callable[[dict[str, Any]], str]] = {
    "intent": lambda d: f"will {d['side'].lower()} {d['quantity']:g} {_price(d)}",
    "read": lambda d: (
        f"{'no cross' if d['cross'] == 'none' else 'a ' + d['cross'] + ' cross'} on {d['day']} at {d['close']:g}, "
        f"the fast average is {'above' if d['is_above'] else 'not above'}"
    ),
    "sized": lambda d: (
        f"{d['quantity']:g} shares of {d['wanted']:g} that the risk asks for{', cut by ' + d['reason'] if d['reason'] else ''}, "
        f"from {d['available']:.2f} available and {d['equity']:.2f} in all"
    ),
    "sent": lambda d: f"sent as order {d['number']}",
    "cancelling": lambda d: f"asks for the cancellation of order {d['number']}",
    "execution": lambda d: (
        f"{'bought' if d['side'] == 'BUY' else 'sold'} {d['quantity']:g} at {d['price']:g}, {_commission(d)}"
    ),
    "order": lambda d: f"the broker says {d['status']}, {d['filled']:g} of {d['quantity']:g} filled",
    "protection": lambda d: f"{d['held']:g} shares held, {d['stopped']:g} under a stop",
    "positions": lambda d: f"the broker has {len(d)} positions",
    "alarm": lambda d: f"ALARM: {d['text']}",
    "message": lambda d: f"the gateway says {d['code']}, {d['text']}",
    "run started": lambda d: f"{d.get('command', 'run')} started, {'sending' if d.get('send') else 'dry'}",
    "run ended": lambda d: f"ended with status {d['status']}",
    "said": lambda d: str(d["text"]).rstrip("."),
}


def status_lines(state: State) -> list[str]:
    """Say how things stand: alarms first, then what is held, then the last run."""
    lines = [f"{len(state.alarms)} alarm{'s' * (len(state.alarms) != 1)} to look at."]
    lines += [f"ALARM: {text}." for text in state.alarms]
    held = {symbol: numbers for symbol, numbers in state.held.items() if numbers[0]}
    lines.append(f"{len(held)} position{'s' * (len(held) != 1)} held, as last seen.")
    for symbol, (shares, stopped) in held.items():
        cover = "all under a stop" if stopped == shares else f"{stopped:g} under a stop"
        lines.append(f"{symbol}: {shares:g} shares, {cover}.")
    if not state.runs:
        return [*lines, "The bot has never run with this journal."]
    last = state.runs[-1]
    ended = (
        f"ended with status {last['status']}" if last["ended"] else "has not ended: it is running, or was broken off"
    )
    return [masked(line) for line in [*lines, f"The last run began at {last['begun'][:19]} UTC and {ended}."]]
