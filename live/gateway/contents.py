"""Says in plain sentences what is in a recording, so that its owner can hear it before it is given away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from live.gateway.layouts import Sender, names_of
from live.gateway.recording import Line
from live.gateway.wire import WireError

__all__ = ["describe_recording"]

_CLIENT = {
    "API": "greeting", "3": "placeOrder", "4": "cancelOrder", "5": "reqOpenOrders", "6": "reqAccountUpdates", "7": "reqExecutions", "8": "reqIds",
    "9": "reqContractDetails", "14": "setServerLogLevel", "15": "reqAutoOpenOrders", "16": "reqAllOpenOrders", "17": "reqManagedAccts",
    "20": "reqHistoricalData", "25": "cancelHistoricalData", "49": "reqCurrentTime", "58": "reqGlobalCancel", "61": "reqPositions",
    "62": "reqAccountSummary", "63": "cancelAccountSummary", "64": "cancelPositions", "71": "startApi", "74": "reqPositionsMulti",
    "75": "cancelPositionsMulti", "76": "reqAccountUpdatesMulti", "77": "cancelAccountUpdatesMulti", "91": "reqMarketRule", "92": "reqPnL",
    "93": "cancelPnL", "94": "reqPnLSingle", "95": "cancelPnLSingle", "99": "reqCompletedOrders",
}  # fmt: skip
_GATEWAY = {
    "3": "orderStatus", "4": "error", "5": "openOrder", "6": "accountValue", "7": "portfolioValue", "8": "accountTime", "9": "nextValidId",
    "10": "contractDetails", "11": "execDetails", "15": "managedAccounts", "17": "historicalData", "49": "currentTime", "52": "contractDetailsEnd",
    "53": "openOrderEnd", "54": "accountDownloadEnd", "55": "execDetailsEnd", "59": "commissionReport", "61": "position", "62": "positionEnd",
    "63": "accountSummary", "64": "accountSummaryEnd", "71": "positionMulti", "72": "positionMultiEnd", "73": "accountUpdateMulti",
    "74": "accountUpdateMultiEnd", "93": "marketRule", "94": "pnl", "95": "pnlSingle", "101": "completedOrder", "102": "completedOrdersEnd",
}  # fmt: skip
_NAMES: dict[Sender, dict[str, str]] = {"client": _CLIENT, "gateway": _GATEWAY}


def describe_recording(path: Path, lines: Sequence[Line]) -> list[str]:
    """Say what is in a recording: connections, kinds of messages, and every account, instrument, reference and text that is named."""
    numbers = sorted({line.connection for line in lines})
    told = [line for line in lines if line.what in ("frame", "withheld")]
    seconds = lines[-1].seconds if lines else 0.0
    said = [
        f"{path} has {_count(len(told), 'message')} of {_count(len(numbers), 'connection')} in {seconds:.1f} seconds."
    ]
    for number in numbers:
        said += _connection(number, [line for line in lines if line.connection == number])
    named = _named(lines)
    for title, names in (
        ("Accounts, all of them stand-ins", {"account", "accounts"}),
        ("Instruments", {"symbol"}),
        ("References of orders", {"orderRef", "ocaGroup"}),
        ("Time zones", {"timeZoneId"}),
    ):
        values = sorted({value for name, value in named if name in names and value not in ("", "All")})
        said.append(f"{title}: {', '.join(values) or 'none'}.")
    texts = sorted({value for name, value in named if name in ("text", "completedStatus", "shareholder") and value})
    return [*said, *(f"A text that stayed: {text.rstrip('.')}." for text in texts)]


def _connection(number: int, lines: Sequence[Line]) -> Iterator[str]:
    """Say what passed over one connection."""
    ends = [line for line in lines if line.what == "closed"]
    version = _version(lines)
    end = f"closed by the {ends[0].sender}" if ends else "not closed before the recording ended"
    yield f"Connection {number}: {f'server version {version}' if version else 'no answer of the gateway'}, {end}."
    for sender in ("client", "gateway"):
        for what, words in (("frame", "The {} sent"), ("withheld", "Without its contents, the {} sent")):
            found = Counter(line.fields[0] for line in lines if (line.sender, line.what) == (sender, what))
            names = _NAMES[sender] | ({str(version): "handshake"} if sender == "gateway" else {})
            kinds = [f"{count} {names.get(kind, f'of number {kind}')}" for kind, count in found.items()]
            if kinds:
                yield f"{words.format(sender)} {', '.join(kinds)}."
    for line in lines:
        if line.what == "stopped":
            yield f"From second {line.seconds:.1f} on nothing is recorded: {', '.join(line.fields)}."


def _version(lines: Sequence[Line]) -> int:
    """Give the server version of a connection, 0 if the gateway said none."""
    return next((int(line.fields[0]) for line in lines if (line.sender, line.what) == ("gateway", "frame")), 0)


def _named(lines: Sequence[Line]) -> set[tuple[str, str]]:
    """Give every field of every message with its name."""
    found: set[tuple[str, str]] = set()
    versions = {
        number: _version([x for x in lines if x.connection == number]) for number in {x.connection for x in lines}
    }
    for line in lines:
        if line.what == "frame":
            try:
                names = names_of(line.sender, line.fields, versions[line.connection])
            except WireError:
                continue  # greeting and handshake
            found |= set(zip(names, line.fields, strict=True))
    return found


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'s' * (number != 1)}"
