"""Walk forward: choose a setting on the past, trade it for a while, choose again; and what became of the money.

Every trial is run once over the whole history. A backtest decides on a day by that day and those before it, so a slice of its returns is what it earned there with averages that saw the days
before: folds start warm, and no fold sees a later day (``tests/test_walkforward.py`` changes the later days and compares bit for bit).

The method is that of Pardo, "The Evaluation and Optimization of Trading Strategies", Wiley 2008, chapter 11, from whom the efficiency comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import InputError
from engine.kernels.metrics import METRIC_COUNT, METRICS, summarise
from engine.selection.choosing import Rule, best_sharpe, ranks, sharpes
from engine.selection.folds import Fold, walk_forward_folds
from engine.selection.stitching import NOTHING_HELD, Leg, Seam, Stitched, Stitcher
from engine.selection.trials import Trials

__all__ = [
    "CURVE_METRICS",
    "Choice",
    "WalkForward",
    "choose",
    "curve_metrics",
    "first_warm_day",
    "held_metrics",
    "name_of",
    "walk_forward",
]

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
"""Called with the folds done and the folds in all."""

CURVE_METRICS = METRICS[:7]
"""The metrics of the contract that need an equity curve and no trades: final_capital to calmar."""


@dataclass(frozen=True)
class Choice:
    """What was chosen in one fold, and how it went on.

    Attributes
    ----------
    trial : int
        Row of the trials.
    in_sharpe, in_yearly : float
        Yearly Sharpe ratio and yearly return (cagr) of it in the training.
    out_sharpe : float
        Yearly Sharpe ratio of it in the test, without seam costs, as those of the others are.
    rank : float
        Its rank by that among all trials: 1 is the best, equal ones share the middle of their ranks.
    """

    trial: int
    in_sharpe: float
    in_yearly: float
    out_sharpe: float
    rank: float


@dataclass(frozen=True, eq=False)
class WalkForward:
    """A walk forward.

    Attributes
    ----------
    folds : tuple of Fold
    choices : tuple of Choice
        One a fold.
    rule : str
        Name of the selection rule.
    stitched : Stitched
        The account that trades every choice in its test, one after the other.
    trials : Trials
    """

    folds: tuple[Fold, ...]
    choices: tuple[Choice, ...]
    rule: str
    stitched: Stitched
    trials: Trials = field(repr=False)

    @property
    def days(self) -> pd.DatetimeIndex:
        """The out-of-sample days."""
        return self.trials.pool.days[self.stitched.days.start : self.stitched.days.stop]

    @property
    def equity(self) -> pd.Series[float]:
        """Currency after each out-of-sample day, seam costs paid."""
        return pd.Series(self.stitched.equity, index=self.days, name="equity")

    @property
    def seams(self) -> tuple[Seam, ...]:
        """The changes of settings; the first is the purchase of what the first choice has been holding."""
        return self.stitched.seams

    @property
    def changes(self) -> int:
        """How often another setting was chosen than in the fold before."""
        return sum(a.trial != b.trial for a, b in zip(self.choices, self.choices[1:], strict=False))

    @property
    def metrics(self) -> dict[str, float]:
        """CURVE_METRICS of the stitched equity, by the contract."""
        return curve_metrics(self.stitched.equity, self.stitched.capital, self.trials.bars_per_year)

    @property
    def held(self) -> dict[str, float]:
        """The same of buying and holding all symbols on the same days, without costs."""
        return held_metrics(self.trials, self.stitched)

    @property
    def in_sample(self) -> dict[str, float]:
        """What the choices had promised: sharpe and cagr in their trainings, averaged over the days of their tests where they are defined; nan where none is."""
        days = np.array([len(fold.test[0]) for fold in self.folds], dtype=np.float64)
        return {
            "sharpe": _average([choice.in_sharpe for choice in self.choices], days),
            "cagr": _average([choice.in_yearly for choice in self.choices], days),
        }

    @property
    def efficiency(self) -> float:
        """Yearly return out of sample as a share of that in sample; nan if there was no gain in sample."""
        promised = self.in_sample["cagr"]
        return self.metrics["cagr"] / promised if promised > 0.0 else float("nan")

    @property
    def median_sharpe(self) -> float:
        """Median over all trials of the yearly Sharpe ratio on the same days, without choosing and so without seams; nan if none is defined."""
        days = slice(self.stitched.days.start, self.stitched.days.stop)
        found = sharpes(self.trials.returns[:, days], self.trials.bars_per_year)
        found = found[~np.isnan(found)]
        return float(np.median(found)) if len(found) else float("nan")

    def to_frame(self) -> pd.DataFrame:
        """Give a row a fold.

        Returns
        -------
        DataFrame
            train_first, train_last, test_first, test_last (dates), train_days, test_days, fast, slow, atr_window, multiple (0 and 0.0: no stop), in_sharpe, in_cagr,
            out_sharpe (without seam costs), out_return (with them), out_rank, trials.
        """
        days, named, rows = self.trials.pool.days, self.trials.keys().to_dict("records"), []
        for fold, choice, earned in zip(self.folds, self.choices, self.stitched.leg_returns, strict=True):
            train, test = fold.train[0], fold.test[0]
            dates = {"train_first": days[train[0]], "train_last": days[train[-1]]}
            dates |= {"test_first": days[test[0]], "test_last": days[test[-1]]}
            sizes = {"train_days": len(train), "test_days": len(test)}
            found = {"in_sharpe": choice.in_sharpe, "in_cagr": choice.in_yearly, "out_sharpe": choice.out_sharpe}
            placed = {"out_return": float(earned), "out_rank": choice.rank, "trials": len(self.trials)}
            row: dict[Any, Any] = {**dates, **sizes, **named[choice.trial], **found, **placed}
            rows.append(row)
        return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="fold"))

    def summary(self) -> dict[str, float]:
        """Give the figures of the whole: out_, held_ and in_ sharpe and cagr, efficiency, median_sharpe of all trials, folds, changes, seams, seam_costs and the kept part of them."""
        out, held, promised = self.metrics, self.held, self.in_sample
        return {
            **{f"out_{name}": value for name, value in out.items()},
            **{f"held_{name}": value for name, value in held.items()},
            **{f"in_{name}": value for name, value in promised.items()},
            "efficiency": self.efficiency,
            "median_sharpe": self.median_sharpe,
            "folds": float(len(self.folds)),
            "changes": float(self.changes),
            "seams": float(len(self.seams)),
            "seam_costs": self.seam_costs,
            "kept_costs": self.kept_costs,
        }

    @property
    def seam_costs(self) -> float:
        """Of all seams, currency."""
        return float(sum(seam.costs for seam in self.seams))

    @property
    def kept_costs(self) -> float:
        """The part of them for symbols that both settings of a seam hold, currency."""
        return float(sum(seam.kept_costs for seam in self.seams))

    def seam_frame(self) -> pd.DataFrame:
        """Give a row a seam: date of the close, settings before and after (missing: nothing), symbols sold, bought and held by both, costs and the part of them for symbols that both hold, currency."""
        return _seam_frame(self.trials, self.seams)


def walk_forward(
    trials: Trials,
    folds: Sequence[Fold] | None = None,
    rule: Rule = best_sharpe,
    *,
    progress: Progress | None = None,
) -> WalkForward:
    """Choose in every fold on its training only, and trade the choice in its test.

    Parameters
    ----------
    trials : Trials
    folds : sequence of Fold or None
        In the order of time; None is ``walk_forward_folds`` with its defaults, from ``first_warm_day`` on.
    rule : callable
        Returns float64 (N, days), keys and bars of a year to the row of the choice; see ``engine.selection.choosing``.
    progress : callable or None

    Returns
    -------
    WalkForward

    Raises
    ------
    InputError
        A fold trains on days after its test begins, tests overlap, or the rule gives no row of the trials.
    DataError
        Too few days.
    """
    if folds is None:
        folds = walk_forward_folds(len(trials.pool.days), start=first_warm_day(trials))
    _require_order(folds, len(trials.pool.days))
    keys, choices = trials.keys(), []
    for number, fold in enumerate(folds, start=1):
        choices.append(choose(trials, fold, rule, keys))
        if progress:
            progress(number, len(folds))
    legs = [Leg(choice.trial, fold.test[0]) for choice, fold in zip(choices, folds, strict=True)]
    return WalkForward(tuple(folds), tuple(choices), name_of(rule), Stitcher(trials).stitch(legs), trials)


def choose(trials: Trials, fold: Fold, rule: Rule, keys: pd.DataFrame) -> Choice:
    """Choose on the training of a fold, and measure the choice on both sides.

    Raises
    ------
    InputError
        The rule gives no row of the trials.
    """
    train = _read_only(trials.returns[:, fold.columns("train")])
    chosen = rule(train, keys, trials.bars_per_year)
    if isinstance(chosen, bool) or not isinstance(chosen, int | np.integer) or not 0 <= chosen < len(trials):
        raise InputError(
            f"the rule {name_of(rule)} gave {chosen!r}; it must give the row of a trial, 0 to {len(trials) - 1:,}"
        )
    after = sharpes(trials.returns[:, fold.columns("test")], trials.bars_per_year)
    before = train[chosen]
    grown = float(np.prod(1.0 + before))
    yearly = grown ** (trials.bars_per_year / len(before)) - 1.0 if grown > 0.0 else float("nan")
    promised = float(sharpes(before[None, :], trials.bars_per_year)[0])
    return Choice(int(chosen), promised, yearly, float(after[chosen]), float(ranks(after)[chosen]))


def first_warm_day(trials: Trials) -> int:
    """Give the first day on which, in the symbol that has them first, all averages, ATRs and confirmations exist: before it some trials could not trade yet, and would be compared for that."""
    confirm = trials.settings.signal.confirm
    longest = max(int(trials.grid.slow.max()), *trials.grid.atr_windows, confirm.bars if confirm else 1)
    return min(int(places[min(longest, len(places)) - 1]) for places in trials.pool.day)


def curve_metrics(equity: Floats, capital: float, bars_per_year: float) -> dict[str, float]:
    """Give CURVE_METRICS of an equity curve, float64 (days,), by the engine's own kernel."""
    out = np.empty(METRIC_COUNT)
    summarise(capital, equity, np.empty((1, 8)), 0, 0, 0, bars_per_year, out)
    return dict(zip(CURVE_METRICS, out.tolist(), strict=False))


def held_metrics(trials: Trials, stitched: Stitched) -> dict[str, float]:
    """Give CURVE_METRICS of buying and holding all symbols on the days of an account, with its capital and without costs."""
    returns = trials.pool.held()[stitched.days.start : stitched.days.stop]
    equity = stitched.capital * np.cumprod(1.0 + returns, dtype=np.float64)
    return curve_metrics(equity, stitched.capital, trials.bars_per_year)


def name_of(rule: Rule) -> str:
    """Name a rule."""
    return getattr(rule, "__name__", type(rule).__name__)


def _average(values: Sequence[float], weights: Floats) -> float:
    """Average what is defined; nan if nothing is."""
    found = np.array(values)
    defined = ~np.isnan(found)
    return float(np.average(found[defined], weights=weights[defined])) if defined.any() else float("nan")


def _read_only(returns: Floats) -> Floats:
    """Keep a rule from changing what the next fold sees."""
    view = returns[:]
    view.flags.writeable = False
    return view


def _require_order(folds: Sequence[Fold], days: int) -> None:
    """Check that folds walk forward, within the days."""
    if not folds:
        raise InputError("there are no folds; make them by walk_forward_folds")
    at = 0
    for number, fold in enumerate(folds, start=1):
        if len(fold.train) != 1 or len(fold.test) != 1 or fold.looks_ahead:
            raise InputError(f"fold {number} trains on days after its test begins; cross_validate takes such folds")
        if fold.test[0].start < at or fold.test[0].stop > days:
            raise InputError(
                f"the test of fold {number} overlaps the one before, or ends after the last of {days:,} days"
            )
        at = fold.test[0].stop


def _seam_frame(trials: Trials, seams: Sequence[Seam]) -> pd.DataFrame:
    """Name the settings and the day of each seam."""
    keys, rows = trials.keys(), []
    for seam in seams:
        row: dict[str, object] = {"date": trials.pool.days[seam.day] if seam.day >= 0 else pd.NaT}
        for side, trial in (("old", seam.old), ("new", seam.new)):
            named = keys.iloc[trial].to_dict() if trial != NOTHING_HELD else dict.fromkeys(keys.columns, np.nan)
            row |= {f"{side}_{name}": value for name, value in named.items()}
        counts = {"sold": seam.sold, "bought": seam.bought, "kept": seam.kept}
        rows.append({**row, **counts, "costs": seam.costs, "kept_costs": seam.kept_costs})
    whole = [f"{side}_{name}" for side in ("old", "new") for name in ("fast", "slow", "atr_window")]
    return pd.DataFrame(rows).astype(dict.fromkeys(whole, "Int64"))
