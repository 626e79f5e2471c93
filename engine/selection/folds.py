"""Which days a setting is chosen on and which it is then tested on: walk-forward windows and combinatorial purged groups.

Days are places in the calendar of a ``Pool``. A fold knows nothing of prices, so it cannot leak any; that the training of a walk-forward fold ends before its test begins is checked when a fold is made.

Source of purging, embargo and combinatorial groups: Lopez de Prado, "Advances in Financial Machine Learning", Wiley 2018, chapters 7 and 12.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import comb
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError, InputError

__all__ = ["MOST_SPLITS", "Fold", "Scheme", "combinatorial_folds", "groups_of", "k_fold", "walk_forward_folds"]

Scheme = Literal["anchored", "rolling"]

MOST_SPLITS = 2_000
"""Of a combinatorial cross-validation: the paths of 16 groups, 4 of them tested, are 455; more would tell no more."""
_LEAST_DAYS = 2
"""Of a training: a deviation needs two."""
_FOLDS = 10
"""That half of the days is cut into, if nothing is said."""


@dataclass(frozen=True)
class Fold:
    """The days of one choice.

    Attributes
    ----------
    train, test : tuple of range
        Places of days, ascending, without overlap; training and test share no day.

    Raises
    ------
    InputError
        They are empty, out of order, or share a day.
    """

    train: tuple[range, ...]
    test: tuple[range, ...]

    def __post_init__(self) -> None:
        for name, ranges in (("training", self.train), ("test", self.test)):
            if not ranges or any(len(one) == 0 or one.step != 1 or one.start < 0 for one in ranges):
                raise InputError(f"the {name} of a fold has no days; give ranges of days such as range(0, 500)")
        both = sorted((*self.train, *self.test), key=lambda one: one.start)
        for before, after in pairwise(both):
            if before.stop > after.start:
                raise InputError(
                    f"days {after.start} to {min(before.stop, after.stop) - 1} are twice in a fold; training and test must share no day"
                )

    @property
    def train_days(self) -> int:
        """How many days are trained on."""
        return sum(map(len, self.train))

    @property
    def looks_ahead(self) -> bool:
        """Tell whether some training lies after some test, as it does in cross-validation and never in a walk forward."""
        return self.train[-1].stop > self.test[0].start

    def columns(self, part: Literal["train", "test"]) -> slice | NDArray[np.int64]:
        """Give what picks the days of a part out of rows (N, D): a slice where they are one range, else int64 (days,)."""
        ranges = self.train if part == "train" else self.test
        if len(ranges) == 1:
            return slice(ranges[0].start, ranges[0].stop)
        return np.concatenate([np.arange(one.start, one.stop) for one in ranges])


def walk_forward_folds(
    days: int,
    *,
    scheme: Scheme = "anchored",
    train: int | None = None,
    test: int | None = None,
    step: int | None = None,
    folds: int | None = None,
    purge: int = 1,
    start: int = 0,
) -> tuple[Fold, ...]:
    """Cut the days into trainings, each with the test that follows it.

    Parameters
    ----------
    days : int
        D, the length of the calendar.
    scheme : {"anchored", "rolling"}
        Every training begins at ``start`` and grows; or all are as long as the first.
    train : int or None
        Days of the first training. None is half of the days, or with both ``test`` and ``folds`` what those leave.
    test : int or None
        Days of a test. None cuts what is left into ``folds`` tests, equal but for a day; with it the last test may be shorter, so that it ends with the last day.
    step : int or None
        Days from one test to the next; None is ``test``. Fewer than ``test`` would test a day twice; in days between two tests nothing is held.
    folds : int or None
        How many; None is as many as fit, or 10 without ``test``.
    purge : int
        Days between a training and its test. The default of 1 leaves the seam itself out: the new setting is bought at the close before its test, and that close is not yet
        known when it is chosen. Nothing else can leak: a return of a day is known at its close.
    start : int
        First day that is trained on, by which all averages should exist.

    Returns
    -------
    tuple of Fold
        In the order of time; tests do not overlap.

    Raises
    ------
    InputError
        A number that makes no sense.
    DataError
        Too few days for these folds.
    """
    if scheme not in get_args(Scheme):
        raise InputError(f"scheme is {scheme!r}; it must be anchored or rolling")
    for name, value in (("train", train), ("test", test), ("step", step), ("folds", folds)):
        if value is not None:
            _require_whole(name, value, _LEAST_DAYS if name == "train" else 1)
    _require_whole("purge", purge, 0)
    if step is not None and test is None:
        raise InputError("a step needs the days of a test as well; give test, or leave the step out")
    if step is not None and test is not None and step < test:
        raise InputError(
            f"a step of {step} days would test some days twice; it must be {test}, the days of a test, or more"
        )
    usable = days - start
    trained = _trained(usable, train, test, step, folds, purge)
    tests = list(_tests(start + trained + purge, days, test, step, folds))
    number = folds or (1 if test else _FOLDS)
    tests_wanted = f"{number:,} test{'s' if number > 1 else ''}{f' of {test:,} days' if test else ''}"
    if trained < _LEAST_DAYS or not tests or (folds is not None and len(tests) < folds):
        raise DataError(
            f"too few days: a training of {trained:,} days and {tests_wanted} do not fit into the {max(usable, 0):,} days on which all averages exist; take fewer or shorter folds, shorter slow windows, or more prices"
        )
    begins = [start if scheme == "anchored" else one.start - purge - trained for one in tests]
    return tuple(Fold((range(begin, one.start - purge),), (one,)) for begin, one in zip(begins, tests, strict=True))


def _trained(usable: int, train: int | None, test: int | None, step: int | None, folds: int | None, purge: int) -> int:
    """Find the days of the first training."""
    if train is not None:
        return train
    if test is not None and folds is not None:
        return usable - purge - test - (folds - 1) * (step or test)
    return usable // 2


def _tests(first: int, days: int, test: int | None, step: int | None, folds: int | None) -> Iterator[range]:
    """Give the tests from day ``first`` on."""
    if test is None:
        number = folds or _FOLDS
        if days - first < number:  # not a day for each
            return
        edges = [first + (days - first) * i // number for i in range(number + 1)]
        yield from (range(*pair) for pair in pairwise(edges))
        return
    for i, begin in enumerate(range(first, days, step or test)):
        if folds is not None and (i == folds or begin + test > days):  # asked for: whole ones only
            return
        yield range(begin, min(begin + test, days))


def groups_of(days: int, groups: int, start: int = 0) -> tuple[range, ...]:
    """Cut the days from ``start`` on into groups of one length but for a day.

    Raises
    ------
    DataError
        There are fewer than two days for each.
    """
    usable = days - start
    if usable < _LEAST_DAYS * groups:
        raise DataError(
            f"too few days: {groups:,} groups need {_LEAST_DAYS * groups:,} days, and all averages exist on {max(usable, 0):,}; take fewer groups, shorter slow windows, or more prices"
        )
    edges = [start + usable * i // groups for i in range(groups + 1)]
    return tuple(range(*pair) for pair in pairwise(edges))


def combinatorial_folds(
    days: int, groups: int = 10, tested: int = 2, *, purge: int = 1, embargo: int = 0, start: int = 0
) -> tuple[Fold, ...]:
    """Test every combination of groups, and train on the others: combinatorial purged cross-validation.

    Parameters
    ----------
    days : int
        D, the length of the calendar.
    groups, tested : int
        N and k: C(N, k) splits, every group in C(N - 1, k - 1) = k / N C(N, k) of them. k = 1 is purged k-fold.
    purge : int
        Days dropped from the end of a training before a test.
    embargo : int
        Days dropped from a training after a test: their averages hold prices of the test. The longest slow window covers all of them.
    start : int
        First day that is used.

    Returns
    -------
    tuple of Fold
        In the order of the combinations; each test is a range a group, so neighbours are not joined.

    Raises
    ------
    InputError
    DataError
        Too few days, or purge and embargo leave nothing to train on.
    """
    _require_whole("groups", groups, 2)
    _require_whole("tested groups", tested, 1)
    _require_whole("purge", purge, 0)
    _require_whole("embargo", embargo, 0)
    if tested >= groups:
        raise InputError(f"{tested} of {groups} groups tested leaves none to train on; test fewer")
    if comb(groups, tested) > MOST_SPLITS:
        raise InputError(
            f"{groups} groups, {tested} of them tested, are {comb(groups, tested):,} splits, more than {MOST_SPLITS:,}; take fewer groups"
        )
    cut = groups_of(days, groups, start)
    return tuple(_purged(cut, chosen, purge, embargo) for chosen in combinations(range(groups), tested))


def k_fold(days: int, groups: int = 10, *, purge: int = 1, embargo: int = 0, start: int = 0) -> tuple[Fold, ...]:
    """Test every group once and train on all others, purged and embargoed; arguments and errors as for ``combinatorial_folds``."""
    return combinatorial_folds(days, groups, 1, purge=purge, embargo=embargo, start=start)


def _purged(groups: tuple[range, ...], chosen: Iterable[int], purge: int, embargo: int) -> Fold:
    """Make the fold that tests these groups."""
    test = tuple(groups[i] for i in chosen)
    free = np.ones(groups[-1].stop, dtype=np.bool_)
    free[: groups[0].start] = False
    for one in test:
        free[max(one.start - purge, 0) : one.stop + embargo] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[False], free, [False]]).astype(np.int8))).tolist()
    train = tuple(range(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True))
    if sum(map(len, train)) < _LEAST_DAYS:
        raise DataError(
            f"a purge of {purge} and an embargo of {embargo} days leave nothing to train on when days {test[0].start} to {test[-1].stop - 1} are tested; take a smaller embargo, fewer tested groups, or more prices"
        )
    return Fold(train, test)


def _require_whole(name: str, value: object, least: int) -> None:
    """Check a number of days; ``InputError`` if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{name} is {value!r}; it must be a whole number, {least} or more")
