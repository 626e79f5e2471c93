"""One fingerprint of prices."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from engine.validation.columns import FIELDS
from engine.validation.dates import zone_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from hashlib import _Hash as Hash

    from engine.prices.series import History

__all__ = ["digest_of", "feed"]


def digest_of(histories: Mapping[str, History]) -> str:
    """Return the SHA-256, as hex, of symbols, dates (UTC nanoseconds), zones, bars and currencies, in order of symbol."""
    digest = sha256()
    for symbol in sorted(histories):
        feed(digest, symbol, histories[symbol])
    return digest.hexdigest()


def feed(digest: Hash, symbol: str, history: History) -> None:
    """Add one symbol to a fingerprint; they come in order."""
    head = repr((symbol, zone_name(history.dates.tz), history.currency, len(history)))
    digest.update(head.encode("utf-8", "surrogatepass"))
    digest.update(history.dates.asi8.astype("<i8").tobytes())
    for name in FIELDS:
        array = getattr(history, name) + 0.0  # -0.0 counts as 0.0, and every nan as the same nan
        digest.update(np.where(np.isnan(array), np.nan, array).astype("<f8").tobytes())
