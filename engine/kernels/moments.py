"""Mean, deviations and drawdown of an equity curve."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule
from engine.kernels.machine import index

__all__ = ["Moments", "moments"]

Floats = NDArray[np.float64]


class Moments(NamedTuple):
    """Of the returns of T bars."""

    mean: float
    deviation: float  # ddof 1; 0 exactly where all returns are equal, nan for fewer than two bars
    downside: float  # root of the mean of min(r, 0)^2 over all bars
    max_drawdown: float  # 0 or negative
    solvent: bool  # equity stayed positive, so that returns have a meaning


@kernel
def moments(capital: float, equity: Floats) -> Moments:
    """Mean, deviations and drawdown of an equity curve (T,) that starts from ``capital`` before its first bar.

    Two passes: the second corrects the rounding of the first mean (Chan, Golub and LeVeque 1983), which keeps a Sharpe ratio near zero right. Quotients by themselves become
    vectors, and four sums side by side do not wait for each other: 3.2 against 5.3 microseconds for 1,250 bars in one loop.
    """
    n = len(equity)
    changes, fallen = np.empty(n), np.empty(n)
    solvent = _compare(capital, equity, changes, fallen)
    one = two = three = four = _Sums(0.0, 0.0, np.inf, -np.inf, 0.0)
    whole = n - n % 4
    for t in range(0, whole, 4):
        one = _add(one, changes[index(t)], fallen[index(t)])
        two = _add(two, changes[index(t + 1)], fallen[index(t + 1)])
        three = _add(three, changes[index(t + 2)], fallen[index(t + 2)])
        four = _add(four, changes[index(t + 3)], fallen[index(t + 3)])
    for t in range(whole, n):
        one = _add(one, changes[index(t)], fallen[index(t)])
    sums = _together(_together(one, two), _together(three, four))
    guess = sums.total / n
    rest, squares = _distances(changes, guess)
    deviation = np.sqrt(max(0.0, squares - rest * rest / n) / (n - 1)) if n > 1 else np.nan
    if sums.lowest == sums.highest and n > 1:
        deviation = 0.0
    return Moments(guess + rest / n, deviation, np.sqrt(sums.losses / n), sums.worst, solvent)


class _Sums(NamedTuple):
    """Of some bars."""

    total: float
    losses: float  # squares of the changes below 0
    lowest: float
    highest: float
    worst: float  # deepest fall below a peak, 0 or negative


@rule
def _add(sums: _Sums, change: float, fallen: float) -> _Sums:
    """Take in a bar."""
    return _Sums(
        sums.total + change,
        sums.losses + min(change, 0.0) ** 2,
        min(sums.lowest, change),
        max(sums.highest, change),
        min(sums.worst, fallen),
    )


@rule
def _together(one: _Sums, other: _Sums) -> _Sums:
    """Join the sums of different bars."""
    return _Sums(
        one.total + other.total,
        one.losses + other.losses,
        min(one.lowest, other.lowest),
        max(one.highest, other.highest),
        min(one.worst, other.worst),
    )


@kernel
def _compare(capital: float, equity: Floats, changes: Floats, fallen: Floats) -> bool:
    """Write how equity changes from bar to bar, and how far it is below its peak; give whether it stays positive."""
    changes[0] = equity[0] / capital - 1.0
    now, before, later = equity[1:], equity[:-1], changes[1:]
    for t in range(len(now)):
        later[t] = now[t] / before[t] - 1.0
    peak, solvent = capital, capital > 0.0
    for t in range(len(equity)):
        peak = max(peak, equity[index(t)])
        solvent &= equity[index(t)] > 0.0
        fallen[index(t)] = peak
    for t in range(len(equity)):
        fallen[t] = equity[t] / fallen[t] - 1.0
    return solvent


@kernel
def _distances(changes: Floats, guess: float) -> _Distances:
    """Sum the distances from a mean, and their squares."""
    one = two = three = four = _Distances(0.0, 0.0)
    whole = len(changes) - len(changes) % 4
    for t in range(0, whole, 4):
        one = _apart(one, changes[index(t)] - guess)
        two = _apart(two, changes[index(t + 1)] - guess)
        three = _apart(three, changes[index(t + 2)] - guess)
        four = _apart(four, changes[index(t + 3)] - guess)
    for t in range(whole, len(changes)):
        one = _apart(one, changes[index(t)] - guess)
    rest = (one.rest + two.rest) + (three.rest + four.rest)
    return _Distances(rest, (one.squares + two.squares) + (three.squares + four.squares))


class _Distances(NamedTuple):
    """Sums of distances from a mean and of their squares."""

    rest: float
    squares: float


@rule
def _apart(sums: _Distances, distance: float) -> _Distances:
    """Take in a bar."""
    return _Distances(sums.rest + distance, sums.squares + distance * distance)
