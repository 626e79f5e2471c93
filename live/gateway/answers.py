"""What the gateway answers to each message of a client."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from live.gateway import messages, messages_order, messages_out
from live.gateway.clock import KOLKATA
from live.gateway.history import wanted
from live.gateway.news import OWN, Told, spread
from live.gateway.statements import statement

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from live.gateway.book import Book
    from live.gateway.market import Listing, Market
    from live.gateway.messages import ContractQuery, Request
    from live.gateway.messages_out import Message
    from live.gateway.news import Client
    from live.gateway.orders import Order

__all__ = ["Answers"]

_NO_SUCH = "No security definition has been found for the request"


@dataclass(frozen=True)
class Answers:
    """Answers from a market and a book; who hears them is decided by ``live.gateway.news``.

    Parameters
    ----------
    market : Market
    book : Book
    """

    market: Market
    book: Book

    def answer(self, client: Client, request: Request, when: datetime, partial: float | None = None) -> list[Told]:
        """Carry out one message.

        Parameters
        ----------
        client : Client
            Who sent it; what it subscribes to is noted in it.
        request : Request
        when : datetime
        partial : float or None
            Share of an order that may fill.

        Returns
        -------
        list of Told
            Whom to tell what, in order.

        Raises
        ------
        WireError
            If the message cannot be read.
        """
        if request.kind == "placeOrder":
            return self._place(client, request, when, partial)
        if request.kind == "cancelOrder":
            return spread(self.book.cancel(client.client_id, request.identifier, when), self.book)
        if request.kind == "reqGlobalCancel":
            return spread(self.book.cancel_all(when), self.book)
        table: dict[str, Callable[[Client, Request, datetime], list[Message]]] = {
            "reqOpenOrders": self._open_orders,
            "reqAllOpenOrders": self._all_open_orders,
            "reqAutoOpenOrders": self._open_orders,
            "reqCompletedOrders": self._completed_orders,
            "reqExecutions": self._executions,
            "reqPositions": self._positions,
            "reqAccountUpdates": self._account_updates,
            "reqAccountUpdatesMulti": self._account_updates_multi,
            "reqAccountSummary": self._account_summary,
            "reqContractDetails": self._contract_details,
            "reqMarketRule": self._market_rule,
            "reqHistoricalData": self._bars,
            "reqCurrentTime": lambda _c, _r, now: [messages_out.current_time(now)],
            "reqIds": lambda asker, _r, _n: [messages_out.next_valid_id(self.book.next_id(asker.client_id))],
            "reqManagedAccts": lambda _c, _r, _n: [messages_out.managed_accounts(list(self.book.accounts))],
        }
        handler = table.get(request.kind)
        return [(OWN, message) for message in handler(client, request, when)] if handler else []

    def _place(self, client: Client, request: Request, when: datetime, partial: float | None) -> list[Told]:
        contract, ticket = messages.ticket(request, client.client_id, client.version)
        found = self._find(contract)
        known = replace(ticket, con_id=found[0].con_id if len(found) == 1 else 0)
        cap = None if partial is None else int(known.quantity * partial)
        return spread(self.book.place(known, when, cap), self.book)

    def _find(self, query: ContractQuery) -> tuple[Listing, ...]:
        if query.kind not in {"STK", ""}:
            return ()
        if query.con_id:
            return self.market.find(con_id=query.con_id, exchange=query.exchange)
        return self.market.find(isin=query.isin, symbol=query.symbol, exchange=query.exchange, currency=query.currency)

    def _open_orders(self, client: Client, _request: Request, _when: datetime) -> list[Message]:
        mine = [order for order in self.book.working() if order.ticket.client_id == client.client_id]
        return self._orders(mine, client)

    def _all_open_orders(self, client: Client, _request: Request, _when: datetime) -> list[Message]:
        return self._orders(self.book.working(), client)

    def _orders(self, orders: list[Order], client: Client) -> list[Message]:
        told: list[Message] = []
        for order in orders:
            listing = self.book.listings[order.ticket.con_id]
            told += [messages_order.open_order(order, listing, client.version), messages_order.order_status(order)]
        return [*told, messages_out.open_order_end()]

    def _completed_orders(self, client: Client, _request: Request, _when: datetime) -> list[Message]:
        told = []
        for order in self.book.orders.values():
            if order.done:
                parent = self.book.parent(order)
                listing = self.book.listings[order.ticket.con_id]
                perm_id = parent.perm_id if parent else 0
                told.append(messages_order.completed_order(order, listing, perm_id, client.version))
        return [*told, messages_out.completed_orders_end()]

    def _executions(self, client: Client, request: Request, when: datetime) -> list[Message]:
        today = when.astimezone(KOLKATA).date()
        told: list[Message] = []
        for execution in self.book.executions:
            if execution.when.astimezone(KOLKATA).date() == today:
                listing = self.book.listings[execution.order.ticket.con_id]
                told += [
                    messages_out.execution_details(request.identifier, listing, execution, client.version),
                    messages_out.commission(execution, listing.currency),
                ]
        return [*told, messages_out.exec_details_end(request.identifier)]

    def _positions(self, client: Client, _request: Request, _when: datetime) -> list[Message]:
        client.wants_positions = True
        told = [
            messages_out.position(account.name, self.book.listings[con_id], held.shares, held.average_cost)
            for account in self.book.accounts.values()
            for con_id, held in account.positions.items()
            if held.shares
        ]
        return [*told, messages_out.position_end()]

    def _account_updates(self, client: Client, request: Request, when: datetime) -> list[Message]:
        name = request.fields[3]
        account = self.book.accounts.get(name or next(iter(self.book.accounts)))
        client.account_updates = account.name if account and request.fields[2] == "1" else ""
        if account is None or not client.account_updates:
            return []
        told = [messages_out.account_value(account.name, *row) for row in statement(self.book, account.name)]
        for con_id, held in account.positions.items():
            listing, price = self.book.listings[con_id], self.book.prices.get(con_id, held.average_cost)
            told.append(
                messages_out.portfolio(account.name, listing, held.shares, price, held.average_cost, account.realized)
            )
        return [*told, messages_out.account_time(when), messages_out.account_download_end(account.name)]

    def _account_updates_multi(self, _client: Client, request: Request, _when: datetime) -> list[Message]:
        name, number = request.fields[3], request.identifier
        rows = statement(self.book, name) if name in self.book.accounts else ()
        told = [messages_out.account_update_multi(number, name, *row) for row in rows]
        return [*told, messages_out.account_update_multi_end(number)]

    def _account_summary(self, _client: Client, request: Request, _when: datetime) -> list[Message]:
        tags = set(request.fields[4].split(","))
        told = [
            messages_out.account_summary(request.identifier, name, *row)
            for name in self.book.accounts
            for row in statement(self.book, name)
            if row[0] in tags
        ]
        return [*told, messages_out.account_summary_end(request.identifier)]

    def _contract_details(self, client: Client, request: Request, when: datetime) -> list[Message]:
        number, found = request.identifier, self._find(messages.contract_query(request))
        if not found:
            return [messages_out.error(number, 200, _NO_SUCH, client.version)]
        told = [messages_out.contract_details(number, listing, when, client.version) for listing in found]
        return [*told, messages_out.contract_details_end(number)]

    def _market_rule(self, client: Client, request: Request, _when: datetime) -> list[Message]:
        number = int(request.fields[1])
        for listing in self.market.listings:
            if messages_out.rule_id(listing) == number:
                return [messages_out.market_rule(number, listing.market_rule)]
        return [messages_out.error(-1, 321, "Error validating request.-'bN' : cause - Unknown rule", client.version)]

    def _bars(self, client: Client, request: Request, when: datetime) -> list[Message]:
        query = messages.history_query(request)
        found = self._find(query.contract)
        if len(found) != 1:
            return [messages_out.error(request.identifier, 200, _NO_SUCH, client.version)]
        if query.size != "1 day":
            words = "Error validating request.-'bN' : cause - Only daily bars are simulated"
            return [messages_out.error(request.identifier, 321, words, client.version)]
        rows = wanted(self.market.bars(found[0], when), query.end, query.duration, when)
        if not rows:
            words = "Historical Market Data Service error message:HMDS query returned no data"
            return [messages_out.error(request.identifier, 162, words, client.version)]
        return [messages_out.bars(request.identifier, rows)]
