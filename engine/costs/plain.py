"""The cost model without dates."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["percentage"]


def percentage(rate: float = 0.0, fixed: float = 0.0, minimum: float = 0.0, slippage: float = 0.0) -> Any:
    """Give ``engine.Costs``: max(minimum, fixed + rate * value) an order, the same on every day.

    Parameters
    ----------
    rate : float
        Fraction of the order's value, 0.001 is 0.1 percent.
    fixed, minimum : float
        Currency per order.
    slippage : float
        Fraction of the price.

    Raises
    ------
    InputError
    """
    # By name, because the settings are built on this package and not the other way round.
    return import_module("engine.settings").Costs(rate=rate, fixed=fixed, minimum=minimum, slippage=slippage)
