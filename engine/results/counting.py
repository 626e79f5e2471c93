"""What a sweep leaves behind in constant memory: its median, its highest rows, and what those were picked from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.kernels.metrics import METRIC_COUNT, METRICS
from engine.results.sweep import SweepTable

__all__ = ["Histogram", "Leaders", "Pool", "highest"]

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

_TOTAL_RETURN = METRICS.index("total_return")

_SHIFT = np.uint64(42)  # of the 64 bits, sign, exponent and the first 10 bits of the fraction stay: 2^22 bins
_HALF = np.uint64(1 << 41)


@dataclass(frozen=True)
class Pool:
    """All cells together: what the best were picked from.

    Attributes
    ----------
    cells : int
        Those with a total return: they were run.
    median : float
        Of the metric, over the cells where it is defined; nan if there is none.
    made_money, beat_holding : float
        Fraction of ``cells`` whose total return is above 0, and above that of buying and holding their symbol; nan without cells.
    exact : bool
        False if the median comes from a histogram: the middle cell's metric, or each of the middle two, is then known to 0.05 percent of
        itself (2^-11); counts up to 2048 and 0 are exact.
    """

    cells: int
    median: float
    made_money: float
    beat_holding: float
    exact: bool

    @classmethod
    def of(cls, result: SweepTable, metric: str) -> Pool:
        """Count a full table, with an exact median."""
        values = result.values[..., METRICS.index(metric)]
        values = values[~np.isnan(values)]
        returns = result.values[..., _TOTAL_RETURN]
        held = result.held[:, None, None]
        return cls.counted(
            int(np.count_nonzero(~np.isnan(returns))),
            int(np.count_nonzero(returns > 0)),
            int(np.count_nonzero(returns > held)),
            float(np.median(values)) if len(values) else np.nan,
            exact=True,
        )

    @classmethod
    def counted(cls, cells: int, made: int, beat: int, median: float, *, exact: bool) -> Pool:
        """Turn counts into fractions."""
        made_money, beat_holding = (made / cells, beat / cells) if cells else (np.nan, np.nan)
        return cls(cells, median, made_money, beat_holding, exact)


class Histogram:
    """Count numbers in 2^22 bins; a bin stands for all numbers that round to the same 11 leading bits.

    So each number is known to 2^-11 of itself, 0.05 percent; 0, whole numbers up to 2048 and infinities are exact.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(1 << 22, dtype=np.int64)  # 32 MiB; only pages that are counted in take memory

    def add(self, values: Floats) -> None:
        """Count float64 (n,); nan is left out."""
        bits = values[~np.isnan(values)].view(np.uint64)
        # Half a bin more rounds to the nearest bin, whatever the sign. np.add.at takes 1.2 ns a number; np.bincount would make 32 MiB for each piece.
        np.add.at(self._counts, ((bits + _HALF) >> _SHIFT).view(np.int64), 1)

    @property
    def counts(self) -> tuple[Places, Places]:
        """The bins that are not empty, and what is in each, int64 (n,) both: what ``merge`` takes."""
        used = np.flatnonzero(self._counts)
        return used, self._counts[used]

    def merge(self, used: Places, counts: Places) -> None:
        """Add what another histogram counted."""
        self._counts[used] += counts

    @property
    def median(self) -> float:
        """Mean of the middle two numbers, or the middle one; nan without any."""
        used = np.flatnonzero(self._counts)
        if not len(used):
            return float("nan")
        values = (used.astype(np.uint64) << _SHIFT).view(np.float64)
        order = np.argsort(values, kind="stable")
        up_to = np.cumsum(self._counts[used[order]])
        middle = np.array([(up_to[-1] - 1) // 2, up_to[-1] // 2])
        low, high = values[order[np.searchsorted(up_to, middle, side="right")]].tolist()
        return float(low if low == high else (low + high) / 2)


class Leaders:
    """Keep the rows with the highest numbers of one column; of equal ones those that came first.

    Parameters
    ----------
    keep : int
        How many.
    column : int
        Of the rows.
    """

    def __init__(self, keep: int, column: int) -> None:
        self._keep, self._column = keep, column
        self._places: list[Places] = []
        self._rows: list[Floats] = []
        self._size = 0
        self._least: float | None = None  # what a newcomer has to exceed, once ``keep`` are there

    def add(self, place: int, ranked: Floats, rows: Floats) -> None:
        """Take rows (n, columns) from ``place`` on; ``ranked`` (n,) is their column. What is kept is copied."""
        able = ~np.isnan(ranked) if self._least is None else ranked > self._least
        found = np.flatnonzero(able)
        found = found[highest(ranked[found], self._keep)]
        self.join(found + place, rows[found])

    def join(self, places: Places, rows: Floats) -> None:
        """Take rows (n, columns) at these places, int64 (n,), which rise and lie behind all that were taken."""
        if not len(places):
            return
        self._places.append(places)
        self._rows.append(rows)
        self._size += len(places)
        # Once there is something to exceed it is raised seldom, so that a large ``keep`` is not searched for every piece.
        if self._size >= (self._keep if self._least is None else 2 * self._keep):
            self.kept()

    def kept(self) -> tuple[Places, Floats]:
        """Give places int64 (n,) and rows float64 (n, columns), in the order of the places; n is at most ``keep``."""
        places = np.concatenate([np.empty(0, dtype=np.int64), *self._places])
        rows = np.concatenate([np.empty((0, METRIC_COUNT)), *self._rows])
        found = highest(rows[:, self._column], self._keep)
        places, rows = places[found], rows[found]
        self._places, self._rows, self._size = [places], [rows], len(places)
        if self._size == self._keep:
            self._least = float(rows[:, self._column].min())
        return places, rows


def highest(values: Floats, k: int) -> Places:
    """Find the k highest of float64 (n,) without nan, as positions in their order; of equal ones the first."""
    if len(values) <= k:
        return np.arange(len(values))
    least = np.partition(values, len(values) - k)[len(values) - k]
    above = np.flatnonzero(values > least)
    equal = np.flatnonzero(values == least)[: k - len(above)]
    return np.sort(np.concatenate([above, equal]))
