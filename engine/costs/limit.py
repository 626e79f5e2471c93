"""How much higher fees could be before nothing is gained any more."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["MOST", "surcharge_limit"]

MOST = 0.1
"""Fraction of an order's value up to which is looked."""
_PRECISION = 1e-5


def surcharge_limit(gain: Callable[[float], float]) -> float | None:
    """Find the further fee, as a fraction of every order's value, at which a gain ends.

    Parameters
    ----------
    gain : callable
        Net gain, in currency, if orders cost this much more. Sizes and so trades may change with it; it need only fall on the whole.

    Returns
    -------
    float or None
        0 if nothing is gained as it is; None if something is gained even at ``MOST``.
    """
    if not gain(0.0) > 0:
        return 0.0
    low, high = 0.0, MOST
    if gain(high) > 0:
        return None
    while high - low > _PRECISION:
        middle = (low + high) / 2
        if gain(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
