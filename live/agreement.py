"""The bot's orders beside the portfolio's on the same bars: the same, or different for a reason that is named and checked.

An order here is what one side of one symbol did on one day. The reasons:

- *sized at its limit*: buys are sized by the most that they may pay, since they have to be paid for; the portfolio knows the fills. The size is computed again at the closes, its own and
  those of the buys before it: it has to be the portfolio's.
- *other money*: an earlier difference left the account with another amount. The size is computed again from the bot's money: it has to be the bot's.
- *rounding to tick*: the prices differ by a step of the market rule at most.
- *follows its purchase*: what was bought differently, or not at all, is sold so.
- *limit not reached*, *refused by the broker*, *partial fill*, *skipped*: the bot said so on that day; of a partial fill the size that was ordered is computed again.

Whatever has none of them is unexplained.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

import pandas as pd

import engine
from engine.errors import DataError
from engine.report.spoken import count
from engine.settings import Intrabar
from live.facts import Sizing
from live.gateway.clock import KOLKATA
from live.journal import Event, state_of
from live.sizing import size
from live.strategy import Strategy

__all__ = [
    "Agreement",
    "Difference",
    "Order",
    "agreement",
    "bars_before",
    "bot_orders",
    "portfolio_orders",
    "portfolio_since",
]

Side = Literal["BUY", "SELL"]
_NOTHING_BOUGHT = re.compile(r"nothing was bought at [\d.e+-]*\d(?P<why>,)?")
"""What the bot says; a comma is followed by the broker's own reason."""


class Key(NamedTuple):
    """What one side of one symbol did on one day."""

    day: date
    symbol: str
    side: Side


@dataclass(frozen=True)
class Order:
    """Shares, their average price and the commission, currency; None as long as not all of it is known."""

    quantity: float
    price: float
    commission: float | None = None


@dataclass(frozen=True)
class Difference:
    """One order that is not the same; an empty reason is an unexplained one."""

    key: Key
    bot: Order | None
    portfolio: Order | None
    reason: str

    def __str__(self) -> str:
        both = " and ".join(
            f"{who} {_did(self.key.side)} {one.quantity:g} at {one.price:g}" if one else f"{who} did nothing"
            for who, one in (("the bot", self.bot), ("the portfolio", self.portfolio))
        )
        return f"{self.key.day} {self.key.symbol}: {both}, {self.reason or 'unexplained'}."


@dataclass
class Agreement:
    """All orders of both, compared.

    Attributes
    ----------
    same : int
        Orders that agree in day, shares and price.
    differences : list of Difference
    """

    same: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def unexplained(self) -> list[Difference]:
        """Differences without a reason."""
        return [one for one in self.differences if not one.reason]

    @property
    def reasons(self) -> Counter[str]:
        """How often each reason was the one."""
        return Counter(one.reason for one in self.differences if one.reason)

    def lines(self) -> Iterator[str]:
        """Say it in sentences."""
        yield f"{count(self.same + len(self.differences), 'order')} compared, {count(self.same, 'order')} the same in day, shares and price."
        for reason, times in sorted(self.reasons.items()):
            yield f"{count(times, 'difference')}: {reason}."
        for one in self.unexplained:
            yield str(one)
        yield f"{count(len(self.unexplained), 'difference')} unexplained."


def _did(side: Side) -> str:
    return "bought" if side == "BUY" else "sold"


def bot_orders(executions: Iterable[Mapping[str, Any]]) -> dict[Key, Order]:
    """Add up the executions of a journal (``State.executions``: the newest version of each) by day, symbol and side."""
    parts: dict[Key, list[Mapping[str, Any]]] = defaultdict(list)
    for one in executions:
        day = datetime.fromisoformat(one["time"]).astimezone(KOLKATA).date()
        parts[Key(day, one["symbol"], one["side"])].append(one)
    orders = {}
    for key, some in parts.items():
        quantity = sum(float(one["quantity"]) for one in some)
        value = sum(float(one["quantity"]) * float(one["price"]) for one in some)
        price = some[0]["price"] if len({one["price"] for one in some}) == 1 else value / quantity
        paid = [one["commission"] for one in some]
        orders[key] = Order(quantity, price, None if None in paid else sum(paid))
    return orders


def portfolio_orders(trades: pd.DataFrame) -> dict[Key, Order]:
    """Take the entries and exits of the portfolio's trades."""
    orders = {}
    for trade in trades.to_dict("records"):
        entry = Key(trade["entry_date"].date(), trade["symbol"], "BUY")
        orders[entry] = Order(trade["quantity"], trade["entry_price"])
        if not pd.isna(trade["exit_date"]):
            key = Key(trade["exit_date"].date(), trade["symbol"], "SELL")
            orders[key] = Order(trade["quantity"], trade["exit_price"])
    return orders


def bars_before(history: engine.History, day: date) -> int:
    """Count the bars before a day."""
    return int(history.dates.searchsorted(pd.Timestamp(day, tz=history.dates.tz)))


def portfolio_since(
    prices: engine.Prices,
    strategy: Strategy,
    first: date,
    capital: float,
    intrabar: Intrabar,
    tick: float | None = None,
) -> engine.PortfolioResult:
    """Run the portfolio with the bot's rules and fills at the close, over bars from just so much earlier that its first cross can be on the first day, as the bot's can.

    Raises
    ------
    DataError
        A symbol has not enough bars before the first day.
    """
    histories = []
    for history in map(prices.__getitem__, prices.symbols):
        begin = bars_before(history, first) - strategy.slow
        if begin < 0:
            symbol = history.symbol
            raise DataError(f"{symbol} has fewer than {strategy.slow} bars before {first}", symbol=symbol)
        histories.append(history.between(begin, len(history)))
    return engine.portfolio(
        engine.Prices.from_histories(histories),
        strategy.fast,
        strategy.slow,
        strategy.stop,
        "close",
        intrabar,
        capital,
        risk=strategy.risk,
        costs=strategy.costs,
        **{**vars(strategy.terms), "tick": tick},
    )


def agreement(
    events: list[Event],
    said: list[tuple[date, str]],
    trades: pd.DataFrame,
    strategy: Strategy,
    tick: float,
) -> Agreement:
    """Compare the orders of a journal with those of a portfolio.

    Parameters
    ----------
    events : list of Event
        Of the journal.
    said : list of (date, str)
        What the bot said on each day.
    trades : DataFrame
        Of ``engine.portfolio``.
    strategy : Strategy
        That of both.
    tick : float
        Currency.
    """
    bot, portfolio = bot_orders(state_of(events).executions.values()), portfolio_orders(trades)
    judge = _Judge(bot, portfolio, _sizings(events), said, strategy, tick)
    found = Agreement()
    for key in sorted(bot.keys() | portfolio.keys()):
        mine, theirs = bot.get(key), portfolio.get(key)
        if mine and theirs and (mine.quantity, mine.price) == (theirs.quantity, theirs.price):
            found.same += 1
        else:
            found.differences.append(Difference(key, mine, theirs, judge.reason(key, bool(found.differences))))
    return found


def _sizings(events: list[Event]) -> dict[tuple[date, str], Sizing]:
    """Give what each buy was sized from, by day and symbol."""
    return {
        (datetime.fromisoformat(event.time).astimezone(KOLKATA).date(), event.symbol): Sizing(**event.data)
        for event in events
        if event.kind == "sized"
    }


class _Judge:
    """Finds the reason of a difference, or none."""

    def __init__(
        self,
        bot: dict[Key, Order],
        portfolio: dict[Key, Order],
        sizings: dict[tuple[date, str], Sizing],
        said: list[tuple[date, str]],
        strategy: Strategy,
        tick: float,
    ) -> None:
        self._bot, self._portfolio, self._sizings = bot, portfolio, sizings
        self._said, self._strategy, self._tick = said, strategy, tick

    def reason(self, key: Key, is_later: bool) -> str:
        """Find the reason; ``is_later`` if there was a difference before."""
        bot, portfolio = self._bot.get(key), self._portfolio.get(key)
        if bot and portfolio and bot.quantity == portfolio.quantity:
            return "rounding to tick" if abs(bot.price - portfolio.price) <= self._tick * 1.000001 else ""
        if key.side == "SELL":
            return self._of_a_sale(key)
        return self._of_a_size(key, bot, portfolio, is_later) or self._of_the_day(key, bot)

    def _of_a_size(self, key: Key, bot: Order | None, portfolio: Order | None, is_later: bool) -> str:
        """Compute the size again, with the bot's money, at its limit and at the close."""
        sizing = self._sizings.get((key.day, key.symbol))
        bought, wanted = (one.quantity if one else 0.0 for one in (bot, portfolio))
        if sizing is None or sizing.quantity != bought or self._size(sizing, sizing.limit, key.day) != bought:
            return ""
        at_the_close = replace(sizing, available=sizing.available + self._reserved(key))
        if self._size(at_the_close, sizing.close, key.day) == wanted:
            return "sized at its limit"
        return "other money" if is_later else ""

    def _reserved(self, key: Key) -> float:
        """Add up what the buys before it on that day may pay beyond the close, currency; a dictionary keeps its order."""
        reserved = 0.0
        for (day, symbol), sizing in self._sizings.items():
            if day == key.day and symbol == key.symbol:
                break
            if day == key.day:
                reserved += sizing.quantity * (sizing.limit - sizing.close)
        return reserved

    def _ordered(self, key: Key) -> float:
        """Give the shares that were ordered, 0 if they are not what the bot's money gives."""
        sizing = self._sizings.get((key.day, key.symbol))
        if sizing is None or self._size(sizing, sizing.limit, key.day) != sizing.quantity:
            return 0.0
        return sizing.quantity

    def _size(self, sizing: Sizing, price: float, day: date) -> float:
        rules = self._strategy
        return size(
            sizing.available,
            sizing.equity,
            rules.risk,
            sizing.distance,
            price,
            max_weight=rules.terms.max_weight,
            max_notional=rules.max_notional,
            costs=rules.costs,
            day=day,
        ).quantity

    def _of_a_sale(self, key: Key) -> str:
        """Look whether the purchases before it differ in the same way."""
        before = [self._last_purchase(orders, key) for orders in (self._bot, self._portfolio)]
        sales = [orders.get(key) for orders in (self._bot, self._portfolio)]
        held = [buy.quantity if buy else 0.0 for buy in before]
        sold = [sale.quantity if sale else 0.0 for sale in sales]
        return "follows its purchase" if held[0] != held[1] and sold == held else ""

    @staticmethod
    def _last_purchase(orders: dict[Key, Order], key: Key) -> Order | None:
        """Give the purchase that is still held before a day, if there is one."""
        earlier = [one for one in orders if one.symbol == key.symbol and one.day < key.day]
        last = max(earlier, default=None)
        return orders[last] if last is not None and last.side == "BUY" else None

    def _of_the_day(self, key: Key, bot: Order | None) -> str:
        """Look for what the bot said about a purchase that it did not make, or not in full."""
        lines = [line for day, line in self._said if day == key.day and key.symbol in line]
        if bot is not None:
            ordered = self._ordered(key)
            partly = f"{key.symbol}: bought {bot.quantity:g} of {ordered:g} shares."
            return "partial fill" if ordered and any(line.startswith(partly) for line in lines) else ""
        for line in lines:
            if found := _NOTHING_BOUGHT.search(line):
                return "refused by the broker" if found["why"] else "limit not reached"
        return "skipped" if any(line.startswith("Skipped ") for line in lines) else ""
