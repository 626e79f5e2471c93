"""Which of the wished entries are made, and how large: strongest first, each with the money and the room that those before it leave.

The order and the sizes are those of ``engine.portfolio``; what is added here are the limits of the day, the halt file, and that an order is never sent twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from engine.errors import GoldencrossError
from engine.report.spoken import count, money
from live.acting import Recorder
from live.errors import LimitError
from live.facts import Bracket, Funds, OrderRequest, Truth, order_reference
from live.journal.state import State
from live.limits import Entry, Tally, require_allowed
from live.plan import Wish, in_turn
from live.pricing import buy_limit, sell_stop, trail_amount
from live.schema import Instrument
from live.sizing import Size, size
from live.strategy import Guard, Strategy

__all__ = ["Chosen", "Entries", "Refused", "stop_of"]


@dataclass(frozen=True)
class Chosen:
    """An entry that may be sent, and what it is in words."""

    bracket: Bracket
    text: str


@dataclass(frozen=True)
class Refused:
    """An entry that is not sent, and why; ``is_dull`` if nothing is wrong: the rules of the account alone allow no lot."""

    text: str
    is_dull: bool = False


def stop_of(one: Wish, price: float, name: str, quantity: float = 0.0) -> OrderRequest:
    """Give a trailing stop below a price, at the distance of the reading."""
    rule, day = one.pinned.market_rule, one.reading.date.date()
    trail = trail_amount(one.reading.distance, price, rule)
    first = sell_stop(price - trail, rule)
    reference = order_reference(day, one.pinned.symbol, name)
    return OrderRequest(reference, "SELL", "TRAIL", quantity, trail=trail, stop=first, time_in_force="GTC")


class Entries:
    """Chooses the entries of one run.

    Parameters
    ----------
    strategy : Strategy
    shares : sequence of Instrument
        For their lots.
    day : date
        At the exchange.
    known : State
        What the journal knows of earlier runs: what was sent is not sent again, whatever became of it.
    guard : Guard or None
    recorder : Recorder
        Told the equity with which the day began.
    """

    def __init__(
        self,
        strategy: Strategy,
        shares: Sequence[Instrument],
        day: date,
        known: State,
        guard: Guard | None,
        recorder: Recorder,
    ) -> None:
        self._strategy, self._day, self._known, self._guard = strategy, day, known, guard
        self._lots = {share.isin: share.lot for share in shares}
        self._recorder = recorder

    def choose(self, wishes: Sequence[Wish], truth: Truth, funds: Funds) -> list[Chosen | Refused]:
        """Size the entries among the wishes, in turn.

        Parameters
        ----------
        wishes : sequence of Wish
        truth : Truth
            Asked for after everything that was to be sold is sold.
        funds : Funds
            The money of the same moment, and the equity before anything was sold, by which the portfolio sizes, too.
        """
        occupied = {con_id for con_id, held in truth.positions.items() if held > 0}
        occupied |= {order.con_id for order in truth.orders if order.side == "BUY" and order.is_live}
        left, positions, found = funds.available, len(occupied), list[Chosen | Refused]()
        tally = self._begin(funds)
        for one in in_turn(wishes, self._strategy.terms):
            try:
                reason = self._obstacle(one, truth, positions)
                if reason:
                    found.append(Refused(f"{one.pinned.symbol}: not bought, {reason}."))
                    continue
                sized, bracket = self._bracket(one, Funds(left, funds.equity, funds.currency))
                if bracket is None:
                    found.append(
                        Refused(f"{one.pinned.symbol}: not bought, {sized.reason} allows no lot.", is_dull=True)
                    )
                    continue
                tally = self._counted(one, bracket, tally, funds.equity, positions)
            except LimitError as error:
                found.append(Refused(f"Not bought: {error}."))
                continue
            except GoldencrossError as error:
                found.append(Refused(f"{one.pinned.symbol}: not bought, {error}."))
                continue
            left, positions = left - sized.spent, positions + 1
            found.append(Chosen(bracket, _in_words(bracket, sized)))
        return found

    def _obstacle(self, one: Wish, truth: Truth, positions: int) -> str:
        """Say why a share may not be bought, if so."""
        reference = order_reference(self._day, one.pinned.symbol, "entry")
        if truth.order(reference) or truth.bought(reference) or reference in self._known.intents:
            return "its order of today has been sent already"
        most = self._strategy.terms.max_positions
        if most is not None and positions >= most:
            return f"{count(positions, 'position')} {'is' if positions == 1 else 'are'} open already, or on the way"
        return ""

    def _bracket(self, one: Wish, funds: Funds) -> tuple[Size, Bracket | None]:
        """Give the size of a buy, and with its stop what would be sent."""
        strategy, pinned = self._strategy, one.pinned
        limit = buy_limit(one.reading.close * (1 + strategy.above), pinned.market_rule)
        sized = size(
            funds.available,
            funds.equity,
            strategy.risk,
            one.reading.distance,
            limit,
            self._lots[pinned.isin],
            pinned.size_increment,
            pinned.minimum_size,
            strategy.terms.max_weight,
            strategy.max_notional,
            strategy.costs,
            self._day,
        )
        if not sized.quantity > 0:
            return sized, None
        reference = order_reference(self._day, pinned.symbol, "entry")
        buy = OrderRequest(reference, "BUY", "LMT", sized.quantity, limit=limit)
        return sized, Bracket(pinned, buy, stop_of(one, one.reading.close, "entry-stop", sized.quantity))

    def _begin(self, funds: Funds) -> Tally | None:
        """Give the counters of the day so far."""
        if self._guard is None:
            return None
        start, orders, notional = self._known.day(self._day)
        equity = funds.equity if start is None else start
        self._recorder.day(self._day, equity)
        return Tally(self._day, equity, orders, notional)

    def _counted(self, one: Wish, bracket: Bracket, tally: Tally | None, equity: float, positions: int) -> Tally | None:
        """Count an entry against the limits of the day.

        Raises
        ------
        LimitError
        """
        if self._guard is None or tally is None:
            return None
        entry = Entry(one.pinned.symbol, bracket.buy.quantity, bracket.buy.limit or 0.0, one.reading.close)
        limits, halt = self._guard.limits, self._guard.halt_file
        return require_allowed(entry, tally, limits, day=self._day, equity=equity, positions=positions, halt_file=halt)


def _in_words(bracket: Bracket, sized: Size) -> str:
    """Say what would be bought."""
    buy, limit = bracket.buy, bracket.buy.limit or 0.0
    cut = f", cut from {sized.wanted:g} by {sized.reason}" if sized.reason else ""
    return (
        f"Would buy {buy.quantity:g} {bracket.pinned.symbol} at {limit:g} or better, {money(buy.quantity * limit)}{cut}, "
        f"with a stop {bracket.stop.trail:g} below the highest price."
    )
