"""A part of a grid on one symbol: by the fast way, and by the plain ones where that does not reach. All give the same results."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.backtesting import kernel_bars
from engine.grid import Grid
from engine.kernels.fast import Plan
from engine.kernels.indicators import average_true_range
from engine.kernels.stops import Stops
from engine.prices.history import History
from engine.settings import Costs, Settings
from engine.sweeping.blocks import plan_of
from engine.sweeping.spans import run_spans

__all__ = ["Part", "takes_fast_way"]

Floats = NDArray[np.float64]


def takes_fast_way(settings: Settings) -> bool:
    """Tell whether the fast sweep covers these settings; slower ways give the same results for all the others."""
    return settings.direction == "long_only" and settings.sizing == "all_in" and isinstance(settings.costs, Costs)


@dataclass(frozen=True)
class Part:
    """Some pairs of a grid, with all its stops: what is worked on in one go, on one symbol after the other.

    Attributes
    ----------
    grid : Grid
    pairs : slice
        Of ``grid.pairs``; all pairs of some fast windows.
    settings : Settings
    """

    grid: Grid
    pairs: slice
    settings: Settings

    @property
    def shape(self) -> tuple[int, int]:
        """Pairs and stops."""
        return self.pairs.stop - self.pairs.start, len(self.grid.stops)

    @cached_property
    def _windows(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return self.grid.fast[self.pairs], self.grid.slow[self.pairs]

    def _plan(self, bars: int) -> Plan:
        """Give the plan of the pairs that a history of so many bars is long enough for."""
        slow = self._windows[1]
        key = (self.pairs.start, self.pairs.stop, int(slow[slow <= bars].max(initial=0)))
        plan: Plan | None = self.grid.memo.get(key)
        if plan is None:
            plan = self.grid.memo[key] = plan_of(*self._windows, key[-1])
        return plan

    @cached_property
    def _stop_columns(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """ATR windows, the ATR's row of each stop, and the multiples; nan is no stop."""
        windows, stops = self.grid.atr_windows, self.grid.stops
        rows = [windows.index(stop.atr_window) if stop else 0 for stop in stops]
        multiples = [stop.multiple if stop else np.nan for stop in stops]
        return np.array(windows), np.array(rows), np.array(multiples)

    def run(self, history: History, out: Floats) -> None:
        """Write the metrics of all cells; cells that need more bars than there are stay as they are.

        Parameters
        ----------
        history : History
        out : float64 (pairs, stops, METRIC_COUNT)
            C-contiguous.
        """
        first = next((stop for stop in self.grid.stops if stop), None)
        windows, rows, multiples = self._stop_columns
        if first is None:
            ranges = np.empty((1, len(history)))
        else:
            ranges = average_true_range(history.high, history.low, history.close, windows, first.atr == "wilder")
        stops, settings = Stops(ranges, rows, multiples), self.settings
        if not takes_fast_way(settings):
            self._run_plainly(history, stops, np.ones(self.shape, np.bool_), out)
            return
        plan = self._plan(len(history))
        if not len(plan.row):
            return
        rules = settings.kernel_rules(first)
        year = settings.bars_per_year
        sure = run_spans(kernel_bars(history), plan, stops, settings.capital, rules, year, out)
        if not sure.all():
            self._run_plainly(history, stops, ~sure, out)

    def _run_plainly(self, history: History, stops: Stops, wanted: NDArray[np.bool_], out: Floats) -> None:
        """Run the wanted cells, bool (pairs, stops), with the plain loop."""
        from engine.sweeping.plain import run_plainly  # noqa: PLC0415  it is seldom needed, and takes seconds to compile

        run_plainly(history, *self._windows, stops, self.grid, self.settings, wanted, out)
