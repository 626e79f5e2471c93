"""What a report is before it is a page, a text or a file: sections of sentences, charts and tables, in the order in which they are read.

Everything that makes a report makes these; everything that shows one takes them. So the page and the text say the same in the same order, and whoever has something to add
to a report adds a ``Section``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.kernels.metrics import METRICS
from engine.report.curves import Curve
from engine.report.data import day
from engine.report.spoken import METRIC_NAMES

__all__ = [
    "UNDEFINED",
    "Bars",
    "Chart",
    "Column",
    "Heatmap",
    "Marks",
    "Report",
    "Section",
    "Series",
    "Table",
    "chart_numbers",
    "metric_figure",
]

Floats = NDArray[np.float64]

UNDEFINED = "not defined"
"""What a cell says whose value is nan or missing."""

_MOST_ROWS = 60
"""Of the numbers of a chart: the ends of months, quarters or years, whichever give no more."""
_PERIODS = (("D", "day"), ("M", "month"), ("Q", "quarter"), ("Y", "year"))


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    name : str
        With the unit, since the cells have none.
    kind : {"text", "number", "date"}
        How it is sorted and where it is aligned.
    places : int
        Decimal places of a number.
    scale : float
        What numbers are multiplied with; 100 for fractions under a heading that says percent.
    missing : str
        What a cell without a value says.
    """

    name: str
    kind: Literal["text", "number", "date"] = "text"
    places: int = 2
    scale: float = 1.0
    missing: str = UNDEFINED

    def write(self, value: Any) -> str:
        """Give the text of a cell."""
        if value is None or value is pd.NaT or value is pd.NA:
            return self.missing
        if self.kind == "date":
            return day(value)
        if self.kind == "text":
            return str(value)
        return (
            self.missing
            if math.isnan(value)
            else f"{_not_minus_zero(round(value * self.scale, self.places)):,.{self.places}f}"
        )


def _not_minus_zero(value: float) -> float:
    """Take the sign from a zero: minus 0.00 would be read as a loss."""
    return value + 0.0 if value else 0.0


@dataclass(frozen=True)
class Table:
    """Rows under a caption; the first column names the row.

    Parameters
    ----------
    caption : str
    columns : tuple of Column
    rows : tuple of tuple
        Raw values: text, numbers, dates, or None for what is not defined.
    can_filter : bool
        Whether a long one gets a field to search in it.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    can_filter: bool = True

    def cells(self) -> list[list[str]]:
        """Give the texts of all cells."""
        return [[column.write(value) for column, value in zip(self.columns, row, strict=True)] for row in self.rows]


@dataclass(frozen=True, eq=False)
class Series:
    """One line of a chart.

    Parameters
    ----------
    name : str
    values : float64 (n,)
        nan where there is nothing to draw.
    """

    name: str
    values: Floats


@dataclass(frozen=True, eq=False)
class Marks:
    """Points on a chart, such as purchases.

    Parameters
    ----------
    name : str
    shape : {"up", "down"}
        A triangle with its tip up or down.
    at : int64 (m,)
        Places in the dates of the chart.
    values : float64 (m,)
    """

    name: str
    shape: Literal["up", "down"]
    at: NDArray[np.int64]
    values: Floats


@dataclass(frozen=True, eq=False)
class Chart:
    """Lines over time.

    Parameters
    ----------
    title : str
    sentence : str
        What it shows, computed from its numbers.
    dates : DatetimeIndex (n,)
    series : tuple of Series
    unit : str
        Of the values: currency, percent, ratio.
    places : int
        Decimal places of the values.
    is_log : bool
        Whether equal steps are equal ratios; all values must be above 0 then.
    marks : tuple of Marks
    """

    title: str
    sentence: str
    dates: pd.DatetimeIndex
    series: tuple[Series, ...]
    unit: str
    places: int = 2
    is_log: bool = False
    marks: tuple[Marks, ...] = ()


@dataclass(frozen=True, eq=False)
class Bars:
    """One bar for each name.

    Parameters
    ----------
    title, sentence : str
    what : str
        What the names are, such as symbol.
    names : tuple of str
    values : float64 (n,)
    unit : str
    places : int
        Decimal places of the values.
    """

    title: str
    sentence: str
    what: str
    names: tuple[str, ...]
    values: Floats
    unit: str
    places: int = 2


@dataclass(frozen=True, eq=False)
class Heatmap:
    """A grid of settings for some symbols, stops and metrics, of which one slice is seen at a time.

    Parameters
    ----------
    title, sentence : str
        The sentence is about the slice that is shown first.
    fast, slow : tuple of int
        Windows of rows and columns.
    symbols, stops, metrics : tuple of str
        What can be chosen; stops in words, metrics by their names in the contract.
    values : float64 (symbols, stops, metrics, fast, slow)
        nan where there is no such cell, or the metric is not defined.
    plateau : bool (symbols, stops, fast, slow)
        By the metric that is shown first.
    picks : int64 (symbols, 3)
        Place of each symbol's best cell: stop, fast, slow; -1 where there is none.
    shown : (int, int, int)
        Symbol, stop and metric that are shown first.
    """

    title: str
    sentence: str
    fast: tuple[int, ...]
    slow: tuple[int, ...]
    symbols: tuple[str, ...]
    stops: tuple[str, ...]
    metrics: tuple[str, ...]
    values: Floats
    plateau: NDArray[np.bool_]
    picks: NDArray[np.int64]
    shown: tuple[int, int, int]


@dataclass(frozen=True)
class Section:
    """A part of a report under a heading.

    Parameters
    ----------
    title : str
    sentences : tuple of str
        One fact each.
    charts : tuple of Chart, Bars or Heatmap
    tables : tuple of Table
    """

    title: str
    sentences: tuple[str, ...] = ()
    charts: tuple[Chart | Bars | Heatmap, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Report:
    """All that is said about one result.

    Parameters
    ----------
    title : str
    sections : tuple of Section
        The verdict first.
    heard : (Curve, DataFrame) or None
        What can be made a sound: the equity that is shown, and its trades.
    is_private : bool
        Whether its files are for their owner only.
    """

    title: str
    sections: tuple[Section, ...]
    heard: tuple[Curve, pd.DataFrame] | None = None
    is_private: bool = False


_PERCENT = {"total_return", "cagr", "max_drawdown", "win_rate", "exposure"}
_WHOLE = {"trades", "skipped"}


def metric_figure(name: str, *, short: bool = False) -> Column:
    """Give the column of a metric; ``short`` has fewer places, for a cell of a heatmap."""
    said = METRIC_NAMES[name]
    if name in _PERCENT:
        sign = -1.0 if name == "max_drawdown" else 1.0  # as it is said: a drawdown of 12 percent
        return Column(f"{said}, percent", "number", 1 if short else 2, 100.0 * sign)
    if name in _WHOLE:
        return Column(said, "number", 0)
    if name in ("final_capital", "profit_per_trade"):
        return Column(f"{said}, currency", "number", 0 if short else 2)
    return Column(said, "number", 2 if short else 3)


assert set(METRIC_NAMES) == set(METRICS)  # noqa: S101  a metric without a name would have no column


def chart_numbers(chart: Chart | Bars) -> Table:
    """Give the numbers of a chart as a table; of a long one those of the last day of each month, quarter or year."""
    if isinstance(chart, Bars):
        rows: tuple[tuple[Any, ...], ...] = tuple(zip(chart.names, chart.values.tolist(), strict=True))
        return Table(
            f"{chart.title}: numbers",
            (Column(chart.what), Column(chart.unit, "number", chart.places)),
            rows,
            can_filter=False,
        )
    name, places = _sampled(chart.dates)
    columns = (
        Column("date", "date"),
        *(Column(f"{one.name}, {chart.unit}", "number", chart.places) for one in chart.series),
    )
    rows = tuple((chart.dates[i], *(float(one.values[i]) for one in chart.series)) for i in places)
    return Table(f"{chart.title}: numbers at the end of each {name}", columns, rows, can_filter=False)


def _sampled(dates: pd.DatetimeIndex) -> tuple[str, list[int]]:
    """Pick the last bars of days, months, quarters or years; the finest that are few enough."""
    if len(dates) <= _MOST_ROWS:
        return "bar", list(range(len(dates)))
    plain = dates.tz_localize(None)
    for period, name in _PERIODS:
        periods = plain.to_period(period)
        last = np.flatnonzero(np.append(periods[1:] != periods[:-1], True))
        if len(last) <= _MOST_ROWS:
            return name, [int(place) for place in last]
    return "decade or so", [int(place) for place in np.linspace(0, len(dates) - 1, _MOST_ROWS)]
