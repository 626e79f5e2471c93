"""Repairs: each is done only when it is named, always in the order of this table, and is reported with its dates."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

import numpy as np

from engine.errors import InputError
from engine.validation.bars import flat_mask, round_to_ticks
from engine.validation.columns import PRICES
from engine.validation.dates import day
from engine.validation.jumps import scaled
from engine.validation.order import repeats
from engine.validation.scan import Mask, Scan
from engine.validation.table import Table

__all__ = ["REPAIRS", "check_names", "mend"]

_MOST_DATES = 12

Repair = Callable[[Table], tuple[Table, str]]
"""Takes a table, returns the new one and what was done ("" for nothing)."""


def _dates(table: Table, positions: Iterable[int]) -> str:
    names = [day(table.dates[position]) for position in positions]
    if len(names) > _MOST_DATES:
        return f"{', '.join(names[:_MOST_DATES])} and {len(names) - _MOST_DATES} more to {names[-1]}"
    return ", ".join(names)


def _bars(count: int, what: str = "bar") -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"


def _drop(table: Table, mask: Mask, what: str) -> tuple[Table, str]:
    if not mask.any():
        return table, ""
    hits = np.flatnonzero(mask)
    return table.take(~mask), f"dropped {_bars(len(hits), what)} ({_dates(table, hits)})"


def _keep_last(table: Table) -> tuple[Table, str]:
    _, conflicting = repeats(table)
    later = table.dates.duplicated(keep="last")
    return _drop(table, conflicting & later, "earlier row")


def _drop_duplicates(table: Table) -> tuple[Table, str]:
    identical, _ = repeats(table)
    return _drop(table, identical, "repeated row")


def _sort_dates(table: Table) -> tuple[Table, str]:
    stamps = table.dates.asi8
    missing = np.asarray(table.dates.isna())
    order = np.lexsort((stamps, missing))  # stable; rows without a date come last
    known = stamps[~missing]
    if not (np.diff(known) < 0).any():
        return table, ""
    moved = table.take(order)
    last = int((~missing).sum()) - 1
    return moved, f"sorted {_bars(len(table), 'row')} by date ({_dates(moved, [0])} to {_dates(moved, [last])})"


def _drop_bad_bars(table: Table) -> tuple[Table, str]:
    return _drop(table, Scan(table).bad_bars, "bad bar")


def _drop_blank_first(table: Table) -> tuple[Table, str]:
    return _drop(table, Scan(table).leading, "blank bar")


def _drop_blank_last(table: Table) -> tuple[Table, str]:
    return _drop(table, Scan(table).trailing, "blank bar")


def _rescale(table: Table) -> tuple[Table, str]:
    sound = Scan(table).sound
    columns = {name: column.copy() for name, column in table.columns.items()}
    done = []
    for stretch in scaled(sound):
        rows = sound.rows[stretch.start : stretch.stop]
        where = np.isin(table.rows, rows)
        factor = 10.0 ** abs(stretch.power)
        for name in PRICES:
            columns[name][where] = columns[name][where] * factor if stretch.power < 0 else columns[name][where] / factor
        verb = "multiplied" if stretch.power < 0 else "divided"
        dates = ", ".join(day(date) for date in sound.dates[stretch.start : stretch.stop])
        done.append(f"{verb} {_bars(len(rows))} by {factor:g} ({dates})")
    return (replace(table, columns=columns), "; ".join(done)) if done else (table, "")


def _drop_flat(table: Table) -> tuple[Table, str]:
    return _drop(table, flat_mask(Scan(table).prices, table.columns["volume"]), "flat bar")


def _round_ticks(table: Table) -> tuple[Table, str]:
    rounded = {name: round_to_ticks(table.columns[name]) for name in PRICES}
    changed = np.zeros(len(table), dtype=bool)
    for name in PRICES:
        changed |= np.isfinite(rounded[name]) & (rounded[name] != table.columns[name])
    if not changed.any():
        return table, ""
    hits = np.flatnonzero(changed)
    return replace(table, columns={**table.columns, **rounded}), f"rounded {_bars(len(hits))} ({_dates(table, hits)})"


# keep-last comes before drop-duplicates, so that of rows A, B, A of one date the last in the file stays; bad bars go before
# blank ends, so that the ends are those of what is left; scales are mended before flat bars and ticks are judged.
_ORDER: tuple[tuple[str, str, Repair], ...] = (
    ("keep-last", "keep the last row of a date that has rows with different values", _keep_last),
    ("drop-duplicates", "drop rows that repeat an earlier row exactly", _drop_duplicates),
    ("sort-dates", "sort the rows by date", _sort_dates),
    ("drop-bad-bars", "drop bars inside the history that are blank, text, impossible or inconsistent", _drop_bad_bars),
    ("drop-blank-first", "drop blank bars at the start of the history", _drop_blank_first),
    ("drop-blank-last", "drop blank bars at the end of the history", _drop_blank_last),
    ("rescale", "bring short stretches at 0.01, 0.1, 10 or 100 times their neighbours back to scale", _rescale),
    ("drop-flat", "drop bars with no volume and one price only", _drop_flat),
    ("round-ticks", "round prices to whole hundredths", _round_ticks),
)

REPAIRS: Mapping[str, str] = {name: description for name, description, _ in _ORDER}
"""The repairs by name, each with a description of one line, in the order in which they are done."""


def check_names(names: Collection[str]) -> None:
    """Raise InputError for a repair that does not exist."""
    if isinstance(names, str):
        raise InputError(f"repair takes a list of names, not the text {names!r}: write [{names!r}]")
    for name in names:
        if name not in REPAIRS:
            raise InputError(f"there is no repair named {name!r}; known: {', '.join(REPAIRS)}")


def mend(table: Table, names: Collection[str]) -> tuple[Table, list[str]]:
    """Carry out the named repairs; return the table and one sentence for each that changed something."""
    done = []
    for name, _, repair in _ORDER:
        if name in names and len(table):
            table, what = repair(table)
            if what:
                done.append(f"{table.symbol}: {name} {what}")
    return table, done
