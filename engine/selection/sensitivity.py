"""What becomes of a pick if one thing is changed: a result that only holds under exactly its own assumptions is not one to trade on.

Every change is run by the same functions as any backtest. What is changed, one at a time:

costs
    Every order costs twice as much, and slips twice as far (``doubled``). Where nothing costs anything, there is nothing to double: an order then
    costs ``COSTS_IF_NONE``.
delay
    Every cross acts one bar later than it was seen: the cross of bar t is taken for one of bar t + 1, whose close places the order, whose ATR sets the
    distance of the stop, and after which the contract goes on as ever. The cross of the last bar is not acted on.
fill, intrabar
    The other fill model; with a stop, the other order of high and low within a bar.
stop
    The next narrower and the next wider multiple, and no stop at all.
without
    One symbol is left out, where the pick is of all symbols.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

import pandas as pd

from engine.costs.plain import Costs
from engine.costs.schedule import CostSchedule
from engine.errors import InputError
from engine.prices.history import Prices
from engine.selection.picks import Numbers, Pick, Picked
from engine.settings import Settings, TrailingStop

__all__ = ["COSTS_IF_NONE", "Numbers", "Pick", "Row", "Sensitivity", "doubled", "sensitivity"]

COSTS_IF_NONE = Costs(rate=0.001)
"""Stands for doubled costs where there are none: 0.1 percent of an order's value."""
NARROWER, WIDER = 0.75, 1.25
"""Of the multiple, where no neighbour in the grid is known."""
_EACH_SYMBOL = 5
"""Up to so many symbols, leaving out each of them is a row; of more, only the worst and the best."""


@dataclass(frozen=True)
class Row:
    """One change.

    Attributes
    ----------
    change : str
        as_is, costs, delay, fill, intrabar, stop_narrower, stop_wider, no_stop or without.
    what : str
        The same in words.
    numbers : Numbers
    """

    change: str
    what: str
    numbers: Numbers


@dataclass(frozen=True)
class Sensitivity:
    """A pick, and what becomes of it by each change.

    Attributes
    ----------
    pick : Pick
    settings : Settings
    symbols : tuple of str
        Those that were run.
    rows : tuple of Row
        The pick as it is, then the changes.
    without : tuple of Row
        Every symbol left out, also where ``rows`` has only the worst and the best of them; empty for a pick of one symbol.
    missing : tuple of str
        Changes that make no sense here, a sentence each.
    """

    pick: Pick
    settings: Settings
    symbols: tuple[str, ...]
    rows: tuple[Row, ...]
    without: tuple[Row, ...]
    missing: tuple[str, ...]

    @property
    def as_is(self) -> Row:
        """The pick without a change."""
        return self.rows[0]

    @property
    def hangs_on(self) -> tuple[Row, ...]:
        """Changes that take half of a Sharpe ratio above 0 or more, or make it undefined; the most harmful first."""
        before = self.as_is.numbers.sharpe
        return tuple(row for row in self.by_harm() if before > 0 and not row.numbers.sharpe > before / 2)

    def by_harm(self) -> list[Row]:
        """Give the changes by their Sharpe ratio: not defined first, then the lowest."""
        return sorted(self.rows[1:], key=_harm)

    def to_frame(self) -> pd.DataFrame:
        """Give the matrix: columns change, what, the four numbers, and ``_change`` of each, the difference from the first row."""
        numbers = pd.DataFrame([row.numbers for row in self.rows], columns=list(Numbers._fields))
        named = pd.DataFrame({"change": [row.change for row in self.rows], "what": [row.what for row in self.rows]})
        return pd.concat([named, numbers, (numbers - numbers.iloc[0]).add_suffix("_change")], axis=1)


def _harm(row: Row) -> float:
    """Order rows by their Sharpe ratio; one that is not defined is the worst."""
    return -math.inf if math.isnan(row.numbers.sharpe) else row.numbers.sharpe


def doubled(costs: Costs | CostSchedule) -> Costs | CostSchedule:
    """Give costs by which the same order costs twice as much, and slips twice as far.

    Of a schedule every amount is doubled but the taxes on other parts, which double with them; what is rounded is rounded to the same unit after that.

    Raises
    ------
    InputError
        A rate or slippage would reach the whole value of an order.
    """
    if isinstance(costs, Costs):
        return Costs(**{field.name: 2 * getattr(costs, field.name) for field in fields(Costs)})
    rates = [rate if rate.part.endswith("_tax") else replace(rate, amount=2 * rate.amount) for rate in costs.rates]
    return replace(costs, rates=tuple(rates), slippage=2 * costs.slippage, surcharge=2 * costs.surcharge)


def sensitivity(
    prices: Prices, pick: Pick, settings: Settings, stops: Iterable[TrailingStop | None] = ()
) -> Sensitivity:
    """Change one thing at a time.

    Parameters
    ----------
    prices : Prices
    pick : Pick
    settings : Settings
        ``intrabar="both"`` counts as ``stop_first``, whose numbers it has.
    stops : iterable of TrailingStop or None
        Of the grid that was swept: the next multiples with the same ATR and kind are the neighbours. Where there is none, ``NARROWER`` and ``WIDER`` times the multiple.

    Returns
    -------
    Sensitivity

    Raises
    ------
    InputError
        A setting makes no sense.
    DataError
        No such symbol, or every symbol is shorter than the slow window.
    """
    settings = replace(settings, intrabar="stop_first") if settings.intrabar == "both" else settings
    case = Picked.of(prices, pick)
    missing: list[str] = []
    rows = [Row("as_is", "as it is", case.run(settings, pick.stop))]
    if settings.direction == "long_short":
        missing.append("The long/short backtest has no costs, no fills and no stop that could be changed.")
    else:
        rows += _cost_rows(case, settings, missing)
        rows.append(Row("delay", "one bar of delay", case.run_late(settings)))
        rows += _fill_rows(case, settings, missing)
        rows += _stop_rows(case, settings, tuple(stops), missing)
    without = _without_rows(case, settings, missing)
    shown = without
    if len(without) > _EACH_SYMBOL:
        worst, *_, best = sorted(without, key=_harm)
        shown = (
            replace(worst, what=f"{worst.what}, of {len(without)} symbols the worst one to leave out"),
            replace(best, what=f"{best.what}, of {len(without)} symbols the best one to leave out"),
        )
    return Sensitivity(pick, settings, case.pool.symbols, (*rows, *shown), without, tuple(missing))


def _cost_rows(case: Picked, settings: Settings, missing: list[str]) -> Iterator[Row]:
    """Double the costs."""
    what = "costs and slippage doubled"
    try:
        dearer = doubled(settings.costs)
    except InputError:
        missing.append("The costs cannot be doubled: a rate of half the value or more would take the whole of it.")
        return
    if dearer == settings.costs:
        dearer = COSTS_IF_NONE
        what = f"{100 * COSTS_IF_NONE.rate:g} percent of its value for every order, since there are no costs to double"
    yield Row("costs", what, case.run(replace(settings, costs=dearer), case.pick.stop))


def _fill_rows(case: Picked, settings: Settings, missing: list[str]) -> Iterator[Row]:
    """Take the other fill model and the other order within a bar."""
    at_close = settings.fill == "close"
    what = "fills at the next open instead of the close" if at_close else "fills at the close instead of the next open"
    yield Row("fill", what, case.run(replace(settings, fill="next_open" if at_close else "close"), case.pick.stop))
    if case.pick.stop is None:
        missing.append("There is no stop, so the order of high and low within a bar does not matter.")
        return
    high_first = settings.intrabar == "high_first"
    what = "the stop tested before the high" if high_first else "the high before the stop is tested"
    other = replace(settings, intrabar="stop_first" if high_first else "high_first")
    yield Row("intrabar", what, case.run(other, case.pick.stop))


def _stop_rows(
    case: Picked, settings: Settings, stops: Sequence[TrailingStop | None], missing: list[str]
) -> Iterator[Row]:
    """Move the stop one step down and up, and leave it out."""
    stop = case.pick.stop
    if stop is None:
        missing.append("There is no stop, so there is no multiple to change.")
        return
    like = [one.multiple for one in stops if one is not None and replace(one, multiple=stop.multiple) == stop]
    narrower = max((one for one in like if one < stop.multiple), default=NARROWER * stop.multiple)
    wider = min((one for one in like if one > stop.multiple), default=WIDER * stop.multiple)
    for change, multiple in (("stop_narrower", narrower), ("stop_wider", wider)):
        what = f"a stop of {multiple:g} instead of {stop.multiple:g} ATR"
        yield Row(change, what, case.run(settings, replace(stop, multiple=multiple)))
    if settings.sizing == "risk":
        missing.append("Sizing by risk needs a stop, so it cannot be left out.")
    else:
        yield Row("no_stop", "no stop", case.run(settings, None))


def _without_rows(case: Picked, settings: Settings, missing: list[str]) -> tuple[Row, ...]:
    """Leave out one symbol at a time."""
    if case.pick.symbol is not None:
        missing.append(f"The pick is of {case.pick.symbol} alone, so no symbol can be left out.")
    elif len(case.pool.symbols) == 1:
        missing.append("There is only one symbol, so none can be left out.")
    else:
        left = case.each_left_out(settings)
        return tuple(Row("without", f"without {symbol}", numbers) for symbol, numbers in left)
    return ()
