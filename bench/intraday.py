"""``python -m bench.intraday``: what a bar of a cell costs in a year of minutes, beside what it costs in daily prices; one run, one core.

Processor time of this thread is counted, so that other work on the machine disturbs little. The ratio is what matters: 1 is as fast a bar as on daily prices, more is slower.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import engine
from bench.clock import pinned
from bench.jobs import FAST, MULTIPLE, SLOW, market
from engine.kernels.metrics import METRICS

__all__ = ["Measured", "cases", "main", "markets", "measure"]

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "intraday"
COSTS = engine.Costs(rate=0.001)
PIECE = 1250  # as many as the daily symbols have: then as many bars are needed by averages before the first cross
FLAT = ", closed at session end"


@dataclass(frozen=True)
class Measured:
    """What one market cost in one case.

    Attributes
    ----------
    market, case : str
    nanoseconds : float
        Of processor time, a bar of a cell: best of all turns.
    looped : int
        Cells that the fast way left to a slower one.
    cells : int
    trades : float
        Closed, of a thousand bars of a cell: what time is spent on besides the bars.
    """

    market: str
    case: str
    nanoseconds: float
    looped: int
    cells: int
    trades: float


def markets() -> Iterator[tuple[str, engine.Prices]]:
    """Give the markets, the daily one first; the real ones where their folder is."""
    yield "33 symbols of 1,250 daily bars", market(33)
    year = engine.simulate_intraday(1, 1, seed=42, timezone="Asia/Kolkata")
    history = year["SIM001"]
    yield f"1 symbol of {len(history):,} minute bars, a simulated year", year
    pieces = [
        replace(history.between(at, at + PIECE), symbol=f"PIECE{at}")
        for at in range(0, len(history) - PIECE + 1, PIECE)
    ]
    yield f"The same minutes as {len(pieces)} symbols of {PIECE:,} bars", engine.Prices.from_histories(pieces)
    for file in sorted(SHARED.glob("*.csv")) if SHARED.is_dir() else []:
        prices = engine.load(file)
        (symbol,) = prices.symbols
        yield f"{symbol}, {len(prices[symbol]):,} real bars of {prices.clock(symbol).said_length}", prices


def cases() -> dict[str, dict[str, Any]]:
    """Give the arguments of every case; each also with positions closed at the end of a session, which daily prices do not have."""
    stop = engine.TrailingStop(MULTIPLE)
    found: dict[str, dict[str, Any]] = {"no stop": {}, f"ATR stop of {MULTIPLE:g}": {"stop": stop}}
    return found | {f"{name}{FLAT}": {**given, "flatten": "session"} for name, given in found.items()}


def measure(prices: Mapping[str, engine.Prices], rounds: int, least: float) -> list[Measured]:
    """Time every case on all markets, in turns, after a first call that compiles."""
    found = []
    for case, given in cases().items():
        able = {
            name: some
            for name, some in prices.items()
            if FLAT not in case or all(some.clock(symbol).length for symbol in some)
        }
        results = {name: sweep(some, given) for name, some in able.items()}
        best = dict.fromkeys(able, float("inf"))
        for _ in range(rounds):
            for name, some in able.items():
                best[name] = min(best[name], turn(some, given, least))
        for name, some in able.items():
            result, bars = results[name], sum(some.length(symbol) for symbol in some)
            one = len(result.grid.pairs) * bars
            trades = float(np.nansum(result.values[..., METRICS.index("trades")])) / one * 1000
            found.append(Measured(name, case, best[name] / one * 1e9, result.looped, len(result), trades))
    return found


def sweep(prices: engine.Prices, given: Mapping[str, Any]) -> engine.SweepResult:
    """Run the job of all figures: 499 pairs, fills at the close, one thread."""
    return engine.sweep(prices, FAST, SLOW, fill="close", costs=COSTS, workers=1, **given)


def turn(prices: engine.Prices, given: Mapping[str, Any], least: float) -> float:
    """Sweep until so many seconds have passed, at least once; gives the least processor time of one."""
    best, end = float("inf"), time.perf_counter() + least
    gc.collect()
    while True:
        start = time.process_time()
        sweep(prices, given)
        best = min(best, time.process_time() - start)
        if time.perf_counter() >= end:
            return best


def sentences(found: list[Measured]) -> Iterator[str]:
    """Say what was measured, one fact a line; the ratio is to daily prices with the same stop, of which nothing is closed at a session's end."""
    daily = found[0].market
    for case in dict.fromkeys(one.case for one in found):
        base = next(one for one in found if one.market == daily and one.case == case.removesuffix(FLAT))
        name = case.capitalize() if case[0].islower() else case
        yield (
            f"{name}; {daily} without that take {base.nanoseconds:.3f} nanoseconds a bar of a cell."
            if FLAT in case
            else (
                f"{name}: {base.nanoseconds:.3f} nanoseconds a bar of a cell on {daily}, with {base.trades:.2f} trades in a thousand bars."
            )
        )
        for one in found:
            if one.case == case and one is not base:
                looped = f", {one.looped:,} of {one.cells:,} cells by a slower way" if one.looped else ""
                yield f"{one.market}: {one.nanoseconds:.3f} nanoseconds, {one.nanoseconds / base.nanoseconds:.2f} times the daily ones, with {one.trades:.2f} trades{looped}."


def main(words: list[str] | None = None) -> int:
    """Time it and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m bench.intraday", description=__doc__, allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="of a turn")
    arguments = parser.parse_args(words)
    with pinned() as held:
        where = f"pinned to {held} core" if held else "not pinned"
        sys.stdout.write(f"499 pairs of averages, all-in, fee 0.1 percent, fills at the close, one thread, {where}.\n")
        for line in sentences(measure(dict(markets()), arguments.rounds, arguments.seconds)):
            sys.stdout.write(f"{line}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
