"""What the bot did on past days, beside what a backtest on today's data would have done: missed runs, revised bars, decisions, slippage, costs.

The backtest is ``engine.portfolio`` with the bot's rules, fills at the close, over the days of the journal, with the money that the bot began with. It is a yardstick and not the truth: the bot decided before the
close, and the prices of today may come from somebody else than those of then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pandas as pd

import engine
from engine.accounts.market import signals_of
from engine.costs.schedule import CostSchedule
from engine.errors import DataError, InputError
from engine.report.spoken import count, money
from live.agreement import Key, Order, bars_before, bot_orders, portfolio_orders, portfolio_since
from live.decision import CROSSES
from live.journal import Event, state_of
from live.schema import Config, Instrument
from live.sessions import EXCHANGE_ZONE, Run, runs_of, trading_days
from live.strategy import Strategy, broker_costs

__all__ = ["Drift", "drift"]

_FIELDS = ("open", "high", "low", "close")
_COLUMNS = (
    "day",
    "symbol",
    "side",
    "quantity",
    "price",
    "modelled",
    "slippage_ticks",
    "slippage",
    "commission",
    "modelled_cost",
)
_MOST_NAMED = 10
_CAPITAL = 100_000.0
"""Of the backtest, where the bot has never sized anything."""


@dataclass
class Drift:
    """What is not as it was.

    Attributes
    ----------
    first, last : date
        Days that were compared.
    runs : int
        That were to be.
    missed : list of str
        A sentence for each of them that was not, or did not reach the broker.
    bars, revised : int, list of str
        Bars that the bot saw whole, and a sentence for each that is another one today.
    decisions, changed : int, list of str
        Readings of the bot, and a sentence for each that the whole bar of that day does not give.
    orders : DataFrame
        Columns day, symbol, side, quantity, price, modelled (price of the backtest), slippage_ticks and slippage (currency; positive is worse than modelled), commission and
        modelled_cost (currency); nan where there is nothing to compare with.
    alone : list of str
        A sentence for each order that only one side has.
    unpriced : list of str
        Shares of the configuration without prices, or with too few before the first day: they are not compared.
    """

    first: date
    last: date
    runs: int = 0
    missed: list[str] = field(default_factory=list)
    bars: int = 0
    revised: list[str] = field(default_factory=list)
    decisions: int = 0
    changed: list[str] = field(default_factory=list)
    orders: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(_COLUMNS)))
    alone: list[str] = field(default_factory=list)
    unpriced: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing but prices and costs differs."""
        return not (self.missed or self.revised or self.changed or self.alone)

    def document(self) -> dict[str, Any]:
        """Give all but the orders, for programs."""
        return {name: value for name, value in vars(self).items() if name != "orders"}

    def lines(self) -> Iterator[str]:
        """Say it in sentences."""
        yield f"From {self.first} to {self.last}: {count(self.runs, 'run')} due, {len(self.missed):,} missed."
        yield from _some(self.missed)
        if self.unpriced:
            yield f"Not compared, for want of prices up to {self.first}: {', '.join(self.unpriced)}."
        yield f"{count(self.bars, 'whole bar')} that the bot saw, {count(len(self.revised), 'bar')} revised since."
        yield from _some(self.revised)
        yield f"{count(self.decisions, 'decision')} before the close, {count(len(self.changed), 'decision')} that the whole bar does not give."
        yield from _some(self.changed)
        yield from self._money()
        yield f"{count(len(self.alone), 'order')} that only the bot or only the backtest has."
        yield from _some(self.alone)

    def _money(self) -> Iterator[str]:
        """Say what prices and costs came to."""
        matched = self.orders.dropna(subset=["modelled"])
        yield f"{count(len(self.orders), 'order')} of the bot, {count(len(matched), 'order')} that the backtest has, too."
        if len(matched):
            total, ticks = float(matched["slippage"].sum()), float(matched["slippage_ticks"].mean())
            way = "worse" if total > 0 else "better"
            yield f"Prices were {money(abs(total))} {way} than modelled, {abs(ticks):.1f} ticks a share and order on average."
        known = self.orders.dropna(subset=["commission", "modelled_cost"])
        if len(known):
            paid, modelled = float(known["commission"].sum()), float(known["modelled_cost"].sum())
            yield f"Costs paid were {money(paid)}, modelled {money(modelled)}, for {count(len(known), 'order')}."
        unknown = int(self.orders["commission"].isna().sum())
        if unknown:
            yield f"The commission of {count(unknown, 'order')} is not known."


def _some(sentences: Sequence[str]) -> Iterator[str]:
    yield from sentences[:_MOST_NAMED]
    if len(sentences) > _MOST_NAMED:
        yield f"And {count(len(sentences) - _MOST_NAMED, 'more', 'more')}."


def drift(events: Sequence[Event], prices: engine.Prices, config: Config, *, tick: float = 0.05) -> Drift:
    """Compare a journal with today's data.

    Parameters
    ----------
    events : sequence of Event
        Of the journal, oldest first.
    prices : Prices
        Of today; shares of the configuration that are not in it, or begin too late, are not compared.
    config : Config
        That of the bot.
    tick : float
        Step of prices, currency, in which slippage is said.

    Raises
    ------
    InputError
        The journal has no run.
    DataError
        The prices have none of the shares, or too few bars before the first day, or do not reach it.
    """
    starts = [event for event in events if event.kind == "run started"]
    if not starts:
        raise InputError("the journal has no run yet; there is nothing to compare")
    first = _day(starts[0].time)
    prices = _comparable(prices, config, first)
    last = max(prices[symbol].dates[-1].date() for symbol in prices.symbols)
    if last < first:
        raise DataError(f"the prices end on {last}, before the first run on {first}")
    found = Drift(first, last, unpriced=[share.symbol for share in config.instruments if share.symbol not in prices])
    _find_missed(found, starts, events, config)
    _find_revised(found, events, prices, tick)
    _find_changed(found, events, prices, config)
    _find_orders(found, events, prices, config, tick)
    return found


def _comparable(prices: engine.Prices, config: Config, first: date) -> engine.Prices:
    """Give the prices of the bot's shares, without those that are too young for a backtest from the first day on."""
    known = [share.symbol for share in config.instruments if share.symbol in prices]
    if not known:
        what = "the prices have none of the bot's shares; name the files after the symbols of the configuration"
        raise DataError(what)
    before = {symbol: bars_before(prices[symbol], first) for symbol in known}
    old = [symbol for symbol in known if before[symbol] >= config.rules.slow]
    if not old:
        what = f"fewer than {config.rules.slow} bars before the first run on {first}: {max(before.values())} at most"
        raise DataError(f"the bot's shares have {what}; fetch more years")
    return prices.select(old)


def _day(time: str) -> date:
    return datetime.fromisoformat(time).astimezone(EXCHANGE_ZONE).date()


def _find_missed(found: Drift, starts: Sequence[Event], events: Sequence[Event], config: Config) -> None:
    """Look for every run that was to be."""
    reached = [(datetime.fromisoformat(time), shares) for time, shares in _reached(events)]
    for day in trading_days(found.first, found.last):
        for window in runs_of(day, config.instruments, config.run.before):
            found.runs += 1
            names = {share.symbol for share in window.instruments}
            if not any(window.is_open(time) and names <= shares for time, shares in reached):
                tried = any(window.is_open(datetime.fromisoformat(start.time)) for start in starts)
                found.missed.append(_missed(window, tried=tried))


def _missed(window: Run[Instrument], *, tried: bool) -> str:
    why = "the run did not come to its end" if tried else "there was no run"
    return f"{window.session.day}: {why} for {', '.join(share.symbol for share in window.instruments)}."


def _reached(events: Sequence[Event]) -> Iterator[tuple[str, set[str]]]:
    """Give the begin and the shares of each run that spoke with the broker to its end."""
    begun: Event | None = None
    for event in events:
        if event.kind == "run started":
            begun = event
        elif event.kind == "run ended" and begun is not None:
            if event.data["status"] in (0, 1, 3):
                yield begun.time, set(begun.data["shares"])
            begun = None


def _find_revised(found: Drift, events: Sequence[Event], prices: engine.Prices, tick: float) -> None:
    """Compare the last whole bar that each reading had with that of today."""
    seen: set[tuple[str, str]] = set()
    for event in events:
        if event.kind != "read" or event.symbol not in prices or not event.data["before"]:
            continue
        before = event.data["before"]
        name = (event.symbol, before["day"])
        now = _bar(prices, event.symbol, before["day"])
        if name in seen or now is None:
            continue
        seen.add(name)
        found.bars += 1
        wrong = [f"{x} {before[x]:g}, now {now[x]:g}" for x in _FIELDS if abs(before[x] - now[x]) > tick / 2]
        if wrong:
            found.revised.append(f"{event.symbol} {before['day']}: {'; '.join(wrong)}.")


def _bar(prices: engine.Prices, symbol: str, day: str) -> dict[str, float] | None:
    """Give the bar of a day, None if there is none."""
    history = prices[symbol]
    place = int(history.dates.searchsorted(pd.Timestamp(day, tz=history.dates.tz)))
    if place == len(history) or history.dates[place].date().isoformat() != day:
        return None
    return {name: float(getattr(history, name)[place]) for name in _FIELDS}


def _find_changed(found: Drift, events: Sequence[Event], prices: engine.Prices, config: Config) -> None:
    """Compare the cross of each reading with that of the whole bar."""
    readings: dict[str, dict[str, str]] = defaultdict(dict)
    for event in events:
        if event.kind == "read" and event.symbol in prices:
            readings[event.symbol][event.data["day"]] = event.data["cross"]
    for symbol, then in readings.items():
        history = prices[symbol]
        crosses = signals_of([history], config.rules.fast, config.rules.slow, None).cross.tolist()
        now = {stamp.date().isoformat(): CROSSES[cross] for stamp, cross in zip(history.dates, crosses, strict=True)}
        for day in sorted(then.keys() & now.keys()):
            found.decisions += 1
            if now[day] != then[day]:
                found.changed.append(f"{symbol} {day}: {_said(then[day])} before the close, {_said(now[day])} at it.")
    found.changed.sort(key=lambda line: line.split()[1])


def _said(cross: str) -> str:
    return "no cross" if cross == "none" else f"a {cross} cross"


def _find_orders(found: Drift, events: Sequence[Event], prices: engine.Prices, config: Config, tick: float) -> None:
    """Put each order of the bot beside that of the backtest, and the costs beside the modelled ones."""
    bot = bot_orders(state_of(events).executions.values())
    equities = [event.data["equity"] for event in events if event.kind in ("day", "sized")]
    capital = equities[0] if equities else _CAPITAL
    modelled = portfolio_orders(portfolio_since(prices, Strategy.of(config), found.first, capital, "stop_first").trades)
    costs = broker_costs()
    rows = [_row(key, one, modelled.get(key), costs, tick) for key, one in sorted(bot.items())]
    if rows:
        found.orders = pd.DataFrame(rows, columns=list(_COLUMNS))
    for key in sorted(bot.keys() ^ modelled.keys()):
        one = bot.get(key) or modelled[key]
        who = "the bot" if key in bot else "the backtest"
        did = "bought" if key.side == "BUY" else "sold"
        found.alone.append(f"{key.day} {key.symbol}: only {who} {did}, {one.quantity:g} at {one.price:g}.")


def _row(key: Key, bot: Order, modelled: Order | None, costs: CostSchedule, tick: float) -> tuple[Any, ...]:
    sign, nothing = 1 if key.side == "BUY" else -1, float("nan")
    worse = sign * (bot.price - modelled.price) if modelled else nothing
    return (
        *key,
        bot.quantity,
        bot.price,
        modelled.price if modelled else nothing,
        worse / tick,
        worse * bot.quantity,
        nothing if bot.commission is None else bot.commission,
        costs.fee("buy" if key.side == "BUY" else "sell", bot.price, bot.quantity, key.day).total,
    )
