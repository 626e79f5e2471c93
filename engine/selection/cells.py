"""What the cells of a sweep tell without its prices: less than ``verdict`` does, since they have no returns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.kernels.metrics import METRICS
from engine.results.sweep import SweepTable
from engine.results.tables import CellKeys
from engine.selection.plateau import Neighbours, Plateau, neighbours_of, widest_plateau
from engine.selection.sharpe import DeflatedSharpe, Moments, deflated_sharpe, minimum_backtest_length, supported_trials
from engine.selection.surfaces import lay_out

__all__ = ["CellsReport", "best_cell", "judge_cells"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CellsReport:
    """The best cell of a sweep by its Sharpe ratio, beside all others.

    Attributes
    ----------
    table : SweepTable
    best : dict
        symbol, fast, slow, atr_window, multiple; empty if no cell has a Sharpe ratio.
    sharpe, median : float
        Yearly, of the best and of the middle one.
    trials : int
        Cells that have a Sharpe ratio.
    years : float
        Of the best cell's history; nan if its return does not tell.
    deflated : DeflatedSharpe
        As if returns were normal and all cells independent: skew, kurtosis and correlation are not in the cells.
    neighbours, plateau : Neighbours, Plateau or None
        On the grid of the best cell's symbol.
    place : (int, int, int)
        Of the best cell on it.
    """

    table: SweepTable
    best: Mapping[str, Any]
    sharpe: float
    median: float
    trials: int
    years: float
    deflated: DeflatedSharpe
    neighbours: Neighbours | None
    plateau: Plateau | None
    place: tuple[int, int, int] = (0, 0, 0)

    @property
    def backtest_length(self) -> float:
        """Years below which the best of so many independent trials is expected to show this Sharpe ratio by luck; nan if that is not above 0."""
        return minimum_backtest_length(self.trials, self.sharpe) if self.sharpe > 0.0 else math.nan

    def to_dict(self) -> dict[str, Any]:
        """Give the numbers as plain values for JSON."""
        numbers = {
            "sharpe": self.sharpe,
            "median_sharpe": self.median,
            "years": self.years,
            "deflated_sharpe_raw": self.deflated.probability,
            "minimum_backtest_length_years": self.backtest_length,
        }
        known = {name: None if math.isnan(value) else value for name, value in numbers.items()}
        around = self.neighbours._asdict() if self.neighbours else None
        return {
            "best": dict(self.best),
            "trials": self.trials,
            **known,
            "supported_trials": self.supported,
            "neighbours": around,
        }

    @property
    def supported(self) -> int | None:
        """Independent trials that so many years support; None where the years are not known."""
        return supported_trials(min(self.years, 1000.0)) if self.years > 0.0 else None


def best_cell(table: SweepTable) -> tuple[int, int, dict[str, Any]]:
    """Find the cell with the highest Sharpe ratio; some cell has to have one.

    Returns
    -------
    int, int, dict
        Place of its symbol, its place in the grid (pair times the number of stops, plus stop), and fast, slow, atr_window and multiple.
    """
    sharpe = table.values[..., METRICS.index("sharpe")]
    symbol, place = divmod(int(np.nanargmax(sharpe)), table.grid.cells)
    names = CellKeys(table.grid).of(np.array([place]))
    return symbol, place, {key: value[0].item() for key, value in names.items()}


def judge_cells(table: SweepTable) -> CellsReport:
    """Judge the best cell of a sweep whose prices are not at hand.

    Parameters
    ----------
    table : SweepTable
    """
    sharpe = table.values[..., METRICS.index("sharpe")]
    known = sharpe[~np.isnan(sharpe)]
    nothing = DeflatedSharpe(math.nan, math.nan, 0.0, "No cell has a Sharpe ratio.")
    if not len(known):
        return CellsReport(table, {}, math.nan, math.nan, 0, math.nan, nothing, None, None)
    s, place, names = best_cell(table)
    p, k = divmod(place, len(table.grid.stops))
    years, bars_per_year = _years(table.values[s].reshape(-1, len(METRICS))), table.settings.bars_per_year
    scale, best = math.sqrt(bars_per_year), float(sharpe[s, p, k])
    variance = float(known.var(ddof=1)) / bars_per_year if len(known) > 1 else math.nan
    if math.isnan(years):
        deflated = DeflatedSharpe(math.nan, math.nan, float(len(known)), "The length of the history is not known.")
    else:
        moments = Moments(round(years * bars_per_year), best / scale)
        deflated = deflated_sharpe(moments, variance, float(len(known)))
    total = table.values[s, ..., METRICS.index("total_return")]
    layout = lay_out(CellKeys(table.grid).of(np.arange(table.grid.cells)), sharpe[s].ravel(), total.ravel(), place)
    return CellsReport(
        table=table,
        best={"symbol": table.symbols[s], **names},
        sharpe=best,
        median=float(np.median(known)),
        trials=len(known),
        years=years,
        deflated=deflated,
        neighbours=neighbours_of(layout.surface, layout.at),
        plateau=widest_plateau(layout.surface),
        place=layout.at,
    )


def _years(rows: Floats) -> float:
    """Work the length of a history out of a total and a yearly return: (1 + total) = (1 + yearly) ^ years; nan where no cell earned or lost anything."""
    with np.errstate(invalid="ignore", divide="ignore"):
        yearly, total = np.log1p(rows[:, METRICS.index("cagr")]), np.log1p(rows[:, METRICS.index("total_return")])
    usable = np.isfinite(yearly) & np.isfinite(total) & (yearly != 0.0)
    if not usable.any():
        return math.nan
    surest = int(np.argmax(np.where(usable, np.abs(yearly), 0.0)))
    return float(total[surest] / yearly[surest])
