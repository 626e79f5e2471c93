"""Combinatorial purged cross-validation: every group of days is tested by choices made on others, so there is not one out-of-sample curve but a distribution of them.

Nobody could have traded these paths: most choices are made on days after the test. They answer another question than a walk forward: how much of the Sharpe ratio of a choice is left on days that it
was not made on, and how much does that depend on the days.

Source: Lopez de Prado, "Advances in Financial Machine Learning", Wiley 2018, chapter 12.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import comb
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.selection.choosing import Rule, best_sharpe, sharpes
from engine.selection.folds import Fold, combinatorial_folds
from engine.selection.stitching import Leg, Stitched, Stitcher
from engine.selection.trials import Trials
from engine.selection.walkforward import Choice, choose, first_warm_day, held_metrics, name_of

__all__ = ["CrossValidation", "cross_validate"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """A combinatorial purged cross-validation.

    Attributes
    ----------
    groups, tested, purge, embargo : int
        N, k, and days dropped before and after each test.
    folds : tuple of Fold
        C(N, k), in the order of the combinations.
    choices : tuple of Choice
        One a fold.
    rule : str
    paths : tuple of Stitched
        k / N C(N, k): each tests all groups once, the j-th path a group by the j-th fold that tests it; seam costs are paid wherever the choice changes from group to group.
    trials : Trials
    """

    groups: int
    tested: int
    purge: int
    embargo: int
    folds: tuple[Fold, ...]
    choices: tuple[Choice, ...]
    rule: str
    paths: tuple[Stitched, ...]
    trials: Trials = field(repr=False)

    @property
    def days(self) -> pd.DatetimeIndex:
        """The days of every path."""
        return self.trials.pool.days[self.paths[0].days.start : self.paths[0].days.stop]

    @property
    def returns(self) -> Floats:
        """Of every path and day, float64 (paths, days)."""
        return np.stack([path.returns for path in self.paths])

    @property
    def sharpes(self) -> Floats:
        """Yearly Sharpe ratio of each path, float64 (paths,); nan where it is not defined."""
        return sharpes(self.returns, self.trials.bars_per_year)

    @property
    def held(self) -> dict[str, float]:
        """CURVE_METRICS of buying and holding all symbols on the same days, without costs."""
        return held_metrics(self.trials, self.paths[0])

    def summary(self) -> dict[str, float]:
        """Say the distribution of the Sharpe ratios of the paths.

        Returns
        -------
        dict
            paths, defined (how many have a Sharpe ratio), median, worst, best, negative (share below 0), below_held (share below buying and holding), in_sample (mean of the choices in
            their trainings) and out_of_sample (mean of the same choices in their tests); nan where it is not defined.
        """
        found = self.sharpes[~np.isnan(self.sharpes)]
        some = len(found) > 0
        nan = float("nan")
        return {
            "paths": float(len(self.paths)),
            "defined": float(len(found)),
            "median": float(np.median(found)) if some else nan,
            "worst": float(found.min()) if some else nan,
            "best": float(found.max()) if some else nan,
            "negative": float((found < 0.0).mean()) if some else nan,
            "below_held": float((found < self.held["sharpe"]).mean()) if some else nan,
            "in_sample": _mean([choice.in_sharpe for choice in self.choices]),
            "out_of_sample": _mean([choice.out_sharpe for choice in self.choices]),
        }

    def to_frame(self) -> pd.DataFrame:
        """Give a row a split: first_tested, last_tested (dates), train_days, test_days, fast, slow, atr_window, multiple, in_sharpe, in_cagr, out_sharpe, out_rank, trials."""
        days, named, rows = self.trials.pool.days, self.trials.keys().to_dict("records"), []
        for fold, choice in zip(self.folds, self.choices, strict=True):
            dates = {"first_tested": days[fold.test[0][0]], "last_tested": days[fold.test[-1][-1]]}
            sizes = {"train_days": fold.train_days, "test_days": sum(map(len, fold.test))}
            found = {"in_sharpe": choice.in_sharpe, "in_cagr": choice.in_yearly, "out_sharpe": choice.out_sharpe}
            placed = {"out_rank": choice.rank, "trials": len(self.trials)}
            row: dict[Any, Any] = {**dates, **sizes, **named[choice.trial], **found, **placed}
            rows.append(row)
        return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="split"))

    def path_frame(self) -> pd.DataFrame:
        """Give the equity of the paths: a row a day, a column a path, currency."""
        columns = pd.RangeIndex(1, len(self.paths) + 1, name="path")
        return pd.DataFrame(np.stack([path.equity for path in self.paths], axis=1), index=self.days, columns=columns)


def cross_validate(
    trials: Trials,
    groups: int = 10,
    tested: int = 2,
    rule: Rule = best_sharpe,
    *,
    purge: int = 1,
    embargo: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CrossValidation:
    """Choose on all days but those of some groups, purged and embargoed, and test there; for every combination of groups.

    Parameters
    ----------
    trials : Trials
    groups, tested : int
        N and k; k = 1 is purged k-fold, with one path.
    rule : callable
        As for ``walk_forward``.
    purge : int
        Days dropped from a training before each test.
    embargo : int or None
        Days dropped after each; None is the longest slow window of the trials, as so long after a test an average still holds one of its prices.
    progress : callable or None
        Called with the splits done and the splits in all.

    Returns
    -------
    CrossValidation

    Raises
    ------
    InputError, DataError
        As for ``combinatorial_folds``.
    """
    embargo = int(trials.grid.slow.max()) if embargo is None else embargo
    days, start = len(trials.pool.days), first_warm_day(trials)
    folds = combinatorial_folds(days, groups, tested, purge=purge, embargo=embargo, start=start)
    keys, choices = trials.keys(), []
    for number, fold in enumerate(folds, start=1):
        choices.append(choose(trials, fold, rule, keys))
        if progress:
            progress(number, len(folds))
    stitcher = Stitcher(trials)
    paths = tuple(stitcher.stitch(legs) for legs in _paths(folds, choices, comb(groups - 1, tested - 1)))
    return CrossValidation(groups, tested, purge, embargo, folds, tuple(choices), name_of(rule), paths, trials)


def _paths(folds: tuple[Fold, ...], choices: list[Choice], number: int) -> list[list[Leg]]:
    """Deal the tests of every group to the paths, in the order of the folds."""
    dealt: dict[range, list[Leg]] = {}
    for fold, choice in zip(folds, choices, strict=True):
        for group in fold.test:
            dealt.setdefault(group, []).append(Leg(choice.trial, group))
    in_time = [dealt[group] for group in sorted(dealt, key=lambda one: one.start)]
    return [[legs[path] for legs in in_time] for path in range(number)]


def _mean(values: list[float]) -> float:
    """Average what is defined; nan if nothing is."""
    defined = [value for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else float("nan")
