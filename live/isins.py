"""Which share an ISIN is, and what it became: read from a table that is kept beside the configuration."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

from engine.errors import DataError, InputError
from engine.prices.tables import read_table
from live.schema import Instrument, is_isin, looks_like_isin

__all__ = ["IsinTable", "Lineage", "Row", "instrument_lines"]

_NAMES = {
    "symbol": ("symbol", "ticker"),
    "isin": ("isin", "isin code"),
    "from": ("from", "from_date", "since"),
    "seen_in": ("seen_in", "seen in"),
}
_DATE = re.compile(r"(?<![\d-])(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?(?![\d-])", re.ASCII)
_LATEST = (9999, 0, 0)

When = tuple[int, int, int]
"""Year, month and day, 0 where they are not known; ``latest`` is after all."""


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes
    ----------
    symbol, isin : str
    when : tuple of int
        The newest date that is named for it.
    words : str
        Where it was seen, or from when on it holds, as the table says it.
    """

    symbol: str
    isin: str
    when: When
    words: str


@dataclass(frozen=True)
class Lineage:
    """What the table knows of one ISIN or symbol.

    Attributes
    ----------
    asked : str
    rows : tuple of Row
        From what was asked for to what it is now; empty if the table does not have it.
    """

    asked: str
    rows: tuple[Row, ...]

    @property
    def is_current(self) -> bool:
        """Whether what was asked for is in the table and still holds."""
        return bool(self.rows) and self.asked in (self.rows[-1].isin, self.rows[-1].symbol)

    def __str__(self) -> str:
        if not self.rows:
            return f"{self.asked} is not in the table."
        first, *later = self.rows
        if not later:
            return f"{first.isin} is {first.symbol} ({first.words}); nothing newer is known."
        steps = []
        for before, after in zip(self.rows, later, strict=False):
            changed = [f"the ISIN became {after.isin}"] if after.isin != before.isin else []
            changed += [f"the symbol became {after.symbol}"] if after.symbol != before.symbol else []
            steps.append(f"{' and '.join(changed)} ({after.words})")
        return f"{first.isin} was {first.symbol} ({first.words}); {', then '.join(steps)}."


class IsinTable:
    """The ISINs of some symbols over the years.

    Parameters
    ----------
    rows : sequence of Row
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = tuple(rows)

    @classmethod
    def read(cls, path: str | PathLike[str]) -> IsinTable:
        """Read a CSV or Parquet file.

        Parameters
        ----------
        path : path
            Columns symbol, isin, and from (the date since when it holds) or seen_in (text with the years or months in which it was seen, as
            in "2020 list; 2025-06 list"; "latest" is after all of them). Other columns are ignored.

        Raises
        ------
        DataError
            The file cannot be read, an ISIN is none, a row has no date, or two ISINs of a symbol are equally new.
        """
        cells = read_table(path, _NAMES, ("symbol", "isin"), "ISINs")
        kind = next((name for name in ("from", "seen_in") if name in cells), None)
        if kind is None:
            raise DataError(f"{path}: no column is named from or seen_in, so it has no history", field="from")
        rows = []
        for row, (symbol, isin, words) in enumerate(
            zip(cells["symbol"], cells["isin"], cells[kind], strict=True), start=1
        ):
            where = f"{path} row {row}"
            if not symbol or not is_isin(isin):
                wrong = f"{isin!a} is no ISIN, or its check digit is wrong" if symbol else "there is no symbol"
                raise DataError(f"{where}: {wrong}", symbol=symbol or None, field="isin" if symbol else "symbol")
            when = _newest(words)
            if when is None:
                wrong = f"{where}: {symbol} has {words!a} as {kind}; it needs a year, as in 2025-06, or latest"
                raise DataError(wrong, symbol=symbol, field=kind)
            rows.append(Row(symbol, isin, when, f"since {words}" if kind == "from" else f"seen in {words}"))
        _require_order(path, rows)
        return cls(rows)

    def of(self, asked: str) -> Lineage:
        """Say what an ISIN or a symbol is, and what it became.

        Raises
        ------
        InputError
            It has the length of an ISIN, but its check digit is wrong.
        """
        if looks_like_isin(asked) and not is_isin(asked):
            raise InputError(f"{asked} is no ISIN, or its check digit is wrong; copy it again from the exchange's list")
        known = [row for row in self._rows if asked in (row.isin, row.symbol)]
        if not known:
            return Lineage(asked, ())
        chain = [_last(known)] if not is_isin(asked) else [min(known, key=lambda row: row.when)]
        while (after := self._after(chain[-1])) is not None:  # each is newer than the one before, so this ends
            chain.append(after)
        return Lineage(asked, tuple(chain))

    def _after(self, row: Row) -> Row | None:
        """Give the newest row that shares the symbol or the ISIN, if it is newer; what changes its ISIN comes first."""
        for kin in (
            [other for other in self._rows if other.symbol == row.symbol and other.isin != row.isin],
            [other for other in self._rows if other.isin == row.isin and other.symbol != row.symbol],
        ):
            newer = [other for other in kin if other.when > row.when]
            if newer:
                return _last(newer)
        return None


def instrument_lines(table: IsinTable, instruments: Sequence[Instrument]) -> list[str]:
    """Say what is wrong with the ISINs of a configuration; nothing where nothing is.

    Parameters
    ----------
    table : IsinTable
    instruments : sequence of Instrument

    Returns
    -------
    list of str
        A sentence for each share whose ISIN or symbol is old, is another's, or is not in the table.
    """
    lines = []
    for share in instruments:
        found = table.of(share.isin)
        if not found.rows:
            other = table.of(share.symbol)
            instead = f"; for {share.symbol} it has {other.rows[-1].isin}" if other.rows else ""
            lines.append(f"{share.symbol}: {share.isin} is not in the table of ISINs{instead}.")
        elif (found.rows[-1].isin, found.rows[-1].symbol) != (share.isin, share.symbol):
            lines.append(f"{share.symbol}: {found} Change it in the configuration.")
    return lines


def _newest(words: str) -> When | None:
    """Read the newest date that a text names."""
    if re.search(r"\blatest\b", words, re.IGNORECASE):
        return _LATEST
    found = [(int(year), int(month or 0), int(day or 0)) for year, month, day in _DATE.findall(words)]
    return max(found) if found else None


def _last(rows: Sequence[Row]) -> Row:
    return max(rows, key=lambda row: row.when)


def _require_order(path: str | PathLike[str], rows: Sequence[Row]) -> None:
    """Refuse a table that does not say which ISIN of a symbol, or which symbol of an ISIN, is the newest one."""
    seen: dict[tuple[str, str, When], Row] = {}
    for row in rows:
        for kind, name in (("symbol", row.symbol), ("isin", row.isin)):
            first = seen.setdefault((kind, name, row.when), row)
            if first is not row:
                names = f"{first.isin} and {row.isin}" if kind == "symbol" else f"{first.symbol} and {row.symbol}"
                what = f"{path}: {name} is {names}, both {row.words}"
                raise DataError(f"{what}; say which is the newer one", symbol=row.symbol, field="from")
