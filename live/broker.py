"""The only file that speaks with Interactive Brokers: ib_async, with a deadline on every wait and the broker's word instead of the client's guess.

What ib_async 2.1.0 does on faults, and what is done about it here:

- A request can wait for ever (error 321, silence): every one has a deadline, and ends with ``BrokerError``.
- An error about an order sets its status to Cancelled although the order may be live (10148), or to ValidationError although it was rejected (321): statuses are
  read from the messages in which the broker says them, never from those that an error made.
- A lost connection empties all lists: after it everything is asked again, and nothing is believed of before.
- Unset numbers arrive as 1.797e308, money as text: both are turned into numbers or refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from ib_async import IB, Contract, Order, StartupFetch
from ib_async.util import UNSET_DOUBLE
from ib_async.wrapper import RequestError

from engine.errors import GoldencrossError
from live.codes import CodeClass, class_of, link_is_up
from live.errors import AnsweredError, BrokerError, ListingError, RefusedError
from live.facts import DayBar, Door, Funds, Message, OrderRequest, Outgoing, Pinned, Truth, WorkingOrder, newest
from live.translating import execution_of, working
from live.wire import day_of, number_of, price_steps, received

__all__ = ["Broker"]

T = TypeVar("T")

_CLIENT_IDS = 8
"""How many client ids are tried, one after the other, if one is in use (326)."""
_STARTUP = StartupFetch.POSITIONS | StartupFetch.ORDERS_OPEN | StartupFetch.EXECUTIONS


class Broker:
    """One connection to the gateway.

    Parameters
    ----------
    door : Door
    heard : callable
        Told every message of the gateway.
    step : callable
        Told every step of the connection: its kind, and a sentence.
    """

    def __init__(
        self,
        door: Door,
        heard: Callable[[Message], None] = lambda _: None,
        step: Callable[[str, str], None] = lambda *_: None,
    ) -> None:
        self._door, self._heard, self.step = door, heard, step
        self._ib = IB()
        logging.getLogger("ib_async").setLevel(
            logging.CRITICAL
        )  # what it would say to the console is said, and written down, by us
        self._ib.RaiseRequestErrors = True
        self._ib.errorEvent += self._on_error
        self._ib.client.apiError += self._on_end
        self._ib.client.apiStart += self._on_start
        self._ib.disconnectedEvent += lambda: step("disconnected", "The connection is closed.")
        self.messages: list[Message] = []
        self._ended: list[str] = []  # why the library gave connections up, in its words
        self._unheard: GoldencrossError | None = None
        self._contracts: dict[int, Contract] = {}
        self._one_rule, self._rules = asyncio.Lock(), dict[str, tuple[tuple[float, float], ...]]()

    # Connection

    @property
    def is_connected(self) -> bool:
        """Whether the socket is open; that says nothing of the line behind the gateway, see ``link_is_up``."""
        return bool(self._ib.isConnected())

    @property
    def link_is_up(self) -> bool:
        """Whether the gateway's own line to the broker is up, as far as it said."""
        return link_is_up(message.code for message in self.messages)

    @property
    def client_id(self) -> int:
        """The number of this client; orders of other ones can be seen, but neither changed nor cancelled."""
        return int(self._ib.client.clientId)

    @property
    def unknown_codes(self) -> list[int]:
        """Codes that nobody has classed: a reason for no new entry."""
        return sorted({m.code for m in self.messages if class_of(m.code) is CodeClass.UNKNOWN})

    async def connect(self) -> int:
        """Connect with all lists, on the first free client id; give that id.

        Raises
        ------
        BrokerError
            A ``RefusedError`` if it is logged in to another account.
        """
        door, reason = self._door, ""
        for client_id in range(door.client_id, door.client_id + _CLIENT_IDS):
            heard = len(self.messages)
            self.step("connecting", f"Connecting to {door.host} port {door.port} with client id {client_id}.")
            try:
                await asyncio.wait_for(self._connect(client_id), door.connect)
            except (TimeoutError, OSError, RequestError) as error:
                codes = {message.code for message in self.messages[heard:]}
                reason = self._why_late() if isinstance(error, TimeoutError) else str(error)
                self._ib.disconnect()
                if 326 not in codes:
                    break
                reason = f"client ids {door.client_id} to {client_id} are in use"
                self.step("client id in use", f"Client id {client_id} is in use.")
                continue
            self._require_account()
            self.step("account", "The gateway has the configured account.")
            self.step("received", received(self._ib.positions(), self._ib.openTrades(), self._ib.fills()))
            return client_id
        raise BrokerError(f"cannot connect to {door.host} port {door.port}: {reason}; is the gateway running?")

    async def _connect(self, client_id: int) -> None:
        door = self._door
        await self._ib.connectAsync(
            door.host,
            door.port,
            client_id,
            timeout=door.connect / 3,
            raiseSyncErrors=True,
            fetchFields=_STARTUP,
        )

    def _require_account(self) -> None:
        """Check that the gateway has the account that is configured."""
        if self._door.account not in self._ib.managedAccounts():
            self._ib.disconnect()
            raise RefusedError("the gateway is logged in to another account than the configured one")

    def disconnect(self) -> None:
        """Close the connection."""
        self._ib.disconnect()

    async def _ask(self, what: str, question: Callable[[], Awaitable[T]], deadline: float | None = None) -> T:
        """Ask, and wait for an answer, but not for ever."""
        try:
            answer = await asyncio.wait_for(question(), deadline or self._door.answer)
        except TimeoutError:
            raise BrokerError(f"no answer within {deadline or self._door.answer:g} seconds: {what}") from None
        except ConnectionError:
            raise BrokerError(f"the connection was lost: {what}") from None
        except RequestError as error:
            raise AnsweredError(what, error.code, error.message) from None
        if self._unheard is not None:
            raise self._unheard
        return answer

    def refusal(self, numbers: Sequence[int]) -> str:
        """Say why the broker did not take one of these orders, as far as it said."""
        for message in self.messages:
            if message.request in numbers and class_of(message.code) in (CodeClass.REJECTED, CodeClass.DATA):
                return f"the broker refuses it: {message.code}, {message.text}".rstrip(".")
        return ""

    # Data

    async def server_time(self) -> datetime:
        """Ask the broker for the time."""
        return await self._ask("the time", self._ib.reqCurrentTimeAsync)

    async def funds(self, currency: str) -> Funds:
        """Ask for the account's money in one currency.

        Raises
        ------
        BrokerError
            A value is missing, unset, or in another currency.
        """
        self._ib.wrapper.acctSummary.clear()  # it is kept for ever otherwise
        values = await self._ask("the account's money", lambda: self._ib.accountSummaryAsync(self._door.account))
        found = {v.tag: v for v in values if v.tag in ("AvailableFunds", "NetLiquidation") and v.currency == currency}
        amounts = {tag: number_of(value.value) for tag, value in found.items()}
        for tag in ("AvailableFunds", "NetLiquidation"):
            if amounts.get(tag) is None:
                raise BrokerError(f"the account's {tag} in {currency} is not known; nothing can be sized")
        available, equity = float(amounts["AvailableFunds"] or 0.0), float(amounts["NetLiquidation"] or 0.0)
        return Funds(available, equity, currency)

    async def pin(self, isin: str, symbol: str, exchange: str, currency: str) -> Pinned:
        """Find the one listing of an ISIN on an exchange; without an ISIN ("") that of the broker's symbol, for prices and not for orders.

        Raises
        ------
        RefusedError
            None, several, another currency, or an ISIN that is not echoed.
        BrokerError
        """
        asked, what = Contract(secType="STK", exchange=exchange, currency=currency), isin or symbol
        asked.symbol, asked.secIdType, asked.secId = ("", "ISIN", isin) if isin else (symbol, "", "")
        try:
            details = await self._ask(f"the listings of {what}", lambda: self._ib.reqContractDetailsAsync(asked))
        except AnsweredError as error:
            if error.code != 200:
                raise
            details = []
        listings = [d for d in details if d.contract and d.contract.exchange == exchange]
        if len(listings) != 1:
            raise ListingError(f"{symbol}: {len(listings)} listings of {what} on {exchange}, not exactly one")
        detail = listings[0]
        contract = detail.contract
        echoed = {tag.value for tag in detail.secIdList or [] if tag.tag == "ISIN"}
        if contract is None or (isin and isin not in echoed):
            raise ListingError(f"{symbol}: the listing on {exchange} does not name {isin} as its ISIN")
        if contract.currency != currency:
            raise ListingError(f"{symbol}: the listing on {exchange} is in {contract.currency}, not {currency}")
        self._contracts[contract.conId] = contract
        rules = dict(zip(detail.validExchanges.split(","), detail.marketRuleIds.split(","), strict=False))
        rule = await self._market_rule(symbol, rules.get(exchange, ""))
        minimum, increment = number_of(detail.minSize), number_of(detail.sizeIncrement)
        return Pinned(isin, contract.symbol, exchange, currency, contract.conId, rule, minimum or 1.0, increment or 1.0)

    async def _market_rule(self, symbol: str, number: str) -> tuple[tuple[float, float], ...]:
        if not number.isdigit():
            raise RefusedError(f"{symbol}: the broker names no rule for its price steps")
        async with self._one_rule:  # the library forgets a question that is asked a second time before it is answered
            if number not in self._rules:
                what = f"the price steps of {symbol}"
                self._rules[number] = await self._ask(what, lambda: price_steps(self._ib, int(number)))
        return self._rules[number]

    async def daily_bars(self, pinned: Pinned, years: int = 5) -> tuple[DayBar, ...]:
        """Ask for daily bars up to now, the last of which is today's while the session is on.

        Raises
        ------
        BrokerError
        """
        bars = await self._ask(
            f"the daily bars of {pinned.symbol}",
            lambda: self._ib.reqHistoricalDataAsync(
                self._contracts[pinned.con_id],
                "",
                f"{years} Y",
                "1 day",
                "TRADES",
                useRTH=True,
                formatDate=1,
                timeout=self._door.bars + 1.0,  # ours comes first: of its own the library would say that there are none
            ),
            self._door.bars,
        )
        if not bars:
            raise BrokerError(f"the broker gave no daily bars of {pinned.symbol}")
        return tuple(
            DayBar(day_of(bar.date), bar.open, bar.high, bar.low, bar.close, float(bar.volume)) for bar in bars
        )

    # Orders

    async def truth(self) -> Truth:
        """Ask for positions, all open orders of all clients, and executions, now.

        Raises
        ------
        BrokerError
        """
        positions = await self._ask("the positions", self._ib.reqPositionsAsync)
        trades = await self._ask("the open orders", self._ib.reqAllOpenOrdersAsync)
        fills = await self._ask("the executions", self._ib.reqExecutionsAsync)
        mine = self._door.account
        # The answer has copies without commissions: these are told to the first copy of each execution.
        reports = {fill.execution.execId: fill.commissionReport for fill in self._ib.fills()}
        return Truth(
            asked=datetime.now(UTC),
            positions={p.contract.conId: float(p.position) for p in positions if p.account == mine and p.position},
            # By its numbers, since one order can be in the list twice: news of it that come amid the answer are put into it, too.
            orders=tuple({(o.client_id, o.order_id, o.permanent_id): o for o in map(working, trades)}.values()),
            executions=newest(execution_of(f, reports) for f in fills if f.execution.acctNumber == mine),
        )

    def number(self, pinned: Pinned, orders: Sequence[OrderRequest]) -> list[Outgoing]:
        """Give orders the numbers with which they will be sent, so that these can be written down before.

        Raises
        ------
        BrokerError
        """
        self._require_connection("nothing was sent")
        return [Outgoing(pinned, order, self._ib.client.getReqId()) for order in orders]

    def send(self, group: Sequence[Outgoing]) -> None:
        """Send a group of orders for one listing, the first of which is the parent of the others; the last one transmits all.

        Raises
        ------
        BrokerError
        """
        self._require_connection("nothing was sent")
        for one in group:
            order = _order(one.request, self._door.account)
            order.orderId = one.number
            order.parentId = 0 if one is group[0] else group[0].number
            order.transmit = one is group[-1]
            self._place(one.pinned, order)

    def change_quantity(self, pinned: Pinned, working: WorkingOrder, quantity: float) -> None:
        """Change the quantity of a stop of this client; everything else has to be as the broker has it, or it refuses (105).

        Raises
        ------
        BrokerError
        """
        self._require_connection("nothing was changed")
        order = Order(
            action=working.side,
            orderType=working.kind,
            totalQuantity=quantity,
            auxPrice=UNSET_DOUBLE if working.trail is None else working.trail,
            lmtPrice=UNSET_DOUBLE,
            tif=working.time_in_force,
            orderRef=working.reference,
            account=self._door.account,
            parentId=working.parent_id,
            orderId=working.order_id,
            outsideRth=False,
        )
        self._place(pinned, order)

    def _place(self, pinned: Pinned, order: Order) -> None:
        """Hand an order to the gateway, and leave it to the broker to say what became of it.

        Not by ``ib.placeOrder``: it keeps a state of its own, which an error with the order's number makes Cancelled while the broker still has the order; refuses to change what
        it holds for done; and needs as long as the message itself to write a line for a log that nobody reads (``bench/decision.py``).
        """
        self._ib.client.placeOrder(order.orderId, self._contracts[pinned.con_id], order)  # type: ignore[no-untyped-call]

    def cancel(self, number: int) -> None:
        """Ask the broker to cancel an order of this client; whether it did, ``truth`` tells.

        Raises
        ------
        BrokerError
        """
        self._require_connection("nothing was cancelled")
        self._ib.client.cancelOrder(number, "")  # type: ignore[no-untyped-call]

    def raise_id_floor(self, floor: int) -> None:
        """Never use an order number below this again; the gateway's own can go back after a restart."""
        self._ib.client.updateReqId(floor)  # type: ignore[no-untyped-call]

    def _require_connection(self, consequence: str) -> None:
        """Check that what is sent now can arrive."""
        if self._unheard is not None:
            raise self._unheard
        if not self.is_connected:
            raise BrokerError(f"the connection is lost: {consequence}")

    def _on_end(self, text: str) -> None:
        self._ended.append(text)

    def _why_late(self) -> str:
        """Say why no connection came about; that the gateway is too old is said by the library alone, and waited for."""
        return next((text for text in self._ended if "version" in text), "no answer within the deadline")

    def _on_start(self) -> None:
        version = self._ib.client.serverVersion()
        self.step("handshake", f"The gateway answers, its server version is {version}.")

    def _on_error(self, request: int, code: int, text: str, _contract: object) -> None:
        message = Message(datetime.now(UTC), code, text, request)
        self.messages.append(message)
        try:
            self._heard(message)
        except GoldencrossError as error:
            self._unheard = error  # the library would only log it; nothing is asked or sent any more


def _order(wanted: OrderRequest, account: str) -> Order:
    """Give the library's form of an order."""
    return Order(
        action=wanted.side,
        orderType=wanted.kind,
        totalQuantity=wanted.quantity,
        lmtPrice=UNSET_DOUBLE if wanted.limit is None else wanted.limit,
        auxPrice=UNSET_DOUBLE if wanted.trail is None else wanted.trail,
        trailStopPrice=UNSET_DOUBLE if wanted.stop is None else wanted.stop,
        tif=wanted.time_in_force,
        orderRef=wanted.reference,
        account=account,
        outsideRth=False,
    )
