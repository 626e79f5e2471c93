"""The result of a sweep: every metric of every symbol, pair and stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import InputError
from engine.grid import Grid
from engine.kernels.metrics import METRICS
from engine.results.tables import metric_table
from engine.settings import Settings, TrailingStop

__all__ = ["INDEX", "SweepTable"]

INDEX = ("symbol", "fast", "slow", "atr_window", "multiple")
"""Names of the index; atr_window 0 and multiple 0.0 stand for no stop."""


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
    buy_and_hold : Series
        By symbol: last close / first close - 1, without costs.
    left_out : dict
        Symbols that were not run, with the reason in one line.
    too_short : dict
        Symbols whose history is shorter than some slow windows, in one line; those cells are nan.
    settings : Settings
    digest : str
        SHA-256 of the prices.
    finished : bool
        False if the sweep was interrupted: cells that were not reached are nan.
    """

    symbols: tuple[str, ...]
    grid: Grid
    values: NDArray[np.float64]
    buy_and_hold: pd.Series[float]
    left_out: Mapping[str, str]
    too_short: Mapping[str, str]
    settings: Settings
    digest: str
    finished: bool = True

    def __repr__(self) -> str:
        """One line that says what this is."""
        state = "" if self.finished else ", interrupted"
        return f"<SweepResult {len(self.symbols)} symbols x {self.grid.cells} cells{state}>"

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
        stops = [(stop.atr_window, stop.multiple) if stop else (0, 0.0) for stop in self.grid.stops]
        shape = (len(self.symbols), len(self.grid.pairs), len(stops))
        symbol, pair, stop = (part.ravel() for part in np.indices(shape))
        index = pd.MultiIndex.from_arrays(
            [
                np.asarray(self.symbols, dtype=object)[symbol],
                self.grid.fast[pair],
                self.grid.slow[pair],
                np.array([window for window, _ in stops])[stop],
                np.array([multiple for _, multiple in stops])[stop],
            ],
            names=list(INDEX),
        )
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
        if metric not in METRICS:
            raise InputError(f"there is no metric {metric!r}; it must be one of: {', '.join(METRICS)}")
        if per not in ("symbol", "all"):
            raise InputError(f"per is {per!r}; it must be symbol or all")
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise InputError(f"k is {k!r}; it must be a whole number, 1 or more")
        frame = self._frame
        frame = frame[frame[metric].notna()].sort_values(metric, ascending=False, kind="stable")
        if per == "all":
            return frame.head(k)
        order = {symbol: i for i, symbol in enumerate(self.symbols)}
        best = frame.groupby(level="symbol", sort=False).head(k)
        return best.sort_index(level="symbol", key=lambda names: names.map(order), sort_remaining=False, kind="stable")

    def stop_of(self, atr_window: int, multiple: float) -> TrailingStop | None:
        """Find the stop of an index entry.

        Raises
        ------
        InputError
            The sweep has no such stop.
        """
        for stop in self.grid.stops:
            if (stop.atr_window, stop.multiple) == (atr_window, multiple) if stop else not multiple:
                return stop
        raise InputError(f"this sweep has no stop with ATR window {atr_window} and multiple {multiple:g}")

    def save(self, path: str | PathLike[str]) -> None:
        """Write all cells, settings and the hash of the prices to one Parquet file, readable by any Parquet reader.

        Raises
        ------
        OutputError
        """
        from engine.results.storage import save_sweep  # noqa: PLC0415  pyarrow is slow to import

        save_sweep(self, path)
