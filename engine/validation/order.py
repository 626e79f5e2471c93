"""Rules about dates: bad, repeated, out of order, with holes; and about the currency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from engine.validation.dates import day
from engine.validation.findings import Finding, Severity
from engine.validation.scan import Mask, Scan, bar_findings
from engine.validation.table import Table, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["bad_dates", "conflicting_dates", "gaps", "identical_rows", "mixed_currency", "out_of_order", "repeats"]

_LONG_GAP_DAYS = 7.0
_LONG_GAP_STEPS = 10.0
_NANOSECONDS_A_DAY = 86_400e9


def repeats(table: Table) -> tuple[Mask, Mask]:
    """Find the rows that share a date.

    Returns
    -------
    identical : bool array (T,)
        Rows that repeat an earlier row of the same date in every value.
    conflicting : bool array (T,)
        All rows of the dates that have rows with different values.
    """
    dated = ~np.asarray(table.dates.isna())
    stamps = pd.Series(table.dates.asi8)
    shared = stamps.duplicated(keep=False).to_numpy() & dated
    identical, conflicting = np.zeros(len(table), dtype=bool), np.zeros(len(table), dtype=bool)
    if not shared.any():
        return identical, conflicting
    where = np.flatnonzero(shared)
    rows = pd.DataFrame({"date": stamps[where], **{name: column[where] for name, column in table.columns.items()}})
    for name, texts in table.texts.items():  # two rows with different text are not the same row
        if texts:
            rows[f"{name} text"] = [texts.get(int(row), "") for row in table.rows[where]]
    identical[where] = rows.duplicated().to_numpy()
    distinct = rows[~identical[where]]
    conflicting[where] = rows["date"].isin(distinct.loc[distinct["date"].duplicated(), "date"]).to_numpy()
    return identical, conflicting


def bad_dates(scan: Scan) -> Iterator[Finding]:
    """Find rows whose date is missing or cannot be read."""
    table = scan.table

    def describe(position: int) -> tuple[str, str]:
        text = table.bad_dates.get(int(table.rows[position]), "")
        return "date", f"{text!a} is not a date" if text else "the date is missing"

    action = refused(table.symbol, otherwise="write dates as YYYY-MM-DD or YYYYMMDD")
    return bar_findings(table, scan.bad_date, "bad-date", Severity.ERROR, describe, action)


def identical_rows(scan: Scan) -> Iterator[Finding]:
    """Find rows that repeat an earlier row exactly."""
    identical, _ = repeats(scan.table)
    action = refused(scan.table.symbol, "drop-duplicates")
    return bar_findings(
        scan.table,
        identical,
        "duplicate-date",
        Severity.ERROR,
        lambda _: ("date", "the row repeats an earlier one exactly"),
        action,
    )


def conflicting_dates(scan: Scan) -> Iterator[Finding]:
    """Find dates that have several rows with different values; one finding a date."""
    table = scan.table
    _, conflicting = repeats(table)
    if not conflicting.any():
        return iter(())
    stamps = table.dates.asi8
    counts = pd.Series(stamps[conflicting]).value_counts()
    last = ~pd.Series(stamps).duplicated(keep="last").to_numpy() & conflicting

    def describe(position: int) -> tuple[str, str]:
        others = np.flatnonzero(stamps == stamps[position])
        closes = ", ".join(str(float(table.columns["close"][other])) for other in others[:4])
        return "date", f"{counts[stamps[position]]} rows have this date but different values (closes {closes})"

    action = _if_clock(scan) or refused(table.symbol, "keep-last")
    return bar_findings(table, last, "conflicting-date", Severity.ERROR, describe, action)


def out_of_order(scan: Scan) -> Iterator[Finding]:
    """Find rows that are earlier than the row before them; one finding a symbol."""
    table = scan.table
    where = np.flatnonzero(~scan.bad_date)
    steps = np.diff(table.dates.asi8[where])
    back = np.flatnonzero(steps < 0)
    if not len(back):
        return
    first = where[back[0] + 1]
    date, before = day(table.dates[first]), day(table.dates[where[back[0]]])
    if (steps < 0).all() and len(steps) > 1:
        wrong = f"the rows run from the newest ({before}) to the oldest"
    else:
        rows = "1 row is" if len(back) == 1 else f"{len(back)} rows are"
        wrong = f"{rows} earlier than the row before; first row {table.rows[first]}, which follows {before}"
    message = f"{table.symbol} {date}: {wrong}"
    action = _if_clock(scan) or refused(table.symbol, "sort-dates")
    yield Finding(table.symbol, date, "date", "out-of-order", Severity.ERROR, message, action, len(back))


def _if_clock(scan: Scan) -> str:
    """Say what to do if intraday stamps without a zone step back by an hour at most, as a clock does in autumn: no repair would be right. Else nothing."""
    table = scan.table
    steps = np.diff(table.dates.asi8[~scan.bad_date])
    back = steps[steps < 0]
    hour = 3600 * 10**9
    if table.dates.tz is not None or scan.sessions.length is None or not len(back) or back.min() < -hour:
        return ""
    here = "--timezone America/New_York:America/New_York"
    return refused(table.symbol, otherwise=f"a clock may have gone back; if so, say whose it is, such as {here}")


def gaps(scan: Scan) -> Iterator[Finding]:
    """Find holes of more than 7 days and more than 10 times the usual step."""
    dates = scan.table.dates[scan.ordered]
    steps = np.diff(dates.asi8) / _NANOSECONDS_A_DAY
    if not len(steps):
        return
    limit = max(_LONG_GAP_DAYS, _LONG_GAP_STEPS * float(np.median(steps)))
    symbol = scan.table.symbol
    for position in map(int, np.flatnonzero(steps > limit)):
        before, after = day(dates[position]), day(dates[position + 1])
        message = f"{symbol} {after}: no bar for {steps[position]:.0f} days, from {before} to {after}"
        action = "kept; averages run over the hole as if it were one step"
        yield Finding(symbol, after, "date", "gap", Severity.WARNING, message, action)


def mixed_currency(scan: Scan) -> Iterator[Finding]:
    """Find a second currency within one symbol."""
    table = scan.table
    if len(table.currencies) > 1:
        row = table.currencies[1][1]
        where = np.flatnonzero(table.rows == row)
        date = day(table.dates[where[0]]) if len(where) and not scan.bad_date[where[0]] else None
        names = ", ".join(f"{name!a} from row {first}" for name, first in table.currencies)
        message = f"{table.symbol} {date or f'row {row}'}: the prices are in several currencies ({names})"
        action = refused(table.symbol, otherwise="give each currency a symbol of its own")
        yield Finding(table.symbol, date, "currency", "mixed-currency", Severity.ERROR, message, action)
