"""What the bot knows of the broker, in its own words: the values that ``broker`` gives and everything else works with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

__all__ = [
    "Bracket",
    "DayBar",
    "Door",
    "Execution",
    "Funds",
    "Message",
    "OrderRequest",
    "Outgoing",
    "Pinned",
    "Sizing",
    "Truth",
    "WorkingOrder",
    "name_of_execution",
    "newest",
    "order_reference",
]

Side = Literal["BUY", "SELL"]


@dataclass(frozen=True)
class Pinned:
    """One listing, and nothing else, behind an ISIN.

    Attributes
    ----------
    isin, symbol, exchange, currency : str
    con_id : int
        The broker's own number of the listing.
    market_rule : tuple of (from price, increment)
        Steps of the price, in currency, by the price of the order.
    minimum_size, size_increment : float
        Shares.
    """

    isin: str
    symbol: str
    exchange: str
    currency: str
    con_id: int
    market_rule: tuple[tuple[float, float], ...]
    minimum_size: float
    size_increment: float


@dataclass(frozen=True)
class DayBar:
    """One daily bar, prices in currency; that of a session which is not over is partial, and nothing in it says so."""

    day: date
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True)
class Funds:
    """Of one account, in one currency."""

    available: float
    equity: float
    currency: str


@dataclass(frozen=True)
class OrderRequest:
    """One order as the bot wants it.

    Attributes
    ----------
    reference : str
        Ours; with the broker's permanent number it is the identity of the order.
    side, kind : str
        BUY or SELL; LMT, MKT or TRAIL.
    quantity : float
        Shares.
    limit : float or None
        Currency.
    trail : float or None
        Distance of a TRAIL from the highest price, currency.
    stop : float or None
        First stop of a TRAIL, currency.
    time_in_force : {"DAY", "GTC"}
    """

    reference: str
    side: Side
    kind: Literal["LMT", "MKT", "TRAIL"]
    quantity: float
    limit: float | None = None
    trail: float | None = None
    stop: float | None = None
    time_in_force: Literal["DAY", "GTC"] = "DAY"


@dataclass(frozen=True)
class Sizing:
    """What a buy was sized from, and what came of it; money in currency.

    Attributes
    ----------
    available, equity : float
        What was left for it at its turn, and the account's equity before anything was sold.
    distance, close, limit : float
        Of the stop from the price; the last close; the most that it may pay a share.
    wanted, quantity : float
        Shares that the risk asks for, and that are ordered.
    reason : str
        What cut it, if anything.
    """

    available: float
    equity: float
    distance: float
    close: float
    limit: float
    wanted: float
    quantity: float
    reason: str


@dataclass(frozen=True)
class Bracket:
    """A buy with the stop that becomes active with it.

    Attributes
    ----------
    pinned : Pinned
    buy, stop : OrderRequest
    """

    pinned: Pinned
    buy: OrderRequest
    stop: OrderRequest


@dataclass(frozen=True)
class Outgoing:
    """An order under the number with which it goes, or went, to the gateway."""

    pinned: Pinned
    request: OrderRequest
    number: int


@dataclass(frozen=True)
class WorkingOrder:
    """An order as the broker has it; the status is the one that the broker said, never one that the client guessed."""

    reference: str
    permanent_id: int
    order_id: int
    client_id: int
    parent_id: int
    con_id: int
    symbol: str
    side: str
    kind: str
    quantity: float
    filled: float
    limit: float | None
    trail: float | None
    time_in_force: str
    status: str

    @property
    def is_live(self) -> bool:
        """Whether it can still be executed, now or later."""
        return self.status not in {"Filled", "Cancelled", "ApiCancelled"}


@dataclass(frozen=True)
class Execution:
    """Shares that changed hands; ``commission`` is None until it was reported."""

    execution_id: str
    reference: str
    permanent_id: int
    con_id: int
    side: Side
    quantity: float
    price: float
    time: datetime
    commission: float | None
    commission_currency: str
    symbol: str = ""


def name_of_execution(execution_id: str) -> str:
    """Give what an execution and its corrections have in common: their ids differ in the number at the end (.01, .02), the highest of which holds."""
    head, dot, last = execution_id.rpartition(".")
    return head if dot and last.isdigit() else execution_id


def order_reference(day: date, symbol: str = "", purpose: str = "") -> str:
    """Give the name of an order: one for each day, share and purpose, whatever is restarted in between; without the last two, how all of a day begin."""
    return f"gc-{day:%Y%m%d}-" + (f"{symbol}-{purpose}" if symbol else "")


def newest(executions: Iterable[Execution]) -> tuple[Execution, ...]:
    """Keep the newest version of each execution: a correction comes as a second one."""
    found: dict[str, Execution] = {}
    for one in executions:
        name = name_of_execution(one.execution_id)
        if name not in found or found[name].execution_id <= one.execution_id:
            found[name] = one
    return tuple(found.values())


@dataclass(frozen=True)
class Truth:
    """All that the broker has, asked at one moment: positions, every open order of every client, the executions of the day."""

    asked: datetime
    positions: dict[int, float]
    orders: tuple[WorkingOrder, ...]
    executions: tuple[Execution, ...]

    def order(self, reference: str) -> WorkingOrder | None:
        """Find an open order by our reference."""
        return next((order for order in self.orders if order.reference == reference), None)

    def bought(self, reference: str) -> float:
        """Shares executed under a reference, in the executions that are known."""
        return sum(execution.quantity for execution in self.executions if execution.reference == reference)


@dataclass(frozen=True)
class Message:
    """An error, warning or remark of the gateway."""

    time: datetime
    code: int
    text: str
    request: int  # number of the order or request, -1 if it is of neither


@dataclass(frozen=True)
class Door:
    """Where the gateway is, and how long it may take.

    Attributes
    ----------
    host, port, client_id, account : str and int
        The account is never written anywhere but into the journal.
    connect, answer, bars : float
        Deadlines in seconds: for a connection with all its lists, for an answer, for five years of bars.
    """

    host: str
    port: int
    client_id: int
    account: str
    connect: float = 15.0
    answer: float = 10.0
    bars: float = 60.0
