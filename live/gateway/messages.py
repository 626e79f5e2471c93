"""What clients send, read field by field."""

from __future__ import annotations

from dataclasses import dataclass

from live.gateway.orders import Ticket
from live.gateway.reader import Reader
from live.gateway.wire import WireError

__all__ = [
    "KINDS",
    "ContractQuery",
    "HistoryQuery",
    "Request",
    "contract_query",
    "history_query",
    "parent_of",
    "parse",
    "ticket",
]

# Number of a message: its name, and the position of the id that its answers carry (0 for none).
_KINDS = {
    3: ("placeOrder", 1),
    4: ("cancelOrder", 2),
    5: ("reqOpenOrders", 0),
    6: ("reqAccountUpdates", 0),
    7: ("reqExecutions", 2),
    8: ("reqIds", 0),
    9: ("reqContractDetails", 2),
    14: ("setServerLogLevel", 0),
    15: ("reqAutoOpenOrders", 0),
    16: ("reqAllOpenOrders", 0),
    17: ("reqManagedAccts", 0),
    20: ("reqHistoricalData", 1),
    25: ("cancelHistoricalData", 2),
    49: ("reqCurrentTime", 0),
    58: ("reqGlobalCancel", 0),
    61: ("reqPositions", 0),
    62: ("reqAccountSummary", 2),
    63: ("cancelAccountSummary", 2),
    64: ("cancelPositions", 0),
    71: ("startApi", 0),
    76: ("reqAccountUpdatesMulti", 2),
    77: ("cancelAccountUpdatesMulti", 2),
    91: ("reqMarketRule", 0),
    99: ("reqCompletedOrders", 0),
}
_PARENT = 28  # position of parentId in placeOrder
KINDS = frozenset(name for name, _ in _KINDS.values())


@dataclass(frozen=True)
class Request:
    """One message of a client: its name, all its fields, and the id that its answers carry, -1 for none."""

    kind: str
    fields: tuple[str, ...]
    identifier: int = -1


@dataclass(frozen=True)
class ContractQuery:
    """What a client knows of an instrument."""

    con_id: int
    symbol: str
    kind: str
    exchange: str
    currency: str
    isin: str = ""


@dataclass(frozen=True)
class HistoryQuery:
    """Which bars a client wants; ``end`` and ``duration`` as written, such as "" and "5 Y"."""

    contract: ContractQuery
    end: str
    size: str
    duration: str
    what: str


def parse(fields: tuple[str, ...]) -> Request:
    """Name a message.

    Raises
    ------
    WireError
        If the number is unknown or the id is no number.
    """
    try:
        kind, place = _KINDS[int(fields[0])]
        return Request(kind, fields, int(fields[place]) if place else -1)
    except (KeyError, ValueError, IndexError):
        raise WireError(f"a message that the simulation does not know: {fields[:3]}") from None


def contract_query(request: Request) -> ContractQuery:
    """Read which contract details are wanted."""
    reader = Reader(request.fields, 3)
    query = _contract(reader)
    reader.skip(1)  # includeExpired
    named, value = reader.text(), reader.text()
    return ContractQuery(
        query.con_id, query.symbol, query.kind, query.exchange, query.currency, value if named == "ISIN" else ""
    )


def history_query(request: Request) -> HistoryQuery:
    """Read which bars are wanted."""
    reader = Reader(request.fields, 2)
    contract = _contract(reader)
    reader.skip(1)
    end, size, duration = reader.text(), reader.text(), reader.text()
    reader.skip(1)  # useRTH
    return HistoryQuery(contract, end, size, duration, reader.text())


def parent_of(request: Request) -> int:
    """Return the parent's id that an order names, 0 for none; what cannot be read names none."""
    try:
        return int(request.fields[_PARENT] or 0)
    except (IndexError, ValueError):
        return 0


def ticket(request: Request, client_id: int, version: int) -> tuple[ContractQuery, Ticket]:
    """Read an order, to its last field.

    Raises
    ------
    WireError
        If a field is missing or left over, or the order is a combination.
    """
    reader = Reader(request.fields, 2)
    contract = _contract(reader)
    if contract.kind == "BAG":
        raise WireError("combinations are not simulated")
    reader.skip(2)
    action, quantity, kind = reader.text(), reader.number(), reader.text()
    limit, auxiliary, tif = reader.price(), reader.price(), reader.text()
    reader.skip(1)
    account = reader.text()
    reader.skip(2)
    reference, transmit, parent = reader.text(), reader.text() != "0", reader.number()
    reader.skip(6)
    trail_stop, trail_percent = _middle(reader, version)
    _rest(reader, kind, contract.exchange, version)
    order = Ticket(
        client_id,
        request.identifier,
        contract.con_id,
        account,
        action,
        quantity,
        kind,
        limit,
        auxiliary,
        tif or "DAY",
        reference,
        transmit,
        parent,
        trail_stop,
        trail_percent,
    )
    return contract, order


def _contract(reader: Reader) -> ContractQuery:
    con_id, symbol, kind = reader.number(), reader.text(), reader.text()
    reader.skip(4)  # expiry, strike, right, multiplier
    exchange = reader.text()
    reader.skip(1)  # primary exchange
    currency = reader.text()
    reader.skip(2)  # local symbol, trading class
    return ContractQuery(con_id, symbol, kind, exchange, currency)


def _middle(reader: Reader, version: int) -> tuple[float | None, float | None]:
    """Read from the discretionary amount to the trailing percentage."""
    reader.skip(7 if version >= 177 else 8)
    reader.skip(22)  # model code to volatility type
    if reader.text():  # delta-neutral order type
        reader.skip(1 + 8)
    else:
        reader.skip(1)
    reader.skip(2)
    return reader.price(), reader.price()


def _rest(reader: Reader, kind: str, exchange: str, version: int) -> None:
    """Read what follows the trailing percentage."""
    reader.skip(2)
    increment = reader.price()
    if increment is not None and increment > 0:
        reader.skip(7)
    reader.skip(3)
    if reader.text():  # hedge type
        reader.skip(1)
    reader.skip(4)
    if reader.text() == "1":  # delta-neutral contract
        reader.skip(3)
    if reader.text():  # algorithm
        reader.skip_groups(2)
    reader.skip(6)
    if kind in {"PEG BENCH", "PEGBENCH"}:
        reader.skip(5)
    if reader.number():
        raise WireError("conditions of orders are not simulated")
    reader.skip(19)
    reader.skip(sum(version >= level for level in (158, 160, 162, 166, 169)))
    if version >= 170:
        if exchange == "IBKRATS":
            reader.skip(1)
        if kind in {"PEG BEST", "PEGBEST", "PEG MID", "PEGMID"}:
            raise WireError(f"{kind} orders are not simulated")
    reader.end()
