"""The text of a sensitivity matrix: what the result hangs on first, then a change a line, the most harmful first."""

from __future__ import annotations

import math

from engine.report.spoken import count, percent, say_stop
from engine.selection.picks import Numbers
from engine.selection.sensitivity import Row, Sensitivity

__all__ = ["sensitivity_text"]


def sensitivity_text(found: Sensitivity) -> list[str]:
    """Say what one change at a time makes of a pick."""
    return [
        _summary(found),
        f"{_name(found)}, as it is: {_numbers(found.as_is.numbers)}.",
        *(_row_line(row, found.as_is.numbers) for row in found.by_harm()),
        *(f"Not tried: {reason}" for reason in found.missing),
    ]


def _name(found: Sensitivity) -> str:
    """Name the pick."""
    pick, symbols = found.pick, count(len(found.symbols), "symbol")
    where = pick.symbol or f"All {symbols} with the same money in each"
    return f"{where}, fast {pick.fast}, slow {pick.slow}, {say_stop(pick.stop)}"


def _summary(found: Sensitivity) -> str:
    """Say in one sentence what the result hangs on."""
    before, changes = found.as_is.numbers.sharpe, found.by_harm()
    if math.isnan(before):
        return "Nothing can be said of what the result hangs on, because its Sharpe ratio is not defined as it is."
    if before <= 0:
        return f"There is nothing to lose: the Sharpe ratio is {before:.3f} as it is."
    if not changes:
        return "No change makes sense here."
    worst = changes[0]
    if found.hangs_on:
        named = "; ".join(row.what for row in found.hangs_on)
        one = len(found.hangs_on) == 1
        takes = "this change takes" if one else f"each of these {len(found.hangs_on)} changes takes"
        return f"The result hangs on details: {takes} half of its Sharpe ratio of {before:.3f} or more: {named}."
    if worst.numbers.sharpe < before:
        lost = before - worst.numbers.sharpe
        return f"No single change takes more than {lost:.3f} from the Sharpe ratio of {before:.3f}; that one is: {worst.what}."
    return f"No single change takes anything from the Sharpe ratio of {before:.3f}."


def _numbers(numbers: Numbers) -> str:
    """Say the numbers of a row."""
    return ", ".join(
        [
            f"Sharpe ratio {_or_undefined(numbers.sharpe, f'{numbers.sharpe:.3f}')}",
            f"total return {_or_undefined(numbers.total_return, percent(numbers.total_return))}",
            f"largest drawdown {_or_undefined(numbers.max_drawdown, percent(-numbers.max_drawdown))}",
            count(numbers.trades, "closed trade"),
        ]
    )


def _row_line(row: Row, before: Numbers) -> str:
    """Say one change: what it does to the Sharpe ratio, and the other numbers."""
    after = row.numbers
    return f"{row.what[0].upper()}{row.what[1:]}: {_moved(after.sharpe - before.sharpe)}; {_numbers(after)}."


def _moved(change: float) -> str:
    """Say by how much the Sharpe ratio changes."""
    if math.isnan(change):
        return "the change is not defined"
    if abs(change) < 0.0005:  # would be said as 0.000
        return "as good as no change"
    return f"{'lower' if change < 0 else 'higher'} by {abs(change):.3f}"


def _or_undefined(value: float, said: str) -> str:
    """Say a number, or that there is none."""
    return "not defined" if math.isnan(value) else said
