"""A sweep whose settings were checked: what all ways to run it start from."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

from engine.errors import InputError
from engine.flattening import require_sessions
from engine.grid import Grid
from engine.prices.history import Prices
from engine.settings import Settings

__all__ = ["Job", "Progress", "is_folder", "require_sweepable", "usable"]

Progress = Callable[[int, int], None]
"""Called with the cells done and the cells in all."""


@dataclass(frozen=True)
class Job:
    """What is swept.

    Attributes
    ----------
    prices : Prices
    symbols : tuple of str
        Those that are long enough for some pair.
    grid : Grid
    settings : Settings
    left_out, too_short : dict
        As in ``SweepTable``.
    workers : int
        Threads.
    progress : callable or None
    """

    prices: Prices
    symbols: tuple[str, ...]
    grid: Grid
    settings: Settings
    left_out: dict[str, str]
    too_short: dict[str, str]
    workers: int
    progress: Progress | None

    @cached_property
    def longest(self) -> int:
        """Bars of the longest history."""
        return max(self.prices.lengths)  # those that are left out are shorter

    @property
    def facts(self) -> dict[str, Any]:
        """What every kind of result says of it."""
        return {"left_out": self.left_out, "too_short": self.too_short, "settings": self.settings}


def is_folder(out: str | PathLike[str]) -> bool:
    """Tell whether a sweep is to be written as a folder of parts: it is one, or its name ends in a slash."""
    return os.fspath(out).endswith(("/", os.sep)) or Path(out).is_dir()


def require_sweepable(prices: Prices, settings: Settings, grid: Grid) -> None:
    """Check that a grid can be swept on these prices with these settings.

    Raises
    ------
    InputError
    """
    settings.require(grid.stops)
    if settings.intrabar == "both":
        raise InputError(
            "intrabar 'both' is for a single backtest; sweep 'stop_first' and 'high_first' one after the other"
        )
    require_sessions(prices, settings.flatten)


def usable(prices: Prices, grid: Grid) -> tuple[list[str], dict[str, str], dict[str, str]]:
    """Sort out the symbols whose history is too short for every pair, and name those too short for some."""
    left_out = dict(prices.report.left_out)
    too_short: dict[str, str] = {}
    slow, longest = grid.slow, grid.longest
    some_short = min(prices.lengths, default=0) < longest
    for symbol, bars in zip(prices.symbols, prices.lengths, strict=True) if some_short else ():
        short = int((slow > bars).sum()) if bars < longest else 0
        if short == len(slow):
            left_out[symbol] = f"{symbol} has {bars} bars, fewer than the slow window of every pair"
        elif short:
            too_short[symbol] = f"{symbol} has {bars} bars, fewer than the slow window of {short} of {len(slow)} pairs"
    return prices.require_any(left_out), left_out, too_short
