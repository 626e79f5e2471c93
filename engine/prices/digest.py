"""One fingerprint of prices."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from engine.validation.columns import FIELDS
from engine.validation.dates import zone_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.prices.series import History

__all__ = ["digest_of"]


def digest_of(histories: Mapping[str, History]) -> str:
    """Return the SHA-256, as hex, of symbols, dates (UTC nanoseconds), zones, bars and currencies, in order of symbol."""
    digest = sha256()
    for symbol in sorted(histories):
        history = histories[symbol]
        zone = zone_name(history.dates.tz)
        head = repr((symbol, zone, history.currency, len(history)))
        digest.update(head.encode("utf-8", "surrogatepass"))
        digest.update(history.dates.asi8.astype("<i8").tobytes())
        for name in FIELDS:
            array = getattr(history, name) + 0.0  # -0.0 counts as 0.0, and every nan as the same nan
            digest.update(np.where(np.isnan(array), np.nan, array).astype("<f8").tobytes())
    return digest.hexdigest()
