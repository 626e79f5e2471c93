"""All statistics of one sweep together, and what they come to.

The pick that is judged is a setting (pair and stop), since a setting is what will be traded: the one with the highest Sharpe ratio with the same money in every symbol every day, or of the
account that the symbols share. The best single cell of a sweep of many symbols is picked from many more, and is held against all of them as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.results.tables import INDEX, CellKeys
from engine.selection.candidates import Candidates, Market
from engine.selection.plateau import Neighbours, Plateau, neighbours_of, widest_plateau
from engine.selection.sharpe import (
    DeflatedSharpe,
    Moments,
    TrackRecord,
    deflated_sharpe,
    minimum_backtest_length,
    minimum_track_record,
    moments_of,
    probabilistic_sharpe,
    sharpe_ratios,
    supported_trials,
)
from engine.selection.surfaces import Layout

if TYPE_CHECKING:
    from engine.selection.luck import PermutationTest

__all__ = ["Answer", "Deflated", "Evidence", "LuckReport", "deflate"]

Floats = NDArray[np.float64]
Evidence = Literal["none", "weak", "good", "unknown"]
"""Of skill in the pick: one test speaks against it; none does, but not all speak for it; all do; too little is known."""
Answer = Literal["for", "against", "open", "unknown"]
"""What one test says of the pick."""

SURE, DOUBTFUL = 0.95, 0.80
"""A deflated Sharpe ratio from here on speaks for a pick, below there against it. A p-value likewise: 0.05 and 0.20."""
LOW, HIGH = 0.20, 0.50
"""A probability of overfitting up to here speaks for a pick, from there on against it: half of all picks are then below the median where they were not picked."""


@dataclass(frozen=True)
class Deflated:
    """The Sharpe ratio of a pick against the best that luck makes of so many trials.

    Attributes
    ----------
    moments : Moments
        Of the pick's returns.
    variance : float
        Of the Sharpe ratios per bar of all trials.
    raw, effective : DeflatedSharpe
        With every trial counted, and with trials that are alike counted as fewer.
    """

    moments: Moments
    variance: float
    raw: DeflatedSharpe
    effective: DeflatedSharpe


@dataclass(frozen=True, eq=False)
class LuckReport:
    """The statistics of one sweep. Sharpe ratios of its fields are per bar, as those of its parts; ``annual`` makes them yearly.

    Attributes
    ----------
    market : Market
    candidates : Candidates
        The settings that were judged.
    trials : int
        Settings that were tried: those of the sweep, or more if a ledger knows of others on the same prices.
    settings_of_sweep : int
        Those of the sweep, of which ``candidates`` may be only some.
    held : float64 (D,)
        Returns of holding the same symbols, with the same money in each every day, without costs.
    permutation : PermutationTest or None
        If it was asked for.
    best_cell : dict or None
        Of a sweep of several symbols: ``symbol``, ``fast``, ``slow``, ``atr_window``, ``multiple``, ``trials`` and ``deflated`` of its best cell by Sharpe ratio.
    """

    market: Market
    candidates: Candidates
    trials: int
    settings_of_sweep: int
    held: Floats
    permutation: PermutationTest | None = None
    best_cell: Mapping[str, Any] | None = None

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols that the settings trade."""
        return self.market.pool.symbols

    @property
    def years(self) -> float:
        """Length of the market."""
        return len(self.market.pool.days) / self.market.settings.bars_per_year

    def annual(self, sharpe: float) -> float:
        """Make a Sharpe ratio per bar yearly."""
        return sharpe * math.sqrt(self.market.settings.bars_per_year)

    @property
    def is_defined(self) -> bool:
        """Tell whether any setting has a Sharpe ratio."""
        return self.candidates.best >= 0

    def name(self, place: int) -> dict[str, Any]:
        """Name a setting: fast, slow, atr_window, multiple."""
        names = CellKeys(self.candidates.grid).of(np.array([place]))
        return {key: names[key][0].item() for key in INDEX if key in names}

    @property
    def pick(self) -> dict[str, Any]:
        """The setting that is judged; empty if there is none."""
        return self.name(self.candidates.best) if self.is_defined else {}

    @cached_property
    def moments(self) -> Moments:
        """Of the pick's returns."""
        return moments_of(self.candidates.returns)

    @cached_property
    def effective(self) -> float:
        """Effective number of all trials that were tried: as if the others were correlated as the candidates are. At least 1; nan where it is not known."""
        found = self.candidates.effective
        if math.isnan(found.correlation):
            return found.number
        positive = max(0.0, found.correlation)
        return positive + (1.0 - positive) * max(self.trials - found.idle, found.trials)

    @cached_property
    def deflated(self) -> Deflated:
        """Of the pick."""
        return deflate(self.moments, self.candidates.variance, self.trials, self.effective)

    @cached_property
    def probabilistic(self) -> float:
        """Probability that the pick's true Sharpe ratio is above 0, as if nothing else had been tried."""
        return probabilistic_sharpe(self.moments)

    @cached_property
    def track_record(self) -> TrackRecord:
        """How long a record of the pick has to be, to be 95 percent sure that its Sharpe ratio is above 0."""
        return minimum_track_record(self.moments)

    @cached_property
    def backtest_length(self) -> float:
        """Years below which the best of so many independent trials without skill is expected to show the pick's Sharpe ratio; nan if that is not above 0."""
        yearly = self.annual(self.moments.sharpe) if self.is_defined else math.nan
        return minimum_backtest_length(self.effective, yearly) if yearly > 0.0 and self.effective >= 1 else math.nan

    @cached_property
    def supported(self) -> int:
        """Independent trials that so many years support, before the best of them is expected to show a yearly Sharpe ratio of 1 by luck."""
        return supported_trials(min(self.years, 1000.0))

    @cached_property
    def held_sharpe(self) -> float:
        """Sharpe ratio per bar of holding; nan where it is not defined."""
        return float(sharpe_ratios(self.held[None, :])[0])

    @property
    def held_total(self) -> float:
        """Total return of holding."""
        return float(np.prod(1.0 + self.held) - 1.0)

    @property
    def median_sharpe(self) -> float:
        """Median of the candidates' Sharpe ratios per bar; nan if none has one."""
        known = self.candidates.sharpe[~np.isnan(self.candidates.sharpe)]
        return float(np.median(known)) if len(known) else math.nan

    @cached_property
    def layout(self) -> Layout | None:
        """The Sharpe ratios per bar on the grid, with the pick's place on it."""
        return self.candidates.layout(self.candidates.best) if self.is_defined else None

    @cached_property
    def neighbours(self) -> Neighbours | None:
        """Of the pick."""
        return neighbours_of(self.layout.surface, self.layout.at) if self.layout else None

    @cached_property
    def plateau(self) -> Plateau | None:
        """The widest one."""
        return widest_plateau(self.layout.surface) if self.layout else None

    @cached_property
    def recommended(self) -> dict[str, Any]:
        """The centre of the widest plateau: fast, slow, atr_window, multiple, and its Sharpe ratio per bar; empty if there is none."""
        if not self.layout or not self.plateau or self.plateau.centre is None:
            return {}
        place = int(self.layout.place[self.plateau.centre])
        return {**self.name(place), "sharpe": float(self.candidates.sharpe[place])}

    @cached_property
    def answers(self) -> dict[str, Answer]:
        """What each test says of the pick: deflated, overfitting, permutation (if it was done), neighbours, holding."""
        answers = {
            "deflated": _answer(self.deflated.effective.probability, SURE, DOUBTFUL),
            "overfitting": _answer(-self.candidates.overfitting.probability, -LOW, -HIGH, at_least=False),
        }
        if self.permutation is not None:
            found = self.permutation.setting or self.permutation.cell
            answers["permutation"] = _answer(-found.p, SURE - 1.0, DOUBTFUL - 1.0)
        around = self.neighbours
        if around is not None:
            relative = around.median / self.moments.sharpe if self.moments.sharpe > 0 else math.nan
            answers["neighbours"] = _answer(min(relative, around.profitable), 0.75, 0.5)
        answers["holding"] = _answer(self.moments.sharpe - self.held_sharpe, 0.0, 0.0)
        return answers

    @property
    def evidence(self) -> Evidence:
        """Of skill in the pick. Whether it is better than holding is another question, and does not count here."""
        asked = [answer for name, answer in self.answers.items() if name != "holding"]
        main = [self.answers[name] for name in ("deflated", "overfitting", "permutation") if name in self.answers]
        if not self.is_defined or all(answer == "unknown" for answer in main):
            return "unknown"
        if "against" in main or not self.moments.sharpe > 0.0:
            return "none"
        return "good" if all(answer == "for" for answer in asked) else "weak"

    def to_dict(self) -> dict[str, Any]:
        """Give the numbers as plain values for JSON; Sharpe ratios are yearly; nan is null."""
        found, over = self.deflated, self.candidates.overfitting
        values: dict[str, Any] = {
            "evidence": self.evidence,
            "answers": self.answers,
            "pick": self.pick,
            "symbols": list(self.symbols),
            "trials": self.trials,
            "effective_trials": self.effective,
            "average_correlation": self.candidates.effective.correlation,
            "sharpe": self.annual(self.moments.sharpe),
            "median_sharpe": self.annual(self.median_sharpe),
            "holding_sharpe": self.annual(self.held_sharpe),
            "holding_total_return": self.held_total,
            "probabilistic_sharpe": self.probabilistic,
            "deflated_sharpe": found.effective.probability,
            "deflated_sharpe_raw": found.raw.probability,
            "luck_sharpe": self.annual(found.effective.benchmark),
            "luck_sharpe_raw": self.annual(found.raw.benchmark),
            "probability_of_overfitting": over.probability,
            "probability_of_loss": over.probability_of_loss,
            "minimum_track_record_years": self.track_record.bars / self.market.settings.bars_per_year,
            "minimum_backtest_length_years": self.backtest_length,
            "years": self.years,
            "supported_trials": self.supported,
            "neighbours": self.neighbours._asdict() if self.neighbours else None,
            "plateau_centre": self.recommended,
            "p_value": None if self.permutation is None else self.permutation.cell.p,
        }
        return {name: _plain(value) for name, value in values.items()}


def deflate(moments: Moments, variance: float, raw: float, effective: float) -> Deflated:
    """Deflate a Sharpe ratio by both numbers of trials."""
    return Deflated(
        moments,
        variance,
        deflated_sharpe(moments, variance, max(1.0, raw)),
        deflated_sharpe(moments, variance, max(1.0, raw if math.isnan(effective) else effective)),
    )


def _answer(value: float, good: float, bad: float, *, at_least: bool = True) -> Answer:
    """Compare a number that is the better the higher it is with two limits."""
    if math.isnan(value):
        return "unknown"
    if value >= good:
        return "for"
    against = value < bad if at_least else value <= bad
    return "against" if against else "open"


def _plain(value: Any) -> Any:
    """Make nan None, also inside."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value
