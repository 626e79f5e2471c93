"""The text of a walk forward and of a cross-validation, as lists of lines: the verdict first, then every fold or path, then how it was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from engine.prices.history import Prices
from engine.report.costs import outside_lines
from engine.report.data import data_lines, day, unit_of, year_lines
from engine.report.spoken import count, money, percent, say_metric, say_settings, say_stop
from engine.selection.crossvalidation import CrossValidation
from engine.selection.folds import Fold
from engine.selection.trials import Trials
from engine.selection.walkforward import Choice, WalkForward, curve_metrics

__all__ = ["cross_validation_text", "walk_forward_text"]

_RULES = {
    "best_sharpe": "the highest Sharpe ratio in the training",
    "best_return": "the highest total return in the training",
    "best_calmar": "the highest Calmar ratio in the training",
    "median_rank": "the best median rank by Sharpe ratio in four equal parts of the training",
    "plateau_centre": "the centre of the widest plateau of Sharpe ratios in the training",
}


def walk_forward_text(result: WalkForward, prices: Prices) -> list[str]:
    """Say what a walk forward found: how the choices did out of sample, against holding and against what they promised; then every fold, then how it was done."""
    return [
        *_verdict_lines(result),
        *_choosing_lines(result),
        *_seam_lines(result),
        "",
        *_fold_lines(result),
        "",
        *_window_lines(result),
        *_common_lines(result.trials, result.rule, prices),
    ]


def _verdict_lines(result: WalkForward) -> list[str]:
    """Say how the choices did out of sample."""
    out, held, promised = result.metrics, result.held, result.in_sample
    ends = f"{day(result.days[0])} to {day(result.days[-1])}, {count(len(result.days), unit_of(result.days))}"
    in_sample = (
        f"yearly return {say_metric('cagr', promised['cagr'])}, Sharpe ratio {say_metric('sharpe', promised['sharpe'])}"
    )
    lost = np.flatnonzero(np.isnan(result.stitched.equity))
    if len(lost):
        verdict = "Out of sample the choices lost all there was."
        became = f"Nothing was left of {money(result.stitched.capital)} on {day(result.days[lost[0]])}; tested {ends}."
    else:
        verdict = _against(out["cagr"], held["cagr"], promised["cagr"])
        became = f"{money(result.stitched.capital)} became {money(out['final_capital'])}, a total return of {percent(out['total_return'])}, {ends}."
    return [
        verdict,
        *([] if len(lost) else [f"Out of sample: {_figures(out)}."]),
        f"Buying and holding all symbols in equal parts on the same days: {_figures(held)}.",
        f"In sample the choices had, on average: {in_sample}.",
        _efficiency_line(result.efficiency, promised["cagr"]),
        became,
    ]


def _against(out: float, held: float, promised: float) -> str:
    """Say whether the choices did better than holding, and than they had done in sample, by yearly return; a few days that doubled many times have none."""
    beside = [
        f"{_better(out, other)} {what}"
        for other, what in ((held, "buying and holding"), (promised, "they had done in sample"))
        if not np.isnan(out - other)
    ]
    if not beside:
        return "Out of sample there is no yearly return to compare."
    return f"Out of sample the choices did {', and '.join(beside)}."


def _better(one: float, other: float) -> str:
    """Say which of two yearly returns is better; both can be losses."""
    return "better than" if one > other else "worse than" if one < other else "as well as"


def _efficiency_line(efficiency: float, promised: float) -> str:
    """Say how much of the gain in sample was left."""
    if np.isnan(efficiency):
        why = "there is no yearly return out of sample" if promised > 0.0 else "the choices gained nothing in sample"
        return f"Efficiency is not defined, because {why}."
    return f"Efficiency, the yearly return out of sample as a share of that in sample: {percent(efficiency)}."


def _figures(row: dict[str, float]) -> str:
    """Say the three figures that decide."""
    yearly, sharpe = say_metric("cagr", row["cagr"]), say_metric("sharpe", row["sharpe"])
    return f"yearly return {yearly}, Sharpe ratio {sharpe}, largest drawdown {say_metric('max_drawdown', row['max_drawdown'])}"


def _choosing_lines(result: WalkForward) -> list[str]:
    """Say what choosing was worth: against the median of all settings, by rank, and how often it changed its mind."""
    trials, later = len(result.trials), len(result.folds) - 1
    lines = _error_lines(result)
    if trials == 1:
        return lines
    rank = float(np.mean([choice.rank for choice in result.choices]))
    lines += [
        f"The median Sharpe ratio of all {count(trials, 'setting')} on the same days, each kept throughout, is {say_metric('sharpe', result.median_sharpe)}.",
        f"By Sharpe ratio out of sample the choices ranked {rank:,.0f} of {trials:,} on average; chance alone would give {(trials + 1) / 2:,.0f}.",
    ]
    idle = sum(np.isnan(choice.in_sharpe) for choice in result.choices)
    if idle:
        lines.append(
            f"In {count(idle, 'fold')} nothing could be measured of the choice in its training, as it held nothing there or lost all; the first of equal settings is taken."
        )
    if later:
        lines.append(
            f"The choice changed in {result.changes:,} of {count(later, 'later fold')}. {_favourite(result.trials, result.choices, 'fold')}"
        )
    return lines


def _error_lines(result: WalkForward) -> list[str]:
    """Say how much a Sharpe ratio of so few days strays by chance: by about the root of the years (Lo, "The Statistics of Sharpe Ratios", Financial Analysts Journal 58(4), 2002)."""
    year, days, unit = result.trials.bars_per_year, len(result.days), unit_of(result.days)
    shortest = min(len(fold.test[0]) for fold in result.folds)
    return [
        f"By chance alone the Sharpe ratio of {count(days, unit)} strays by about {np.sqrt(year / days):.2f}, that of the shortest test, {count(shortest, unit)}, by about {np.sqrt(year / shortest):.2f}."
    ]


def _seam_lines(result: WalkForward) -> list[str]:
    """Say what the changes cost."""
    lines = [f"Seams, at which one setting follows another: {len(result.seams):,}, costs {money(result.seam_costs)}."]
    if result.kept_costs:
        lines.append(
            f"Of that, {money(result.kept_costs)} was charged where both settings held the symbol and little need have been traded."
        )
    return lines


def _fold_lines(result: WalkForward) -> list[str]:
    """Say every fold, one a line."""
    days, lines = result.trials.pool.days, []
    for number, (fold, choice, earned) in enumerate(
        zip(result.folds, result.choices, result.stitched.leg_returns, strict=True), start=1
    ):
        train, test = fold.train[0], fold.test[0]
        when = f"trained {day(days[train[0]])} to {day(days[train[-1]])}, tested {day(days[test[0]])} to {day(days[test[-1]])}"
        said = f"Sharpe ratio in sample {_sharpe(choice.in_sharpe, train)}, out of sample {_sharpe(choice.out_sharpe, test)}"
        return_ = "not defined since all was lost" if np.isnan(earned) else percent(earned)
        lines.append(
            f"Fold {number}: {when}: {_setting(result.trials, choice.trial)}: {said}, rank {choice.rank:g} of {len(result.trials):,}, return {return_}."
        )
    return lines


def _sharpe(value: float, days: range) -> str:
    """Say a Sharpe ratio within a sentence, or why there is none."""
    if len(days) < 2:
        return "not defined for a single day"
    return "not defined since equity never moved or was lost" if np.isnan(value) else f"{value:.3f}"


def _setting(trials: Trials, trial: int) -> str:
    """Name the setting of a trial."""
    place, stops = trials.first + trial, len(trials.grid.stops)
    fast, slow = trials.grid.pairs[place // stops]
    return f"fast {fast}, slow {slow}, {say_stop(trials.grid.stops[place % stops])}"


def _favourite(trials: Trials, choices: Sequence[Choice], what: str) -> str:
    """Say what was chosen most often."""
    chosen = Counter(choice.trial for choice in choices)
    trial, times = chosen.most_common(1)[0]
    different = count(len(chosen), "different setting")
    return f"{different} in all; most often {_setting(trials, trial)}, in {times:,} of {count(len(choices), what)}."


def _window_lines(result: WalkForward) -> list[str]:
    """Say how the days were cut."""
    folds, unit = result.folds, unit_of(result.trials.pool.days)
    lengths = sorted({fold.train_days for fold in folds})
    anchored = len({fold.train[0].start for fold in folds}) == 1
    train = f"{lengths[0]:,} {unit}s" if len(lengths) == 1 else f"{lengths[0]:,} to {lengths[-1]:,} {unit}s"
    begins = f"all from {day(result.trials.pool.days[folds[0].train[0].start])} on" if anchored else "moving along"
    purges = sorted({fold.test[0].start - fold.train[0].stop for fold in folds})
    purge = count(purges[0], unit) if len(purges) == 1 else f"{purges[0]:,} to {count(purges[-1], unit)}"
    return [
        f"Windows: {count(len(folds), 'fold')}; trainings of {train}, {begins}; tests of {_lengths(folds, unit)}; {purge} between training and test.",
        f"Averages see the {unit}s before a fold; no fold sees a later {unit}.",
    ]


def _lengths(folds: Sequence[Fold], unit: str) -> str:
    """Say how long the tests are."""
    lengths = sorted({len(one) for fold in folds for one in fold.test})
    return count(lengths[0], unit) if len(lengths) == 1 else f"{lengths[0]:,} to {count(lengths[-1], unit)}"


def _common_lines(trials: Trials, rule: str, prices: Prices) -> list[str]:
    """Say rule, settings and data."""
    chosen = _RULES.get(rule, f"the rule {rule}")
    pairs, stops = count(len(trials.grid.pairs), "pair"), count(len(trials.grid.stops), "stop setting")
    return [
        f"Chosen by {chosen}, of {count(len(trials), 'setting')}: {pairs} of averages, {stops}. Each is held on all symbols, with the same money in each every day.",
        *say_settings(trials.settings),
        *year_lines(trials.settings, prices),
        *outside_lines(trials.settings, prices),
        *data_lines(prices, trials.pool.left_out, {}, prices.digest),
    ]


def cross_validation_text(result: CrossValidation, prices: Prices) -> list[str]:
    """Say what a cross-validation found: the distribution of its paths, then every path, then how it was done."""
    found, held = result.summary(), result.held
    paths = count(found["paths"], "path")
    lines = [
        f"The median Sharpe ratio of {paths} out of sample is {say_metric('sharpe', found['median'])}; buying and holding on the same days: {say_metric('sharpe', held['sharpe'])}.",
        f"In their trainings the choices had a Sharpe ratio of {say_metric('sharpe', found['in_sample'])} on average, in their tests {say_metric('sharpe', found['out_of_sample'])}.",
    ]
    if found["defined"]:
        lines += [
            f"The worst path has {found['worst']:.3f}, the best {found['best']:.3f}.",
            f"{percent(found['negative'])} of the paths have a negative Sharpe ratio; {percent(found['below_held'])} lie below buying and holding.",
        ]
    if found["defined"] < found["paths"]:
        missing = count(found["paths"] - found["defined"], "path")
        lines.append(f"{missing} without a Sharpe ratio, because nothing was held or everything was lost.")
    return [
        *lines,
        _favourite(result.trials, result.choices, "split"),
        "Nobody could have traded these paths, as most choices were made on days after their tests: they say how much of a choice is left on other days.",
        "",
        *_path_lines(result),
        "",
        *_group_lines(result),
        *_common_lines(result.trials, result.rule, prices),
    ]


def _path_lines(result: CrossValidation) -> list[str]:
    """Say every path, one a line."""
    lines = []
    for number, path in enumerate(result.paths, start=1):
        row = curve_metrics(path.equity, path.capital, result.trials.bars_per_year)
        paid = money(sum(seam.costs for seam in path.seams))
        figures = "all was lost" if np.isnan(path.equity[-1]) else _figures(row)
        lines.append(f"Path {number}: {figures}; {count(len(path.seams), 'seam')}, costs {paid}.")
    return lines


def _group_lines(result: CrossValidation) -> list[str]:
    """Say how the days were cut."""
    unit = unit_of(result.trials.pool.days)
    tested = "each tested" if result.tested == 1 else f"{result.tested:,} tested at a time"
    longest = int(result.trials.grid.slow.max())
    why = (
        ", the longest slow window, since so long an average holds prices of the test"
        if result.embargo == longest
        else ""
    )
    ends = f"{day(result.days[0])} to {day(result.days[-1])}"
    return [
        f"Groups: {result.groups:,} of {_lengths(result.folds, unit)}, {ends}; {tested}: {count(len(result.folds), 'split')}.",
        f"Left out of every training: {count(result.purge, unit)} before each test and {count(result.embargo, unit)} after it{why}.",
    ]
