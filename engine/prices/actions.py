"""Reading a table of splits and bonuses."""

from __future__ import annotations

import re
from os import PathLike
from typing import TYPE_CHECKING, Any

import pandas as pd

from engine.errors import DataError, InputError
from engine.prices.tables import read_table
from engine.validation.actions import Action
from engine.validation.dates import parse_dates

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["actions_of", "read_actions"]

_NAMES = {
    "symbol": ("symbol", "ticker"),
    "date": ("date", "ex_date", "ex-date", "ex date"),
    "coefficient": ("coefficient", "split_coefficient"),
    "bonus": ("bonus",),
    "split": ("split",),
}
_RATIOS = ("coefficient", "bonus", "split")
_NUMBER = r"(\d+(?:\.\d+)?)"
_BONUS = re.compile(rf"{_NUMBER} ?: ?{_NUMBER}", re.ASCII)
_SPLIT = re.compile(rf"{_NUMBER}[- ]for[- ]{_NUMBER}", re.ASCII)
_FORM = {
    "coefficient": "a number such as 2 or 0.1",
    "bonus": "new shares for shares held, such as 1:1",
    "split": "shares after for shares before, such as 3-for-2",
}


def actions_of(source: str | PathLike[str] | Iterable[Action] | None) -> tuple[Action, ...]:
    """Take actions as they are, or read them from a file; None is none."""
    if source is None:
        return ()
    if isinstance(source, str | PathLike):
        return read_actions(source)
    actions = tuple(source)
    for action in actions:
        if not isinstance(action, Action):
            raise InputError(f"actions are a file or a list of engine.Action, not of {type(action).__name__}")
    return actions


def read_actions(path: str | PathLike[str]) -> tuple[Action, ...]:
    """Read splits and bonuses.

    Parameters
    ----------
    path : path
        A .csv or .parquet file with the columns symbol, date (the ex-date) and at least one of: coefficient (shares after for each share before),
        bonus (new shares for shares held, 1:1) and split (shares after for shares before, 3-for-2). A row has one of these; other columns are ignored.

    Returns
    -------
    tuple of Action
        In the order of the rows.

    Raises
    ------
    DataError
        The file cannot be read, a column is missing, or a row is not as it should be; the message names the first such row.
    """
    cells = read_table(path, _NAMES, ("symbol", "date"), "actions")
    kinds = [kind for kind in _RATIOS if kind in cells]
    if not kinds:
        raise DataError(
            f"{path}: no column is named coefficient, bonus or split; see docs/data.md", field="coefficient"
        )
    dates = parse_dates(pd.Series(cells["date"], dtype=object))
    actions = []
    for row, symbol in enumerate(cells["symbol"]):
        where = f"{path} row {row + 1}"
        if not symbol:
            raise DataError(f"{where}: there is no symbol", field="symbol")
        if row in dates.bad or dates.dates.tz is not None:
            text = cells["date"][row]
            raise DataError(
                f"{where}: {symbol} has the date {text!a}; write it as 2014-11-20", symbol=symbol, field="date"
            )
        given = [(kind, cells[kind][row]) for kind in kinds if cells[kind][row]]
        day = dates.dates[row].date()
        if len(given) != 1:
            wrong = f"{where}: {symbol} {day} has {len(given)} of {', '.join(kinds)}; give one"
            raise DataError(wrong, symbol=symbol, date=str(day), field=kinds[0])
        actions.append(_action(where, symbol, day, *given[0]))
    return tuple(actions)


def _action(where: str, symbol: str, day: Any, kind: str, text: str) -> Action:
    try:
        return Action(symbol, day, _coefficient(kind, text))
    except (ValueError, ZeroDivisionError) as error:
        reason = (
            error if isinstance(error, InputError) else f"{symbol} {day} has the {kind} {text!a}; it is {_FORM[kind]}"
        )
        raise DataError(f"{where}: {reason}", symbol=symbol, date=str(day), field=kind) from None


def _coefficient(kind: str, text: str) -> float:
    if kind == "coefficient":
        if "_" in text or not text.isascii():  # Python would read 1_0 as a number
            raise ValueError
        return float(text)
    match = (_BONUS if kind == "bonus" else _SPLIT).fullmatch(text)
    if match is None:
        raise ValueError
    new, old = float(match[1]), float(match[2])
    return (new + old) / old if kind == "bonus" else new / old
