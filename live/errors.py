"""What can go wrong on the way to an order, under the root of ``engine.errors``.

::

    GoldencrossError
    ├── InputError
    │   └── ConfigError    a config file that cannot be used
    ├── OutputError
    │   └── JournalError   the journal cannot be read or written, or is not as it was written
    ├── SessionError       a day or a moment that the session table has no answer for
    ├── ClockError         the clock of this machine is not the broker's
    ├── MoneyError         an amount, price or distance from the broker that is no number
    ├── RecordingError     a recording of a session that cannot be made or read
    ├── LimitError         an order that a limit or the halt file forbids; nothing was sent
    └── BrokerError        the broker did not answer, or not with what was asked for
        ├── AnsweredError  it answered with an error
        └── RefusedError   an account or a listing that is not as it is configured
            └── ListingError  no listing, several, or another one than that of the ISIN: the configuration has to be looked at
"""

from __future__ import annotations

from engine.errors import GoldencrossError, InputError, OutputError

__all__ = [
    "AnsweredError",
    "BrokerError",
    "ClockError",
    "ConfigError",
    "JournalError",
    "LimitError",
    "ListingError",
    "MoneyError",
    "RecordingError",
    "RefusedError",
    "SessionError",
]


class ConfigError(InputError):
    """A config file that cannot be used: what is wrong in which line of it, and what to write instead."""


class JournalError(OutputError):
    """The journal cannot be read or written, or is not as it was written; without it nothing is sent."""


class SessionError(GoldencrossError):
    """A day or a moment that the session table has no answer for; nothing is traded on a guess."""


class ClockError(GoldencrossError):
    """The clock of this machine is not the broker's."""


class MoneyError(GoldencrossError):
    """An amount, price or distance that is unset, no number, or negative."""


class RecordingError(GoldencrossError):
    """A recording of a session that cannot be made or read: which file, which line of it, what is wrong."""


class LimitError(GoldencrossError):
    """An order that a limit or the halt file forbids.

    Parameters
    ----------
    reasons : tuple of str
        All of them, one sentence each.
    """

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class BrokerError(GoldencrossError):
    """The broker did not answer, or not with what was asked for."""


class AnsweredError(BrokerError):
    """The broker answered with an error; ``code`` is its number."""

    def __init__(self, what: str, code: int, text: str) -> None:
        super().__init__(f"{what}: the broker answers {code}, {text}")
        self.code = code


class RefusedError(BrokerError):
    """An account or a listing that is not as it is configured."""


class ListingError(RefusedError):
    """No listing, several, or another one than that of the ISIN: it stays so until somebody looks at the configuration."""
