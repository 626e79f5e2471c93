"""Which bars are bad, worked out once for all rules and repairs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.validation.columns import PRICES
from engine.validation.dates import day
from engine.validation.findings import Finding, Severity
from engine.validation.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.validation.table import F8, Table

__all__ = ["LARGEST_PRICE", "Mask", "Scan", "any_cell", "bar_findings", "field_names", "price_text", "runs"]

Mask = npt.NDArray[np.bool_]

LARGEST_PRICE = 1e9
SMALLEST_PRICE = 1e-10  # exact averages know 2^-86, which is the last bit of a double of 2^-33
_ABSURD_RATIO = 1000.0
_NEIGHBOURS = 11  # five bars on each side
_CAP = 20  # findings of one rule for single bars of one symbol; the rest is counted in one more


@dataclass(frozen=True, eq=False)
class Scan:
    """A table with its bad bars classified; a bar counts for the first of the classes that fits it.

    The classes of shape (T, 4), in the order open, high, low, close: text, blank, infinite, non_positive, absurd. Of shape (T,):
    inconsistent, which is judged on bars that are in none of these.
    """

    table: Table

    @cached_property
    def prices(self) -> F8:
        """Prices, shape (T, 4)."""
        return np.column_stack([self.table.columns[name] for name in PRICES])

    @cached_property
    def text(self) -> Mask:
        """Cells that hold text instead of a number."""
        texts = [self.table.texts.get(name, {}) for name in PRICES]
        return np.column_stack([np.isin(self.table.rows, list(known)) for known in texts])

    @cached_property
    def blank(self) -> Mask:
        """Cells without a price."""
        return np.isnan(self.prices) & ~self.text

    @cached_property
    def infinite(self) -> Mask:
        """Cells that hold plus or minus infinity."""
        return np.isinf(self.prices)

    @cached_property
    def non_positive(self) -> Mask:
        """Cells with a finite price of 0 or less."""
        return np.isfinite(self.prices) & (self.prices <= 0)

    @cached_property
    def absurd(self) -> Mask:
        """Prices over 1e9, under 1e-10, or 1000 times away from the median of the bars around them."""
        absurd = np.isfinite(self.prices) & (
            (self.prices > LARGEST_PRICE) | ((self.prices > 0) & (self.prices < SMALLEST_PRICE))
        )
        where = self.ordered[self._complete[self.ordered]]
        for column in range(len(PRICES)):
            series = self.prices[where, column]
            if len(series) < 3 or series.max() <= _ABSURD_RATIO * series.min():
                continue
            medians = pd.Series(series).rolling(_NEIGHBOURS, center=True, min_periods=1).median().to_numpy()
            ratio = series / medians
            absurd[where, column] |= (ratio > _ABSURD_RATIO) | (ratio < 1 / _ABSURD_RATIO)
        return absurd

    @cached_property
    def inconsistent(self) -> Mask:
        """Bars with high < low, or with the open or the close outside low to high."""
        opens, highs, lows, closes = self.prices.T
        outside = (highs < lows) | (opens > highs) | (opens < lows) | (closes > highs) | (closes < lows)
        return np.asarray(self._complete & ~any_cell(self.absurd) & outside)

    @cached_property
    def bad_date(self) -> Mask:
        """Rows without a date."""
        return np.asarray(self.table.dates.isna())

    @cached_property
    def empty(self) -> Mask:
        """Bars where any price is blank and none is text."""
        return np.asarray(any_cell(self.blank) & ~any_cell(self.text))

    @cached_property
    def leading(self) -> Mask:
        """The empty bars before the first bar that is not empty (file order)."""
        return np.logical_and.accumulate(self.empty) & ~self.empty.all()

    @cached_property
    def trailing(self) -> Mask:
        """The empty bars after the last bar that is not empty (file order); all of them where every bar is empty."""
        return np.logical_and.accumulate(self.empty[::-1])[::-1]

    @cached_property
    def inside(self) -> Mask:
        """The empty bars that are neither leading nor trailing."""
        return self.empty & ~self.leading & ~self.trailing

    @cached_property
    def bad_bars(self) -> Mask:
        """Everything that the repair drop-bad-bars drops."""
        cells = self.text | self.infinite | self.non_positive | self.absurd
        return np.asarray(any_cell(cells) | self.inconsistent | self.inside)

    @cached_property
    def ordered(self) -> npt.NDArray[np.intp]:
        """Positions of the rows with a date, in order of date, the first row of each date only."""
        dates = self.table.dates
        order = np.argsort(dates.asi8, kind="stable")
        order = order[~self.bad_date[order]]
        stamps = dates.asi8[order]
        return order[np.concatenate([[True], stamps[1:] != stamps[:-1]])] if len(order) else order

    @cached_property
    def sound(self) -> Table:
        """The complete, positive, sane bars in order of date, one a date: what the rules about neighbours look at."""
        good = self._complete & ~any_cell(self.absurd)
        return self.table.take(self.ordered[good[self.ordered]])

    @cached_property
    def sessions(self) -> Sessions:
        """The sessions of the sound bars."""
        return Sessions(self.sound.dates)

    @cached_property
    def _complete(self) -> Mask:
        return np.asarray((np.isfinite(self.prices) & (self.prices > 0)).all(axis=1))


def any_cell(cells: Mask) -> Mask:
    """Return the bars (T,) that have a true cell in a mask (T, 4)."""
    return np.asarray(cells.any(axis=1))


def runs(mask: Mask) -> list[tuple[int, int]]:
    """Return the stretches [start, stop) of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def field_names(cells: Mask) -> str:
    """Name the prices that are true in a mask of shape (4,)."""
    return ", ".join(name for name, hit in zip(PRICES, cells, strict=True) if hit)


def price_text(value: Any) -> str:
    """Write a price so that it reads back as the same number."""
    return repr(float(value))


def bar_findings(
    table: Table,
    mask: Mask,
    rule: str,
    severity: Severity,
    describe: Callable[[int], tuple[str | None, str]],
    action: str,
) -> Iterator[Finding]:
    """Give one finding for each bar of a mask up to a cap, then one that counts the others.

    ``describe`` gets a position and returns the field and what is wrong.
    """
    hits = np.flatnonzero(mask)
    for position in hits[:_CAP]:
        name, wrong = describe(int(position))
        stamp = table.dates[position]
        when = f"{day(stamp)} (row {table.rows[position]})" if stamp is not pd.NaT else f"row {table.rows[position]}"
        date = None if stamp is pd.NaT else day(stamp)
        yield Finding(table.symbol, date, name, rule, severity, f"{table.symbol} {when}: {wrong}", action)
    more = hits[_CAP:]
    if len(more):
        first, last = (day(table.dates[position]) for position in (more[0], more[-1]))
        wrong = f"{len(more)} more bars of rule {rule}, from {first} to {last}"
        yield Finding(table.symbol, None, None, rule, severity, f"{table.symbol}: {wrong}", action, len(more))
