"""What has to hold in CI: ratios within one process, never seconds."""

from __future__ import annotations

from bench.facts import Results, times_better
from bench.jobs import ALL_CASES
from bench.peers.peer import SAME
from bench.peers.table import API, FUSED, named

__all__ = ["GATED", "LEAST", "LEAST_TIMES_FUSED", "LEAST_TIMES_VECTORBT_API", "faults"]

# Half of the lowest ratio of a whole run (6.0 and 481 on 33 symbols, docs/speed.md), so that noise alone does not fail: where others use the same caches, ours loses most.
LEAST_TIMES_FUSED = 3.0
LEAST_TIMES_VECTORBT_API = 240.0

GATED = "33 symbols"
"""The section that is looked at: many symbols, so that the overhead of a call does not decide."""
LEAST = {FUSED.name: LEAST_TIMES_FUSED, **dict.fromkeys(API, LEAST_TIMES_VECTORBT_API)}


def faults(results: Results) -> list[str]:
    """Say what does not hold, one line each; where vectorbt has two engines, both are compared, where it has neither, that is a fault."""
    found = []
    pairs = results.pairs(GATED)
    compared = {theirs.peer for _, theirs in pairs}
    if FUSED.name not in compared:
        found.append(f"nothing was compared with {FUSED.name}")
    if not compared.intersection(API):
        found.append("nothing was compared with the vectorbt API: pip install vectorbt")
    for ours, theirs in pairs:
        case = next(case for case in ALL_CASES if str(case) == theirs.what)
        if theirs.peer not in LEAST or named(theirs.peer).meaning[case] != SAME:
            continue
        times = times_better(ours, theirs)
        if times < LEAST[theirs.peer]:
            found.append(
                f"{GATED}, {theirs.what}: ours is {times:.2f} times {theirs.peer}, it must be {LEAST[theirs.peer]:g} or more"
            )
    for fact in results.facts:
        cases = [case for case in ALL_CASES if str(case) == fact.what]
        if not fact.equal and any(named(fact.peer).meaning[case] == SAME for case in cases):
            found.append(f"{fact.section}, {fact.what}: {fact.peer}: only {fact.same}")
    return found
