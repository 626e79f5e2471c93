"""Cells that the fast way does not do: from event to event, or, for long/short, the plain bar loop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.backtesting import kernel_bars
from engine.costs.schedule import CostSchedule
from engine.crossing import averages_of, filter_of
from engine.flattening import sessions_of
from engine.grid import Grid
from engine.kernels.events import sweep_events
from engine.kernels.loop import Tile, sweep_tile
from engine.kernels.stops import Stops
from engine.prices.history import History
from engine.settings import Settings

__all__ = ["run_plainly"]

_MOST_BYTES = 64 << 20
"""For the averages of the pairs that are run together."""


def run_plainly(
    history: History,
    fast: NDArray[np.int64],
    slow: NDArray[np.int64],
    stops: Stops,
    grid: Grid,
    settings: Settings,
    wanted: NDArray[np.bool_],
    out: NDArray[np.float64],
) -> None:
    """Write the metrics of the wanted cells.

    Parameters
    ----------
    history : History
    fast, slow : int64 (P,)
        Windows of the pairs.
    stops : Stops
    grid : Grid
        For the kind of its stops.
    settings : Settings
    wanted : bool (P, K)
    out : float64 (P, K, METRIC_COUNT)
        Written where wanted, if the history is long enough.
    """
    dates = history.local_dates if isinstance(settings.costs, CostSchedule) else None
    rules = settings.kernel_rules(grid.first_stop, dates, sessions_of([history], settings.flatten))
    bars = kernel_bars(history)
    pairs = np.flatnonzero(wanted.any(axis=1) & (slow <= len(history)))
    crosses_need = filter_of(history, settings.signal)
    together = max(1, _MOST_BYTES // (16 * len(history)))
    for start in range(0, len(pairs), together):
        rows = pairs[start : start + together]
        windows = np.unique(np.concatenate([fast[rows], slow[rows]]))
        tile = Tile(
            averages_of(history, windows, settings.signal),
            np.searchsorted(windows, fast[rows]),
            np.searchsorted(windows, slow[rows]),
            stops.atr,
            stops.row,
            stops.multiple,
            crosses_need,
        )
        cells = np.empty((len(rows), *out.shape[1:]))
        if settings.direction == "long_short":
            sweep_tile(bars, tile, True, settings.capital, rules, settings.bars_per_year, cells)
        else:
            sweep_events(bars, tile, settings.capital, rules, settings.bars_per_year, cells)
        out[rows] = np.where(wanted[rows, :, None], cells, out[rows])
