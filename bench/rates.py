"""The sections that are timed within this process: rates, and how they grow with bars, grid and stops."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from bench.agreement import compare
from bench.clock import race
from bench.facts import Fact
from bench.jobs import ALL_CASES, DENSE_FAST, DENSE_SLOW, MULTIPLE, Case, Job, long_market, one_pair, with_case
from bench.peers.peer import Peer
from bench.peers.table import FUSED, OURS, PLAIN, available

__all__ = ["Effort", "by_bars", "by_grid", "by_stops", "measured", "one_cell", "rates"]

Say = Callable[[str], None]
CLOSE_STOP = Case(stopped=True, fill="close")
LOOPS = (OURS, FUSED, PLAIN)


@dataclass(frozen=True)
class Effort:
    """How much time is spent.

    Parameters
    ----------
    rounds : int
        Turns of each peer.
    turn : float
        Seconds that a turn goes on for.
    call : float
        Seconds that a call may take, roughly: slow peers get fewer cells.
    say : callable
        Told what is going on.
    """

    rounds: int
    turn: float
    call: float
    say: Say


def measured(section: str, what: str, job: Job, peers: Iterable[Peer], unit: str, effort: Effort) -> list[Fact]:
    """Check the peers that cover a job against ours, then time them in turns.

    Parameters
    ----------
    section, what : str
    job : Job
        Cut down for slow peers.
    peers : iterable of Peer
        Those that do not cover the job are left out.
    unit : str
        cells/s, us/cell, ns/bar (of each cell) or us (the whole call).
    effort : Effort

    Returns
    -------
    list of Fact
    """
    able = [peer for peer in available(tuple(peers)) if job.case in peer.meaning]
    jobs = {peer.name: peer.sized(job, effort.call) for peer in able}
    runs = {peer.name: peer.prepare(jobs[peer.name]) for peer in able}
    found = {}
    for peer in able:
        part = jobs[peer.name]
        found[peer.name] = compare(OURS.picked(OURS.prepare(part)()), peer.picked(runs[peer.name]()), peer, part)
    effort.say(f"{section}, {what}: {len(able)} paths, outputs compared, now timed")
    best = race(runs, effort.rounds, effort.turn)
    return [
        Fact(
            section,
            what,
            peer.name,
            _in(unit, best[peer.name], jobs[peer.name]),
            unit,
            str(found[peer.name]),
            found[peer.name].complete,
        )
        for peer in able
    ]


def _in(unit: str, seconds: float, job: Job) -> float:
    """Turn the seconds of one call into a unit."""
    bars = job.bars / len(job.prices)
    return {
        "cells/s": job.cells / seconds,
        "us/cell": seconds / job.cells * 1e6,
        "ns/bar": seconds / (job.cells * bars) * 1e9,
        "us": seconds * 1e6,
    }[unit]


def rates(section: str, job: Job, peers: Iterable[Peer], effort: Effort) -> list[Fact]:
    """Give cells a second in every case."""
    peers = tuple(peers)
    return [
        fact
        for case in ALL_CASES
        for fact in measured(section, str(case), with_case(job, case), peers, "cells/s", effort)
    ]


def by_bars(peers: Iterable[Peer], lengths: Iterable[int], effort: Effort) -> list[Fact]:
    """Give nanoseconds a bar of a cell, for histories of different length."""
    peers = tuple(peers)
    facts = []
    for bars in lengths:
        for case in (ALL_CASES[0], CLOSE_STOP):
            job = with_case(Job(long_market(bars)), case)
            facts += measured("growth with bars", f"{case}, {bars:,} bars", job, peers, "ns/bar", effort)
    return facts


def by_grid(job: Job, effort: Effort) -> list[Fact]:
    """Give microseconds a cell for grids of different size, and of the smallest one microseconds a call."""
    dense = replace(job, fast=DENSE_FAST, slow=DENSE_SLOW)
    facts = []
    for case in (ALL_CASES[0], CLOSE_STOP):
        for grid in (one_pair(job), job, dense):
            part = with_case(grid, case)
            what = f"{case}, {len(part.pairs):,} pair{'s' * (len(part.pairs) > 1)}"
            facts += measured("growth with the grid", what, part, LOOPS, "us/cell", effort)
    return facts


def one_cell(job: Job, peers: Iterable[Peer], effort: Effort) -> list[Fact]:
    """Give the microseconds of a call for a single pair of a single symbol."""
    peers = tuple(peers)
    return [
        fact
        for case in (ALL_CASES[0], CLOSE_STOP)
        for fact in measured("one cell", str(case), with_case(one_pair(job), case), peers, "us", effort)
    ]


def by_stops(job: Job, effort: Effort) -> list[Fact]:
    """Give microseconds a cell for 1, 3 and 10 stops of different multiple."""
    facts = []
    for count in (1, 3, 10):
        stops = (MULTIPLE,) if count == 1 else tuple(float(multiple) for multiple in np.linspace(1.0, 5.5, count))
        part = replace(job, multiples=stops, fill="close")
        what = f"{count} stop multiple{'s' * (count > 1)}, close"
        facts += measured("growth with the stops", what, part, LOOPS, "us/cell", effort)
    return facts
