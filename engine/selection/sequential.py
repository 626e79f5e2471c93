"""When resampling may stop, and the p-value that it then gives.

The rule of Besag and Clifford ("Sequential Monte Carlo p-values", Biometrika 78, 1991): go on until ``enough`` resampled values were at least as good as the observed one, or until all that were
asked for are done. Here ``enough`` is the smallest count with which the p-value of all of them would be above the level, so the decision at the level is always that of the full number. Then

    p = (1 + as good) / (1 + done)

which is never less than their p-value (as good / done on stopping early), so that it is valid: under the hypothesis, p <= x has at most probability x. A value that is not defined is not as good.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Tally", "enough_for", "p_value", "standard_error"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def enough_for(level: float, asked: int) -> int:
    """Give the smallest count k >= 1 with (1 + k) / (1 + asked) > level; with it nothing is significant any more."""
    count = max(1, math.floor(level * (1 + asked)) - 1)
    while (1 + count) / (1 + asked) <= level:
        count += 1
    return count


def p_value(as_good: int, done: int) -> float:
    """Give the p-value of the module's rule; nan if nothing was done."""
    return (1 + as_good) / (1 + done) if done else math.nan


def standard_error(p: float, done: int) -> float:
    """Give that of a p-value from so many resamples: root of p (1 - p) / (1 + done)."""
    return math.sqrt(p * (1.0 - p) / (1 + done)) if done else math.nan


@dataclass(frozen=True, eq=False)
class Tally:
    """Counts of several statistics, each by the same rule: it is frozen as soon as it has enough.

    Attributes
    ----------
    observed : float64 (n,)
        nan is not defined, and never counted.
    enough : int
    deciding : bool (n,)
        Those that have to have enough before resampling stops.
    as_good, done : int64 (n,)
        Filled by ``add``.
    """

    observed: Floats
    enough: int
    deciding: NDArray[np.bool_]
    as_good: Integers
    done: Integers

    @classmethod
    def of(cls, observed: Floats, enough: int, deciding: NDArray[np.bool_]) -> Tally:
        """Begin."""
        nothing = np.zeros(len(observed), np.int64)
        return cls(observed, enough, deciding & ~np.isnan(observed), nothing, nothing.copy())

    def add(self, drawn: Floats) -> bool:
        """Count the values of one resample, float64 (n,); True if the deciding ones are settled."""
        going = (self.as_good < self.enough) & ~np.isnan(self.observed)
        self.done[going] += 1
        self.as_good[going & (drawn >= self.observed)] += 1  # nan is not
        return bool((self.as_good >= self.enough)[self.deciding].all())

    def p(self, i: int) -> float:
        """Give the p-value of a statistic."""
        return p_value(int(self.as_good[i]), int(self.done[i]))

    def error(self, i: int) -> float:
        """Give its standard error."""
        return standard_error(self.p(i), int(self.done[i]))
