"""The rows: every way to make the same backtests that we know of, with what is the same about it and what is not."""

from __future__ import annotations

from bench.jobs import METRICS, Case
from bench.peers import (
    backtestingpy,
    fused,
    ours,
    plain,
    raptor,
    tables,
    vectorbt_api,
    vectorbt_guide,
    vectorbt_kernels,
    vectorbt_whole,
)
from bench.peers.peer import SAME, Peer

__all__ = ["API", "FUSED", "KERNELS", "OURS", "PEERS", "PLAIN", "SHORT", "available", "named"]

NO_STOP = {Case(stopped=False, fill="close"): SAME, Case(stopped=False, fill="next_open"): SAME}
STOP_CLOSE, STOP_OPEN = Case(stopped=True, fill="close"), Case(stopped=True, fill="next_open")

ENTRY_BAR = (
    "never tests the stop on the bar of the entry, leaves that bar's high out of the peak, "
    "and takes a stop before a sale at the same bar's open"
)
FRACTION = "its stop is a fraction of the peak, fixed at the entry: a fixed distance needs a callback, which never goes to Rust"
VECTORBT_NUMBA = {**NO_STOP, STOP_CLOSE: SAME, STOP_OPEN: ENTRY_BAR}
VECTORBT_RUST = {**NO_STOP, STOP_CLOSE: FRACTION, STOP_OPEN: f"{FRACTION}; and it {ENTRY_BAR}"}
TIES = "its own averages: rounding breaks ties, and then signals differ"
RAPTOR_STOP = "its stop is 5 percent of the peak: it has no trailing distance in currency"

GIVEN = "Our signals and distances are given to it, and not timed."
RUST = ("vectorbt", "vectorbt-rust")

WHOLE = "vectorbt API (the whole job)"

OURS = Peer(
    "ours: sweep",
    ours.prepare_sweep,
    rate=2.5e5,
    note="Every metric of the contract, not only the shared six.",
    columns=ours.COLUMNS,
)
PLAIN = Peer("plain numba loop", plain.prepare, rate=1.1e5, note="Six metrics. One function a step, an equity array.")
FUSED = Peer("fused numba loop", fused.prepare, rate=4e5, note="Six metrics. One pass over the bars, no equity array.")

PEERS = (
    OURS,
    Peer(
        "ours: plain bar loop",
        ours.prepare_loop,
        rate=1.1e5,
        note="Every metric, and a table of trades.",
        columns=ours.COLUMNS,
    ),
    FUSED,
    PLAIN,
    Peer("vectorbt kernels (Rust)", vectorbt_kernels.rust_kernels, RUST, VECTORBT_RUST, rate=1.9e4, note=GIVEN),
    Peer("vectorbt kernels (numba)", vectorbt_kernels.numba_kernels, RUST[:1], VECTORBT_NUMBA, rate=1.1e4, note=GIVEN),
    Peer(
        "raptorbt",
        raptor.prepare,
        ("raptorbt",),
        {**NO_STOP, STOP_CLOSE: RAPTOR_STOP, STOP_OPEN: RAPTOR_STOP},
        rate=1.3e4,
        note=f"{GIVEN} It makes some 48 metrics, curves and trades.",
    ),
    Peer("vectorbt API (Rust)", vectorbt_api.rust_engine, RUST, VECTORBT_RUST, rate=6e3, note=GIVEN),
    Peer("vectorbt API (numba)", vectorbt_api.numba_engine, RUST[:1], VECTORBT_NUMBA, rate=6e3, note=GIVEN),
    Peer(
        "vectorbt API (own averages)",
        vectorbt_guide.numba_engine,
        RUST[:1],
        dict.fromkeys(NO_STOP, TIES),
        rate=3e3,
        note="As its guide shows it, labelled tables and all.",
    ),
    Peer(
        WHOLE,
        vectorbt_whole.numba_engine,
        RUST[:1],
        {**dict.fromkeys(NO_STOP, TIES), STOP_CLOSE: TIES, STOP_OPEN: ENTRY_BAR},
        rate=3e3,
        note="What a cell of ours does: its own averages, crosses and ranges, and every metric of the contract that it has. The other rows of vectorbt are given signals and asked for six.",
    ),
    Peer(
        "pandas (vectorised)",
        tables.prepare,
        (),
        NO_STOP,
        rate=700.0,
        note="A trailing stop depends on its own past: it can not be had.",
    ),
    Peer(
        "backtesting.py",
        backtestingpy.prepare,
        ("backtesting",),
        NO_STOP,
        shared=(METRICS[0], *METRICS[4:]),
        tolerance=1e-8,
        uncounted=backtestingpy.signal_on_the_last_bar,
        rate=70.0,
        note=f"{GIVEN} Ratios and drawdown mean something else there; a signal of the last close is not filled.",
    ),
)
"""From ours to the slowest."""

API = ("vectorbt API (Rust)", "vectorbt API (numba)")
KERNELS = ("vectorbt kernels (Rust)", "vectorbt kernels (numba)")
SHORT = tuple(peer for peer in PEERS if peer.name in {OURS.name, FUSED.name, *API, WHOLE, *KERNELS})
"""What the short form runs."""


def available(peers: tuple[Peer, ...] = PEERS) -> list[Peer]:
    """Leave out those that are not installed."""
    return [peer for peer in peers if not peer.missing]


def named(name: str) -> Peer:
    """Find a peer by its name."""
    return next(peer for peer in PEERS if peer.name == name)
