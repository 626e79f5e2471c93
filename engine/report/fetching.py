"""What is said after prices were fetched."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from engine.prices.fetching import FRESH, Outcome
from engine.prices.store import Update
from engine.report.spoken import count

__all__ = ["fetch_lines"]


def fetch_lines(outcome: Outcome, folder: Path) -> list[str]:
    """Say what became of every symbol: the sum, then what asks for attention, then the rest."""
    stored = len(outcome.updates) + len(outcome.fresh)
    total = stored + len(outcome.failures) + len(outcome.missing)
    bars = sum(update.added for update in outcome.updates)
    lines = [f"{stored:,} of {count(total, 'symbol')} answered or up to date, {count(bars, 'new bar')}, in {folder}."]
    by_change: dict[str, list[Update]] = {}
    for update in outcome.updates:
        by_change.setdefault(update.change, []).append(update)
    if refused := len(by_change.get("refused", [])):
        were = (
            "was left as it was, because an answer revised"
            if refused == 1
            else "were left as they were, because answers revised"
        )
        lines.append(f"{count(refused, 'symbol')} {were} old bars.")
    lines += [
        f"Not got: {name}, because {reason.removeprefix(f'{name}: ')}." for name, reason in outcome.failures.items()
    ]
    lines += [_revised(update) for change in ("refused", "kept", "replaced") for update in by_change.get(change, [])]
    lines += [f"New: {one.symbol}, {_extent(one)}." for one in by_change.get("new", [])]
    lines += [
        f"Added: {one.symbol}, {count(one.added, 'bar')}, now {_extent(one)}." for one in by_change.get("added", [])
    ]
    if by_change.get("unchanged"):
        lines.append(f"Unchanged: {_names(one.symbol for one in by_change['unchanged'])}.")
    if outcome.fresh:
        hours = FRESH.total_seconds() / 3600
        lines.append(f"Not asked again within {hours:g} hours, for which there is --again: {_names(outcome.fresh)}.")
    if outcome.missing:
        why = "Interrupted" if outcome.interrupted else "The connection was lost"
        lines.append(f"{why}: still missing are {_names(outcome.missing)}. The same command goes on with them.")
    return lines


def _revised(update: Update) -> str:
    what = {
        "refused": "Nothing was changed. Choose --revisions keep or --revisions replace",
        "kept": f"The old bars were kept, {count(update.added, 'new bar')} added",
        "replaced": f"They were replaced, {count(update.added, 'new bar')} added",
    }[update.change]
    return f"Revised: {update.symbol}, {update.detail}. {what}."


def _extent(update: Update) -> str:
    return f"{count(update.bars, 'bar')}, {update.first} to {update.last}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(names)
