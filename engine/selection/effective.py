"""How many independent trials a sweep amounts to: neighbouring cells hold the same positions most of the time, and are not trials of their own.

Two answers, which need not agree. From the average correlation: Bailey and Lopez de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40(5), 2014, appendix:
``N_eff = rho + (1 - rho) N``. From the spread of the eigenvalues of the correlation matrix, their participation ratio ``(sum)^2 / (sum of squares)``: 1 if all trials are the same, N if no two
are correlated; see Bretherton and others, "The Effective Number of Spatial Degrees of Freedom of a Time-Varying Field", Journal of Climate 12, 1999.

The N x N matrix is never formed for the first: the sum of all standardised series holds the sum of all its entries.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError
from engine.selection.sharpe import FLAT

__all__ = ["CorrelationSum", "EffectiveTrials", "effective_trials", "participation_ratio"]

Floats = NDArray[np.float64]

_MOST_WORK = 2 * 10**10
"""Multiplications for a participation ratio: about a second on two cores; 12,800 trials of five years of days."""


class EffectiveTrials(NamedTuple):
    """How many independent trials there are."""

    trials: int  # whose returns are not all equal
    idle: int  # left out, because theirs are: they never trade
    correlation: float  # average of all pairs of trials; nan for fewer than two
    number: float  # rho + (1 - rho) N, 1 to N; a negative average counts as 0
    undefined: str = ""  # why correlation and number are nan; else empty


class CorrelationSum:
    """Takes the returns of trials in portions, and keeps the sum of their standardised series: 8 bytes a day, however many trials.

    With z_i the returns of trial i less their mean, by their deviation (ddof 0): ``sum of all entries of the correlation matrix = |z_1 + ... + z_N|^2 / D``.

    Parameters
    ----------
    days : int
        D.
    """

    def __init__(self, days: int) -> None:
        self.days = days
        self.trials = 0
        self.idle = 0
        self._total = np.zeros(days)

    def add(self, returns: Floats) -> None:
        """Take some trials more.

        Parameters
        ----------
        returns : float64 (n, D)
            Per day, as fractions.

        Raises
        ------
        InputError
            Other days than were announced, or a return that is not a finite number.
        """
        values = np.asarray(returns, dtype=np.float64)
        if values.ndim != 2 or values.shape[1] != self.days:
            raise InputError(f"the returns have the shape {values.shape}; expected are rows of {self.days} days")
        means, deviations = _means_and_deviations(values)
        weights = np.divide(1.0, deviations, out=np.zeros_like(deviations), where=deviations > 0.0)
        self._total += np.einsum("n,nd->d", weights, values) - np.einsum("n,n->", weights, means)
        trading = int(np.count_nonzero(weights))
        self.trials += trading
        self.idle += len(values) - trading

    def result(self) -> EffectiveTrials:
        """Give the number for all trials so far.

        Where fewer than two trade there is no correlation: the number is then that of the trials, and nan if there is none.
        """
        n = self.trials
        if n < 2:
            reason = "No trial trades." if n == 0 else "A single trial has no correlation with others."
            return EffectiveTrials(n, self.idle, math.nan, float(n) if n else math.nan, reason)
        entries = float(self._total @ self._total) / self.days
        correlation = min(1.0, (entries - n) / (n * (n - 1.0)))
        positive = max(0.0, correlation)  # trials that offset each other are not more than they are
        return EffectiveTrials(n, self.idle, correlation, positive + (1.0 - positive) * n)


def _means_and_deviations(values: Floats) -> tuple[Floats, Floats]:
    """Give mean and deviation (ddof 0) of every row; a deviation of exactly 0 where all returns of a trial are equal."""
    days = max(values.shape[1], 1)
    squares = np.einsum("nd,nd->n", values, values)
    if not np.isfinite(squares).all():
        raise InputError("a return is not a finite number; every trial needs a return for every day")
    variances = values.var(axis=1) if values.shape[1] else np.zeros(len(values))
    means = values.mean(axis=1) if values.shape[1] else np.zeros(len(values))
    return means, np.sqrt(np.where(variances * days > FLAT * squares, variances, 0.0))


def effective_trials(returns: Floats) -> EffectiveTrials:
    """Give the effective number of trials whose returns are all at hand.

    Parameters
    ----------
    returns : float64 (N, D)

    Raises
    ------
    InputError
    """
    if returns.ndim != 2:
        raise InputError(f"the returns have the shape {returns.shape}; expected is a row for every trial")
    total = CorrelationSum(returns.shape[1])
    total.add(returns)
    return total.result()


def participation_ratio(returns: Floats) -> float:
    """Give the participation ratio of the eigenvalues of the trials' correlation matrix C.

    ``(trace C)^2 / trace(C C) = N^2 / |C|^2``; the squared entries of C and of the D x D matrix of the same series have the same sum, so that the smaller of the two is formed, and
    no eigenvalue is needed.

    Chance correlations of short series count as real ones: of N independent trials over D days it finds only about ``N / (1 + N / D)``.

    Parameters
    ----------
    returns : float64 (N, D)
        Trials whose returns are all equal are left out.

    Returns
    -------
    float
        1 to the smaller of N and D; nan where no trial trades, or the smaller of N and D squared, times the larger, is above 2e10, which is too much work.

    Raises
    ------
    InputError
        A return is not a finite number.
    """
    means, deviations = _means_and_deviations(returns)
    trading = deviations > 0.0
    days, trials = returns.shape[1], int(np.count_nonzero(trading))
    if not trials or min(trials, days) * trials * days > _MOST_WORK:
        return math.nan
    standard = (returns[trading] - means[trading, None]) / deviations[trading, None]
    gram = standard @ standard.T if trials <= days else standard.T @ standard
    gram /= days
    return trials * trials / float(np.vdot(gram, gram))
