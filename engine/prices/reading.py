"""Reading price files: CSV and Parquet, one file a symbol or many symbols in a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from engine.errors import DataError
from engine.prices.actions import actions_of
from engine.prices.files import EmptyFileError, read_file
from engine.prices.history import Prices, build
from engine.validation.columns import PRICES, recognise
from engine.validation.findings import Finding, Severity
from engine.validation.gate import admit
from engine.validation.zones import Zones

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from os import PathLike

    from engine.validation.actions import Action

__all__ = ["Found", "load", "price_files", "read", "scan", "stem"]

_SUFFIXES = (".csv", ".csv.gz", ".parquet", ".arrow", ".feather")


@dataclass(frozen=True, eq=False)
class Found:
    """What a file or folder holds.

    Parameters
    ----------
    frames : dict of str to pandas.DataFrame
        Raw frames by symbol.
    failures : list of Finding
        What could not be read.
    """

    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    failures: list[Finding] = field(default_factory=list)


def load(
    path: str | PathLike[str],
    *,
    repair: Collection[str] = (),
    currency: str | None = None,
    actions: str | PathLike[str] | Iterable[Action] | None = None,
    lazy: bool = False,
    timezone: str | None = None,
) -> Prices:
    """Read prices, validate them, and keep the symbols that have no error.

    Parameters
    ----------
    path : path
        A .csv, .csv.gz, .parquet, .arrow or .feather file, or a folder of them (its subfolders are not read). Without a symbol column the name of
        a file is its symbol.
    repair : collection of str
        Names of repairs to carry out, see ``engine.validation.REPAIRS``; none is done without being named.
    currency : str or None
        The currency of the symbols that do not name one themselves.
    actions : path, iterable of Action, or None
        Splits and bonuses, or a file of them (see ``read_actions``). Those whose step the prices show are applied, after the repairs; what became of each is
        in ``report.adjustments``.
    lazy : bool
        Leave the prices in their files, one a symbol: all are looked through once, and a symbol is read again when it is asked for, so that a folder may be
        larger than memory.
    timezone : str or None
        The exchange's, such as "Asia/Kolkata": stamps with a zone are shown on its clock, which decides where a session ends. Stamps without one are taken to be local, and
        stay as they are; "UTC:Asia/Kolkata" says that they are in UTC.

    Returns
    -------
    Prices
        With the report; symbols with errors and files that cannot be read are in ``report.left_out``.

    Raises
    ------
    DataError
        If the path does not exist, holds no price file, or no symbol is usable; if the table of actions cannot be read.
    InputError
        For an unknown repair, a currency that the file contradicts, a time zone that there is not, or an action that is there twice.
    """
    if lazy:
        from engine.prices.lazily import load_lazily  # noqa: PLC0415  it imports from here

        return load_lazily(path, repair=repair, currency=currency, actions=actions, timezone=timezone)
    wanted, zones = actions_of(actions), Zones.of(timezone)  # before the long work
    found = scan(path)
    return build(*admit(found.frames, repair, found.failures, wanted, zones), currency)


def read(path: str | PathLike[str]) -> dict[str, pd.DataFrame]:
    """Read raw frames by symbol, without validating them.

    Parameters
    ----------
    path : path
        As for ``load``.

    Returns
    -------
    dict of str to pandas.DataFrame
        The columns that are recognised, as they are in the file; dates and text are not parsed. Files that cannot be read are
        missing here; ``load`` and ``validate`` report them.

    Raises
    ------
    DataError
        If nothing can be read.
    """
    found = scan(path)
    if not found.frames:
        first = found.failures[0]
        raise DataError(first.message, symbol=first.symbol)
    return found.frames


def scan(path: str | PathLike[str]) -> Found:
    """Read a file or a folder, collecting what cannot be read instead of stopping there.

    Raises
    ------
    DataError
        If the path does not exist or holds no price file.
    """
    files = price_files(Path(path))
    found, origin = Found(), dict[str, str]()
    for file in files:
        try:
            frame = read_file(file)
            _check_columns(file, frame)
        except DataError as error:
            rule = "empty-file" if isinstance(error, EmptyFileError) else "unreadable-file"
            found.failures.append(_failure(stem(file), str(error), rule))
            continue
        for symbol, part in _by_symbol(file, frame):
            if not symbol:
                message = f"{file.name}: {len(part)} rows have no symbol"
                found.failures.append(_failure(f"{file.name} without symbol", message, "missing-symbol", len(part)))
            elif symbol in origin:
                message = f"{symbol}: both {origin[symbol]} and {file.name} have it"
                found.failures.append(_failure(symbol, message, "repeated-symbol", len(part)))
            else:
                found.frames[symbol], origin[symbol] = part, file.name
    if len(files) > 1 or Path(path).is_dir():
        return Found(dict(sorted(found.frames.items())), found.failures)
    return found


def price_files(path: Path) -> list[Path]:
    """Find the price files of a path; ``DataError`` if there is none."""
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if _is_price_file(file) and file.is_file())
        if not files:
            what = "is empty" if not any(path.iterdir()) else "has no price file"
            raise DataError(f"the folder {path} {what}: files end in {', '.join(_SUFFIXES)}")
        return files
    if not path.exists():
        raise DataError(f"there is no file or folder {path}: check the path")
    if not _is_price_file(path):
        raise DataError(f"{path} is not a price file: files end in {', '.join(_SUFFIXES)}")
    return [path]


def _is_price_file(file: Path) -> bool:
    return file.name.lower().endswith(_SUFFIXES) and not file.name.startswith((".", "~$"))


def stem(file: Path) -> str:
    """Give the name of a price file without its ending."""
    name = file.name
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def _check_columns(file: Path, frame: pd.DataFrame) -> None:
    if not any(name in recognise(frame.columns) for name in PRICES):
        seen = ", ".join(ascii(str(label)) for label in list(frame.columns)[:8]) or "none"
        split = next(
            (mark for mark in (";", "\t", "|") if len(frame.columns) == 1 and mark in str(frame.columns[0])), ""
        )
        hint = f"separate the columns by ',' and not by {split!r}" if split else "name the columns in the first line"
        raise DataError(f"{file}: no column is named open, high, low or close (columns: {seen}); {hint}")


def _by_symbol(file: Path, frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Give the frames of a file by symbol, in order of appearance."""
    places = recognise(frame.columns).get("symbol", [])
    if not places or not len(frame):
        yield stem(file), frame
        return
    cells = frame.iloc[:, places[0]].array
    names = pd.Series(["" if cell is None or pd.isna(cell) else str(cell).strip() for cell in cells], index=frame.index)
    codes, symbols = pd.factorize(names)
    keep = [position for position in range(frame.shape[1]) if position not in places]
    for code, symbol in enumerate(symbols):
        yield str(symbol), frame.loc[codes == code].iloc[:, keep]


def _failure(symbol: str, message: str, rule: str, rows: int = 0) -> Finding:
    text = " ".join(message.split())
    action = "correct it, or take it away"
    return Finding(symbol, None, None, rule, Severity.ERROR, text, f"{symbol} is left out; {action}", rows)
