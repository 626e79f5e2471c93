"""``python -m bench.century``: as many rules on a hundred years of daily bars as Sullivan, Timmermann and White tried, on 500 resampled markets.

Their 7,846 rules (Journal of Finance 54, 1999) are 497 filter rules, 2,049 of moving averages, 1,220 of support and resistance, 2,040 channel break-outs and 2,040 of on-balance volume. The engine has
crosses of two averages; it has no filter, support, channel or volume rules, and no band, delay or fixed holding period around an average. So the job has their size, not their rules: all pairs of
fast 1 to 38 and slow 2 to 226, which are 7,847, the nearest that whole ranges of windows within their longest (250) give. Their series is the Dow Jones; this one is a seeded walk with its drift and volatility. They
resample the returns of fixed rules (the Reality Check); here the market is permuted and all rules are run again, and with ``--check`` the Reality Check is done too.
"""

from __future__ import annotations

import argparse
import sys
import time

import engine
from bench.clock import pinned
from bench.permutations import Timed, timed
from engine.grid import Grid
from engine.selection.excess import feed
from engine.selection.permutation import permutation_test
from engine.selection.snooping import Resampling, reality_check
from engine.selection.trials import Pool, trial_blocks
from engine.settings import Settings

__all__ = ["RULES", "century", "grid_of_the_century", "main"]

RULES, BARS, RESAMPLES = 7846, 27_000, 500
MOST = 50
"""Rules that the Reality Check gets: arch's time grows with the square of the days, which are 27,000 here."""


def century(bars: int = BARS) -> engine.Prices:
    """Make a series like an index: 1.1 percent a day, and about 6 percent a year."""
    return engine.simulate(
        ["INDEX"], bars, seed=1897, volatility=0.011, drift=0.0003, price=40.0, tick=0.01, start="1897-01-01"
    )


def grid_of_the_century() -> Grid:
    """Give the pairs."""
    return Grid.of(range(1, 39), range(2, 227))


def run(resamples: int, bars: int = BARS, workers: int = 2) -> Timed:
    """Test all pairs, without an early stop."""
    prices, grid = century(bars), grid_of_the_century()
    return timed(
        lambda: permutation_test(
            prices, grid, Settings(), resamples=resamples, level=None, workers=workers, which="cells"
        )
    )


def check(bars: int) -> str:
    """Do the Reality Check of the same rules, from blocks of their returns."""
    start, grid = time.perf_counter(), grid_of_the_century()
    pool = Pool.of(century(bars), int(grid.slow.max()))
    fed = feed(trial_blocks(pool, grid, Settings()), most=MOST)
    middle = time.perf_counter()
    found = reality_check(fed, Resampling(resamples=RESAMPLES))
    end = time.perf_counter()
    return (
        f"Reality Check against holding, {fed.used:,} of {fed.tried:,} rules: p {found.p:.3f}; "
        f"{middle - start:.1f} s for the returns of all, {end - middle:.1f} s for {RESAMPLES} resamples"
    )


def main(words: list[str] | None = None) -> int:
    """Time it and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m bench.century", description=__doc__, allow_abbrev=False)
    parser.add_argument("--resamples", type=int, default=RESAMPLES)
    parser.add_argument("--check", action="store_true", help="do the Reality Check of the same rules too")
    arguments = parser.parse_args(words)
    rules = grid_of_the_century().cells
    run(20)  # compile, also the plain way that a cell in thousands needs
    with pinned(2) as cores:
        found = run(arguments.resamples)
        result = found.result
        sys.stdout.write(
            f"{rules:,} rules x {BARS:,} bars x {result.done:,} resamples: {found.seconds:.1f} s on {cores} cores, {found.cpu:.1f} CPU seconds, "
            f"{rules * result.done / found.seconds:,.0f} backtests a second.\n"
            f"Best Sharpe ratio {result.cell.observed:.3f}, of luck {result.cell.median:.3f} in the median: p {result.cell.p:.3f}, standard error {result.cell.error:.3f}.\n"
        )
        if arguments.check:
            sys.stdout.write(check(BARS) + ".\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
