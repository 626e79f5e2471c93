"""Which column is which: names are compared without case and surrounding space."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

__all__ = ["FIELDS", "PRICES", "recognise"]

PRICES = ("open", "high", "low", "close")
FIELDS = (*PRICES, "volume")

_NAMES: dict[str, tuple[str, ...]] = {
    "date": ("date", "datetime", "timestamp", "time", "date time", "date_time", "date/time"),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close",),
    "volume": ("volume", "vol"),
    "symbol": ("symbol", "ticker", "instrument", "tradingsymbol", "scrip", "security", "stock"),
    "currency": ("currency", "ccy"),
}
_FIELD_OF = {name: field for field, names in _NAMES.items() for name in names}
_RANK = {name: rank for names in _NAMES.values() for rank, name in enumerate(names)}


def recognise(labels: Iterable[Hashable]) -> dict[str, list[int]]:
    """Find the columns that matter.

    Parameters
    ----------
    labels : iterable of column labels
        As they are in the file; a label of several levels (as yfinance makes them) counts by the first level that is known.

    Returns
    -------
    dict of str to list of int
        Field name (date, open, high, low, close, volume, symbol, currency) to the positions of its columns, the most usual
        name first. A field without a column is absent; other columns are ignored.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for position, label in enumerate(labels):
        name = _known(label)
        if name is not None:
            found.setdefault(_FIELD_OF[name], []).append((_RANK[name], position))
    return {field: [position for _, position in sorted(places)] for field, places in found.items()}


def _known(label: Hashable) -> str | None:
    levels = label if isinstance(label, tuple) else (label,)
    for level in levels:
        if isinstance(level, str):
            name = level.strip().lstrip("\ufeff").strip('"').strip().lower()
            if name in _FIELD_OF:
                return name
    return None
