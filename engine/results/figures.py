"""Figures of results, returned and never shown by themselves: equity, drawdown, a heatmap of a sweep. Needs matplotlib.

They are made without pyplot: no window opens, no state is kept, and a script on a server draws the same.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from functools import cache
from html import escape
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import InputError
from engine.kernels.metrics import METRICS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from engine.grid import Grid
    from engine.results.sweep import SweepTable
    from engine.settings import TrailingStop

__all__ = ["equity_figure", "heatmap"]

_STYLES = ("-", "--", "-.", ":")
"""Of lines, so that they differ in more than colour."""
_MOST_LINES = 12


@cache
def _figure_class() -> Any:
    """Make the class of our figures: a matplotlib Figure that a notebook shows once, with a description for who does not see it.

    Raises
    ------
    InputError
        matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  optional, and slow to import
    except ImportError:
        raise InputError("plots need the package matplotlib: pip install 'goldencross[plots]'") from None

    class DescribedFigure(Figure):
        """A figure with its description in ``description``."""

        description = ""

        def _repr_html_(self) -> str:
            """Give the picture with its description as the text that stands for it."""
            buffer = io.BytesIO()
            self.savefig(buffer, format="png")
            data = base64.b64encode(buffer.getvalue()).decode("ascii")
            return f'<img alt="{escape(self.description)}" src="data:image/png;base64,{data}">'

    return DescribedFigure


def equity_figure(
    equity: Mapping[str, pd.Series[float]], capital: float, title: str, held: pd.Series[float] | None = None
) -> Figure:
    """Draw equity above, and its fall from the highest point so far below.

    Parameters
    ----------
    equity : mapping of str to Series
        By name, currency after each bar.
    capital : float
        Where all of them begin.
    title : str
    held : Series or None
        What buying and holding would be worth, for comparison.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        matplotlib is not installed, or there are too many lines to tell apart.
    """
    if len(equity) > _MOST_LINES:
        raise InputError(f"{len(equity)} lines cannot be told apart; name one symbol: plot(symbol)")
    figure: Figure = _figure_class()(figsize=(9, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    said = []
    for (name, one), style in zip(equity.items(), cycle(_STYLES), strict=False):
        values = one.to_numpy(dtype=np.float64)
        fall = values / np.maximum.accumulate(np.r_[capital, values])[1:] - 1
        dates = pd.DatetimeIndex(one.index).tz_localize(None)
        above.plot(dates, values, style, label=name)
        below.plot(dates, 100 * fall, style, label=name)
        said.append(
            f"{name} ended at {values[-1]:,.2f}, its largest drawdown was {100 * abs(fall.min(initial=0.0)):.2f} percent"
        )
    if held is not None:
        dates = pd.DatetimeIndex(held.index).tz_localize(None)
        above.plot(dates, held.to_numpy(dtype=np.float64), color="grey", linestyle=":", label="buying and holding")
    above.axhline(capital, color="black", linewidth=0.5)
    above.set(title=title, ylabel="equity")
    above.legend()
    below.set(ylabel="drawdown, percent", xlabel="date")
    figure.description = f"{title}. From a capital of {capital:,.2f}, {'; '.join(said)}."  # type: ignore[attr-defined]  # of our class
    return figure


def heatmap(result: SweepTable, metric: str, symbol: str | None, stop: TrailingStop | None) -> Figure:
    """Draw a metric over all pairs of one symbol and stop; cells that there are not, or that are not defined, stay white.

    Raises
    ------
    InputError
        matplotlib is not installed, or the sweep has no such metric, symbol or stop.
    """
    if metric not in METRICS:
        raise InputError(f"there is no metric {metric!r}; it must be one of: {', '.join(METRICS)}")
    if stop not in result.grid.stops:
        raise InputError(f"this sweep has no {stop or 'cells without a stop'}; its stops are {list(result.grid.stops)}")
    name = _one_symbol(result, symbol)
    cells = result.values[result.symbols.index(name), :, result.grid.stops.index(stop), METRICS.index(metric)]
    fast, column = np.unique(result.grid.fast, return_inverse=True)
    slow, row = np.unique(result.grid.slow, return_inverse=True)
    table = np.full((len(slow), len(fast)), np.nan)
    table[row, column] = cells
    said = metric.replace("_", " ")
    title = f"{said} of {name}, {'no stop' if stop is None else f'stop {stop.multiple:g} ATR of {stop.atr_window}'}"
    figure: Figure = _figure_class()(figsize=(9, 6), layout="constrained")
    axes = figure.subplots()
    picture = axes.imshow(np.ma.masked_invalid(table), origin="lower", aspect="auto", cmap="viridis")
    figure.colorbar(picture, ax=axes, label=said)
    for axis, windows in ((axes.xaxis, fast), (axes.yaxis, slow)):
        places = range(0, len(windows), -(-len(windows) // 12))
        axis.set_ticks(places, [str(windows[place]) for place in places])
    axes.set(title=title, xlabel="fast window, bars", ylabel="slow window, bars")
    figure.description = f"Heatmap: {title}. {_extent(result.grid, cells)}"  # type: ignore[attr-defined]  # of our class
    return figure


def _one_symbol(result: SweepTable, symbol: str | None) -> str:
    """Choose what is drawn."""
    if symbol is None and len(result.symbols) == 1:
        return result.symbols[0]
    if symbol is None or symbol not in result.symbols:
        asked = "name one symbol" if symbol is None else f"this sweep has no symbol {symbol!r}"
        raise InputError(f"{asked}; there are {', '.join(result.symbols[:8])}")
    return symbol


def _extent(grid: Grid, cells: NDArray[np.float64]) -> str:
    """Say where the extremes lie."""
    known = np.flatnonzero(~np.isnan(cells))
    if not len(known):
        return "It is defined in no cell."
    ends = {"highest": known[cells[known].argmax()], "lowest": known[cells[known].argmin()]}
    places = [f"the {end} is {cells[i]:.3f} at fast {grid.fast[i]}, slow {grid.slow[i]}" for end, i in ends.items()]
    return f"Of {len(known):,} values {', '.join(places)}; the median is {np.median(cells[known]):.3f}."
