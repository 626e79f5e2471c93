"""Out-of-sample equity of settings that follow each other: each earns what its own backtest earns, and the change from one to the next is paid for.

A seam lies at the close before the first day of a leg. There, of every symbol, what the old setting holds is sold and what the new one holds is bought, with the costs of that day. So the first leg buys
what its setting has been holding, and the last sells nothing. Where old and new both hold a symbol nothing need be traded but the stop moved; it is charged all the same, because fills at one close on both
sides cannot be had for certain, and ``kept_costs`` says how much of the costs that is. A setting that stays pays nothing. The costs of a seam are in the return of the day after it.

The account has the capital of the settings for each symbol, and as in ``Trials`` the same money in each every day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.backtesting import atr_of, kernel_bars
from engine.costs.schedule import CostSchedule
from engine.crossing import crosses_of
from engine.flattening import sessions_of
from engine.kernels.charges import charge
from engine.kernels.loop import simulate
from engine.kernels.position import CostRates, all_in_order, closing_order, paid, received
from engine.prices.history import History
from engine.selection.trials import Trials
from engine.settings import Costs, Settings, TrailingStop

__all__ = ["NOTHING_HELD", "Leg", "Seam", "Stitched", "Stitcher", "shares_of_equity"]

Floats = NDArray[np.float64]


NOTHING_HELD = -1
"""In place of a row of the trials."""


class Leg(NamedTuple):
    """A setting and the days on which it is traded."""

    trial: int  # row of the trials, or NOTHING_HELD
    days: range


class Seam(NamedTuple):
    """What was traded at one close, for one setting to follow another."""

    day: int  # the close at which it was traded
    old: int  # row of the trials, or NOTHING_HELD
    new: int  # likewise
    sold: int  # symbols that the old one held
    bought: int  # symbols that the new one holds
    kept: int  # symbols that both hold
    costs: float  # currency, slippage included
    kept_costs: float  # the part of them for symbols that both hold


@dataclass(frozen=True, eq=False)
class Stitched:
    """Legs joined.

    Attributes
    ----------
    days : range
        From the first day of the first leg to the last day of the last one.
    equity : float64 (days,)
        Currency after each day; nan from the day on which nothing is left.
    capital : float
        Before the first of them.
    leg_returns : float64 (legs,)
        Of each leg, what its seam cost included.
    seams : tuple of Seam
    """

    days: range
    equity: Floats
    capital: float
    leg_returns: Floats
    seams: tuple[Seam, ...]

    @property
    def returns(self) -> Floats:
        """Return of every day, float64 (days,)."""
        before = np.concatenate([[self.capital], self.equity[:-1]])
        changes: Floats = self.equity / before - 1.0
        return changes


@dataclass(frozen=True, eq=False)
class Stitcher:
    """Joins legs of some trials; remembers what a setting holds, which is worked out for those that are chosen only."""

    trials: Trials
    _held: dict[int, list[Floats]] = field(default_factory=dict)

    def stitch(self, legs: Sequence[Leg]) -> Stitched:
        """Trade the legs one after the other.

        Parameters
        ----------
        legs : sequence of Leg
            In the order of time, without overlap; between them nothing is held.
        """
        capital = self.trials.settings.capital * len(self.trials.pool.histories)
        curves, results, seams = [], [], []
        money, old = capital, NOTHING_HELD
        for leg in _with_gaps(legs):
            begun = money
            if leg.trial != old and money > 0.0:
                seams.append(self._seam(leg.days.start - 1, old, leg.trial, money))
                money = money - seams[-1].costs
            if not money > 0.0:  # a fixed fee can take all there is
                money = float("nan")
            curves.append(self._grown(money, leg))
            money, old = float(curves[-1][-1]), leg.trial
            if leg.trial != NOTHING_HELD:
                results.append(money / begun - 1.0)
        days = range(legs[0].days.start, legs[-1].days.stop)
        return Stitched(days, np.concatenate(curves), capital, np.array(results), tuple(seams))

    def _grown(self, money: float, leg: Leg) -> Floats:
        """Give what becomes of the money on the days of a leg, float64 (days,)."""
        if leg.trial == NOTHING_HELD:
            return np.full(len(leg.days), money)
        returns = self.trials.returns[leg.trial, leg.days.start : leg.days.stop]
        return money * np.cumprod(1.0 + returns, dtype=np.float64)

    def _seam(self, day: int, old: int, new: int, money: float) -> Seam:
        """Trade the change of settings at the close of a day, with the same money in each symbol that is traded before and after it."""
        pool, settings = self.trials.pool, self.trials.settings
        bars = [int(np.searchsorted(places, day, side="right")) - 1 for places in pool.day]
        alive = [s for s, bar in enumerate(bars) if 0 <= bar < len(pool.day[s]) - 1]
        sold = bought = kept = 0
        costs = kept_costs = 0.0
        for s in alive:
            before = self._weights(old)[s][bars[s]] if old != NOTHING_HELD else 0.0
            after = self._weights(new)[s][bars[s]] if new != NOTHING_HELD else 0.0
            lost = _lost(money / len(alive), before, after, pool.histories[s], bars[s], settings)
            sold, bought = sold + int(before > 0.0), bought + int(after > 0.0)
            costs += lost
            if before > 0.0 and after > 0.0:
                kept, kept_costs = kept + 1, kept_costs + lost
        return Seam(day, old, new, sold, bought, kept, costs, kept_costs)

    def _weights(self, trial: int) -> list[Floats]:
        """Give what share of its equity a trial has in the shares of each symbol after each of its bars."""
        if trial not in self._held:
            grid, stops = self.trials.grid, len(self.trials.grid.stops)
            place = self.trials.first + trial
            (fast, slow), stop = grid.pairs[place // stops], grid.stops[place % stops]
            self._held[trial] = [
                shares_of_equity(history, fast, slow, stop, self.trials.settings)
                for history in self.trials.pool.histories
            ]
        return self._held[trial]


def _with_gaps(legs: Sequence[Leg]) -> Iterator[Leg]:
    """Put legs that hold nothing into the days between others."""
    at = legs[0].days.start
    for leg in legs:
        if leg.days.start > at:
            yield Leg(NOTHING_HELD, range(at, leg.days.start))
        yield leg
        at = leg.days.stop


def shares_of_equity(history: History, fast: int, slow: int, stop: TrailingStop | None, settings: Settings) -> Floats:
    """Give what share of its equity a backtest has in shares after each bar, float64 (T,): 1 in a position that took all the cash; 0 throughout for long/short, which has no costs."""
    n = len(history)
    if settings.direction == "long_short":
        return np.zeros(n)
    signals = crosses_of(history, fast, slow, settings)
    equity, trades, held = np.empty(n), np.empty((n + 1, 8)), np.zeros(n)
    rules = settings.kernel_rules(stop, history.local_dates, sessions_of([history], settings.flatten))
    outcome = simulate(kernel_bars(history), signals, atr_of(history, stop), settings.capital, rules, equity, trades)
    for row in trades[: outcome.closed + (outcome.position.shares > 0.0)]:
        held[int(row[0]) : n if row[2] < 0 else int(row[2])] = row[4]
    share = np.zeros(n)
    np.divide(held * history.close, equity, out=share, where=equity > 0.0)
    return share


def _lost(money: float, before: float, after: float, history: History, bar: int, settings: Settings) -> float:
    """Give what it costs, of the money of a symbol, to sell the share ``before`` of it and to spend the share ``after`` of what is left on a new position, marked at that close."""
    close, costs, date = float(history.close[bar]), settings.costs, history.local_dates[bar]
    lost = 0.0
    if before > 0.0:
        shares, price = before * money / close, float(received(close, _rates(costs)))
        lost = shares * (close - price) + _fee(costs, "sell", shares, price, date)
    if after > 0.0 and money > lost:
        limit, price = after * (money - lost), float(paid(close, _rates(costs)))
        value = _spent(costs, limit, price, date)
        lost += (limit - value) + value / price * (price - close)
    return lost


def _spent(costs: Costs | CostSchedule, limit: float, price: float, date: np.datetime64) -> float:
    """Give what goes into shares if an amount is spent, fee included; fractions of shares, as all of the money is meant to work."""
    if isinstance(costs, CostSchedule):  # as in the backtest: the fee of an order for all of it is set aside
        return max(limit - _fee(costs, "buy", limit / price, price, date), 0.0)
    return max(float(all_in_order(limit, price, _rates(costs)).value), 0.0)


def _fee(costs: Costs | CostSchedule, side: str, shares: float, price: float, date: np.datetime64) -> float:
    """Give the fee of an order on a day."""
    if isinstance(costs, CostSchedule):
        return float(charge(shares, shares * price, costs.charges(side, date)))
    return float(closing_order(shares, price, _rates(costs)).fee)


def _rates(costs: Costs | CostSchedule) -> CostRates:
    """Give the kernels' form of plain costs; of a schedule, its slippage."""
    if isinstance(costs, CostSchedule):
        return CostRates(0.0, 0.0, 0.0, costs.slippage)
    return CostRates(costs.rate, costs.fixed, costs.minimum, costs.slippage)
