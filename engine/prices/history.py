"""Prices in memory: one dense series of bars for each symbol."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.errors import DataError, InputError
from engine.prices.selecting import Bounds
from engine.validation.columns import FIELDS
from engine.validation.dates import in_nanoseconds, zone_name
from engine.validation.findings import EVERY_SYMBOL, Finding, Report
from engine.validation.gate import CleanTable, admit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import date

__all__ = ["F8", "History", "Prices", "build"]

F8 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class History:
    """The bars of one symbol.

    The arrays are made C-contiguous and read-only; one that can be written to is copied first.

    Parameters
    ----------
    symbol : str
        The name of the instrument.
    dates : pandas.DatetimeIndex
        Shape (T,), strictly increasing, time zone kept, held in nanoseconds.
    open, high, low, close : float64 array (T,)
        Prices in ``currency``.
    volume : float64 array (T,)
        Units traded; nan where unknown.
    currency : str or None
        What the prices are in, None where unknown.

    Raises
    ------
    DataError
        If the lengths differ or the dates do not strictly increase.
    """

    symbol: str
    dates: pd.DatetimeIndex
    open: F8
    high: F8
    low: F8
    close: F8
    volume: F8
    currency: str | None = None

    def __post_init__(self) -> None:
        dates = in_nanoseconds(pd.DatetimeIndex(self.dates)).rename("date")
        if not (dates.is_monotonic_increasing and dates.is_unique) or dates.hasnans:
            raise DataError(f"{self.symbol}: the dates do not strictly increase", symbol=self.symbol, field="date")
        object.__setattr__(self, "dates", dates)
        for name in FIELDS:
            array = np.ascontiguousarray(getattr(self, name), dtype=np.float64)
            if array.shape != (len(dates),):
                wrong = f"{self.symbol}: {name} has shape {array.shape}, but there are {len(dates)} dates"
                raise DataError(wrong, symbol=self.symbol, field=name)
            if array.flags.writeable:
                array = array.copy()
                array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.dates)

    def __repr__(self) -> str:
        return f"<History: {self.symbol}, {len(self):,} bars{_span([self])}>"

    def to_frame(self) -> pd.DataFrame:
        """Return the bars as a table: index ``date``, columns open, high, low, close, volume."""
        return pd.DataFrame({name: getattr(self, name) for name in FIELDS}, index=self.dates)

    def between(self, start: int, stop: int) -> History:
        """Return the bars at positions [start, stop), sharing memory."""
        part = slice(start, stop)
        arrays = (getattr(self, name)[part] for name in FIELDS)
        return History(self.symbol, self.dates[part], *arrays, self.currency)


@dataclass(frozen=True, eq=False)
class Prices:
    """The histories of some symbols, with the report of how they were read.

    Parameters
    ----------
    histories : Mapping of str to History
        In the order read.
    report : Report
        What validation found and what was repaired.
    """

    histories: Mapping[str, History]
    report: Report

    @classmethod
    def from_frames(
        cls, frames: Mapping[str, pd.DataFrame], *, repair: Collection[str] = (), currency: str | None = None
    ) -> Prices:
        """Validate frames and keep the symbols that have no error.

        Parameters
        ----------
        frames : Mapping of str to pandas.DataFrame
            By symbol; columns open, high, low, close, volume in any case, dates in the index or a date column.
        repair : collection of str
            Names of repairs to carry out, see ``engine.validation.REPAIRS``.
        currency : str or None
            The currency of the symbols that do not name one themselves.

        Raises
        ------
        DataError
            If no symbol is usable.
        InputError
            For an unknown repair, or a currency that a symbol contradicts.
        """
        return build(*admit(frames, repair), currency)

    @classmethod
    def from_histories(cls, histories: Iterable[History]) -> Prices:
        """Take histories as they are, without validation; the report has no findings."""
        taken: dict[str, History] = {}
        for history in histories:
            if history.symbol in taken:
                raise InputError(f"{history.symbol} is given twice: give each symbol one history")
            taken[history.symbol] = history
        return cls(taken, Report(bars={symbol: len(history) for symbol, history in taken.items()}))

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols, in the order read."""
        return tuple(self.histories)

    def __len__(self) -> int:
        return len(self.histories)

    def __iter__(self) -> Iterator[str]:
        return iter(self.histories)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self.histories

    def __getitem__(self, symbol: str) -> History:
        try:
            return self.histories[symbol]
        except KeyError:
            raise DataError(self._unknown(symbol), symbol=str(symbol)) from None

    def __repr__(self) -> str:
        histories = list(self.histories.values())
        bars = sum(map(len, histories))
        return f"<Prices: {len(self):,} symbol{'s' * (len(self) != 1)}, {bars:,} bars{_span(histories)}>"

    def to_frames(self) -> dict[str, pd.DataFrame]:
        """Return a frame for each symbol; a known currency is a column, so that ``from_frames`` gives the same prices."""
        frames = {symbol: history.to_frame() for symbol, history in self.histories.items()}
        for symbol, frame in frames.items():
            if self.histories[symbol].currency is not None:
                frame["currency"] = self.histories[symbol].currency
        return frames

    def select(
        self,
        symbols: Iterable[str] | None = None,
        start: str | date | None = None,
        end: str | date | None = None,
    ) -> Prices:
        """Return some symbols and dates.

        Parameters
        ----------
        symbols : iterable of str, or None
            In the order wanted; None for all.
        start, end : str, date, datetime, pandas.Timestamp or None
            Both inclusive. A date without a time means the whole day; a bound without a zone is taken in the zone of the series.

        Returns
        -------
        Prices
            A symbol without a bar in the range is dropped and listed in ``report.left_out``.

        Raises
        ------
        DataError
            For an unknown symbol, or if no symbol has a bar in the range.
        InputError
            If a bound is no date, has a zone while the series has none, or start is after end.
        """
        names = self.symbols if symbols is None else dict.fromkeys([symbols] if isinstance(symbols, str) else symbols)
        bounds = Bounds.of(start, end)
        kept: dict[str, History] = {}
        left_out = dict(self.report.left_out)
        for symbol in names:
            history = self[symbol]
            first, stop = bounds.positions(symbol, history.dates)
            if stop > first:
                kept[symbol] = history.between(first, stop)
            else:
                left_out[symbol] = f"{symbol} has no bar {bounds}; its bars are{_span([history])[1:]}"
        if not kept:
            raise DataError(f"no bar is left {bounds}: these are {self!r}")
        return Prices(kept, _narrowed(self.report, kept, left_out))

    @cached_property
    def digest(self) -> str:
        """SHA-256, as hex, of symbols, dates, time zones, prices, volumes and currencies, whatever way they were loaded."""
        digest = sha256()
        for symbol in sorted(self.histories):
            history = self.histories[symbol]
            zone = zone_name(history.dates.tz)
            head = repr((symbol, zone, history.currency, len(history)))
            digest.update(head.encode("utf-8", "surrogatepass"))
            digest.update(history.dates.asi8.astype("<i8").tobytes())
            for name in FIELDS:
                array = getattr(history, name) + 0.0  # -0.0 counts as 0.0, and every nan as the same nan
                digest.update(np.where(np.isnan(array), np.nan, array).astype("<f8").tobytes())
        return digest.hexdigest()

    def _unknown(self, symbol: object) -> str:
        known = {name.casefold(): name for name in self.histories}
        near = difflib.get_close_matches(str(symbol).casefold(), known, n=3)
        hint = f"did you mean {' or '.join(known[name] for name in near)}?" if near else f"there are {_listed(known)}"
        return f"there are no prices for {symbol!s}; {hint}"


def build(clean: Mapping[str, CleanTable], report: Report, currency: str | None = None) -> Prices:
    """Make Prices of what the gate let through.

    Raises
    ------
    DataError
        If that is nothing.
    """
    if not clean:
        raise _nothing_usable(report)
    histories = {}
    for symbol, table in clean.items():
        if currency is not None and table.currency not in {None, currency}:
            wrong = (
                f"{symbol}: its prices say that they are in {table.currency}, not in {currency}: leave the currency out"
            )
            raise InputError(wrong)
        arrays = (table.columns[name] for name in FIELDS)
        histories[symbol] = History(symbol, table.dates, *arrays, table.currency or currency)
    return Prices(histories, report)


def _nothing_usable(report: Report) -> DataError:
    if not report.left_out:
        return DataError("there are no prices: no symbol was given")
    symbol, reason = next(iter(report.left_out.items()))
    errors: list[Finding] = [finding for finding in report.errors if finding.symbol == symbol]
    first = errors[0] if errors else None
    count = len(report.left_out)
    message = reason if count == 1 else f"none of {count} symbols can be used, the first because: {reason}"
    return DataError(message, symbol=symbol, date=first.date if first else None, field=first.field if first else None)


def _narrowed(report: Report, kept: Mapping[str, History], left_out: Mapping[str, str]) -> Report:
    findings = tuple(finding for finding in report.findings if finding.symbol in {EVERY_SYMBOL, *kept, *left_out})
    return Report(findings, {symbol: len(history) for symbol, history in kept.items()}, report.repairs, left_out)


def _span(histories: list[History]) -> str:
    ends = [end for history in histories if len(history) for end in (history.dates[0], history.dates[-1])]
    days = sorted(str(end.date()) for end in ends)
    return f", {days[0]} to {days[-1]}" if days else ""


def _listed(known: Mapping[str, Any]) -> str:
    names = list(known.values())
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") if names else "none at all"
