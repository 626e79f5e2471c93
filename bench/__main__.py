"""``python -m bench``: compare ours with all peers that are installed, on one pinned core, and write what was found."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from bench import gate, processes
from bench.clock import cores, pinned
from bench.facts import Fact, Results
from bench.jobs import Job, market, nse_prices
from bench.machine import about
from bench.peers.peer import quiet
from bench.peers.table import FUSED, KERNELS, OURS, PEERS, PLAIN, SHORT, named
from bench.portfolios import portfolio_rates
from bench.rates import Effort, Say, by_bars, by_grid, by_stops, one_cell, rates
from bench.writing import as_markdown, as_text
from engine.errors import OutputError
from engine.results.storage import check_writable

__all__ = ["main"]

LONG = (OURS, FUSED, PLAIN, *map(named, (*KERNELS, "raptorbt")))
"""Peers that can be run over 100,000 bars in some seconds."""
QUICK = tuple(peer for peer in PEERS if peer.rate > 1000)


def whole(say: Say) -> list[Fact]:
    """Measure everything: some minutes."""
    one, many, effort = Job(market(1)), Job(market(33)), Effort(rounds=4, turn=0.2, call=0.3, say=say)
    allowed = cores()
    with pinned():
        facts = rates("1 symbol", one, PEERS, effort)
        facts += rates(gate.GATED, many, PEERS, effort)
        real = nse_prices()
        if real is not None:
            facts += rates(f"real NSE prices, {len(real)} symbols", Job(real), QUICK, effort)
        facts += by_bars(LONG, (1250, 10_000, 100_000), effort)
        facts += by_grid(one, effort)
        facts += by_stops(one, effort)
        facts += one_cell(one, PEERS, effort)
        facts += portfolio_rates(4, say)
        facts += processes.import_times(5, say)
        facts += processes.first_answers(2, say)
        facts += processes.peak_memory(say)
    if len(allowed) > 1:
        facts += processes.two_cores(allowed, say)
    return facts


def short(say: Say) -> list[Fact]:
    """Measure ours, the fused loop and vectorbt only: under a minute."""
    effort = Effort(rounds=4, turn=0.1, call=0.1, say=say)
    with pinned():
        facts = rates("1 symbol", Job(market(1)), SHORT, effort)
        return facts + rates(gate.GATED, Job(market(33)), SHORT, effort)


def gated(say: Say) -> list[Fact]:
    """Measure what the gate looks at."""
    peers = [peer for peer in SHORT if peer.name in {OURS.name, *gate.LEAST}]
    with pinned():
        return rates(gate.GATED, Job(market(33)), peers, Effort(rounds=7, turn=0.1, call=0.1, say=say))


def notes(arguments: argparse.Namespace) -> list[str]:
    """Say what was measured and how."""
    found = [
        "1,250 daily bars of a seeded random walk, 499 pairs, all-in, fee 0.1 percent; ATR stop: multiple 3, window 14."
    ]
    found.append("Best of several turns, peers in turns, on one pinned core; outputs compared with ours before.")
    if not cores():
        found.append("This system cannot pin a process to a core.")
    if not (arguments.short or arguments.gate) and len(cores()) < 2:
        found.append("There is one core only: two were not measured.")
    if not (arguments.short or arguments.gate) and nse_prices(1) is None:
        found.append("The NSE data is not here: real prices were not measured.")
    return found


def parsed(words: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__, allow_abbrev=False)
    parser.add_argument("--short", action="store_true", help="ours, the fused loop and vectorbt only: under a minute")
    parser.add_argument(
        "--gate", action="store_true", help="exit with status 1 if a ratio is too low or outputs differ"
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write bench.txt and bench.md there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there")
    arguments = parser.parse_args(words)
    if arguments.gate and arguments.json is None and arguments.out is None:
        parser.error("--gate keeps its numbers: give --json FILE or --out FOLDER")
    try:  # before minutes of work, not after them
        if arguments.out is not None:
            arguments.out.mkdir(parents=True, exist_ok=True)
            check_writable(arguments.out / "bench.txt")
        if arguments.json is not None:
            check_writable(arguments.json)
    except (OSError, OutputError) as wrong:
        parser.error(str(wrong))
    return arguments


def write(results: Results, folder: Path | None, file: Path | None) -> None:
    """Write text, Markdown and JSON where they are wanted."""
    if folder is not None:
        (folder / "bench.txt").write_text(as_text(results), encoding="ascii")
        (folder / "bench.md").write_text(as_markdown(results), encoding="ascii")
        file = file or folder / "bench.json"
    if file is not None:
        file.write_text(json.dumps(results.to_dict(), indent=1) + "\n", encoding="ascii")


def main(words: list[str] | None = None) -> int:
    """Measure, write, and with ``--gate`` judge."""
    arguments = parsed(words)
    start = time.perf_counter()

    def say(line: str) -> None:
        sys.stderr.write(f"{time.perf_counter() - start:.0f} s: {line}\n")

    measure = short if arguments.short else gated if arguments.gate else whole
    with quiet():
        facts = measure(say)
    command = " ".join(["python -m bench", *(words if words is not None else sys.argv[1:])])
    results = Results(about(command), facts, notes(arguments))
    write(results, arguments.out, arguments.json)
    sys.stdout.write(as_text(results))
    if not arguments.gate:
        return 0
    wrong = gate.faults(results)
    sys.stdout.write("\n" + ("\n".join(f"gate: {line}" for line in wrong) or "gate: all ratios hold") + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
