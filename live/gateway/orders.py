"""Orders as the simulated broker holds them, and what happens to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = ["Changed", "Charged", "Event", "Executed", "Execution", "Order", "Refused", "Status", "Ticket"]

Status = Literal["Held", "PreSubmitted", "Submitted", "Inactive", "Filled", "Cancelled"]


@dataclass(frozen=True)
class Ticket:
    """An order as a client places it.

    Attributes
    ----------
    client_id, order_id, con_id : int
    account : str
    action : {"BUY", "SELL"}
    quantity : int
        Shares.
    kind : str
        LMT, MKT, STP or TRAIL.
    limit, auxiliary : float or None
        Currency; ``auxiliary`` is the stop of an STP and the distance of a TRAIL.
    tif : str
        DAY or GTC.
    reference : str
        The client's own name of the order.
    transmit : bool
        False holds the order until one of its group is transmitted.
    parent_id : int
        0 for none.
    trail_stop : float or None
        First stop of a TRAIL, currency.
    trail_percent : float or None
        Distance of a TRAIL, percent of the price.
    """

    client_id: int
    order_id: int
    con_id: int
    account: str
    action: str
    quantity: int
    kind: str
    limit: float | None = None
    auxiliary: float | None = None
    tif: str = "DAY"
    reference: str = ""
    transmit: bool = True
    parent_id: int = 0
    trail_stop: float | None = None
    trail_percent: float | None = None

    @property
    def sells(self) -> bool:
        """Whether it is a sale."""
        return self.action == "SELL"


@dataclass(frozen=True)
class Order:
    """An order and where it stands.

    Attributes
    ----------
    ticket : Ticket
        As placed or last modified.
    perm_id : int
        The broker's own number, never used twice.
    status : Status
        Held is known to the gateway only.
    filled : int
        Shares.
    average, last : float
        Fill prices, currency; 0 without a fill.
    stop : float or None
        Where a STP or TRAIL stands now, currency.
    seen : float or None
        Last price it was tested against, currency.
    active : bool
        Whether it can be filled: transmitted, and its parent filled at least partly.
    triggered : bool
        Whether its stop was reached.
    cap : int or None
        Most shares that the simulation lets it fill.
    done_at : datetime or None
    """

    ticket: Ticket
    perm_id: int
    status: Status = "Held"
    filled: int = 0
    average: float = 0.0
    last: float = 0.0
    stop: float | None = None
    seen: float | None = None
    active: bool = False
    triggered: bool = False
    cap: int | None = None
    done_at: datetime | None = None

    @property
    def remaining(self) -> int:
        """Shares not filled."""
        return self.ticket.quantity - self.filled

    @property
    def done(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.status in {"Filled", "Cancelled"}

    @property
    def working(self) -> bool:
        """Whether the broker holds it and it can still fill."""
        return self.status in {"PreSubmitted", "Submitted", "Inactive"}

    @property
    def why_held(self) -> str:
        """Why a PreSubmitted order waits, in the broker's words."""
        if self.status != "PreSubmitted":
            return ""
        return "child" if not self.active else "trigger" if self.ticket.kind in {"STP", "TRAIL"} else ""


@dataclass(frozen=True)
class Execution:
    """One fill: shares, currency, and the order's totals after it."""

    exec_id: str
    order: Order
    when: datetime
    shares: int
    price: float
    commission: float
    realized: float | None


@dataclass(frozen=True)
class Changed:
    """An order is new or stands differently."""

    order: Order


@dataclass(frozen=True)
class Refused:
    """A client is told a code about an order."""

    client_id: int
    order_id: int
    code: int
    text: str


@dataclass(frozen=True)
class Executed:
    """An order was filled, at least partly."""

    execution: Execution


@dataclass(frozen=True)
class Charged:
    """The commission of a fill is known."""

    execution: Execution


Event = Changed | Refused | Executed | Charged
