"""Results as sentences, to be listened to, and as Markdown tables; plain ASCII both."""

from __future__ import annotations

from collections.abc import Iterator

from bench.facts import Fact, Results, times_better
from bench.jobs import ALL_CASES
from bench.peers.table import OURS, PEERS

__all__ = ["as_markdown", "as_text", "number"]

CASE_NAMES = [str(case) for case in ALL_CASES]
UNITS = {
    "cells/s": "cells a second",
    "us/cell": "microseconds a cell",
    "ns/bar": "nanoseconds a bar of a cell",
    "us": "microseconds",
    "s": "seconds",
    "MiB": "MiB",
}


def number(value: float) -> str:
    """Give three digits that matter, or whole numbers with commas."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def about_lines(results: Results) -> list[str]:
    """Say when, on what and with what."""
    about = results.about
    versions = ", ".join(f"{package} {version}" for package, version in about["versions"].items())
    return [
        f"Measured {about['date']}, commit {about['commit']}, by: {about['command']}",
        f"Processor: {about['processor']}, {about['cores']} cores; {about['system']}; Python {about['python']}.",
        f"Versions: {versions}.",
        *results.notes,
    ]


def sentence(results: Results, fact: Fact) -> str:
    """Say one fact, with how ours compares and whether the outputs were the same."""
    said = f"{fact.peer}: {number(fact.value)} {UNITS[fact.unit]}"
    ours = results.ours(fact)
    if ours is not None and ours is not fact:
        times = times_better(ours, fact)
        said += (
            f", ours is {number(times)} times as good"
            if times >= 1
            else f", which is {number(1 / times)} times better than ours"
        )
    if fact.same and ours is not fact:
        said += f"; {fact.same}"
    return said + "."


def losses(results: Results) -> Iterator[str]:
    """Say what peers do better, a line for each section and peer."""
    lost: dict[tuple[str, str], list[tuple[Fact, Fact]]] = {}
    for ours, theirs in results.losses():
        lost.setdefault((theirs.section, theirs.peer), []).append((ours, theirs))
    for (section, peer), pairs in lost.items():
        said = [
            f"{number(1 / times_better(ours, theirs))} times better than ours ({theirs.what}: {number(theirs.value)} and {number(ours.value)})"
            for ours, theirs in pairs
        ]
        yield f"{section}, {UNITS[pairs[0][0].unit]}: {peer} is {', '.join(said)}."


def reasons(results: Results) -> Iterator[str]:
    """Say of every peer that was run what has to be known of it, and why outputs differ where they do."""
    ran = {fact.peer for fact in results.facts}
    for peer in PEERS:
        if peer.missing:
            yield f"{peer.name}: {peer.missing}."
        elif peer.name in ran:
            yield f"{peer.name}: {peer.note}"
            why = {reason: case for case, reason in reversed(peer.meaning.items()) if reason}
            yield from (f"{peer.name}, {case}: {reason}." for reason, case in reversed(why.items()))


def as_text(results: Results) -> str:
    """Give everything as lines, one fact each."""
    lines = ["Benchmarks of goldencross", "", *about_lines(results)]
    for section in results.sections:
        before = None
        lines += ["", f"{section}:"]
        for fact in results.of(section):
            if fact.what != before:
                lines.append(f"{fact.what}:")
            before = fact.what
            lines.append("  " + sentence(results, fact))
    lost = list(losses(results)) or ["None of what was measured."]
    lines += ["", "What others do better:", *lost, "", "What has to be known:", *reasons(results)]
    return "\n".join(lines) + "\n"


def rate_table(results: Results, section: str) -> list[str]:
    """Give the table of the paths: a column a case, the range of ratios, and what was equal."""
    facts = results.of(section)
    names = list(dict.fromkeys(fact.what for fact in facts))
    unit = facts[0].unit
    rows = [f"| path | {' | '.join(f'{name}, {unit}' for name in names)} | ours is better by | same outputs? |"]
    rows.append("|---|" + "---:|" * len(names) + "---:|---|")
    for peer in dict.fromkeys(fact.peer for fact in facts):
        own = {fact.what: fact for fact in facts if fact.peer == peer}
        cells = [number(own[name].value) if name in own else "-" for name in names]
        times = [times_better(ours, theirs) for ours, theirs in results.pairs(section) if theirs.peer == peer]
        span = f"{number(min(times))} to {number(max(times))}" if times else ""
        differs = [f"{name}: {fact.same}" for name, fact in own.items() if not fact.equal]
        same = "" if peer == OURS.name else "; ".join(differs) or "yes"
        rows.append(f"| {peer} | {' | '.join(cells)} | {span} | {same} |")
    return rows


def other_table(results: Results, section: str) -> list[str]:
    """Give a row for each thing, a column for each peer."""
    facts = results.of(section)
    peers = list(dict.fromkeys(fact.peer for fact in facts))
    rows = [f"| {UNITS[facts[0].unit]} | {' | '.join(peers)} |", "|---|" + "---:|" * len(peers)]
    for what in dict.fromkeys(fact.what for fact in facts):
        values = {fact.peer: number(fact.value) for fact in facts if fact.what == what}
        rows.append(f"| {what} | {' | '.join(values.get(peer, '-') for peer in peers)} |")
    return rows


def as_markdown(results: Results) -> str:
    """Give everything as tables."""
    lines = ["# Benchmarks", "", *(f"{line}  " for line in about_lines(results))]
    for section in results.sections:
        rates = {fact.what for fact in results.of(section)} <= set(CASE_NAMES)
        lines += ["", f"## {section}", "", *(rate_table if rates else other_table)(results, section)]
    lost = [f"- {line}" for line in losses(results)] or ["None of what was measured."]
    known = [f"- {line}" for line in reasons(results)]
    lines += ["", "## What others do better", "", *lost, "", "## What has to be known", "", *known]
    return "\n".join(lines) + "\n"
