"""A part of a grid on some symbols: by the fast way, and by the plain ones where that does not reach. All give the same results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from engine.flattening import sessions_of
from engine.grid import Grid
from engine.kernels.indicators import average_true_range
from engine.kernels.plan import Plan
from engine.kernels.stops import Stops
from engine.kernels.symbols import Trails
from engine.limits import MOST_PAIRS
from engine.prices.history import History
from engine.settings import Costs, Settings
from engine.sweeping.blocks import plan_of, trails_of
from engine.sweeping.spans import run_spans

__all__ = ["Part", "takes_fast_way"]

Floats = NDArray[np.float64]
_MOST_REMEMBERED = 2 * MOST_PAIRS
"""Pairs of the plans that a grid remembers: 24 bytes each, 200 MB."""


def takes_fast_way(settings: Settings) -> bool:
    """Tell whether the fast sweep covers these settings; slower ways give the same results for all the others."""
    return settings.direction == "long_only" and settings.sizing == "all_in" and isinstance(settings.costs, Costs)


@dataclass(frozen=True)
class Part:
    """Some pairs of a grid, with all its stops: what is worked on in one go, on one or more symbols.

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

    @cached_property
    def _longest(self) -> int:
        pairs, whole = self.pairs, slice(0, len(self.grid.pairs))
        return self.grid.longest if pairs == whole else int(self._windows[1].max(initial=0))

    def _longest_for(self, bars: int) -> int:
        """Give the longest slow window that a history of so many bars is long enough for; 0 if there is none."""
        if bars >= self._longest:
            return self._longest
        slow = self._windows[1]
        return int(slow[slow <= bars].max(initial=0))

    def _plan(self, longest: int) -> Plan:
        """Give the plan of the pairs whose slow window is not longer."""
        key = (self.pairs.start, self.pairs.stop, longest)
        plan: Plan | None = self.grid.memo.get(key)
        if plan is None:
            memo = self.grid.memo
            if sum(len(known.row) for known in list(memo.values())) > _MOST_REMEMBERED:
                memo.clear()  # symbols of many lengths have many plans; those of one length always fit
            plan = self.grid.memo[key] = plan_of(*self._windows, longest)
        return plan

    @cached_property
    def _trails(self) -> Trails:
        """The stops in the form of the kernels."""
        return trails_of(self.grid.stops)

    @property
    def can_be_shared(self) -> bool:
        """Whether threads can share the symbols among themselves within ``run``."""
        return takes_fast_way(self.settings) and self.settings.signal.is_golden_cross

    def run(self, histories: Sequence[History], out: Floats, threads: int = 1) -> int:
        """Write the metrics of all cells; nan for cells that need more bars than there are.

        Parameters
        ----------
        histories : sequence of History
            Of the symbols.
        out : float64 (symbols, pairs, stops, METRIC_COUNT)
            C-contiguous; overwritten.
        threads : int
            Only one has work to do if it cannot be shared.

        Returns
        -------
        int
            Cells that the fast way left to a slower one, if it covers the settings at all.
        """
        if not takes_fast_way(self.settings):
            out[:] = np.nan
            for history, cells in zip(histories, out, strict=True):
                self._run_plainly(history, np.ones(self.shape, np.bool_), cells)
            return 0
        if min(map(len, histories)) >= self._longest:
            return self._run_fast(histories, self._plan(self._longest), out, threads)
        first = looped = 0
        for longest, same in groupby(histories, lambda history: self._longest_for(len(history))):
            together = list(same)
            looped += self._run_fast(together, self._plan(longest), out[first : first + len(together)], threads)
            first += len(together)
        return looped

    def _run_fast(self, histories: Sequence[History], plan: Plan, out: Floats, threads: int) -> int:
        """Do so for symbols that are long enough for the same pairs."""
        if len(plan.row) < out.shape[1]:
            out[:] = np.nan
        if not len(plan.row):
            return 0
        settings = self.settings
        rules = settings.kernel_rules(self.grid.first_stop, sessions=sessions_of(histories, settings.flatten))
        if settings.signal.is_golden_cross:
            year = settings.bars_per_year
            sure = run_spans(histories, plan, self._trails, settings.capital, rules, year, out, threads=threads)
        else:
            from engine.sweeping.signalled import run_signalled  # noqa: PLC0415  it is seldom needed, and takes seconds to compile

            sure = run_signalled(histories, plan, self._trails, settings, rules, out)
        looped = sure.size - int(np.count_nonzero(sure))
        if looped:
            for s in np.flatnonzero(~sure.all(axis=(1, 2))).tolist():
                self._run_plainly(histories[s], ~sure[s], out[s])
        return looped

    def _run_plainly(self, history: History, wanted: NDArray[np.bool_], out: Floats) -> None:
        """Run the wanted cells, bool (pairs, stops), with the plain loop."""
        if not wanted.any():
            return
        from engine.sweeping.plain import run_plainly  # noqa: PLC0415  it is seldom needed, and takes seconds to compile

        trails = self._trails
        if np.isnan(trails.multiple).all():
            ranges = np.empty((1, len(history)))
        else:
            ranges = average_true_range(history.high, history.low, history.close, trails.windows, trails.wilder)
        stops = Stops(ranges, trails.row, trails.multiple)
        run_plainly(history, *self._windows, stops, self.grid, self.settings, wanted, out)
