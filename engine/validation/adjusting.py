"""Splits and bonuses applied to prices, but only those whose step the prices show.

A step is read from the first bar of a session: its open and its close over the close before. It is that of an action if both, multiplied by the
coefficient, lie within a third of the step (in logarithms), and at most some 15 percent, of the close before. Neighbouring sessions say how
much the share moves from a close to the next open; an action of less than ten times that is not believed on the word of the prices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.errors import InputError
from engine.validation.actions import Action, Adjustment, Outcome
from engine.validation.columns import PRICES
from engine.validation.dates import day
from engine.validation.scan import Scan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from engine.validation.table import F8, Table

__all__ = ["adjust", "by_symbol", "round_to_places"]

_NEAR = 3  # sessions by which the date of a table may be off
_TOLERANCE = 0.165  # in logarithms: 15 percent below, 18 above
_AROUND = 64  # sessions on each side that say how much a share moves
_NOISES = 10.0  # an action must be so many times larger than an ordinary move from close to open
_FEWEST, _UNKNOWN_NOISE, _LEAST_NOISE = 20, 0.02, 0.002  # with fewer moves than that, one of 2 percent is ordinary
_TICKS = 100_000  # of a unit of currency: the finest step that docs/arithmetic.md adds up exactly
_LOWEST = 0.005  # below it, five places are more than 0.1 percent off


def by_symbol(actions: Iterable[Action]) -> dict[str, tuple[Action, ...]]:
    """Sort actions by symbol and date; those of one day, such as a split with a bonus, become their product.

    Raises
    ------
    InputError
        The same action is there twice.
    """
    days: dict[str, dict[object, list[Action]]] = {}
    for action in sorted(actions, key=lambda one: (one.symbol, one.day)):
        days.setdefault(action.symbol, {}).setdefault(action.day, []).append(action)
    return {symbol: tuple(map(_product, of_day.values())) for symbol, of_day in days.items()}


def _product(actions: list[Action]) -> Action:
    coefficients = [action.coefficient for action in actions]
    if len(set(coefficients)) < len(coefficients):
        one = actions[0]
        raise InputError(
            f"{one.symbol} {one.day}: the same coefficient is there twice; keep one, or write their product"
        )
    return replace(actions[0], coefficient=float(np.prod(coefficients))) if len(actions) > 1 else actions[0]


@dataclass(frozen=True, eq=False)
class _Steps:
    """The first bars of sessions 1, 2, ... of a table: which day, and open and close over the close before, as logarithms."""

    days: npt.NDArray[np.datetime64]  # (D,), session 0 included
    dates: pd.DatetimeIndex  # (D,), the first bars themselves
    opens: F8  # (D,), nan for session 0
    closes: F8

    @classmethod
    def of(cls, sound: Table) -> _Steps:
        days = np.asarray(sound.dates.tz_localize(None).to_numpy().astype("datetime64[D]"))
        first = np.flatnonzero(np.concatenate([[True], days[1:] != days[:-1]])) if len(days) else np.zeros(0, np.intp)
        before = sound.columns["close"][first[1:] - 1]
        opens, closes = np.full(len(first), np.nan), np.full(len(first), np.nan)
        opens[1:] = np.log(sound.columns["open"][first[1:]] / before)
        closes[1:] = np.log(sound.columns["close"][first[1:]] / before)
        return cls(days[first], sound.dates[first], opens, closes)

    def window(self, place: int) -> range:
        return range(max(1, place - _NEAR), min(len(self.days), place + _NEAR + 1))

    def noise(self, place: int) -> float:
        """Give the size of an ordinary move from close to open around a session, its own neighbourhood left out."""
        window = self.window(place)
        moves = np.concatenate(
            [self.opens[max(1, place - _AROUND) : window.start], self.opens[window.stop :][:_AROUND]]
        )
        if len(moves) < _FEWEST:
            return _UNKNOWN_NOISE
        return max(float(1.4826 * np.median(np.abs(moves))), _LEAST_NOISE)  # as a deviation, if moves were normal

    def fits(self, at: int, coefficient: float) -> bool:
        step = log(coefficient)
        off = max(abs(self.opens[at] + step), abs(self.closes[at] + step))
        return bool(off <= min(_TOLERANCE, abs(step) / 3))

    def goes_half_the_way(self, at: int, coefficient: float) -> bool:
        step = log(coefficient)
        return bool(min(-self.opens[at] / step, -self.closes[at] / step) >= 0.5)


def adjust(table: Table, actions: Sequence[Action]) -> tuple[Table, list[Adjustment]]:
    """Divide the prices before each step by the coefficient of its action, and multiply the volumes.

    Parameters
    ----------
    table : Table
        One symbol's rows, in any state; steps are looked for between its sound bars.
    actions : sequence of Action
        Of this symbol, one a day, in order of date.

    Returns
    -------
    Table
        A price is divided once, by the product of all coefficients that concern it, and rounded to five places; a volume is multiplied and rounded to
        whole units.
    list of Adjustment
        One for each action.
    """
    steps = _Steps.of(Scan(table).sound)
    places = [int(np.searchsorted(steps.days, np.datetime64(action.day))) for action in actions]
    exact = {
        place
        for place, action in zip(places, actions, strict=True)
        if 0 < place < len(steps.days) and steps.days[place] == np.datetime64(action.day)
        if steps.fits(place, action.coefficient)
    }
    judged = [_judge(steps, place, action, exact) for place, action in zip(places, actions, strict=True)]
    taken = [at for _, at in judged if at is not None]
    done = [(_several(found), None) if at is not None and taken.count(at) > 1 else (found, at) for found, at in judged]
    return _apply(table, steps, done)


def _judge(steps: _Steps, place: int, action: Action, exact: set[int]) -> tuple[Adjustment, int | None]:
    """Say what becomes of an action, and give the session of its step if it is to be applied."""
    found = Adjustment(action.symbol, str(action.day), action.coefficient, Outcome.OUTSIDE)
    expected = f"1 over {action.coefficient:g} was expected"
    if place == 0 or place == len(steps.days):
        where = "end before it" if place else "begin with that day or after it"
        return replace(found, detail=f"the prices {where}"), None
    found = replace(found, observed=float(np.exp(steps.opens[place])))
    seen = _seen(steps, place)
    noise = steps.noise(place)
    if abs(log(action.coefficient)) < _NOISES * noise:
        detail = f"so small a step cannot be told from ordinary moves, of about {noise:.1%} from a close to the next open; {seen}"
        return replace(found, outcome=Outcome.TOO_SMALL, detail=_spoken(detail)), None
    own = {place} if place in exact and steps.days[place] == np.datetime64(action.day) else set()
    window = [at for at in steps.window(place) if at not in exact - own]
    fitting = [at for at in window if steps.fits(at, action.coefficient)]
    if len(fitting) > 1:
        rows = " and ".join(day(steps.dates[at]) for at in fitting)
        detail = f"more than one session shows such a step, {rows}; {seen}"
        return replace(found, outcome=Outcome.AMBIGUOUS, detail=detail), None
    if fitting:
        return _accepted(steps, place, found, fitting[0], is_exact=bool(own)), fitting[0]
    partly = [at for at in window if steps.goes_half_the_way(at, action.coefficient)]
    if partly:
        detail = f"the prices step otherwise there: {_seen(steps, partly[0])}, where {expected}"
        observed = float(np.exp(steps.opens[partly[0]]))
        return replace(found, outcome=Outcome.OTHER_STEP, observed=observed, detail=detail), None
    detail = f"the prices show no such step: {seen}; they are adjusted for it already, or it did not happen"
    return replace(found, outcome=Outcome.NO_STEP, detail=detail), None


def _accepted(steps: _Steps, place: int, found: Adjustment, at: int, *, is_exact: bool) -> Adjustment:
    away = ""
    if not is_exact:
        sessions = abs(at - place)
        side = "before" if steps.days[at] < np.datetime64(found.date) else "after"
        away = f"its step is at {day(steps.dates[at])}, {side} its date" + (
            f" by {sessions} session{'s' * (sessions != 1)}; " if sessions else "; "
        )
    return replace(
        found,
        outcome=Outcome.APPLIED if is_exact else Outcome.MOVED,
        step_date=day(steps.dates[at]),
        observed=float(np.exp(steps.opens[at])),
        detail=away + _seen(steps, at),
    )


def _several(found: Adjustment) -> Adjustment:
    detail = f"the step at {found.step_date} could be that of another action of the table as well; correct the dates"
    return replace(found, outcome=Outcome.AMBIGUOUS, step_date=None, detail=detail)


def _seen(steps: _Steps, at: int) -> str:
    opens, closes = (float(np.exp(step[at])) for step in (steps.opens, steps.closes))
    return f"on {day(steps.dates[at])} open {opens:.4f} and close {closes:.4f} times the close before"


def _spoken(text: str) -> str:
    return text.replace("%", " percent")


def _apply(table: Table, steps: _Steps, judged: list[tuple[Adjustment, int | None]]) -> tuple[Table, list[Adjustment]]:
    factor = np.ones(len(table))
    done = []
    for found, at in judged:
        if at is None:
            done.append(found)
            continue
        before = np.asarray(table.dates < steps.dates[at])
        wider = np.where(before, factor * found.coefficient, factor)
        if _is_too_fine(table, wider):
            detail = f"it would make prices below {_LOWEST:g}, for which five places are too few"
            done.append(replace(found, outcome=Outcome.TOO_FINE, step_date=None, detail=detail))
            continue
        factor, bars = wider, int(before.sum())
        detail = f"{bars:,} bars before {found.step_date} divided by it, volumes multiplied; {found.detail}"
        done.append(replace(found, bars=bars, detail=detail))
    return _divided(table, factor), done


def _is_too_fine(table: Table, factor: F8) -> bool:
    lowest = [(column / factor)[(column > 0) & (factor > 1)] for column in map(table.columns.__getitem__, PRICES)]
    return any(prices.size and prices.min() < _LOWEST for prices in lowest)


def _divided(table: Table, factor: F8) -> Table:
    where = factor != 1
    if not where.any():
        return table
    columns: Mapping[str, F8] = {name: column.copy() for name, column in table.columns.items()}
    for name in PRICES:
        columns[name][where] = round_to_places(columns[name][where], factor[where])
    columns["volume"][where] = np.rint(columns["volume"][where] * factor[where])
    return replace(table, columns=dict(columns))


def round_to_places(prices: F8, factor: F8) -> F8:
    """Divide, and round to five places: the double nearest to k / 100,000.

    A price that has at most five places itself is taken as that decimal number, so that a half is a half.
    """
    ticks = prices * _TICKS
    whole = np.rint(ticks)
    ticks = np.where(whole / _TICKS == prices, whole, ticks)
    return np.asarray(np.rint(ticks / factor) / _TICKS, dtype=np.float64)
