"""Who is told what when an order or an account changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from live.gateway import messages_order, messages_out
from live.gateway.messages_out import Message
from live.gateway.orders import Changed, Charged, Event, Executed, Execution
from live.gateway.statements import statement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from live.gateway.book import Book

__all__ = ["OWN", "Client", "Told", "spread"]


@dataclass
class Client:
    """A client that has started: its number, the version agreed on, and what it subscribes to."""

    client_id: int = -1
    version: int = 178
    wants_positions: bool = False
    account_updates: str = ""


Audience = Callable[[Client, Client | None], bool]  # a client, and the one that is being answered, if any
Told = tuple[Audience, Message | Callable[[Client], list[Message]]]


def OWN(client: Client, asking: Client | None) -> bool:  # noqa: N802 - a constant audience
    """Tell whether a client is the one that is being answered."""
    return client is asking


def _owner(client_id: int) -> Audience:
    return lambda client, _: client.client_id == client_id


def spread(events: Iterable[Event], book: Book) -> list[Told]:
    """Turn events into whom to tell what."""
    return [told for event in events for told in _told(event, book)]


def _told(event: Event, book: Book) -> list[Told]:
    if isinstance(event, Changed):
        order = event.order
        listing = book.listings[order.ticket.con_id]

        def stand(client: Client) -> list[Message]:
            full = [] if order.status == "Cancelled" else [messages_order.open_order(order, listing, client.version)]
            return [*full, messages_order.order_status(order)]

        return [(_owner(order.ticket.client_id), stand)]
    if isinstance(event, Executed | Charged):
        return _traded(event, book)
    words = (event.order_id, event.code, event.text)
    return [(_owner(event.client_id), lambda client: [messages_out.error(*words, client.version)])]


def _traded(event: Executed | Charged, book: Book) -> list[Told]:
    execution = event.execution
    ticket = execution.order.ticket
    listing = book.listings[ticket.con_id]
    if isinstance(event, Charged):
        return [(_owner(ticket.client_id), messages_out.commission(execution, listing.currency))]
    held = book.accounts[ticket.account].positions[ticket.con_id]
    position = messages_out.position(ticket.account, listing, held.shares, held.average_cost)
    account, price = book.accounts[ticket.account], book.prices.get(ticket.con_id, execution.price)
    value = messages_out.portfolio(account.name, listing, held.shares, price, held.average_cost, account.realized)
    rows = [messages_out.account_value(ticket.account, *row) for row in statement(book, ticket.account)]
    return [
        (_owner(ticket.client_id), _details(execution, book)),
        (lambda client, _: client.wants_positions, position),
        (lambda client, _: client.account_updates == ticket.account, lambda _: [*rows, value]),
    ]


def _details(execution: Execution, book: Book) -> Callable[[Client], list[Message]]:
    listing = book.listings[execution.order.ticket.con_id]
    return lambda client: [messages_out.execution_details(-1, listing, execution, client.version)]
