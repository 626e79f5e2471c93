"""One run of the bot: connect, find out what is, decide with the engine's kernels, act, and say truthfully what became of it.

::

    connect -> truth -> pin, bars, reading of every share -> protect what is held -> leave -> enter -> truth again

Nothing is sent in a dry run. A share of which anything is doubtful is skipped, with the reason; what is held is protected all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import IntEnum
from pathlib import Path

import engine
from engine.costs.india import nse_delivery
from engine.costs.plain import Costs
from engine.costs.schedule import CostSchedule
from engine.errors import GoldencrossError
from engine.report.spoken import money
from engine.terms import AccountTerms
from live.acting import Actor, Patience, Recorder
from live.bars import history_of
from live.broker import Broker
from live.decision import read_last_bar
from live.errors import BrokerError, ClockError, LimitError
from live.facts import Funds, OrderRequest, Truth, order_reference
from live.journal.state import State
from live.limits import Entry, Limits, Tally, require_allowed
from live.plan import Wish, in_turn, wish
from live.pricing import buy_limit, sell_limit, sell_stop, trail_amount
from live.protection import cover_of
from live.scheduler import Clock, require_clock
from live.schema import Config, Instrument
from live.sessions import Run
from live.sizing import size

__all__ = ["Guard", "Report", "Runner", "Status", "Strategy"]

_MOST_SKEW = timedelta(seconds=60)


class Status(IntEnum):
    """How a run ended; also the exit status of the command."""

    DONE = 0
    SKIPPED = 1  # some shares were not looked at, for a reason that is said
    REFUSED = 2  # nothing was done: configuration, journal, session
    ALARM = 3  # somebody has to look
    UNREACHABLE = 4  # the gateway cannot be reached, or was lost


@dataclass(frozen=True)
class Strategy:
    """What the bot does.

    Attributes
    ----------
    fast, slow : int
    stop : TrailingStop
    risk : float
        Fraction of equity at risk in a trade.
    terms : AccountTerms
        Positions, weight, priority.
    costs : Costs or CostSchedule
        For the size of an order.
    above, below : float
        How far above the last close a buy may pay, and how far below it a sale may get, as fractions.
    max_notional : float or None
        Of one order, currency.
    """

    fast: int = 50
    slow: int = 200
    stop: engine.TrailingStop = field(default_factory=engine.TrailingStop)
    risk: float = 0.02
    terms: AccountTerms = field(default_factory=AccountTerms)
    costs: Costs | CostSchedule = field(default_factory=Costs)
    above: float = 0.003
    below: float = 0.01
    max_notional: float | None = None

    @classmethod
    def of(cls, config: Config) -> Strategy:
        """Give the strategy of a config file; costs are those of Interactive Brokers, as far as they are known."""
        rules = config.rules
        terms = AccountTerms(rules.max_positions, rules.max_weight, rules.priority)
        costs, most = nse_delivery("interactive_brokers"), config.limits.max_order_notional
        return cls(rules.fast, rules.slow, rules.stop, rules.risk, terms, costs, max_notional=most)


@dataclass(frozen=True)
class Guard:
    """What may stop an entry before it is sent.

    Attributes
    ----------
    limits : Limits
    halt_file : Path
    """

    limits: Limits
    halt_file: Path


@dataclass
class Report:
    """What a run came to: a status, and what is said."""

    status: Status = Status.DONE
    lines: list[str] = field(default_factory=list)

    def say(self, line: str, status: Status = Status.DONE) -> None:
        """Add a line; the worst status stays."""
        self.lines.append(line)
        self.status = max(self.status, status)


class Runner:
    """Runs the bot once.

    Parameters
    ----------
    broker : Broker
    recorder : Recorder
    clock : Clock
    strategy : Strategy
    send : bool
        False: nothing is sent, only said.
    patience : Patience or None
    known : State or None
        What the journal knows of earlier runs: what was sent is not sent again, whatever became of it, and its numbers are not used again.
    guard : Guard or None
        Limits of the day and the halt file.
    """

    def __init__(
        self,
        broker: Broker,
        recorder: Recorder,
        clock: Clock,
        strategy: Strategy,
        *,
        send: bool = False,
        patience: Patience | None = None,
        known: State | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._broker, self._clock, self._strategy, self._send = broker, clock, strategy, send
        self._recorder, self._known, self._guard = recorder, known or State(), guard
        self._tally: Tally | None = None
        self._funds: Funds | None = None
        self._actor = Actor(broker, recorder, clock.sleep, clock.elapsed, patience or Patience())

    async def run(self, window: Run[Instrument]) -> Report:
        """Run once for the shares of a window; never raises what can go wrong at a broker."""
        report = Report()
        try:
            await self._broker.connect()
        except BrokerError as error:
            report.say(f"{error} Nothing was sent.", Status.UNREACHABLE)
            return report
        try:
            await self._run(window, report)
        except BrokerError as error:
            report.say(f"The run was broken off: {error}.", Status.UNREACHABLE)
            self._recorder.alarm(None, str(error))
        finally:
            self._broker.disconnect()
        return report

    async def _run(self, window: Run[Instrument], report: Report) -> None:
        try:
            require_clock(await self._broker.server_time(), self._clock.now(), _MOST_SKEW)
        except ClockError as error:
            report.say(f"Nothing is traded: {error}.", Status.REFUSED)
            return
        self._broker.raise_id_floor(self._known.highest_number + 1)
        truth = await self._actor.truth()
        wishes = await self._look(window.instruments, window.session.day, truth, report)
        for one in wishes:
            await self._protect(one, truth, report)
        for one in wishes:
            if one.step == "leave":
                await self._leave(one, window.session.day, report)
        for one in in_turn(wishes, self._strategy.terms):
            await self._enter(one, window, report)
        await self._close(wishes, report)

    async def _look(self, instruments: Sequence[Instrument], day: date, truth: Truth, report: Report) -> list[Wish]:
        """Read every share; those of which anything is doubtful are skipped."""
        strategy, wishes = self._strategy, []
        for share in instruments:
            try:
                pinned = await self._broker.pin(share.isin, share.symbol, share.exchange, share.currency)
                bars = await self._broker.daily_bars(pinned)
                least = strategy.slow + strategy.stop.atr_window
                history = history_of(share.symbol, share.currency, bars, day, least)
                reading = read_last_bar(history, strategy.fast, strategy.slow, strategy.stop)
            except GoldencrossError as error:
                if not self._broker.is_connected:
                    raise
                report.say(f"Skipped {share.symbol}: {error}.".replace("..", "."), Status.SKIPPED)
                continue
            cover = cover_of(truth, pinned.con_id)
            if self._known.held.get(share.symbol, (0.0, 0.0))[0] > 0 and cover.held == 0:
                report.say(
                    f"{share.symbol}: held at the last run and not any more; its stop, or somebody, has sold it."
                )
                self._recorder.protection(pinned, cover)
            one = wish(pinned, reading, cover)
            report.say(f"{share.symbol}: {one.reason}.", Status.ALARM if "sold short" in one.reason else Status.DONE)
            wishes.append(one)
        return wishes

    async def _protect(self, one: Wish, truth: Truth, report: Report) -> None:
        """See that what is held is under stops, before anything else is done."""
        cover = cover_of(truth, one.pinned.con_id)
        if cover.is_exact:
            return
        if not self._send:
            report.say(
                f"{one.pinned.symbol}: {cover.naked:g} of {cover.held:g} shares are under no stop; a run that sends would place one.",
                Status.ALARM,
            )
            return
        if not one.reading.distance > 0:
            report.say(
                f"{one.pinned.symbol}: {cover.naked:g} shares are under no stop, and its distance is not known.",
                Status.ALARM,
            )
            return
        result = await self._actor.protect(one.pinned, self._stop(one, one.reading.close, "repair"))
        report.say(f"{one.pinned.symbol}: {result.text}", Status.DONE if result.done else Status.ALARM)

    async def _leave(self, one: Wish, day: date, report: Report) -> None:
        """Sell what a death cross asks to be sold."""
        price = sell_limit(one.reading.close * (1 - self._strategy.below), one.pinned.market_rule)
        if not self._send:
            report.say(f"Would sell {one.pinned.symbol} at {price:g} or better.")
            return
        sale = OrderRequest(order_reference(day, one.pinned.symbol, "exit"), "SELL", "LMT", 0.0, limit=price)
        result = await self._actor.leave(one.pinned, sale, self._stop(one, one.reading.close, "after-exit"))
        report.say(result.text, Status.DONE if result.done else Status.ALARM)

    async def _enter(self, one: Wish, window: Run[Instrument], report: Report) -> None:
        """Buy what a golden cross asks for, if everything allows it."""
        pinned, day = one.pinned, window.session.day
        reference = order_reference(day, pinned.symbol, "entry")
        truth = await self._actor.truth()
        reason = self._obstacle(reference, window, truth)
        if reason:
            report.say(f"{pinned.symbol}: not bought, {reason}.", Status.SKIPPED)
            return
        share = next(i for i in window.instruments if i.isin == pinned.isin)
        try:
            buy, stop, text = await self._bracket(one, share, reference, day)
        except GoldencrossError as error:
            report.say(f"{pinned.symbol}: not bought, {error}.", Status.SKIPPED)
            return
        if buy is None or stop is None:
            report.say(text)
            return
        try:
            self._require_allowed(one, buy, truth, day)
        except LimitError as error:
            report.say(f"Not bought: {error}.", Status.SKIPPED)
            return
        if not self._send:
            report.say(text)
            return
        result = await self._actor.enter(pinned, buy, stop)
        report.say(result.text, Status.DONE if result.done else Status.ALARM)

    def _obstacle(self, reference: str, window: Run[Instrument], truth: Truth) -> str:
        """Say why nothing may be bought now, if so."""
        if not window.is_open(self._clock.now()):
            return "the time for entries is over"
        if truth.order(reference) or truth.bought(reference) or reference in self._known.intents:
            return "its order of today has been sent already"
        if not self._broker.link_is_up:
            return "the gateway has lost its line to the broker"
        if self._broker.unknown_codes:
            return f"the gateway said something that is not understood: code {self._broker.unknown_codes[0]}"
        most, held = self._strategy.terms.max_positions, sum(1 for q in truth.positions.values() if q > 0)
        if most is not None and held >= most:
            return f"{held} positions are open already"
        return ""

    def _require_allowed(self, one: Wish, buy: OrderRequest, truth: Truth, day: date) -> None:
        """Count the entry against the limits of the day.

        Raises
        ------
        LimitError
        """
        if self._guard is None or self._funds is None:
            return
        if self._tally is None:
            start, orders, notional = self._known.day(day)
            equity = self._funds.equity if start is None else start
            self._recorder.day(day, equity)
            self._tally = Tally(day, equity, orders, notional)
        held = sum(1 for quantity in truth.positions.values() if quantity > 0)
        entry = Entry(one.pinned.symbol, buy.quantity, buy.limit or 0.0, one.reading.close)
        halt, equity = self._guard.halt_file, self._funds.equity
        self._tally = require_allowed(
            entry, self._tally, self._guard.limits, day=day, equity=equity, positions=held, halt_file=halt
        )

    async def _bracket(
        self, one: Wish, share: Instrument, reference: str, day: date
    ) -> tuple[OrderRequest | None, OrderRequest | None, str]:
        """Give the buy and its stop, or none and why."""
        strategy, pinned, close = self._strategy, one.pinned, one.reading.close
        funds = self._funds = await self._broker.funds(pinned.currency)
        limit = buy_limit(close * (1 + strategy.above), pinned.market_rule)
        sized = size(
            funds.available,
            funds.equity,
            strategy.risk,
            one.reading.distance,
            limit,
            share.lot,
            pinned.size_increment,
            pinned.minimum_size,
            strategy.terms.max_weight,
            strategy.max_notional,
            strategy.costs,
            day,
        )
        if not sized.quantity > 0:
            return None, None, f"{pinned.symbol}: not bought, {sized.reason} allows no lot."
        buy = OrderRequest(reference, "BUY", "LMT", sized.quantity, limit=limit)
        stop = self._stop(one, limit, "entry-stop", sized.quantity)
        cut = f", cut from {sized.wanted:g} by {sized.reason}" if sized.reason else ""
        text = (
            f"Would buy {sized.quantity:g} {pinned.symbol} at {limit:g} or better, {money(sized.quantity * limit)}{cut}, "
            f"with a stop {stop.trail:g} below the highest price."
        )
        return buy, stop, text

    def _stop(self, one: Wish, price: float, name: str, quantity: float = 0.0) -> OrderRequest:
        """Give a trailing stop below a price, at the distance of the reading."""
        rule, day = one.pinned.market_rule, one.reading.date.date()
        trail = trail_amount(one.reading.distance, price, rule)
        first = sell_stop(price - trail, rule)
        reference = order_reference(day, one.pinned.symbol, name)
        return OrderRequest(reference, "SELL", "TRAIL", quantity, trail=trail, stop=first, time_in_force="GTC")

    async def _close(self, wishes: Sequence[Wish], report: Report) -> None:
        """Ask for everything once more, and judge by that."""
        truth = await self._actor.truth()
        for one in wishes:
            cover = cover_of(truth, one.pinned.con_id)
            self._recorder.protection(one.pinned, cover)
            if cover.held and not cover.is_exact:
                report.say(
                    f"{one.pinned.symbol}: {cover.held:g} shares held, {cover.stopped:g} under a stop.", Status.ALARM
                )
        held = sum(1 for quantity in truth.positions.values() if quantity)
        report.say(
            f"{held} position{'s' * (held != 1)} held after the run, {len([o for o in truth.orders if o.is_live])} live orders."
        )
