"""The values of a grid's settings as a surface over fast window, slow window and width of the stop."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.grid import Grid
from engine.selection.plateau import Surface
from engine.settings import TrailingStop

__all__ = ["surface_of"]

Floats = NDArray[np.float64]


def surface_of(grid: Grid, values: Floats, total: Floats, place: int) -> tuple[Surface, tuple[int, int, int]]:
    """Put values on a surface, and find a setting on it; only stops with the same ATR window as its own lie beside each other.

    Parameters
    ----------
    grid : Grid
        N = ``grid.cells``.
    values : float64 (N,)
        What is judged, such as Sharpe ratios.
    total : float64 (N,)
        Total return.
    place : int
        Of the setting: pair times the number of stops, plus stop.
    """
    stop = grid.stops[place % len(grid.stops)]
    window = stop.atr_window if stop else next((other.atr_window for other in grid.stops if other), 0)
    columns = [k for k, other in enumerate(grid.stops) if other is None or other.atr_window == window]
    columns.sort(key=lambda k: _width(grid.stops[k]))
    fasts, slows = np.unique(grid.fast), np.unique(grid.slow)
    shape = len(fasts), len(slows), len(columns)
    on_grid, profitable = np.full(shape, math.nan), np.zeros(shape, np.bool_)
    f, s = np.searchsorted(fasts, grid.fast), np.searchsorted(slows, grid.slow)
    on_grid[f, s] = values.reshape(-1, len(grid.stops))[:, columns]
    profitable[f, s] = total.reshape(-1, len(grid.stops))[:, columns] > 0.0
    stops = np.array([_width(grid.stops[k]) for k in columns])
    fast, slow = grid.pairs[place // len(grid.stops)]
    at = int(np.searchsorted(fasts, fast)), int(np.searchsorted(slows, slow)), columns.index(place % len(grid.stops))
    return Surface(fasts, slows, stops, on_grid, profitable), at


def _width(stop: TrailingStop | None) -> float:
    """Order stops by their width; none is the widest."""
    return stop.multiple if stop else math.inf
