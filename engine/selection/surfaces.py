"""The values of settings as a surface over fast window, slow window and width of the stop."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.selection.plateau import Cell, Surface

__all__ = ["Layout", "lay_out"]

Floats = NDArray[np.float64]


class Layout(NamedTuple):
    """A surface, and which setting lies where."""

    surface: Surface
    place: NDArray[np.int64]  # (F, W, K), of the setting; -1 where there is none
    at: Cell  # where the setting lies that was asked for


def lay_out(keys: Any, values: Floats, total: Floats, place: int) -> Layout:
    """Put settings on a surface; of stops only those with the same ATR window as one setting's own lie beside each other, and none at all is the widest.

    Parameters
    ----------
    keys : DataFrame, or mapping of str to array
        fast, slow, atr_window and multiple (0 and 0.0: no stop) of N settings, as ``CellKeys`` gives them.
    values : float64 (N,)
        What is judged, such as Sharpe ratios.
    total : float64 (N,)
        Total return.
    place : int
        Of that setting.
    """
    fast, slow, windows, multiple = (np.asarray(keys[name]) for name in ("fast", "slow", "atr_window", "multiple"))
    stopped = windows[windows > 0]
    window = windows[place] or (stopped[0] if len(stopped) else 0)
    rows = np.flatnonzero((windows == 0) | (windows == window))
    columns = fast[rows], slow[rows], np.where(multiple > 0.0, multiple, np.inf)[rows]
    axes = [np.unique(column) for column in columns]
    where = tuple(np.searchsorted(axis, column) for axis, column in zip(axes, columns, strict=True))
    places = np.full([len(axis) for axis in axes], -1)
    on_grid, profitable = np.full(places.shape, np.nan), np.zeros(places.shape, np.bool_)
    places[where], on_grid[where], profitable[where] = rows, values[rows], total[rows] > 0.0
    f, s, k = np.argwhere(places == place)[0].tolist()
    return Layout(Surface(axes[0], axes[1], axes[2], on_grid, profitable), places, (f, s, k))
