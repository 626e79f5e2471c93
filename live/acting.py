"""How orders are sent, watched and finished: every step is written down before it is done, and believed only after the broker has said it.

Three things are done here, and each ends in a state that was asked for at the broker::

    enter     limit buy with a trailing stop as its child; a part that is filled keeps a stop of its own size
    leave     cancel the stops, see that they are gone, then sell what is still held; never both
    protect   as many shares in stops as are held: change, place or cancel, or say that it cannot be done

Many shares are done at the same time, since the time in which orders can be filled is the same minutes for all of them: each waits for itself, and what
is asked at the broker is asked once for all that wait (``live.asking``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain, count
from typing import Protocol

from live.asking import Asking, at_the_same_time
from live.broker import Broker
from live.decision import Reading
from live.facts import Bracket, DayBar, OrderRequest, Outgoing, Pinned, Sizing, Truth, WorkingOrder
from live.protection import Cover, cover_of

__all__ = ["Actor", "Patience", "Recorder", "Result"]


_NOTHING = "Nothing is held, and nothing is on sale."
_STEPS = (2, 4)
"""How often the broker has to say the same before something is done about it, and before something else is tried."""


class Recorder(Protocol):
    """Where everything is written before it is done."""

    def intents(self, orders: Sequence[Outgoing]) -> None:
        """Write that orders will be sent, and under which numbers; all of them, or none."""

    def sent(self, orders: Sequence[Outgoing]) -> None:
        """Write that orders were handed to the gateway."""

    def read(self, shares: Sequence[tuple[Pinned, Reading, DayBar]]) -> None:
        """Write what was read of each share, and the last whole bar before it."""

    def sized(self, buys: Sequence[tuple[Pinned, Sizing]]) -> None:
        """Write what buys were sized from."""

    def cancelling(self, pinned: Pinned, reference: str, number: int) -> None:
        """Write that the cancellation of an order will be asked for."""

    def truth(self, truth: Truth) -> None:
        """Write what is new in what the broker said."""

    def protection(self, pinned: Pinned, cover: Cover) -> None:
        """Write how much is held and how much of it stops cover."""

    def alarm(self, pinned: Pinned | None, text: str) -> None:
        """Write what a person has to look at."""

    def day(self, day: date, equity: float) -> None:
        """Write the equity with which a day began."""


@dataclass(frozen=True)
class Patience:
    """How long is waited, in seconds.

    Attributes
    ----------
    fill : float
        For a buy or a sale to be filled, before the rest is cancelled.
    confirm : float
        For the broker to confirm a cancellation or a stop.
    poll : float
        Between two questions.
    """

    fill: float = 180.0
    confirm: float = 20.0
    poll: float = 2.0


@dataclass(frozen=True)
class Result:
    """What became of one thing that was done; ``refused`` if the broker did not take an order."""

    done: bool
    text: str
    refused: bool = False


class Actor:
    """Sends orders for one account.

    Parameters
    ----------
    broker : Broker
    recorder : Recorder
    sleep : callable
        Waits for seconds; virtual in tests.
    now : callable
        Seconds that go on while it waits.
    patience : Patience
    used : iterable of str
        References of earlier orders, which are not used again.
    """

    def __init__(
        self,
        broker: Broker,
        recorder: Recorder,
        sleep: Callable[[float], Awaitable[None]],
        now: Callable[[], float],
        patience: Patience = Patience(),
        used: Iterable[str] = (),
    ) -> None:
        self._broker, self._recorder, self._sleep, self._now = broker, recorder, sleep, now
        self._patience = patience
        self._used = set(used)
        self._asking = Asking(self._ask)

    async def truth(self) -> Truth:
        """Ask the broker for everything, and write it down; those that ask at the same time get the same answer, never one to an earlier question."""
        return await self._asking.answer()

    async def _ask(self) -> Truth:
        truth = await self._broker.truth()
        self._recorder.truth(truth)
        return truth

    async def enter(self, brackets: Sequence[Bracket], within: float | None = None) -> list[Result]:
        """Send buys with their stops, all of them at once; wait, and leave exactly what was bought under stops.

        Parameters
        ----------
        brackets : sequence of Bracket
        within : float or None
            Seconds after which no buy may be open any more, if that is shorter than the patience.

        Raises
        ------
        BrokerError
            The connection is lost; the next reconciliation finds out what became of the orders.
        """
        groups = [self._broker.number(one.pinned, (one.buy, one.stop)) for one in brackets]
        self.send(groups)
        patience = self._patience.fill if within is None else max(0.0, min(self._patience.fill, within))
        numbers = [[order.number for order in group] for group in groups]
        return await at_the_same_time(self._finish(*one, patience) for one in zip(brackets, numbers, strict=True))

    async def _finish(self, bracket: Bracket, numbers: Sequence[int], patience: float) -> Result:
        """Wait for a buy, cancel what is not filled then, and see that the rest is under a stop."""
        pinned, buy, stop = bracket.pinned, bracket.buy, bracket.stop
        truth = await self._watch(buy.reference, patience)
        working = truth.order(buy.reference)
        if working is not None and working.is_live:
            await self._cancel(pinned, working)
        result = await self.protect(pinned, stop)
        truth = await self.truth()
        bought = truth.bought(buy.reference)
        if bought == 0:
            why = self._broker.refusal(numbers) or ("" if working else "the broker has never told of the order")
            text = f"{pinned.symbol}: nothing was bought at {buy.limit:g}{', ' + why if why else ''}. {result.text}"
            return Result(result.done, text.rstrip(), refused=bool(why))
        part = "" if bought == buy.quantity else f" of {buy.quantity:g}"
        return Result(result.done, f"{pinned.symbol}: bought {bought:g}{part} shares. {result.text}".rstrip())

    async def leave(self, pinned: Pinned, sale: OrderRequest, stop: OrderRequest, within: float) -> Result:
        """Cancel the stops, then sell what is held then; what cannot be sold comes under a stop again.

        Parameters
        ----------
        pinned : Pinned
        sale, stop : OrderRequest
        within : float
            Seconds until no stop is taken any more: by then what is not sold is under one again.
        """
        end = self._now() + within - 2 * self._patience.confirm  # for the cancellation, and for the stop
        truth = await self.truth()
        for order in cover_of(truth, pinned.con_id).sells:
            if self._is_ours(order):
                await self._cancel(pinned, order)
        truth = await self.truth()
        cover = cover_of(truth, pinned.con_id)
        if cover.sells:
            self._recorder.alarm(pinned, f"{pinned.symbol}: a sell order cannot be cancelled, so nothing was sold")
            return Result(False, f"{pinned.symbol}: not sold, because its stop cannot be cancelled.")
        if cover.held <= 0:
            return Result(cover.held == 0, f"{pinned.symbol}: the stop had sold it before.")
        wanted = replace(sale, reference=self._free(sale.reference, truth), quantity=cover.held)
        self.send([self._broker.number(pinned, (wanted,))])
        truth = await self._watch(wanted.reference, max(0.0, min(self._patience.fill, end - self._now())))
        working = truth.order(wanted.reference)
        if working is not None and working.is_live:
            await self._cancel(pinned, working)
        cover = cover_of(await self.truth(), pinned.con_id)
        if cover.held == 0 and not cover.sells:
            return Result(True, f"{pinned.symbol}: sold {wanted.quantity:g} shares.")
        kept = await self.protect(pinned, stop)
        self._recorder.alarm(pinned, f"{pinned.symbol}: {cover.held:g} shares could not be sold")
        return Result(False, f"{pinned.symbol}: {cover.held:g} shares could not be sold. {kept.text}")

    async def protect(self, pinned: Pinned, stop: OrderRequest) -> Result:
        """Bring as many shares under stops as are held, and have the broker confirm it.

        ``stop`` is what a new stop would be; its quantity is chosen here, and its reference numbered if it is used already.
        """
        end = self._now() + self._patience.confirm
        seen: Counter[tuple[float, float, int]] = Counter()
        changed: set[int] = set()  # numbers of stops that were to be changed
        while True:
            truth = await self.truth()
            cover = cover_of(truth, pinned.con_id)
            self._recorder.protection(pinned, cover)
            if cover.is_exact:
                return Result(True, f"{cover.held:g} shares are under a stop." if cover.held else _NOTHING)
            if self._now() >= end:
                break
            state = (cover.held, cover.on_sale, len(cover.sells))
            seen[state] += 1
            if seen[state] in _STEPS:  # not at once: a fill, or the answer to an order, may be on its way
                self._mend(pinned, stop, cover, truth, changed)
                end = self._now() + self._patience.confirm
            await self._sleep(self._patience.poll)
        foreign = [order for order in cover.sells if not self._is_ours(order)]
        text = cover.fault + (", and orders of others cannot be changed" if foreign else "")
        self._recorder.alarm(pinned, f"{pinned.symbol}: {text}")
        return Result(False, f"ALARM: {text}.")

    def _mend(self, pinned: Pinned, stop: OrderRequest, cover: Cover, truth: Truth, changed: set[int]) -> None:
        """Take one step towards as many shares in stops as are held; a stop that would not be changed is left as it is if it is too small, and cancelled if not."""
        if not all(map(self._is_ours, cover.sells)):
            return  # what stands under another number can be neither changed nor cancelled (10147), and one more would be too many
        # What sleeps cannot be changed, only taken away; of several that work, the first is enough.
        wanted_ones = cover.stops[:1] if cover.held > 0 else ()
        surplus = [order for order in cover.sells if order not in wanted_ones]
        refused = not surplus and any(order.order_id in changed for order in cover.sells)
        if refused and cover.too_many:
            surplus = list(cover.sells)
        for order in surplus:
            self._recorder.cancelling(pinned, order.reference, order.order_id)
            self._broker.cancel(order.order_id)
        if surplus:
            return
        if cover.sells and not refused:
            (order,) = cover.sells
            changed.add(order.order_id)
            quantity = cover.held + order.filled
            wanted = replace(stop, reference=order.reference, quantity=quantity, trail=order.trail, stop=None)
            self._recorder.intents([Outgoing(pinned, wanted, order.order_id)])
            self._broker.change_quantity(pinned, order, quantity)
            return
        wanted = replace(stop, reference=self._free(stop.reference, truth), quantity=cover.naked)
        self.send([self._broker.number(pinned, (wanted,))])

    def _is_ours(self, order: WorkingOrder) -> bool:
        """Tell whether an order is of this client, so that it can be changed and cancelled."""
        return order.order_id > 0 and order.client_id == self._broker.client_id

    def _free(self, reference: str, truth: Truth) -> str:
        """Give a name that no order has had, whatever became of it."""
        used = {order.reference for order in truth.orders} | {one.reference for one in truth.executions} | self._used
        names = chain([reference], (f"{reference}-{i}" for i in count(2)))
        return next(name for name in names if name not in used)

    async def _watch(self, reference: str, seconds: float) -> Truth:
        """Ask until an order is not live any more, or the time is over."""
        end = self._now() + seconds
        while True:
            await self._sleep(self._patience.poll)
            truth = await self.truth()
            order = truth.order(reference)
            if order is None or not order.is_live or self._now() >= end:
                return truth

    async def _cancel(self, pinned: Pinned, order: WorkingOrder) -> None:
        """Ask for the cancellation of an order, and wait until the broker does not have it any more, or no longer."""
        self._recorder.cancelling(pinned, order.reference, order.order_id)
        self._broker.cancel(order.order_id)
        await self._watch(order.reference, self._patience.confirm)

    def send(self, groups: Sequence[Sequence[Outgoing]]) -> None:
        """Write down what will be sent, send it, and write down what was."""
        self._recorder.intents([one for group in groups for one in group])
        sent: list[Outgoing] = []
        try:
            for group in groups:
                self._used.update(one.request.reference for one in group)
                self._broker.send(group)
                sent += group
        finally:
            self._recorder.sent(sent)
