"""The result of a sweep: every metric of every symbol, pair and stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.grid import Grid
from engine.kernels.metrics import METRICS
from engine.prices.history import Prices
from engine.results.tables import best_rows, cell_index, find_stop, held_series, metric_table
from engine.settings import Settings, TrailingStop
from engine.terms import AccountTerms

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SweepTable"]


@dataclass(frozen=True, eq=False)
class SweepTable:
    """All cells of a sweep, as numbers.

    Attributes
    ----------
    symbols : tuple of str
        Those that were run.
    grid : Grid
        Pairs and stops.
    values : float64 (symbols, pairs, stops, metrics)
        Metrics in the order of ``engine.kernels.metrics.METRICS``; nan in all of them where the slow window is longer than the history.
    held : float64 (symbols,)
        Last close / first close - 1, without costs.
    left_out : dict
        Symbols that were not run, with the reason in one line.
    too_short : dict
        Symbols whose history is shorter than some slow windows, in one line; those cells are nan.
    settings : Settings
    source : Prices or str
        The prices, or their hash where they are not at hand.
    finished : bool
        False if the sweep was interrupted: cells that were not reached are nan.
    looped : int or None
        Cells that the fast way left to a slower loop over bars, which gives the same results; None if that is not known.
    account : dict or None
        Of a sweep of portfolios: what the one account allowed, and its symbols; ``symbols`` is then only ``portfolio``.
    """

    symbols: tuple[str, ...]
    grid: Grid
    values: NDArray[np.float64]
    held: NDArray[np.float64]
    left_out: Mapping[str, str]
    too_short: Mapping[str, str]
    settings: Settings
    source: Prices | str
    finished: bool = True
    account: Mapping[str, Any] | None = None
    looped: int | None = None

    @cached_property
    def buy_and_hold(self) -> pd.Series[float]:
        """Buy and hold by symbol; made when it is asked for, since that takes pandas as long as three hundred cells take the sweep."""
        return held_series(self.held, self.symbols)

    @property
    def terms(self) -> AccountTerms | None:
        """What the account allows, if this is a sweep of portfolios."""
        return AccountTerms.from_dict(self.account) if self.account else None

    @property
    def digest(self) -> str:
        """SHA-256 of the prices; worked out when it is asked for, since that takes a third of the time of a small sweep."""
        return self.source if isinstance(self.source, str) else self.source.digest

    def __repr__(self) -> str:
        """One line that says what this is."""
        state = "" if self.finished else ", interrupted"
        if self.account:
            return f"<PortfolioSweep {self.grid.cells} cells of {len(self.account['symbols'])} symbols{state}>"
        return f"<SweepResult {len(self.symbols)} symbols x {self.grid.cells} cells{state}>"

    def _repr_html_(self) -> str:
        """Give what a notebook shows."""
        from engine.results.showing import show_sweep  # noqa: PLC0415  only notebooks need it

        return show_sweep(self)

    def __len__(self) -> int:
        """Count the cells."""
        return len(self.symbols) * self.grid.cells

    def to_frame(self) -> pd.DataFrame:
        """Give a table with a row a cell.

        Returns
        -------
        DataFrame
            Index symbol, fast, slow, atr_window, multiple (0 and 0.0: no stop); a column for every metric of the contract, and ``skipped``.
        """
        return self._frame.copy()

    @cached_property
    def _frame(self) -> pd.DataFrame:
        """The table, made once."""
        index = cell_index(self.symbols, self.grid, np.arange(len(self)))
        return metric_table(self.values.reshape(-1, len(METRICS)), index)

    def best(self, metric: str = "sharpe", per: Literal["symbol", "all"] = "symbol", k: int = 1) -> pd.DataFrame:
        """Give the cells with the highest value of a metric; of equal ones the first in the order of the grid.

        Parameters
        ----------
        metric : str
            Any column of ``to_frame``; every one of them is the better the higher it is (drawdowns are negative).
        per : {"symbol", "all"}
            The best of every symbol, or the best of all.
        k : int
            How many, at least 1.

        Returns
        -------
        DataFrame
            Rows of ``to_frame``, best first; cells where the metric is not defined never count.

        Raises
        ------
        InputError
        """
        return best_rows(self._frame, self.symbols, metric, per, k)

    def stop_of(self, atr_window: int, multiple: float) -> TrailingStop | None:
        """Find the stop of an index entry.

        Raises
        ------
        InputError
            The sweep has no such stop.
        """
        return find_stop(self.grid, atr_window, multiple)

    def plot(self, metric: str = "sharpe", symbol: str | None = None, stop: TrailingStop | None = None) -> Figure:
        """Draw a metric over all pairs, as a heatmap.

        Parameters
        ----------
        metric : str
            Any column of ``to_frame``.
        symbol : str or None
            Needed if there are several.
        stop : TrailingStop or None
            One of the sweep's stops; None is no stop.

        Returns
        -------
        matplotlib.figure.Figure
            Not shown by itself: a notebook shows it as the last value of a cell, ``savefig`` writes it.

        Raises
        ------
        InputError
            matplotlib is missing, or the sweep has no such metric, symbol or stop.
        """
        from engine.results.figures import heatmap  # noqa: PLC0415  matplotlib is slow to import

        return heatmap(self, metric, symbol, stop)

    def save(self, path: str | PathLike[str]) -> None:
        """Write all cells, settings and the hash of the prices to one Parquet file, readable by any Parquet reader.

        Raises
        ------
        OutputError
        """
        from engine.results.stream import save_sweep  # noqa: PLC0415  pyarrow is slow to import

        save_sweep(self, path)
