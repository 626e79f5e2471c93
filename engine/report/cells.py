"""The text of what the cells of a sweep tell of luck without its prices."""

from __future__ import annotations

import math

from engine.report.spoken import count, percent, say_stop
from engine.selection.cells import CellsReport

__all__ = ["cells_lines"]


def cells_lines(report: CellsReport) -> list[str]:
    """Say what can be said, and what would need the prices."""
    needs = "Without the prices of the sweep there are no returns: give --prices for the probability of overfitting, the effective number of trials, the permutation test and the rest."
    if not report.best:
        return ["Verdict: no cell has a Sharpe ratio, because none ever traded, so there is nothing to judge."]
    key = report.best
    stop = say_stop(report.table.stop_of(key["atr_window"], key["multiple"]))
    name = f"{key['symbol']}, fast {key['fast']}, slow {key['slow']}, {stop}"
    return [
        _verdict(report),
        needs,
        f"Best of {count(report.trials, 'cell')} by Sharpe ratio: {name}: {report.sharpe:.3f}. The median cell has {report.median:.3f}.",
        *_deflated_lines(report),
        *_around_lines(report),
    ]


def _verdict(report: CellsReport) -> str:
    """Say what the deflated Sharpe ratio comes to."""
    sure = report.deflated.probability
    if math.isnan(sure):
        return "Verdict: too little is known to tell skill from luck."
    if sure < 0.95:
        return f"Verdict: no evidence of skill. The best Sharpe ratio is not surely above what luck alone makes of so many cells ({percent(sure, 0)} sure)."
    return f"Verdict: undecided. The best Sharpe ratio is above what luck alone makes of so many cells ({percent(sure, 0)} sure), but that is one test of several."


def _deflated_lines(report: CellsReport) -> list[str]:
    """Say the deflated Sharpe ratio and how long the history should be."""
    found = report.deflated
    if found.undefined:
        return [f"Deflated Sharpe ratio: not defined. {found.undefined}"]
    luck = found.benchmark * math.sqrt(report.table.settings.bars_per_year)
    lines = [
        f"Deflated Sharpe ratio, as if returns were normal and all cells independent: {percent(found.probability)}, against the {luck:.3f} that luck makes of them."
    ]
    if report.supported is not None:
        lines.append(
            f"The history has {report.years:,.1f} years, which support {count(report.supported, 'independent trial')}: of more, the best is expected to show a Sharpe ratio of 1 by luck."
        )
    if not math.isnan(report.backtest_length):
        lines.append(
            f"Minimum backtest length for this Sharpe ratio and so many trials: {report.backtest_length:,.1f} years."
        )
    return lines


def _around_lines(report: CellsReport) -> list[str]:
    """Say what is around the best cell, and where the widest plateau has its middle."""
    lines, around, plateau = [], report.neighbours, report.plateau
    if around is not None and around.cells:
        lines.append(
            f"Its neighbours: {count(around.cells, 'setting')} one step away, median Sharpe ratio {around.median:.3f}, worst {around.worst:.3f}; {percent(around.profitable, 0)} of them made money."
        )
    if plateau is not None and plateau.size:
        inside = "lies on" if plateau.holds(report.place) else "does not lie on"
        lines.append(f"It {inside} the widest plateau of this symbol, which has {count(plateau.size, 'setting')}.")
    return lines
