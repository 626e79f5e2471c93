"""The slow, obvious reference of the portfolio: docs/portfolio.md in plain Python.

It shares no code with the engine and uses neither numpy nor numba. Averages, crosses, fees and metrics are those of tests/naive.py.
Sentences in quotation marks are the pages' own.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from tests import naive
from tests.naive import Bar, Position, Rules

MILLIONTH = Fraction(1, 1_000_000)

Fee = Callable[[Literal["buy", "sell"], float, float, date], float]
"""A schedule of dated rates: (side, price, quantity, date) to the fee of the order."""


@dataclass(frozen=True)
class PortfolioRules(Rules):
    max_positions: int | None = None
    max_weight: float | None = None
    priority: Literal["strongest", "alphabetical"] | list[str] = "strongest"
    lots: dict[str, float] = field(default_factory=dict)  # a symbol that is not in it has the field lot
    ticks: dict[str, Decimal | None] = field(default_factory=dict)  # a symbol that is not in it has none
    fee: Fee | None = None  # in place of rate, fixed and minimum


class PortfolioTrade(NamedTuple):
    symbol: str
    entry_date: date
    entry_price: float  # as paid, slippage and tick included
    exit_date: date | None  # None while open
    exit_price: float  # as received; the last close while open
    quantity: float
    fees: float
    profit: float
    exit_reason: Literal["cross", "stop", "gap", "session", "open"]


@dataclass
class Signal:
    """A golden cross of a flat symbol, and what became of it."""

    symbol: str
    date: date
    strength: float
    wanted: float | None = None  # None where it did not come to a size: pending, or skipped for positions or no stop
    quantity: float = 0.0
    outcome: Literal["filled", "cut", "skipped", "pending"] = "pending"
    reason: Literal["", "time", "positions", "no stop", "risk", "weight", "cash"] = ""


class Pending(NamedTuple):
    symbol: str
    side: Literal["buy", "sell"]


@dataclass(frozen=True)
class PortfolioOutcome:
    days: list[date]
    trades: list[PortfolioTrade]  # by entry date, then in turn; open ones included
    equity: list[float]  # after each day
    cash: list[float]  # after each day
    invested: list[float]  # after each day: sum of shares * last close
    fees_paid: list[float]  # until each day, that day included
    signals: list[Signal]  # by date, then in turn
    pending: list[Pending]  # after the last day, in turn
    skipped: int
    metrics: dict[str, float]


# Prices


def on_tick(price: float, tick: Decimal | None, *, up: bool) -> float:
    """Round to the tick, but to one tick at least.

    "A price that is within a millionth of a tick of a whole number of ticks is that number."
    "Rounded prices are the doubles nearest to the decimal multiple of the tick."
    """
    if tick is None:
        return price
    ticks = Fraction(price) / Fraction(tick)
    whole = round(ticks)
    if abs(ticks - whole) > MILLIONTH:
        whole = math.ceil(ticks) if up else math.floor(ticks)
    return float(max(whole, 1) * Fraction(tick))


# Size


class Purchase(NamedTuple):
    quantity: float
    value: float
    fee: float
    paid: float  # what leaves the cash


NOTHING = Purchase(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Sizer:
    """How much an amount buys, at one price."""

    rules: Rules  # with the symbol's own lot
    price: float
    fee: Callable[[float], float] | None  # of a quantity, by a schedule; None for plain costs

    def all_in(self, amount: float) -> Purchase:
        if amount <= 0:
            return NOTHING
        if (
            self.fee is None
        ):  # "the fee is cash - spend, cash after the buy is exactly 0", with the amount in place of the cash
            value = naive.spendable(amount, self.rules)
            return Purchase(naive.quantity_all_in(amount, self.price, self.rules), value, amount - value, amount)
        # "all_in then sets aside the fee of an order for the whole amount, and what that was too much stays in cash"
        value = amount - self.fee(amount / self.price)
        if value <= 0:
            return NOTHING
        fee = self.fee(value / self.price)
        return Purchase(value / self.price, value, fee, value + fee)

    def in_lots(self, quantity: float) -> Purchase:
        value = quantity * self.price
        fee = naive.fee_of(value, self.rules) if self.fee is None else self.fee(quantity)
        return Purchase(quantity, value, fee, value + fee)

    def most(self, amount: float) -> float:
        """Return what the whole amount buys."""
        if self.rules.sizing == "all_in":
            return self.all_in(amount).quantity
        if self.fee is None:
            return naive.quantity_all_in_lots(amount, self.price, self.rules)
        return self.most_lots(amount)

    def most_lots(self, amount: float) -> float:
        """Return "the largest whole multiple q of the lot with q * price + fee(q * price) <= cash", for a schedule."""
        lot = self.rules.lot
        too_many = 1  # doubled until it is, then halved: more shares never cost less
        while self.in_lots(too_many * lot).paid <= amount:
            too_many *= 2
        fits = too_many // 2
        while too_many - fits > 1:
            middle = (fits + too_many) // 2
            if self.in_lots(middle * lot).paid <= amount:
                fits = middle
            else:
                too_many = middle
        return fits * lot

    def risk_wants(self, equity: float, distance: float) -> float:
        """Return "floor(risk * E / distance / lot) * lot"; "whatever quantity is not positive is 0"."""
        return max(math.floor(self.rules.risk * equity / distance / self.rules.lot) * self.rules.lot, 0.0)


# One symbol


class Market:
    """The bars of one symbol and what the backtest makes of them."""

    def __init__(self, symbol: str, bars: list[tuple[date, Bar]], fast: int, slow: int, rules: Rules):
        self.symbol = symbol
        self.dates = [day for day, _ in bars]
        self.bars = [bar for _, bar in bars]
        if not self.bars or self.dates != sorted(set(self.dates)):
            raise ValueError(f"{symbol}: at least one bar, one a day, in order")
        self.bar_of = {day: t for t, day in enumerate(self.dates)}
        self.fast, self.slow = naive.averages_of_closes(self.bars, fast, slow)
        self.crosses = naive.crosses(self.fast, self.slow)
        self.ranges = naive.atr(self.bars, rules.atr_window, rules.atr)
        self.last = None if rules.flatten is None else naive.last_bars(self.dates, rules.flatten)

    def strength(self, t: int) -> float:
        """Return "(fast - slow) / slow of the averages at the signal bar"."""
        return (self.fast[t] - self.slow[t]) / self.slow[t]


@dataclass
class Waiting:
    """An order between its signal and its fill."""

    side: Literal["buy", "sell"]
    signal: Signal | None = None  # buys only, like what follows
    signal_bar: int = -1
    equity: float = math.nan  # "the equity E of its signal bar"


# The account


class Account:
    def __init__(self, markets: list[Market], rules: PortfolioRules):
        self.markets = markets  # in turn
        self.rules = rules
        self.cash = rules.capital
        self.fees_paid = 0.0
        self.marks: dict[str, float] = {}  # the last close of each symbol
        self.positions: dict[str, Position] = {}
        self.orders: dict[str, Waiting] = {}
        self.trades: list[PortfolioTrade] = []
        self.signals: list[Signal] = []

    def worth(self) -> float:
        """Return cash + sum of shares * last close, "added to the cash symbol by symbol, in turn"."""
        total = self.cash
        for market in self.markets:
            if market.symbol in self.positions:
                total = total + self.positions[market.symbol].quantity * self.marks[market.symbol]
        return total

    def invested(self) -> float:
        total = 0.0
        for market in self.markets:
            if market.symbol in self.positions:
                total = total + self.positions[market.symbol].quantity * self.marks[market.symbol]
        return total

    # A day

    def live_through(self, day: date) -> None:
        """Steps 1 to 4 of "A day"."""
        today = [market for market in self.markets if day in market.bar_of]
        for market in today:
            self.sell_at_open(market, market.bar_of[day])
        self.buy_by_priority([market for market in today if market.symbol in self.orders], day)
        for market in today:
            self.test_stop(market, market.bar_of[day])
            self.end_session(market, market.bar_of[day])
        for market in today:
            self.marks[market.symbol] = market.bars[market.bar_of[day]].close
        equity = self.worth()
        for market in today:
            self.heed_cross(market, market.bar_of[day], equity)
        if self.rules.fill == "close":
            ordered = [market for market in today if market.symbol in self.orders]
            for market in ordered:
                if self.orders[market.symbol].side == "sell":
                    self.fill_sell(market, market.bar_of[day], market.bars[market.bar_of[day]].close)
            self.buy_by_priority([market for market in ordered if market.symbol in self.orders], day)

    def fill_sell(self, market: Market, t: int, fill: float) -> None:
        del self.orders[market.symbol]
        self.sell(market, t, fill, "cross")

    def sell_at_open(self, market: Market, t: int) -> None:
        """ "A waiting sell fills at the open; a position that is older than this bar and whose stop lies at or above the open is sold at the open (gap)"."""
        symbol, opened = market.symbol, market.bars[t].open
        stopped = symbol in self.positions and self.rules.multiple is not None
        if symbol in self.orders and self.orders[symbol].side == "sell":
            self.fill_sell(market, t, opened)
        # Nothing has been bought on this day yet: every position is older than this bar.
        elif stopped and opened <= self.form_stop(market, t):
            self.sell(market, t, opened, "gap")

    def test_stop(self, market: Market, t: int) -> None:
        """ "The stop is tested and the peak moved as the contract says"."""
        position, bar = self.positions.get(market.symbol), market.bars[t]
        if position is None:
            return
        if self.rules.multiple is not None:
            if self.rules.intrabar == "high_first":
                position.peak = max(position.peak, bar.high)
            stop = self.form_stop(market, t)
            if bar.low <= stop:
                self.sell(market, t, stop, "stop")
                return
        position.peak = max(position.peak, bar.high)

    def end_session(self, market: Market, t: int) -> None:
        """ "What is left of the symbol's position is sold in the same turn at the close of the last bar of its session"."""
        if market.last is not None and market.last[t] == t and market.symbol in self.positions:
            self.sell(market, t, market.bars[t].close, "session")

    def form_stop(self, market: Market, t: int) -> float:
        """Return max(previous stop, peak - distance)."""
        position = self.positions[market.symbol]
        distance = position.distance
        if self.rules.stop_kind == "chandelier":
            distance = self.rules.multiple * market.ranges[t - 1]
        position.stop = max(position.stop, position.peak - distance)
        return position.stop

    def heed_cross(self, market: Market, t: int, equity: float) -> None:
        """ "Death cross and held, a sell; golden cross and flat, a buy with that equity"."""
        held = market.symbol in self.positions
        if held and market.crosses[t] == -1:
            self.orders[market.symbol] = Waiting("sell")
        elif not held and market.crosses[t] == 1:
            signal = Signal(market.symbol, market.dates[t], market.strength(t))
            self.signals.append(signal)
            self.orders[market.symbol] = Waiting("buy", signal, t, equity)

    # Purchases

    def buy_by_priority(self, markets: list[Market], day: date) -> None:
        for market in sorted(markets, key=self.rank):
            t = market.bar_of[day]
            bar = market.bars[t]
            order = self.orders.pop(market.symbol)
            self.buy(market, t, bar.close if self.rules.fill == "close" else bar.open, order)

    def rank(self, market: Market) -> tuple:
        """Order buys that meet; the least comes first."""
        priority, symbol = self.rules.priority, market.symbol
        if priority == "strongest":
            return (-self.orders[symbol].signal.strength, symbol)
        if priority == "alphabetical" or symbol not in priority:
            return (math.inf, symbol)
        return (priority.index(symbol), symbol)

    def buy(self, market: Market, t: int, fill: float, order: Waiting) -> None:
        rules, signal, symbol = self.rules, order.signal, market.symbol
        if market.last is not None:
            last = market.last[t]
            if last is None or (rules.fill == "close" and last == t):
                signal.outcome, signal.reason = "skipped", "time"
                return
        if rules.max_positions is not None and len(self.positions) >= rules.max_positions:
            signal.outcome, signal.reason = "skipped", "positions"
            return
        distance = None
        if rules.multiple is not None:
            if market.ranges[order.signal_bar] is None:
                signal.outcome, signal.reason = "skipped", "no stop"
                return
            distance = rules.multiple * market.ranges[order.signal_bar]
        price = on_tick(fill * (1 + rules.slippage), rules.ticks.get(symbol), up=True)
        sizer = Sizer(
            replace(rules, lot=rules.lots.get(symbol, rules.lot)), price, self.schedule("buy", price, market.dates[t])
        )
        self.settle_size(sizer, signal, order.equity, distance)
        if signal.quantity == 0:
            return
        if rules.sizing == "all_in":
            purchase = sizer.all_in(self.amount(order.equity))
        else:
            purchase = sizer.in_lots(signal.quantity)
        self.cash = self.cash - purchase.paid
        self.fees_paid = self.fees_paid + purchase.fee
        at_close = rules.fill == "close"
        self.positions[symbol] = Position(
            t, at_close, price, purchase.quantity, purchase.value, purchase.fee, distance, peak=price
        )

    def amount(self, equity: float) -> float:
        """Return "the most it may spend, fee included"."""
        return self.cash if self.rules.max_weight is None else min(self.cash, self.rules.max_weight * equity)

    def settle_size(self, sizer: Sizer, signal: Signal, equity: float, distance: float | None) -> None:
        """Write on the signal what was wanted, what is bought and why that is less."""
        rules = self.rules
        weight = None if rules.max_weight is None else rules.max_weight * equity
        limit = "weight" if weight is not None and weight < self.cash else "cash"
        most = sizer.most(self.amount(equity))
        by_risk = rules.sizing == "risk" and distance != 0  # "a distance of 0 leaves only the limit of cash"
        if by_risk:
            signal.wanted = sizer.risk_wants(equity, distance)
            signal.quantity = min(signal.wanted, most)
        else:
            signal.wanted = most if weight is None else sizer.most(weight)
            signal.quantity = most
        if signal.quantity == 0:
            signal.outcome, signal.reason = "skipped", "risk" if by_risk and signal.wanted == 0 else limit
        elif signal.quantity < signal.wanted:
            signal.outcome, signal.reason = "cut", limit
        else:
            signal.outcome = "filled"

    def schedule(self, side: Literal["buy", "sell"], price: float, day: date) -> Callable[[float], float] | None:
        fee = self.rules.fee
        return None if fee is None else lambda quantity: fee(side, price, quantity, day)

    # Sales

    def sell(self, market: Market, t: int, fill: float, reason: str) -> None:
        position = self.positions.pop(market.symbol)
        price = on_tick(fill * (1 - self.rules.slippage), self.rules.ticks.get(market.symbol), up=False)
        value = position.quantity * price
        by_schedule = self.schedule("sell", price, market.dates[t])
        fee = naive.fee_of(value, self.rules) if by_schedule is None else by_schedule(position.quantity)
        self.cash = self.cash + (value - fee)
        self.fees_paid = self.fees_paid + fee
        profit = (value - fee) - (position.value + position.fee)
        self.report(market, position, market.dates[t], price, position.fee + fee, profit, reason)

    def report_open(self, market: Market) -> None:
        """ "An open position is reported with its exit price at the last close, no exit fee, and reason open"."""
        position, price = self.positions[market.symbol], self.marks[market.symbol]
        profit = position.quantity * price - (position.value + position.fee)
        self.report(market, position, None, price, position.fee, profit, "open")

    def report(
        self,
        market: Market,
        position: Position,
        day: date | None,
        price: float,
        fees: float,
        profit: float,
        reason: str,
    ) -> None:
        entry = market.dates[position.entry_bar]
        self.trades.append(
            PortfolioTrade(market.symbol, entry, position.price, day, price, position.quantity, fees, profit, reason)
        )


def run(bars: dict[str, list[tuple[date, Bar]]], fast: int, slow: int, rules: PortfolioRules) -> PortfolioOutcome:
    """Run the account over its days, "the union of the dates of its symbols"; symbols are in turn as in bars."""
    markets = [Market(symbol, series, fast, slow, rules) for symbol, series in bars.items()]
    account = Account(markets, rules)
    days = sorted({day for market in markets for day in market.dates})
    equity, cash, invested, fees_paid, exposed = [], [], [], [], []
    for day in days:
        account.live_through(day)
        equity.append(account.worth())
        cash.append(account.cash)
        invested.append(account.invested())
        fees_paid.append(account.fees_paid)
        # "the share of days that end with a position or on which one was bought and sold"
        within = any(trade.entry_date == trade.exit_date == day for trade in account.trades)
        exposed.append(bool(account.positions) or within)
    for market in markets:
        if market.symbol in account.positions:
            account.report_open(market)
    turn = {market.symbol: place for place, market in enumerate(markets)}
    trades = sorted(account.trades, key=lambda trade: (trade.entry_date, turn[trade.symbol]))
    return PortfolioOutcome(
        days=days,
        trades=trades,
        equity=equity,
        cash=cash,
        invested=invested,
        fees_paid=fees_paid,
        signals=account.signals,
        pending=[Pending(symbol, account.orders[symbol].side) for symbol in turn if symbol in account.orders],
        skipped=sum(signal.outcome == "skipped" for signal in account.signals),
        metrics=naive.metrics(rules.capital, equity, trades, exposed, rules.bars_per_year),
    )
