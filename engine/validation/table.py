"""The table that the rules look at: one symbol's rows, parsed but not yet judged."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.validation.columns import FIELDS, recognise
from engine.validation.dates import ParsedDates, parse_dates
from engine.validation.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.validation.zones import Zones

__all__ = ["F8", "Table", "refused", "tabulate"]

F8 = npt.NDArray[np.float64]
_LOCAL = "use --timezone, such as America/New_York, for the clock of the exchange"


@dataclass(frozen=True, eq=False)
class Table:
    """One symbol's rows in file order.

    Parameters
    ----------
    symbol : str
        Whose rows they are.
    rows : int array (T,)
        Row numbers of the source, from 1, the header not counted.
    dates : pandas.DatetimeIndex
        Shape (T,); NaT where a date is bad.
    columns : dict of str to float64 array (T,)
        open, high, low, close, volume; nan where a cell is blank or text.
    texts : dict of str to dict of int to str
        Column to row number to the text that is no number.
    bad_dates : dict of int to str
        Row number to the text that is no date.
    currencies : tuple of (str, int)
        The currencies named in the rows and, for each, the first row.
    """

    symbol: str
    rows: npt.NDArray[np.int64]
    dates: pd.DatetimeIndex
    columns: dict[str, F8]
    texts: dict[str, dict[int, str]] = field(default_factory=dict)
    bad_dates: dict[int, str] = field(default_factory=dict)
    currencies: tuple[tuple[str, int], ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: Any) -> Table:
        """Return the rows at these positions, or where this mask is true, in that order."""
        values = {name: column[which] for name, column in self.columns.items()}
        return replace(self, rows=self.rows[which], dates=self.dates[which], columns=values)


def refused(symbol: str, repair: str | None = None, otherwise: str = "correct the data") -> str:
    """Say that a symbol is left out, and what would change that."""
    return f"{symbol} is left out; " + (f"use --repair {repair}" if repair else otherwise)


def tabulate(symbol: str, frame: pd.DataFrame, zones: Zones | None = None) -> tuple[Table | None, list[Finding]]:
    """Parse a frame into a Table.

    Parameters
    ----------
    symbol : str
        The symbol of every row.
    frame : pandas.DataFrame
        Columns by name in any case; the dates in a column or in the index.
    zones : Zones or None
        In which time zone the stamps are wanted; None leaves them as they are.

    Returns
    -------
    Table or None
        None when a column is missing or there are no rows.
    list of Finding
        What is wrong with the columns as such.
    """
    places = recognise(frame.columns)
    dates = _date_source(frame, places)
    findings = list(_column_findings(symbol, frame, places, has_dates=dates is not None))
    if dates is None or any(finding.severity is Severity.ERROR for finding in findings):
        return None, findings
    if not len(frame):
        message = f"{symbol}: there are columns but no rows"
        return None, [*findings, Finding(symbol, None, None, "no-rows", Severity.ERROR, message, refused(symbol), 0)]
    parsed = parse_dates(dates)
    if zones is not None:
        parsed = zones.apply(parsed)
    findings += _zone_findings(symbol, parsed)
    values, texts = {}, {}
    for name in FIELDS:
        if name in places:
            values[name], texts[name] = _numbers(frame.iloc[:, places[name][0]])
        else:
            values[name] = np.full(len(frame), np.nan)
    rows = np.arange(1, len(frame) + 1)
    bad = {position + 1: text for position, text in parsed.bad.items()}
    return Table(symbol, rows, parsed.dates, values, texts, bad, _currencies(frame, places)), findings


def _date_source(frame: pd.DataFrame, places: dict[str, list[int]]) -> Any:
    if "date" in places:
        return frame.iloc[:, places["date"][0]]
    index = frame.index
    if isinstance(index, pd.PeriodIndex):
        return index.to_timestamp()
    if isinstance(index, pd.DatetimeIndex) or "date" in recognise([index.name]):
        return index
    if isinstance(index, pd.RangeIndex | pd.MultiIndex) or not len(index):
        return None
    if pd.api.types.is_integer_dtype(index.dtype):  # YYYYMMDD, and not just row numbers
        return index if index.min() >= 1000_01_01 and index.max() <= 9999_12_31 else None
    return index if index.dtype == object or pd.api.types.is_string_dtype(index.dtype) else None


def _column_findings(
    symbol: str, frame: pd.DataFrame, places: dict[str, list[int]], *, has_dates: bool
) -> Iterator[Finding]:
    seen = ", ".join(str(label) for label in list(frame.columns)[:12]) or "none"
    for name in ("date", *FIELDS):
        found = places.get(name, [])
        severity = Severity.WARNING if name == "volume" else Severity.ERROR
        if len(found) > 1:
            labels = " and ".join(ascii(str(frame.columns[position])) for position in found)
            action = "the first is used" if name == "volume" else refused(symbol, otherwise="keep one of them")
            message = f"{symbol}: the columns {labels} are both the {name}"
            yield Finding(symbol, None, name, "ambiguous-column", severity, message, action, len(frame))
        elif not (found or (name == "date" and has_dates)):
            action = "kept, with an unknown volume" if name == "volume" else refused(symbol)
            message = f"{symbol}: there is no column named {name} (columns: {seen})"
            yield Finding(symbol, None, name, "missing-column", severity, message, action, len(frame))


def _zone_findings(symbol: str, parsed: ParsedDates) -> Iterator[Finding]:
    count = len(parsed.dates)
    if parsed.mixed:
        message = f"{symbol}: some dates have a time zone and others have none"
        action = refused(symbol, otherwise="write all dates with a zone offset, or all without")
        yield Finding(symbol, None, "date", "mixed-time-zones", Severity.ERROR, message, action, count)
    elif parsed.offsets:
        message = (
            f"{symbol}: the dates have several zone offsets ({', '.join(parsed.offsets)}), as with daylight saving"
        )
        yield Finding(
            symbol, None, "date", "several-offsets", Severity.WARNING, message, f"converted to UTC; {_LOCAL}", count
        )


def _numbers(column: pd.Series[Any]) -> tuple[F8, dict[int, str]]:
    if pd.api.types.is_any_real_numeric_dtype(column.dtype):  # neither bool nor complex
        return np.ascontiguousarray(column.to_numpy(dtype=np.float64, na_value=np.nan)), {}
    numbers = np.full(len(column), np.nan)
    texts: dict[int, str] = {}
    for position, cell in enumerate(column.array):
        try:
            numbers[position] = _number(cell)
        except (TypeError, ValueError):
            texts[position + 1] = str(cell)
    return numbers, texts


def _number(cell: Any) -> float:
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return float("nan")
    if isinstance(cell, str):
        text = cell.strip()
        if "_" in text or not text.isascii():  # Python would read 1_000 as a number
            raise ValueError
        return float(text) if text else float("nan")
    if isinstance(cell, bool | np.bool_ | complex):
        raise TypeError
    return float(cell)


def _currencies(frame: pd.DataFrame, places: dict[str, list[int]]) -> tuple[tuple[str, int], ...]:
    if "currency" not in places:
        return ()
    first: dict[str, int] = {}
    for row, cell in enumerate(frame.iloc[:, places["currency"][0]].array, start=1):
        name = "" if cell is None or cell is pd.NA or cell != cell else str(cell).strip()  # noqa: PLR0124 (nan)
        if name:
            first.setdefault(name, row)
    return tuple(first.items())
