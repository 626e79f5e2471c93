"""What is said about prices: the verdict of a validation, and the last lines of every other report."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from engine.errors import InputError
from engine.prices.history import Prices
from engine.prices.sessions import BarClock, clock_of
from engine.report.spoken import count
from engine.settings import Settings
from engine.validation.actions import Outcome
from engine.validation.findings import Finding, Report

__all__ = ["adjustment_lines", "data_lines", "day", "unit_of", "validation_text", "year_lines"]

_REPAIR = re.compile(r"--repair ([a-z-]+)")


def day(moment: Any) -> str:
    """Say a date, with the time only where there is one."""
    stamp = pd.Timestamp(moment)
    return str(stamp.date()) if stamp == stamp.normalize() else stamp.strftime("%Y-%m-%d %H:%M")


def unit_of(days: pd.DatetimeIndex) -> str:
    """Name what the places of some returns are: a day, or of intraday prices a bar."""
    return "day" if BarClock.of(days).length is None else "bar"


def year_lines(settings: Settings, prices: Prices) -> list[str]:
    """Say where the bars of a year come from, for intraday prices; nothing for daily ones, or if symbols have bars of different lengths."""
    try:
        clock = clock_of(prices)
    except InputError:
        return []
    if clock.length is None:
        return []
    if settings.bars_per_year == clock.bars_per_year:
        return [clock.sentence]
    return [f"{settings.bars_per_year:,.10g} bars a year were given. The dates say {clock.sentence}"]


def data_lines(prices: Prices, left_out: Mapping[str, str], too_short: Mapping[str, str], digest: str) -> list[str]:
    """Say which prices were used, what was repaired, and what is doubtful or left out."""
    bars = sum(len(prices[symbol]) for symbol in prices.symbols)
    first = min(prices[symbol].dates[0].tz_localize(None) for symbol in prices.symbols)
    last = max(prices[symbol].dates[-1].tz_localize(None) for symbol in prices.symbols)
    report = prices.report
    lines = [
        f"Prices: {count(len(prices.symbols), 'symbol')}, {bars:,} bars, {day(first)} to {day(last)}, hash {digest[:16]}.",
        *_repair_lines(report),
        *adjustment_lines(report),
        *(f"Too short: {reason}." for reason in too_short.values()),
        *_left_out_lines(left_out),
    ]
    splits = [finding for finding in report.warnings if finding.rule == "split-like"]
    if splits:
        names = ", ".join(sorted({finding.symbol for finding in splits}))
        lines.append(
            f"Beware: {count(len(splits), 'jump')} in {names} may be a split or bonus for which the prices were not "
            "adjusted; if so, averages and results across it are wrong."
        )
    if report.warnings or report.notes:
        lines.append(
            f"Validation has {count(len(report.warnings), 'warning')} and {count(len(report.notes), 'note')}; "
            "goldencross validate says them all."
        )
    return lines


def validation_text(report: Report) -> list[str]:
    """Say what is wrong with some prices: the verdict, what would mend it, then every finding."""
    total = len(report.bars) + len(report.left_out)
    lines = [
        f"{len(report.bars):,} of {count(total, 'symbol')} can be used; {len(report.left_out):,} left out.",
        *(
            _tally(name, found)
            for name, found in (("error", report.errors), ("warning", report.warnings), ("note", report.notes))
        ),
    ]
    repairs = dict.fromkeys(_REPAIR.findall(" ".join(finding.action for finding in report.errors)))
    if repairs:
        lines.append(f"To mend what can be mended, after reading what it changes: --repair {','.join(repairs)}")
    lines += [*_repair_lines(report), *adjustment_lines(report), *_left_out_lines(report.left_out)]
    for finding in (*report.errors, *report.warnings, *report.notes):
        lines.append(f"{finding.severity}, {finding.rule}: {finding.message}; {finding.action}.")
    return lines


def _tally(name: str, findings: tuple[Finding, ...]) -> str:
    """Count findings of one severity by rule."""
    rules = Counter(finding.rule for finding in findings)
    parts = ", ".join(f"{number} {rule}" for rule, number in rules.most_common())
    return f"{count(len(findings), name)}{': ' + parts if parts else ''}."


def _repair_lines(report: Report) -> list[str]:
    """Say every repair; the same one on many symbols is one line."""
    said = (sentence.partition(": ") for sentence in report.repairs)
    return [f"Repaired: {what}: {names}." for what, names in _together((symbol, what) for symbol, _, what in said)]


def adjustment_lines(report: Report) -> list[str]:
    """Say what became of every split and bonus; those of symbols without prices are one line."""
    found = report.adjustments
    if not found:
        return []
    elsewhere = [one for one in found if one.outcome is Outcome.NO_PRICES]
    known = [one for one in found if one.outcome is not Outcome.NO_PRICES]
    applied = sum(one.outcome.is_applied for one in known)
    lines = [f"Splits and bonuses: {applied:,} of {count(len(known), 'action')} for these symbols applied."]
    lines += [
        str(one)
        for one in (*(o for o in known if o.outcome.is_applied), *(o for o in known if not o.outcome.is_applied))
    ]
    if known and all(one.outcome is Outcome.NO_STEP for one in known):
        lines.append("None of these steps is in the prices: they look adjusted already.")
    if elsewhere:
        names = ", ".join(dict.fromkeys(one.symbol for one in elsewhere))
        lines.append(f"Not applied: {count(len(elsewhere), 'action')} of symbols without usable prices here: {names}.")
    return lines


def _left_out_lines(left_out: Mapping[str, str]) -> list[str]:
    """Say why symbols were left out; the same reason of many symbols is one line."""
    reasons = ((symbol, _without_subject(symbol, sentence)) for symbol, sentence in left_out.items())
    return [f"Left out: {names}, because {why}." for why, names in _together(reasons)]


def _without_subject(symbol: str, sentence: str) -> str:
    """Take the symbol from the start of its sentence, so that it can be said of several."""
    rest = sentence.removeprefix(symbol).lstrip(": ").rstrip(".")
    return f"it {rest}" if rest.startswith("has ") else rest


def _together(sayings: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Collect the symbols of which the same is said: (what is said, the symbols)."""
    symbols: dict[str, list[str]] = {}
    for symbol, what in sayings:
        symbols.setdefault(what, []).append(symbol)
    return [(what, ", ".join(names)) for what, names in symbols.items()]
