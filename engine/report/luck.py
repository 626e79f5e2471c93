"""The text of how much of a sweep's best result is luck: the verdict in a paragraph, then each number in a line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.report.data import unit_of
from engine.report.spoken import METRIC_NAMES, count, percent, say_stop
from engine.selection.verdict import Deflated, LuckReport

if TYPE_CHECKING:
    from engine.selection.luck import Luck

__all__ = ["luck_lines", "verdict"]

_OPENING = {
    "none": "Verdict: no evidence of skill in this choice.",
    "weak": "Verdict: weak evidence. Nothing speaks against this choice, but not everything speaks for it.",
    "good": "Verdict: good evidence. Everything that was tested speaks for this choice.",
    "unknown": "Verdict: too little is known to tell skill from luck.",
}


def luck_lines(report: LuckReport) -> list[str]:
    """Say what speaks for and against the pick of a sweep.

    Parameters
    ----------
    report : LuckReport

    Returns
    -------
    list of str
        The verdict first; a line for every number after it.
    """
    if not report.is_defined:
        return ["Verdict: no setting has a Sharpe ratio, because none ever traded, so there is nothing to judge."]
    return [
        verdict(report),
        _pick_line(report),
        *_trial_lines(report),
        *_sharpe_lines(report),
        *_overfitting_lines(report),
        *_length_lines(report),
        *_plateau_lines(report),
        *_permutation_lines(report),
        *_cell_lines(report),
        *_left_out_lines(report),
    ]


def verdict(report: LuckReport) -> str:
    """Say in one paragraph what the statistics come to."""
    reasons = [_reason(report, name) for name in report.answers]
    return " ".join([_OPENING[report.evidence], *filter(None, reasons)])


def _reason(report: LuckReport, name: str) -> str:
    """Say in a sentence what one test says; empty if it says nothing."""
    answer, found = report.answers[name], report.candidates.overfitting
    if answer == "unknown":
        return ""
    if name == "deflated":
        sure = _sure(report.deflated.effective.probability)
        luck = _ratio(report, report.deflated.effective.benchmark)
        verb = {"for": "is above", "open": "is not surely above", "against": "cannot be told from"}[answer]
        return f"Its Sharpe ratio {verb} the {luck} that luck alone makes of so many trials ({sure} sure)."
    if name == "overfitting":
        share = percent(found.probability, 0)
        good = {"for": "Only in", "open": "In", "against": "In"}[answer]
        return f"{good} {share} of the ways to halve the {_unit(report)}s, what was best on one half was no better than the middle of all settings on the other."
    if name == "permutation" and report.permutation is not None:
        p = (report.permutation.setting or report.permutation.cell).p
        return f"On markets in which there was nothing to find, the same search found something as good in {percent(p, 1)} of the cases."
    if name == "neighbours":
        better = {"for": "do nearly as well", "open": "do somewhat worse", "against": "do much worse"}[answer]
        return f"Its neighbours on the grid {better}."
    own, held = _ratio(report, report.moments.sharpe), _ratio(report, report.held_sharpe)
    beside = "better than" if answer == "for" else "not better than"
    total = float(report.candidates.total[report.candidates.best])
    more = (
        ""
        if total > report.held_total
        else f", which ended with more: {percent(report.held_total, 0)} against {percent(total, 0)}"
    )
    return f"For its risk it was {beside} just holding, with a Sharpe ratio of {own} against {held}{more}."


def _unit(report: LuckReport) -> str:
    """Name what is halved and put in another order: days, or the bars of intraday prices."""
    return unit_of(report.market.pool.days)


def _sure(probability: float) -> str:
    """Say a probability without decimals, and without a certainty that there is not."""
    if probability > 0.99:
        return "more than 99 percent"
    return "less than 1 percent" if probability < 0.01 else percent(probability, 0)


def _ratio(report: LuckReport, sharpe: float) -> str:
    """Say a Sharpe ratio per bar as a yearly one."""
    return "not defined" if math.isnan(sharpe) else f"{report.annual(sharpe):.3f}"


def _setting(report: LuckReport, key: Mapping[str, Any]) -> str:
    """Name a setting."""
    stops = report.candidates.grid.stops
    own = (key["atr_window"], key["multiple"])
    stop = next(
        (one for one in stops if (one and (one.atr_window, one.multiple) == own) or (not one and not own[1])), None
    )
    return f"fast {key['fast']}, slow {key['slow']}, {say_stop(stop)}"


def _where(report: LuckReport) -> str:
    """Say on what a setting is judged."""
    symbols = count(len(report.symbols), "symbol")
    if report.market.account is not None:
        return f"for one account of {symbols}"
    if len(report.symbols) == 1:
        return f"on {report.symbols[0]}"
    return f"on all {symbols} together, with the same money in each every day"


def _pick_line(report: LuckReport) -> str:
    """Name the pick, beside the middle of all settings and holding."""
    best, middle, held = (
        _ratio(report, one) for one in (report.moments.sharpe, report.median_sharpe, report.held_sharpe)
    )
    total = percent(float(report.candidates.total[report.candidates.best]))
    return (
        f"Judged is the setting with the best Sharpe ratio {_where(report)}: {_setting(report, report.pick)}. Sharpe ratio {best}, total return {total}; "
        f"the median setting has {middle}, holding has {held} and {percent(report.held_total)}."
    )


def _trial_lines(report: LuckReport) -> list[str]:
    """Say how many trials there were."""
    found, lines = report.candidates.effective, []
    tried = f"Settings tried: {report.trials:,}"
    if report.trials > report.settings_of_sweep:
        tried += f", {report.settings_of_sweep:,} of them in this sweep"
    if math.isnan(found.correlation):
        lines.append(f"{tried}. {found.undefined}")
    else:
        lines.append(
            f"{tried}. Their returns have an average correlation of {found.correlation:.2f}, so that they amount to {report.effective:,.0f} independent ones."
        )
    if report.candidates.grid.cells < report.settings_of_sweep:
        lines.append(f"Of the settings of this sweep {report.candidates.grid.cells:,}, evenly chosen, were judged.")
    return lines


def _sharpe_lines(report: LuckReport) -> list[str]:
    """Say the probabilistic and the deflated Sharpe ratio."""
    if report.moments.undefined:
        return [f"Probabilistic and deflated Sharpe ratio: not defined. {report.moments.undefined}"]
    first = f"Probability that its true Sharpe ratio is above 0, as if nothing else had been tried: {percent(report.probabilistic)}."
    return [first, f"Deflated Sharpe ratio: {_say_deflated(report, report.deflated)}."]


def _say_deflated(report: LuckReport, found: Deflated) -> str:
    """Say a deflated Sharpe ratio by both numbers of trials."""
    if found.effective.undefined:
        return (
            f"not defined, because {found.effective.undefined[:1].lower()}{found.effective.undefined[1:].rstrip('.')}"
        )
    return (
        f"{percent(found.effective.probability)}, against the {_ratio(report, found.effective.benchmark)} that luck makes of {found.effective.trials:,.0f} independent trials; "
        f"{percent(found.raw.probability)} against {_ratio(report, found.raw.benchmark)} if all {found.raw.trials:,.0f} are counted"
    )


def _overfitting_lines(report: LuckReport) -> list[str]:
    """Say what the halves found."""
    found = report.candidates.overfitting
    if found.undefined:
        return [f"Probability of backtest overfitting: not defined. {found.undefined}"]
    ways = f"of {len(found.logits):,} ways to take half of {found.blocks} blocks of {_unit(report)}s"
    lost = percent(found.probability_of_loss)
    return [
        f"Probability of backtest overfitting: {percent(found.probability)}, {ways}.",
        f"What was best on one half lost money on the other in {lost} of them, and had a median Sharpe ratio of {_ratio(report, found.median_outside)} there.",
    ]


def _length_lines(report: LuckReport) -> list[str]:
    """Say whether the history is long enough."""
    bars, needed = report.market.settings.bars_per_year, report.backtest_length
    lines = [
        f"The history has {_years(report.years)}, which support {count(report.supported, 'independent trial')}: of more, the best is expected to show a Sharpe ratio of 1 by luck."
    ]
    if not math.isnan(needed):
        lines.append(f"Minimum backtest length for this Sharpe ratio and so many trials: {_years(needed)}.")
    record = report.track_record
    if record.undefined:
        lines.append(f"Minimum track record: not defined. {record.undefined}")
    else:
        lines.append(
            f"Minimum track record, to be 95 percent sure that its Sharpe ratio is above 0: {_years(record.bars / bars)}."
        )
    return lines


def _years(years: float) -> str:
    """Say a number of years."""
    return f"{years:,.1f} years"


def _plateau_lines(report: LuckReport) -> list[str]:
    """Say what is around the pick, and where the widest plateau has its middle."""
    lines, around, plateau = [], report.neighbours, report.plateau
    if around is not None:
        if around.cells:
            lines.append(
                f"Neighbours of the setting: {count(around.cells, 'setting')} one step away, median Sharpe ratio {_ratio(report, around.median)}, "
                f"worst {_ratio(report, around.worst)}; {percent(around.profitable, 0)} of them made money.{_edge(around.edges)}"
            )
        else:
            lines.append(
                "Neighbours of the setting: the grid has none; sweep more windows to see whether it stands alone."
            )
    if plateau is not None and report.recommended:
        key = report.recommended
        lines.append(
            f"Centre of the widest plateau, which is the better choice where the two differ: {_setting(report, key)}, Sharpe ratio {_ratio(report, key['sharpe'])}; "
            f"the plateau has {count(plateau.size, 'setting')}.{_reach(plateau.edges)}"
        )
    return lines


def _edge(edges: tuple[str, ...]) -> str:
    """Say that the setting is at the end of the grid."""
    return f" It is at {' and '.join(edges)}, and what lies beyond was not tried." if edges else ""


def _reach(edges: tuple[str, ...]) -> str:
    """Say that the plateau reaches the end of the grid."""
    return f" It reaches {' and '.join(edges)}, and may go on beyond." if edges else ""


def _permutation_lines(report: LuckReport) -> list[str]:
    """Say what a permutation test found."""
    test = report.permutation
    if test is None:
        return []
    lines = []
    if test.setting is not None:
        lines.append(_say_test(test.setting, "the best setting on all symbols, by Sharpe ratio", _unit(report)))
    lines.append(_say_test(test.cell, f"the best cell, by {METRIC_NAMES[test.metric]}", _unit(report)))
    ended = {
        "settled": f"It stopped after {test.done:,} of {test.asked:,} markets, when the answer was clear.",
        "interrupted": f"It was interrupted after {test.done:,} of {test.asked:,} markets.",
        "undefined": "There was nothing to compare.",
    }
    lines += [ended[test.stopped]] if test.stopped in ended else []
    return [*lines, *(f"{what}: {why}." for what, why in test.why.items())]


def _say_test(found: Luck, what: str, unit: str) -> str:
    """Say one p-value."""
    if math.isnan(found.p):
        return f"Permutation test of {what}: not defined."
    return (
        f"Permutation test of {what}: p {found.p:.4f}, standard error {found.error:.4f}, from {count(found.done, 'market')} with the same {unit}s in another order. "
        f"The best was {found.observed:.3f}; luck's best has a median of {found.median:.3f}, and in one market of twenty more than {found.high:.3f}."
    )


def _cell_lines(report: LuckReport) -> list[str]:
    """Hold the best cell of several symbols against all cells."""
    cell = report.best_cell
    if cell is None:
        return []
    return [
        f"The best single cell, {cell['symbol']} with {_setting(report, cell)}, was picked from {count(cell['trials'], 'cell')}; its deflated Sharpe ratio is {_say_deflated(report, cell['deflated'])}."
    ]


def _left_out_lines(report: LuckReport) -> list[str]:
    """Say which symbols and settings the statistics leave out."""
    lines = [f"Not in these statistics: {why}." for why in report.market.pool.left_out.values()]
    if report.candidates.ruined:
        lines.append(f"Not in these statistics: {count(report.candidates.ruined, 'setting')} that lost everything.")
    if report.candidates.effective.idle:
        lines.append(f"Not compared: {count(report.candidates.effective.idle, 'setting')} that never traded.")
    return lines
