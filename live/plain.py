"""Text that can be shown: account numbers masked, and one line whatever the wire put into it."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["masked", "plain"]

# Capitals only: the broker's execution ids have the like of f1234567 in them.
_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])D?[UFI][0-9]{5,}(?![A-Za-z0-9])")


def _mask(account: str) -> str:
    """Mask one account: what is left tells a person which of his it is, and nobody else more than that."""
    letters = len(account) - len(account.lstrip("DUFIdufi"))
    shown = letters + 2 if len(account) - letters > 6 else letters
    return f"{account[:shown]}***{account[-2:]}"


def masked(value: Any, account: str = "") -> Any:
    """Mask account numbers in a text, or in all texts of lists and dictionaries, keys included: DU1234567 becomes DU12***67.

    Parameters
    ----------
    value : object
    account : str
        One that is masked wherever it stands, even within a word; empty for none.
    """
    if isinstance(value, dict):
        return {masked(key, account): masked(one, account) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [masked(one, account) for one in value]
    if not isinstance(value, str):
        return value
    if account:
        value = re.sub(re.escape(account), _mask(account), value, flags=re.IGNORECASE)
    return _ACCOUNT.sub(lambda found: _mask(found[0]), value)


def plain(text: str, account: str = "") -> str:
    """Give a text as one line that any terminal and any voice can take: masked, ASCII, what cannot be printed as an escape.

    Line breaks and terminal codes from the wire are escaped, too, so that no line can be forged.
    """
    return "".join(
        one if one.isascii() and one.isprintable() else one.encode("unicode_escape").decode("ascii")
        for one in masked(text, account)
    )
