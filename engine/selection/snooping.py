"""Is any setting of a sweep better than holding, or than cash, given how many were tried: three tests that resample days of the returns of all settings together.

::

    reality_check                 White, Econometrica 68, 2000
    superior_predictive_ability   Hansen, Journal of Business and Economic Statistics 23, 2005: studentized, and settings that are hopeless count less
    step_m                        Romano and Wolf, Econometrica 73, 2005: which settings, with the probability of a single wrong one held below a level

``arch.bootstrap`` does them, with the stationary bootstrap (Politis and Romano 1994). Its ``studentize`` changes nothing as of version 8.0 (it estimates the variances, and uses them only to
tell which settings are hopeless), so differences are divided by their standard deviations before they are handed over.

A p-value is (1 + count) / (1 + resamples), as that of a permutation: never 0, which no number of resamples can show.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import InputError
from engine.selection.excess import Fed, deviations
from engine.selection.sequential import standard_error
from engine.settings import require_number

__all__ = [
    "Resampling",
    "Snooping",
    "SuperiorSettings",
    "reality_check",
    "step_m",
    "superior_predictive_ability",
]

Floats = NDArray[np.float64]

_LEAST_BLOCKS = 10
"""Mean blocks that the days have to have: fewer are nearly the same in every resample."""


@dataclass(frozen=True)
class Resampling:
    """How days are resampled.

    Parameters
    ----------
    block : float
        Mean days of a block, 1 or more; 10 is what Sullivan, Timmermann and White (Journal of Finance 54, 1999) take for daily returns.
    resamples : int
    seed : int

    Raises
    ------
    InputError
    """

    block: int = 10
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("block", 1), ("resamples", 1), ("seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(f"{name} is {value!r}; it must be a whole number, {least} or more")


@dataclass(frozen=True, eq=False)
class Snooping:
    """The answer of the Reality Check, or of the test of superior predictive ability.

    Attributes
    ----------
    p, error : float
        p-value that the test's author recommends (upper of White's, consistent of Hansen's) and its standard error; nan for the reason in ``why``.
    lower, consistent, upper : float
        Hansen's three: settings that are worse than the benchmark do not count, count if they are not hopeless, or count as if they were as good as it.
    best : dict
        The setting with the highest statistic: fast, slow, atr_window, multiple.
    excess : float
        Its mean return a year above the benchmark: days times bars per year, not compounded.
    fed : Fed
    resampling : Resampling
    why : str
        Why there is no p-value; empty if there is one.
    """

    p: float
    error: float
    lower: float
    consistent: float
    upper: float
    best: Mapping[str, Any]
    excess: float
    fed: Fed
    resampling: Resampling
    why: str


@dataclass(frozen=True, eq=False)
class SuperiorSettings:
    """The answer of StepM.

    Attributes
    ----------
    settings : DataFrame
        Those that are better than the benchmark: fast, slow, atr_window, multiple, excess (mean return a year above it), in the order of the grid; the probability that one of them is wrongly in it is
        at most ``level``, for long histories.
    level : float
    fed : Fed
    resampling : Resampling
    why : str
        Why it could not be done; empty if it was.
    """

    settings: pd.DataFrame
    level: float
    fed: Fed
    resampling: Resampling
    why: str


def reality_check(fed: Fed, resampling: Resampling | None = None) -> Snooping:
    """Test whether the setting with the highest mean return above the benchmark is better than it, by White's Reality Check.

    Parameters
    ----------
    fed : Fed
    resampling : Resampling or None
        None is the default.

    Returns
    -------
    Snooping
        ``p`` is the upper one.
    """
    return _judge(fed, np.ones(fed.used), resampling or Resampling(), "upper")


def superior_predictive_ability(fed: Fed, resampling: Resampling | None = None) -> Snooping:
    """Test whether the setting with the highest studentized mean return above the benchmark is better than it, by Hansen's test.

    Parameters
    ----------
    fed : Fed
    resampling : Resampling or None
        None is the default.

    Returns
    -------
    Snooping
        ``p`` is the consistent one.
    """
    chosen = resampling or Resampling()
    return _judge(fed, deviations(fed.excess, chosen.block), chosen, "consistent")


def step_m(fed: Fed, resampling: Resampling | None = None, *, level: float = 0.05) -> SuperiorSettings:
    """Find the settings that are better than the benchmark, by the studentized step-down test of Romano and Wolf.

    Parameters
    ----------
    fed : Fed
    resampling : Resampling or None
        None is the default.
    level : float
        Probability that any setting is wrongly found.

    Returns
    -------
    SuperiorSettings

    Raises
    ------
    InputError
    """
    chosen = resampling or Resampling()
    if not require_number("level", level, above=0) < 1:
        raise InputError(f"level is {level!r}; it is a probability between 0 and 1, such as 0.05")
    why = _too_little(fed, chosen)
    found: list[int] = []
    if not why:
        from arch.bootstrap import StepM  # noqa: PLC0415  slow to import

        losses = -fed.excess / deviations(fed.excess, chosen.block)[:, None]
        # The benchmark itself is the last of the models: without one that is never found, arch has none left to compare when all are.
        models = np.ascontiguousarray(np.vstack([losses, np.zeros(fed.days)]).T)
        cash, reps = np.zeros(fed.days), chosen.resamples
        test = StepM(cash, models, size=level, block_size=chosen.block, reps=reps, seed=chosen.seed)
        test.compute()
        found = np.array(test.superior_models, dtype=np.int64).tolist()
    settings = fed.keys.iloc[found].assign(excess=fed.excess[found].mean(axis=1) * fed.bars_per_year)
    return SuperiorSettings(settings, level, fed, chosen, why)


def _too_little(fed: Fed, resampling: Resampling) -> str:
    """Say what is missing for a test; empty if nothing is."""
    if not fed.used:
        return "no setting has returns that differ from those of " + fed.benchmark
    if fed.days < _LEAST_BLOCKS * resampling.block:
        least = _LEAST_BLOCKS * resampling.block
        return f"{fed.days} days are fewer than {least}, {_LEAST_BLOCKS} blocks of {resampling.block} days; take more days or a shorter block"
    return ""


def _judge(fed: Fed, deviation: Floats, resampling: Resampling, kind: Literal["consistent", "upper"]) -> Snooping:
    """Hand differences that are divided by a deviation (N,) to arch."""
    nan, why = float("nan"), _too_little(fed, resampling)
    if why:
        return Snooping(nan, nan, nan, nan, nan, {}, nan, fed, resampling, why)
    from arch.bootstrap import SPA  # noqa: PLC0415  slow to import

    scaled = fed.excess / deviation[:, None]
    losses = np.ascontiguousarray(-scaled.T)  # arch draws days: it takes half the time if a day lies together
    test = SPA(np.zeros(fed.days), losses, block_size=resampling.block, reps=resampling.resamples, seed=resampling.seed)
    test.compute()
    values = {name: _corrected(float(test.pvalues[name]), resampling.resamples) for name in test.pvalues.index}
    best = int(scaled.mean(axis=1).argmax())
    where = {str(name): column.iloc[best].item() for name, column in fed.keys.items()}
    excess = float(fed.excess[best].mean() * fed.bars_per_year)
    error = standard_error(values[kind], resampling.resamples)
    return Snooping(values[kind], error, **values, best=where, excess=excess, fed=fed, resampling=resampling, why="")


def _corrected(share: float, resamples: int) -> float:
    """Give (1 + count) / (1 + resamples) of count / resamples."""
    return (1 + round(share * resamples)) / (1 + resamples)
