"""The result of a permutation test: the best of a sweep beside the best of luck."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.selection.markets import Shuffle

__all__ = ["Luck", "PermutationTest", "Stopped"]

Floats = NDArray[np.float64]
Stopped = Literal["all", "settled", "interrupted", "undefined"]
"""All resamples were done; the decision was clear before; Ctrl-C; nothing could be compared."""


@dataclass(frozen=True, eq=False)
class Luck:
    """One best result, and the best results of luck.

    Attributes
    ----------
    observed : float
        Of the market itself; nan if no cell has one.
    where : dict
        Symbol (of a cell), fast, slow, atr_window, multiple; empty if ``observed`` is nan.
    p, error : float
        p-value and its standard error; nan if nothing could be compared.
    as_good, done : int
        Resamples whose best is at least as good, and those that were counted.
    draws : float64 (B,)
        Best of every resample, nan where none was defined; all that were done, also those after the count was settled.
    """

    observed: float
    where: Mapping[str, Any]
    p: float
    error: float
    as_good: int
    done: int
    draws: Floats

    def quantile(self, level: float) -> float:
        """Give a quantile of the best of luck, over the resamples that have one; nan without any."""
        defined = self.draws[~np.isnan(self.draws)]
        return float(np.quantile(defined, level)) if len(defined) else float("nan")

    @property
    def median(self) -> float:
        """The median best of luck."""
        return self.quantile(0.5)

    @property
    def high(self) -> float:
        """What only one best of luck in twenty is above."""
        return self.quantile(0.95)


@dataclass(frozen=True, eq=False)
class PermutationTest:
    """What became of it.

    Attributes
    ----------
    cell : Luck
        The best cell of all symbols by ``metric``.
    setting : Luck or None
        The setting with the highest Sharpe ratio on all symbols together; None if it was not asked for, or for the reason in ``why``.
    of_symbol : tuple of Luck
        The best cell of each symbol beside the best of the same symbol.
    family : dict of str to float
        By symbol: p-value of its best beside the best of all symbols.
    metric : str
    shuffle : Shuffle
        Permutation or bootstrap, mean block, seed.
    level : float or None
        Resampling stopped as soon as the best (cell, and setting) could not be significant at it any more; None: it was not to stop.
    asked, done : int
        Resamples.
    stopped : {"all", "settled", "interrupted", "undefined"}
        Why it ended.
    days : int
    left_out : dict
        Symbols that are too short for every pair, with the reason.
    why : dict
        What could not be done ("cell", "setting", "level", or a symbol), with the reason in one line.
    """

    cell: Luck
    setting: Luck | None
    of_symbol: tuple[Luck, ...]
    family: Mapping[str, float]
    metric: str
    shuffle: Shuffle
    level: float | None
    asked: int
    done: int
    stopped: Stopped
    days: int
    left_out: Mapping[str, str]
    why: Mapping[str, str]

    @cached_property
    def symbols(self) -> pd.DataFrame:
        """A row a symbol: observed, its cell, p, standard error, family-wise p, resamples counted, median and 95 percent quantile of luck."""
        rows = [
            {
                "observed": luck.observed,
                **{name: luck.where.get(name) for name in ("fast", "slow", "atr_window", "multiple")},
                "p": luck.p,
                "error": luck.error,
                "family_p": self.family[symbol],
                "done": luck.done,
                "median": luck.median,
                "high": luck.high,
            }
            for symbol, luck in zip(self.family, self.of_symbol, strict=True)
        ]
        return pd.DataFrame(rows, index=pd.Index(list(self.family), name="symbol"))
