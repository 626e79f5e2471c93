"""What an account on many symbols takes of memory, asked before it is run."""

from __future__ import annotations

from collections.abc import Sequence

from engine.grid import Grid
from engine.kernels.metrics import METRIC_COUNT
from engine.limits import require_memory
from engine.prices.history import History

__all__ = ["MOST_BYTES", "account_memory", "require_account"]

MOST_BYTES = 256 << 20
"""For averages: as many pairs as that allows are run before those of the next ones are made."""
_BAR, _STOP, _ATR = 64, 17, 16
"""Bytes of a bar: 40 of the market and 24 of what is made on the way; of a bar with each stop; and with each ATR window."""


def account_memory(bars: int, days: int, symbols: int, grid: Grid) -> int:
    """Give the bytes that a sweep of one account takes, cells among them.

    Parameters
    ----------
    bars : int
        Of all symbols together.
    days : int
        On which any of them has a bar.
    symbols : int
    grid : Grid
    """
    windows = len({window for pair in grid.pairs for window in pair})
    averages = min(8 * bars * windows, max(16 * bars, MOST_BYTES))
    stopped = sum(stop is not None for stop in grid.stops)
    stops = _STOP * len(grid.stops) + _ATR * len(grid.atr_windows) if stopped else 0
    return (_BAR + stops) * bars + 8 * days * symbols + averages + 8 * METRIC_COUNT * grid.cells


def require_account(histories: Sequence[History], days: int, grid: Grid) -> None:
    """Refuse, before it begins, what cannot fit in memory.

    Raises
    ------
    InputError
    """
    bars = sum(map(len, histories))
    what = f"an account on {len(histories):,} symbols with {bars:,} bars on {days:,} days and {grid.cells:,} cells"
    need = account_memory(bars, days, len(histories), grid)
    require_memory(need, what, "take fewer symbols, dates, stops or pairs")
