"""Selection rules: which of the trials to trade, from their returns in a training.

A rule is any function of the returns of all trials on the days of a training (float64 (N, days), a row a trial, read-only), their keys and the bars of a year, that gives the row of its choice.
A rule whose measure is nowhere defined takes the first trial, as it does where several are equal: the order is that of the grid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import InputError
from engine.selection.plateau import widest_plateau
from engine.selection.surfaces import lay_out

__all__ = [
    "RULES",
    "Rule",
    "best_calmar",
    "best_return",
    "best_sharpe",
    "calmars",
    "median_rank",
    "plateau_centre",
    "ranks",
    "rule_of",
    "sharpes",
    "total_returns",
]

Floats = NDArray[np.float64]
Rule = Callable[[Floats, pd.DataFrame, float], int]

_AT_ONCE = 1 << 22
"""Returns that are worked on in one go, so that what is made of them stays small: 32 MB."""
_PERIODS = 4
"""That ``median_rank`` cuts a training into."""


def best_sharpe(returns: Floats, keys: pd.DataFrame, bars_per_year: float) -> int:
    """Take the highest Sharpe ratio."""
    del keys
    return _first_best(sharpes(returns, bars_per_year))


def best_return(returns: Floats, keys: pd.DataFrame, bars_per_year: float) -> int:
    """Take the highest total return."""
    del keys, bars_per_year
    return _first_best(total_returns(returns))


def best_calmar(returns: Floats, keys: pd.DataFrame, bars_per_year: float) -> int:
    """Take the highest ratio of yearly return and largest drawdown."""
    del keys
    return _first_best(calmars(returns, bars_per_year))


def median_rank(returns: Floats, keys: pd.DataFrame, bars_per_year: float) -> int:
    """Take the best median of the ranks by Sharpe ratio in four equal parts of the training: good throughout rather than best once."""
    del keys
    parts = np.array_split(np.arange(returns.shape[1]), _PERIODS)
    placed = [ranks(sharpes(returns[:, part[0] : part[-1] + 1], bars_per_year)) for part in parts if len(part)]
    return _first_best(-np.median(np.stack(placed), axis=0))


def plateau_centre(returns: Floats, keys: pd.DataFrame, bars_per_year: float) -> int:
    """Take the middle of the widest plateau of Sharpe ratios (``plateau``), among stops with the ATR window of the highest one; that one where no ratio is defined."""
    values = sharpes(returns, bars_per_year)
    best = _first_best(values)
    layout = lay_out(keys, values, total_returns(returns), best)
    centre = widest_plateau(layout.surface).centre
    return best if centre is None else int(layout.place[centre])


RULES: Mapping[str, Rule] = {
    "sharpe": best_sharpe,
    "return": best_return,
    "calmar": best_calmar,
    "median-rank": median_rank,
    "plateau": plateau_centre,
}
"""The rules that have a name; any other function will do as well."""


def rule_of(name: str) -> Rule:
    """Find a rule by its name.

    Raises
    ------
    InputError
    """
    rule = RULES.get(name.lower().replace("_", "-"))
    if rule is None:
        raise InputError(f"there is no rule {name!r}; it must be one of: {', '.join(RULES)}")
    return rule


def sharpes(returns: Floats, bars_per_year: float) -> Floats:
    """Give the yearly Sharpe ratio of every row, float64 (N,), as the contract defines it: nan where all returns are equal, or one of them is not defined."""
    out = np.full(len(returns), np.nan)
    if returns.shape[1] < 2:
        return out
    for rows in _blocks(returns):
        some = returns[rows]
        mean = some.mean(axis=1)
        distance = some - mean[:, None]
        deviation = np.sqrt(np.einsum("nd,nd->n", distance, distance) / (some.shape[1] - 1))
        deviation[some.min(axis=1) == some.max(axis=1)] = 0.0
        np.divide(mean, deviation, out=out[rows], where=deviation != 0.0)
    out *= np.sqrt(bars_per_year)
    return out


def total_returns(returns: Floats) -> Floats:
    """Give the total return of every row, float64 (N,)."""
    out = np.empty(len(returns))
    for rows in _blocks(returns):
        out[rows] = np.prod(1.0 + returns[rows], axis=1) - 1.0
    return out


def calmars(returns: Floats, bars_per_year: float) -> Floats:
    """Give the Calmar ratio of every row, float64 (N,): nan where there is no drawdown, or a return is not defined."""
    out = np.full(len(returns), np.nan)
    for rows in _blocks(returns):
        equity = np.cumprod(1.0 + returns[rows], axis=1)
        peak = np.maximum(np.maximum.accumulate(equity, axis=1), 1.0)
        worst = (equity / peak - 1.0).min(axis=1)
        yearly = np.maximum(equity[:, -1], 0.0) ** (bars_per_year / returns.shape[1]) - 1.0
        np.divide(yearly, -worst, out=out[rows], where=worst != 0.0)
    return out


def ranks(values: Floats) -> Floats:
    """Give the rank of every value, float64 (N,): 1 is the highest, equal ones share the middle of their ranks, and those that are not defined are equal and come last."""
    low = -np.where(np.isnan(values), -np.inf, values)
    in_order = np.sort(low)
    above, upto = np.searchsorted(in_order, low, side="left"), np.searchsorted(in_order, low, side="right")
    return (above + upto + 1) / 2.0


def _first_best(values: Floats) -> int:
    """Find the highest; of equal ones the first."""
    return int(np.argmax(np.where(np.isnan(values), -np.inf, values)))


def _blocks(returns: Floats) -> Iterator[slice]:
    """Cut the rows."""
    rows = max(1, _AT_ONCE // max(1, returns.shape[1]))
    return (slice(at, at + rows) for at in range(0, len(returns), rows))
