"""Is a Sharpe ratio above what luck gives: probabilistic and deflated Sharpe ratio, and how long a record has to be.

All Sharpe ratios here are **per bar** (multiply by the root of the bars of a year to annualise), with the deviation of the contract (ddof 1). Skew and kurtosis are the biased
ones (ddof 0), and the kurtosis is raw: 3 for normal returns. So it is in vectorbt and scipy; unbiased moments change the seventh place of a probability.

Papers: Bailey and Lopez de Prado, "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2), 2012 (probabilistic Sharpe ratio, minimum track record length); "The Deflated Sharpe
Ratio", Journal of Portfolio Management 40(5), 2014; Bailey, Borwein, Lopez de Prado and Zhu, "Pseudo-Mathematics and Financial Charlatanism", Notices of the AMS 61(5), 2014 (minimum backtest length).
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError

__all__ = [
    "FLAT",
    "DeflatedSharpe",
    "Moments",
    "TrackRecord",
    "deflated_sharpe",
    "expected_maximum",
    "minimum_backtest_length",
    "minimum_track_record",
    "moments_of",
    "probabilistic_sharpe",
    "sharpe_ratios",
    "supported_trials",
]

Floats = NDArray[np.float64]

FLAT = 1e-12
"""A variance below this share of the mean square cannot be told from 0: the returns count as all equal (the same number as in ``engine.kernels.cscv``)."""
_NORMAL = NormalDist()
_EULER = 0.57721566490153286  # of Euler and Mascheroni


class Moments(NamedTuple):
    """What the statistics need of the returns of one backtest."""

    bars: int
    sharpe: float  # mean / deviation (ddof 1) of the returns, per bar
    skew: float = 0.0  # biased
    kurtosis: float = 3.0  # biased and raw: 3 for normal returns

    @property
    def undefined(self) -> str:
        """Say why the statistics of these moments are not defined; empty if they are."""
        if self.bars < 2:
            return "There are fewer than two bars."
        if math.isnan(self.sharpe):
            return "The returns are all equal, so they have no Sharpe ratio."
        if math.isnan(self.skew) or math.isnan(self.kurtosis):
            return "The skew or the kurtosis of the returns is not known."
        if not _spread(self) > 0.0:
            return "No returns have this skew and kurtosis with this Sharpe ratio, or only two different returns occur."
        return ""


def moments_of(returns: Floats) -> Moments:
    """Take the moments of the returns of one backtest.

    Parameters
    ----------
    returns : float64 (T,)
        Per bar, as fractions.

    Returns
    -------
    Moments
        sharpe, skew and kurtosis are nan where there are fewer than two bars or all returns are equal; ``undefined`` says so.

    Raises
    ------
    InputError
        A return is not a finite number.
    """
    values = np.asarray(returns, dtype=np.float64)
    if not np.isfinite(values).all():
        raise InputError("a return is not a finite number; the statistics of a backtest need a return for every bar")
    bars = len(values)
    mean = float(values.mean()) if bars else math.nan
    distance = values - mean
    variance = float(distance @ distance) / max(bars, 1)
    if bars < 2 or not variance > FLAT * float(values @ values) / bars:
        return Moments(bars, math.nan, math.nan, math.nan)
    sharpe = mean / math.sqrt(variance * bars / (bars - 1))
    standard = distance / math.sqrt(variance)
    return Moments(bars, sharpe, float((standard**3).mean()), float((standard**4).mean()))


def sharpe_ratios(returns: Floats) -> Floats:
    """Give the Sharpe ratio per bar of every trial.

    Parameters
    ----------
    returns : float64 (N, D)

    Returns
    -------
    float64 (N,)
        nan where all returns of a trial are equal, or there are fewer than two days.
    """
    bars = returns.shape[1]
    if bars < 2:
        return np.full(len(returns), math.nan)
    variances = returns.var(axis=1, ddof=1)
    flat = ~(variances * (bars - 1) > FLAT * np.einsum("nd,nd->n", returns, returns))
    return np.where(flat, math.nan, returns.mean(axis=1) / np.sqrt(np.where(flat, 1.0, variances)))


def _spread(moments: Moments) -> float:
    """Give 1 - g3 SR + (g4 - 1) / 4 SR^2: the variance of a Sharpe ratio times (bars - 1)."""
    sharpe = moments.sharpe
    return 1.0 - moments.skew * sharpe + (moments.kurtosis - 1.0) / 4.0 * sharpe * sharpe


def probabilistic_sharpe(moments: Moments, benchmark: float = 0.0) -> float:
    """Give the probability that the true Sharpe ratio is above a benchmark, given the length of the record and its moments.

    ``Phi((SR - benchmark) sqrt(T - 1) / sqrt(1 - g3 SR + (g4 - 1) / 4 SR^2))``.

    Parameters
    ----------
    moments : Moments
    benchmark : float
        A Sharpe ratio per bar.

    Returns
    -------
    float
        0 to 1; nan where ``moments.undefined`` is not empty.
    """
    if moments.undefined or math.isnan(benchmark):
        return math.nan
    distance = (moments.sharpe - benchmark) * math.sqrt(moments.bars - 1)
    return _NORMAL.cdf(distance / math.sqrt(_spread(moments)))


def expected_maximum(trials: float) -> float:
    """Give about the largest of N independent standard normal numbers, on average.

    ``(1 - e) Phi^-1(1 - 1/N) + e Phi^-1(1 - 1/(N exp 1))`` with Euler's e = 0.5772; 0 for one trial, where the formula has no value.

    Parameters
    ----------
    trials : float
        N, 1 or more; not whole where it is an effective number.

    Raises
    ------
    InputError
    """
    if not trials >= 1.0 or math.isinf(trials):
        raise InputError(f"the number of trials is {trials}; it must be 1 or more")
    if trials == 1.0:
        return 0.0
    # Phi^-1(1 - p) = -Phi^-1(p), without losing a small p beside 1
    largest = -(1.0 - _EULER) * _NORMAL.inv_cdf(1.0 / trials) - _EULER * _NORMAL.inv_cdf(1.0 / (trials * math.e))
    return max(0.0, largest)  # for N below 1.3 the approximation falls below the average of one


class DeflatedSharpe(NamedTuple):
    """The deflated Sharpe ratio and what it was held against."""

    probability: float  # that the true Sharpe ratio is above the benchmark
    benchmark: float  # SR0, per bar: what the best of so many trials without any skill reaches on average
    trials: float  # independent ones
    undefined: str = ""  # why the probability is nan; else empty


def deflated_sharpe(moments: Moments, variance_of_trials: float, trials: float) -> DeflatedSharpe:
    """Give the probability that the best of many trials has skill: its probabilistic Sharpe ratio against the best that luck gives.

    ``SR0 = sqrt(variance of the trials' Sharpe ratios) * expected_maximum(N)``.

    Parameters
    ----------
    moments : Moments
        Of the best trial.
    variance_of_trials : float
        Of the Sharpe ratios per bar of all trials (ddof 1).
    trials : float
        Independent ones: see ``engine.selection.effective``.

    Raises
    ------
    InputError
        Fewer than one trial, or a variance below 0.
    """
    largest = expected_maximum(trials)
    if variance_of_trials < 0.0:
        raise InputError(f"the variance of the trials' Sharpe ratios is {variance_of_trials}; it cannot be below 0")
    if math.isnan(variance_of_trials):
        reason = "The variance of the trials' Sharpe ratios is not known; it takes two trials that trade."
        return DeflatedSharpe(math.nan, math.nan, trials, reason)
    benchmark = math.sqrt(variance_of_trials) * largest
    return DeflatedSharpe(probabilistic_sharpe(moments, benchmark), benchmark, trials, moments.undefined)


class TrackRecord(NamedTuple):
    """How long a record has to be."""

    bars: float  # not rounded
    undefined: str = ""  # why it is nan; else empty


def minimum_track_record(moments: Moments, benchmark: float = 0.0, confidence: float = 0.95) -> TrackRecord:
    """Give how many bars of such returns it takes to be confident that their Sharpe ratio is above a benchmark.

    ``1 + (1 - g3 SR + (g4 - 1) / 4 SR^2) (z / (SR - benchmark))^2``.

    Parameters
    ----------
    moments : Moments
        The number of bars is not read beyond that there are two.
    benchmark : float
        Per bar.
    confidence : float
        Between 0.5 and 1.

    Raises
    ------
    InputError
    """
    if not 0.5 < confidence < 1.0:
        raise InputError(f"the confidence is {confidence}; it must lie between 0.5 and 1, such as 0.95")
    if moments.undefined:
        return TrackRecord(math.nan, moments.undefined)
    if not moments.sharpe > benchmark:
        return TrackRecord(math.nan, "The Sharpe ratio is not above the benchmark, so no record is long enough.")
    z = _NORMAL.inv_cdf(confidence)
    return TrackRecord(1.0 + _spread(moments) * (z / (moments.sharpe - benchmark)) ** 2)


def minimum_backtest_length(trials: float, annual_sharpe: float = 1.0) -> float:
    """Give the years below which the best of N trials without skill is expected to show this Sharpe ratio.

    ``(expected_maximum(N) / annual Sharpe ratio)^2``; the paper's rule, for independent trials.

    Raises
    ------
    InputError
    """
    _check_target(annual_sharpe)
    return (expected_maximum(trials) / annual_sharpe) ** 2


def supported_trials(years: float, annual_sharpe: float = 1.0) -> int:
    """Give how many independent trials so many years support: the most for which ``minimum_backtest_length`` is not longer.

    Five years and a Sharpe ratio of 1: 45.

    Parameters
    ----------
    years : float
        Above 0, up to 1,000.
    annual_sharpe : float

    Raises
    ------
    InputError
    """
    _check_target(annual_sharpe)
    if not 0.0 < years <= 1000.0:
        raise InputError(f"the years are {years}; they must be more than 0 and not more than 1000")
    most = 1
    while 2 * most < _MOST_TRIALS and minimum_backtest_length(2 * most, annual_sharpe) <= years:
        most *= 2
    step = most
    while step:
        if minimum_backtest_length(most + step, annual_sharpe) <= years:
            most += step
        step //= 2
    return most


_MOST_TRIALS = 10**300
"""Beyond what a double holds there is nothing to search."""


def _check_target(annual_sharpe: float) -> None:
    """Refuse a Sharpe ratio that nothing can be divided by."""
    if not 0.0 < annual_sharpe < math.inf:
        raise InputError(f"the annual Sharpe ratio is {annual_sharpe}; it must be a number above 0")
