"""The text of the best cells of some results."""

from __future__ import annotations

from engine.report.spoken import METRIC_NAMES, count, say_metric
from engine.results.top import Top

__all__ = ["top_text"]


def top_text(found: Top, path: str) -> list[str]:
    """Say the best cells, one a line, then how many there were to choose from."""
    name = METRIC_NAMES[found.metric]
    lines = []
    for number, row in enumerate(found.cells.to_dict("records"), 1):
        stop = f"stop {row['multiple']:g} ATR of {row['atr_window']} bars" if row["multiple"] else "no stop"
        names = dict.fromkeys([found.metric, "total_return", "max_drawdown"])
        facts = ", ".join(f"{METRIC_NAMES[each]} {say_metric(each, row[each])}" for each in names)
        cell = f"{row['symbol']}, fast {row['fast']}, slow {row['slow']}, {stop}"
        lines.append(f"Number {number}: {cell}: {facts}, {count(row['trades'], 'trade')}.")
    if not lines:
        lines.append(f"The {name} is in no cell of {path} defined.")
    lines.append(f"These are the best by {name} of {count(found.looked_at, 'cell')} in {path}.")
    if found.expected is not None and found.looked_at < found.expected:
        lines.append(
            f"The sweep has not come to its end: it has {found.expected:,} cells. The same sweep into the same folder goes on."
        )
    return [*lines, "The best of many cells is partly luck: goldencross luck says how much."]
