"""What the gateway says, one function a message, in the field order of server versions 157 to 178."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from live.gateway.clock import KOLKATA
from live.gateway.market import closing, opening
from live.gateway.wire import UNSET, encode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from live.gateway.market import Bar, Listing
    from live.gateway.orders import Execution

__all__ = [
    "Message",
    "account_download_end",
    "account_summary",
    "account_summary_end",
    "account_time",
    "account_update_multi",
    "account_update_multi_end",
    "account_value",
    "bars",
    "commission",
    "completed_orders_end",
    "contract_details",
    "contract_details_end",
    "current_time",
    "error",
    "exec_details_end",
    "execution_details",
    "handshake",
    "managed_accounts",
    "market_rule",
    "next_valid_id",
    "open_order_end",
    "portfolio",
    "position",
    "position_end",
]


@dataclass(frozen=True)
class Message:
    """A message to a client: its name and its fields, number first."""

    kind: str
    fields: tuple[object, ...]

    def frame(self) -> bytes:
        """Return the bytes to send."""
        return encode(*self.fields)


def handshake(version: int, when: datetime) -> Message:
    """Answer the greeting."""
    return Message("handshake", (version, f"{when.astimezone(KOLKATA):%Y%m%d %H:%M:%S} India Standard Time"))


def managed_accounts(names: Sequence[str]) -> Message:
    """Name the accounts."""
    return Message("managedAccounts", (15, 1, ",".join(names)))


def next_valid_id(order_id: int) -> Message:
    """Tell the lowest id for an order."""
    return Message("nextValidId", (9, 1, order_id))


def error(identifier: int, code: int, words: str, version: int = 178) -> Message:
    """Tell a code about a request or an order; -1 is about neither."""
    return Message("error", (4, 2, identifier, code, words, *([""] if version >= 166 else [])))


def current_time(when: datetime) -> Message:
    """Tell the time in whole seconds."""
    return Message("currentTime", (49, 1, int(when.timestamp())))


def contract_fields(listing: Listing) -> tuple[object, ...]:
    """Return the eleven fields of a contract in orders and executions."""
    return (
        listing.con_id,
        listing.symbol,
        "STK",
        "",
        0,
        "?",
        "",
        listing.exchange,
        listing.currency,
        listing.symbol,
        listing.symbol,
    )


def position(account: str, listing: Listing, shares: int, average_cost: float) -> Message:
    """Tell one position, shares and currency."""
    return Message("position", (61, 3, account, *contract_fields(listing), shares, average_cost))


def position_end() -> Message:
    """End the positions."""
    return Message("positionEnd", (62, 1))


def open_order_end() -> Message:
    """End the open orders."""
    return Message("openOrderEnd", (53, 1))


def completed_orders_end() -> Message:
    """End the completed orders."""
    return Message("completedOrdersEnd", (102,))


def account_value(account: str, tag: str, value: str, currency: str) -> Message:
    """Tell one value of an account."""
    return Message("accountValue", (6, 2, tag, value, currency, account))


def portfolio(account: str, listing: Listing, shares: int, price: float, cost: float, realized: float) -> Message:
    """Tell one position with its price and profit, currency."""
    contract = (
        listing.con_id,
        listing.symbol,
        "STK",
        "",
        0,
        "0",
        "",
        listing.exchange,
        listing.currency,
        listing.symbol,
        listing.symbol,
    )
    gain = shares * (price - cost)
    return Message("portfolio", (7, 8, *contract, shares, price, shares * price, cost, gain, realized, account))


def account_time(when: datetime) -> Message:
    """Tell when the account was last looked at."""
    return Message("accountTime", (8, 1, f"{when.astimezone(KOLKATA):%H:%M}"))


def account_download_end(account: str) -> Message:
    """End the account's values."""
    return Message("accountDownloadEnd", (54, 1, account))


def account_update_multi(identifier: int, account: str, tag: str, value: str, currency: str) -> Message:
    """Tell one value of an account to one request."""
    return Message("accountUpdateMulti", (73, 1, identifier, account, "", tag, value, currency))


def account_update_multi_end(identifier: int) -> Message:
    """End them."""
    return Message("accountUpdateMultiEnd", (74, 1, identifier))


def account_summary(identifier: int, account: str, tag: str, value: str, currency: str) -> Message:
    """Tell one value of the summary."""
    return Message("accountSummary", (63, 1, identifier, account, tag, value, currency))


def account_summary_end(identifier: int) -> Message:
    """End the summary."""
    return Message("accountSummaryEnd", (64, 1, identifier))


def execution_details(identifier: int, listing: Listing, execution: Execution, version: int) -> Message:
    """Tell one fill; -1 as the identifier for one that just happened."""
    order, ticket = execution.order, execution.order.ticket
    when = f"{execution.when.astimezone(KOLKATA):%Y%m%d %H:%M:%S} Asia/Kolkata"
    side = "SLD" if ticket.sells else "BOT"
    fields = (
        11, identifier, ticket.order_id, *contract_fields(listing)[:5], "", "", *contract_fields(listing)[7:],
        execution.exec_id, when, ticket.account, listing.exchange, side, execution.shares, execution.price, order.perm_id,
        ticket.client_id, 0, order.filled, order.average, ticket.reference, "", "", "", 2,
    )  # fmt: skip
    return Message("execDetails", (*fields, *([0] if version >= 178 else [])))


def exec_details_end(identifier: int) -> Message:
    """End the executions."""
    return Message("execDetailsEnd", (55, 1, identifier))


def commission(execution: Execution, currency: str) -> Message:
    """Tell what a fill cost, currency."""
    realized = UNSET if execution.realized is None else execution.realized
    return Message("commissionReport", (59, 1, execution.exec_id, execution.commission, currency, realized, UNSET, ""))


def contract_details(identifier: int, listing: Listing, moment: datetime, version: int) -> Message:
    """Describe one listing."""
    day = moment.astimezone(KOLKATA).date()
    hours = f"{opening(day):%Y%m%d:%H%M}-{closing(day):%Y%m%d:%H%M}"
    tick = min(increment for _, increment in listing.market_rule)
    old = version < 164
    fields = (
        10, *([8] if old else []), identifier, listing.symbol, "STK", "", 0, "", listing.exchange, listing.currency,
        listing.symbol, listing.symbol, listing.symbol, listing.con_id, tick, *([1] if old else []), "",
        "ACTIVETIM,DAY,GTC,LMT,MKT,STP,TRAIL", listing.exchange, 1, 0, listing.symbol, listing.exchange, "", "", "", "",
        "Asia/Kolkata", hours, hours, "", 0, 1, "ISIN", listing.isin, 1, "", "", rule_id(listing), "", "COMMON",
        *([listing.minimum_size, listing.size_increment] if not old else []),
        *([listing.size_increment] if version >= 163 else []),
    )  # fmt: skip
    return Message("contractDetails", fields)


def contract_details_end(identifier: int) -> Message:
    """End the listings."""
    return Message("contractDetailsEnd", (52, 1, identifier))


def rule_id(listing: Listing) -> int:
    """Return the number of a listing's market rule."""
    return 10_000 + listing.con_id


def market_rule(identifier: int, rule: Sequence[tuple[float, float]]) -> Message:
    """Tell the ticks from each price on, currency."""
    return Message("marketRule", (93, identifier, len(rule), *(value for pair in rule for value in pair)))


def bars(identifier: int, rows: Sequence[Bar]) -> Message:
    """Tell daily bars."""
    ends = (f"{rows[0].day:%Y%m%d}  00:00:00", f"{rows[-1].day:%Y%m%d}  23:59:59") if rows else ("", "")
    fields: list[object] = [17, identifier, *ends, len(rows)]
    for bar in rows:
        mean = round((bar.high + bar.low + bar.close) / 3, 4)
        volume = -1 if bar.volume != bar.volume else bar.volume
        fields += [f"{bar.day:%Y%m%d}", bar.open, bar.high, bar.low, bar.close, volume, mean, 1]
    return Message("historicalData", tuple(fields))
