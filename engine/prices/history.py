"""Prices in memory: one dense series of bars for each symbol."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import DataError, InputError
from engine.notebook import ROWS, html_section
from engine.prices.actions import actions_of
from engine.prices.digest import digest_of
from engine.prices.selecting import Bounds
from engine.prices.series import F8, History, span
from engine.validation.columns import FIELDS
from engine.validation.findings import EVERY_SYMBOL, Finding, Report
from engine.validation.gate import CleanTable, admit
from engine.validation.zones import Zones

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import date
    from os import PathLike

    import pandas as pd

    from engine.prices.sessions import BarClock
    from engine.validation.actions import Action

__all__ = ["F8", "History", "Prices", "build"]


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
        cls,
        frames: Mapping[str, pd.DataFrame],
        *,
        repair: Collection[str] = (),
        currency: str | None = None,
        actions: str | PathLike[str] | Iterable[Action] | None = None,
        timezone: str | None = None,
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
        actions : path, iterable of Action, or None
            Splits and bonuses, as for ``load``.
        timezone : str or None
            As for ``load``.

        Raises
        ------
        DataError
            If no symbol is usable.
        InputError
            For an unknown repair, a contradicted currency, a time zone that there is not, or an action that is there twice.
        """
        return build(*admit(frames, repair, (), actions_of(actions), Zones.of(timezone)), currency)

    @classmethod
    def from_histories(cls, histories: Iterable[History]) -> Prices:
        """Take histories as they are, without validation; the report has no findings."""
        taken: dict[str, History] = {}
        for history in histories:
            if history.symbol in taken:
                raise InputError(f"{history.symbol} is given twice: give each symbol one history")
            taken[history.symbol] = history
        return cls(taken, Report(bars={symbol: len(history) for symbol, history in taken.items()}))

    def require_any(self, left_out: Mapping[str, str]) -> list[str]:
        """Give the symbols that are not left out, in their order.

        Raises
        ------
        DataError
            None is left; it names all the reasons.
        """
        left = [symbol for symbol in self.histories if symbol not in left_out]
        if not left:
            raise DataError("no symbol can be run: " + "; ".join(left_out.values()))
        return left

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
        return f"<Prices: {len(self):,} symbol{'s' * (len(self) != 1)}, {bars:,} bars{span(histories)}>"

    def _repr_html_(self) -> str:
        """Give what a notebook shows."""
        rows = [
            [name, f"{len(one):,}", *(str(end.date()) for end in one.dates[[0, -1]]), one.currency or "not known"]
            for name, one in list(self.histories.items())[:ROWS]
        ]
        sentences = [f"The first {ROWS} of {len(self):,} symbols."] if len(self) > ROWS else []
        report = self.report
        sentences += [
            f"Errors: {len(report.errors)}. Warnings: {len(report.warnings)}. Symbols left out: {len(report.left_out)}."
        ]
        return html_section(
            repr(self)[1:-1], sentences, "Bars of each symbol", ["symbol", "bars", "first", "last", "currency"], rows
        )

    def length(self, symbol: str) -> int:
        """Count the bars of a symbol."""
        return len(self[symbol])

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """Bars of every symbol."""
        return tuple(self.length(symbol) for symbol in self.histories)

    @cached_property
    def held(self) -> dict[str, float]:
        """Last close / first close - 1 of every symbol, without costs."""
        first, last = np.array([self.ends(symbol) for symbol in self.histories]).T
        return dict(zip(self.histories, (last / first - 1).tolist(), strict=True))

    @cached_property
    def bars_per_year(self) -> float:
        """Bars of a year as the dates say, one number for all symbols; see ``sessions.resolved_year``."""
        from engine.prices.sessions import year_of  # noqa: PLC0415  which needs Prices

        return year_of(self)

    def clock(self, symbol: str) -> BarClock:
        """Give what the dates of a symbol say about time."""
        return self[symbol].clock

    def ends(self, symbol: str) -> tuple[float, float]:
        """Give the first and the last close of a symbol."""
        close = self[symbol].close
        return float(close[0]), float(close[-1])

    def hash_of(self, symbol: str) -> str:
        """Give the hash of one symbol, made as ``digest`` is made of all."""
        return digest_of({symbol: self[symbol]})

    def to_frames(self) -> dict[str, pd.DataFrame]:
        """Return a frame for each symbol; a known currency is a column, so that ``from_frames`` gives the same prices."""
        frames = {symbol: history.to_frame() for symbol, history in self.histories.items()}
        for symbol, frame in frames.items():
            if self.histories[symbol].currency is not None:
                frame["currency"] = self.histories[symbol].currency
        return frames

    def adjusted(self, actions: str | PathLike[str] | Iterable[Action]) -> Prices:
        """Apply splits and bonuses where the prices show them.

        Parameters
        ----------
        actions : path or iterable of Action
            As for ``load``.

        Returns
        -------
        Prices
            Validated again; ``report.adjustments`` says what became of each action. What is applied once shows no step any more, and is not applied again.

        Raises
        ------
        DataError
            The table cannot be read.
        InputError
            An action is there twice.
        """
        made = build(*admit(self.to_frames(), actions=actions_of(actions)))
        old = self.report
        report = replace(
            made.report,
            repairs=old.repairs,
            left_out={**old.left_out, **made.report.left_out},
            adjustments=(*old.adjustments, *made.report.adjustments),
        )
        return Prices(made.histories, report)

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
            A symbol without a bar in the range is dropped and listed in ``report.left_out``; one that validation refused stays listed there.

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
        refused = self.report.left_out
        left_out = {symbol: reason for symbol, reason in refused.items() if symbols is None or symbol in names}
        for symbol in names:
            if symbol in refused and symbol not in self.histories:
                continue
            history = self[symbol]
            first, stop = bounds.positions(symbol, history.dates)
            if stop > first:
                kept[symbol] = history.between(first, stop)
            else:
                left_out[symbol] = f"{symbol} has no bar {bounds}; its bars are{span([history])[1:]}"
        if not kept:
            refusals = "; ".join(refused[symbol] for symbol in names if symbol in refused)
            raise DataError(refusals or f"no bar is left {bounds}: these are {self!r}")
        findings = tuple(found for found in self.report.findings if found.symbol in {EVERY_SYMBOL, *names, *left_out})
        bars = {symbol: len(history) for symbol, history in kept.items()}
        repairs = tuple(sentence for sentence in self.report.repairs if sentence.partition(": ")[0] in names)
        adjustments = tuple(one for one in self.report.adjustments if symbols is None or one.symbol in names)
        return Prices(kept, Report(findings, bars, repairs, left_out, adjustments))

    @cached_property
    def digest(self) -> str:
        """SHA-256, as hex, of symbols, dates, time zones, prices, volumes and currencies, whatever way they were loaded."""
        return digest_of(self.histories)

    def _unknown(self, symbol: object) -> str:
        known = {name.casefold(): name for name in self.histories}
        near = difflib.get_close_matches(str(symbol).casefold(), known, n=3)
        hint = f"did you mean {' or '.join(known[name] for name in near)}?" if near else f"there are {_listed(known)}"
        return f"there are no prices for {symbol!s}; {hint}"


def build(clean: Mapping[str, CleanTable], report: Report, currency: str | None = None) -> Prices:
    """Make Prices of what the gate let through; DataError if that is nothing."""
    if not clean:
        raise _nothing_usable(report)
    histories = {}
    for symbol, table in clean.items():
        if currency is not None and table.currency not in {None, currency}:
            wrong = (
                f"{symbol}: its prices say that they are in {table.currency}, not in {currency}: leave the currency out"
            )
            raise InputError(wrong)
        arrays = {name: table.columns[name] for name in FIELDS}
        currency_known = table.currency or currency
        histories[symbol] = History(symbol=symbol, dates=table.dates, currency=currency_known, **arrays)
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


def _listed(known: Mapping[str, Any]) -> str:
    names = list(known.values())
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") if names else "none at all"
