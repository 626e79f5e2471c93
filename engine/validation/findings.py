"""What validation says: findings, and the report that holds them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.validation.actions import Adjustment

__all__ = ["EVERY_SYMBOL", "Finding", "Report", "Severity"]

EVERY_SYMBOL = "*"
"""The symbol of a finding that is about several symbols together."""


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    """The symbol is refused until the data is corrected or a repair is asked for."""
    WARNING = "warning"
    """The symbol is used as it is, but its results deserve a second look."""
    NOTE = "note"
    """Worth knowing."""


@dataclass(frozen=True)
class Finding:
    """One thing that a rule found in the bars of one symbol.

    Parameters
    ----------
    symbol : str
        The symbol, or ``"*"`` for a finding about several symbols together.
    date : str or None
        The first bar that is meant, ``YYYY-MM-DD`` or with a time; None where no single bar is meant.
    field : str or None
        The column or columns, such as ``"close"`` or ``"high, low"``.
    rule : str
        The name of the rule, in kebab case.
    severity : Severity
        Errors refuse the symbol, warnings and notes do not.
    message : str
        One line: symbol, date and what is wrong, with the values.
    action : str
        What is done about it, or what to do.
    bars : int
        How many bars the finding speaks for.
    """

    symbol: str
    date: str | None
    field: str | None
    rule: str
    severity: Severity
    message: str
    action: str
    bars: int = 1

    def __str__(self) -> str:
        return f"{self.severity}: {self.message}; {self.action}"


@dataclass(frozen=True)
class Report:
    """Everything that validation found in a set of symbols.

    Parameters
    ----------
    findings : tuple of Finding
        In the order of the symbols, then of the rules.
    bars : Mapping[str, int]
        The usable symbols and their numbers of bars.
    repairs : tuple of str
        One sentence for each repair carried out, with symbol, count and dates.
    left_out : Mapping[str, str]
        The symbols that cannot be used, each with a reason of one line.
    adjustments : tuple of Adjustment
        What became of each split and bonus that was given, applied or not.
    """

    findings: tuple[Finding, ...] = ()
    bars: Mapping[str, int] = field(default_factory=dict)
    repairs: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    adjustments: tuple[Adjustment, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that refuse a symbol."""
        return self._with(Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that deserve a second look."""
        return self._with(Severity.WARNING)

    @property
    def notes(self) -> tuple[Finding, ...]:
        """The findings that are worth knowing."""
        return self._with(Severity.NOTE)

    def of(self, symbol: str) -> tuple[Finding, ...]:
        """Return the findings of one symbol; none for a symbol that has none or is not known."""
        return tuple(finding for finding in self.findings if finding.symbol == symbol)

    def to_frame(self) -> pd.DataFrame:
        """Return the findings as a table.

        Returns
        -------
        pandas.DataFrame
            One row a finding; columns symbol, date, field, rule, severity, message, action, bars.
        """
        names = [column.name for column in fields(Finding)]
        rows = [{**asdict(finding), "severity": str(finding.severity)} for finding in self.findings]
        return pd.DataFrame(rows, columns=names)

    def __repr__(self) -> str:
        return (
            f"<Report: {len(self.bars)} usable symbols, {len(self.left_out)} left out; {len(self.errors)} errors, "
            f"{len(self.warnings)} warnings, {len(self.notes)} notes, {len(self.repairs)} repairs, {len(self.adjustments)} adjustments>"
        )

    def _with(self, severity: Severity) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is severity)
