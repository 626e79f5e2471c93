"""What can go wrong, as one tree.

::

    GoldencrossError
    ├── InputError      an argument, option or setting that makes no sense
    ├── DataError       prices that cannot be read or used (symbol, date and field where they are known)
    └── OutputError     a result that could not be written

Every message is one line: what is wrong, where, and what to do about it. The command line prints it and exits with status 2.
"""

from __future__ import annotations

__all__ = ["DataError", "GoldencrossError", "InputError", "OutputError"]


class GoldencrossError(Exception):
    """The root of every error that goldencross raises on purpose."""


class InputError(GoldencrossError, ValueError):
    """An argument that makes no sense: a reversed range, a negative fee, a lot of 0."""


class DataError(GoldencrossError):
    """Prices that cannot be read or used.

    Parameters
    ----------
    message : str
        One line: what is wrong and what to do.
    symbol, date, field : str or None
        Where it is wrong, as far as that is known.
    """

    def __init__(
        self, message: str, *, symbol: str | None = None, date: str | None = None, field: str | None = None
    ) -> None:
        super().__init__(message)
        self.symbol = symbol
        self.date = date
        self.field = field


class OutputError(GoldencrossError):
    """A result that could not be written; found before the work starts wherever possible."""
