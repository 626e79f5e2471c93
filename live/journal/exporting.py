"""The journal for other programs: events, executions or trades as rows, in CSV or JSON.

Account numbers are masked, so the hashes cannot be checked on an export. What came over the wire is text in a spreadsheet, never a formula.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.errors import InputError
from live.journal.chain import Event
from live.journal.state import state_of
from live.journal.trades import Trade
from live.plain import masked, plain

__all__ = ["FORMATS", "TABLES", "exported"]

FORMATS = ("csv", "json")
_FORMULA = ("=", "+", "-", "@")
"""With what a spreadsheet begins a formula."""
_EVENT = ("number", "time", "kind", "symbol", "reference", "data", "hash")
_EXECUTION = (
    *("time", "symbol", "side", "quantity", "price", "commission", "commission_currency", "commission_known"),
    *("reference", "execution_id", "permanent_id", "con_id"),
)
_TRADE = (
    *("symbol", "status", "quantity", "entry_time", "entry_price", "exit_time", "exit_price", "gross", "commission"),
    *("commission_known", "profit", "entry_order", "exit_order", "con_id"),
)

Row = Mapping[str, Any]


def _events(events: Sequence[Event]) -> list[Row]:
    return [vars(event) for event in events]


def _executions(events: Sequence[Event]) -> list[Row]:
    """Give the newest version of each execution."""
    found = state_of(events).executions.values()
    return [{"symbol": "", **one, "commission_known": one["commission"] is not None} for one in found]


def _trades(events: Sequence[Event]) -> list[Row]:
    return [_trade(one) for one in state_of(events).trades]


def _trade(one: Trade) -> Row:
    status = "closed" if one.is_closed else "open" if one.exit_time is None else "purchase not in the journal"
    moments = {name: moment and moment.isoformat() for name, moment in _moments(one).items()}
    return {**vars(one), **moments, "status": status, "commission_known": one.commission is not None}


def _moments(one: Trade) -> dict[str, Any]:
    return {"entry_time": one.entry_time, "exit_time": one.exit_time}


TABLES: Mapping[str, tuple[tuple[str, ...], Callable[[Sequence[Event]], list[Row]]]] = {
    "events": (_EVENT, _events),
    "executions": (_EXECUTION, _executions),
    "trades": (_TRADE, _trades),
}
"""What can be exported: columns, and how the rows are found."""


def exported(events: Sequence[Event], what: str, output_format: str, account: str = "") -> str:
    """Give a table as text.

    Parameters
    ----------
    events : sequence of Event
    what : {"events", "executions", "trades"}
    output_format : {"csv", "json"}
        Moments in UTC, prices and money in rupees; what is not known is an empty field or null, never 0.
    account : str
        Masked, besides whatever looks like one.

    Raises
    ------
    InputError
        There is no such table or format.
    """
    if what not in TABLES:
        raise InputError(f"--what {what}: it must be one of: {', '.join(TABLES)}")
    if output_format not in FORMATS:
        raise InputError(f"--format {output_format}: it must be one of: {', '.join(FORMATS)}")
    columns, rows_of = TABLES[what]
    rows = [{name: masked(row.get(name), account) for name in columns} for row in rows_of(events)]
    if output_format == "json":
        return json.dumps(rows, indent=1) + "\n"
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[name]) for name in columns] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Give a field of CSV: what is text stays text in every spreadsheet, and on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        value = json.dumps(value, sort_keys=True)
    if not isinstance(value, str):
        return value
    value = plain(value)
    return f"'{value}" if value.lstrip().startswith(_FORMULA) else value
