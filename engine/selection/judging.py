"""Judge a sweep: from its cells and prices to the statistics of ``verdict``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.errors import InputError
from engine.grid import Grid
from engine.kernels.metrics import METRICS
from engine.prices.history import Prices
from engine.results.reduced import ReducedSweep
from engine.results.sweep import SweepTable
from engine.selection.candidates import Candidates, Market, thinned
from engine.selection.cells import best_cell
from engine.selection.sharpe import moments_of
from engine.selection.trials import Pool, trials_of
from engine.selection.verdict import LuckReport, deflate

__all__ = ["luck"]


def luck(
    sweep: SweepTable | ReducedSweep,
    prices: Prices | None = None,
    *,
    permutations: int = 0,
    blocks: int = 16,
    tried: int = 0,
    seed: int = 0,
    workers: int | None = None,
    progress: Any = None,
) -> LuckReport:
    """Judge how much of the best result of a sweep is luck.

    Parameters
    ----------
    sweep : SweepResult, PortfolioSweep or ReducedSweep
    prices : Prices or None
        Those of the sweep, if it does not have them itself.
    permutations : int
        Of the permutation test, which runs the whole sweep so many times; 0 leaves it out.
    blocks : int
        S of the cross-validation, even.
    tried : int
        Settings tried on these prices in all, if more than this sweep has: a ledger knows.
    seed : int
        Of the permutations.
    workers : int or None
        Threads; all cores if None. The numbers do not depend on it.
    progress : callable or None
        Called with the permutations done and those in all.

    Returns
    -------
    LuckReport

    Raises
    ------
    InputError
        The prices are not at hand, or are others than those of the sweep.
    DataError
        Every symbol is shorter than the longest slow window.
    KeyboardInterrupt
    """
    given = _prices_of(sweep, prices)
    account = sweep.terms if isinstance(sweep, SweepTable) else None
    symbols = sweep.account["symbols"] if isinstance(sweep, SweepTable) and sweep.account else sweep.symbols
    market = Market(Pool.of(given.select(symbols), int(sweep.grid.slow.max())), sweep.settings, account)
    candidates = Candidates.of(market, thinned(sweep.grid), blocks=blocks, workers=workers)
    test = None
    if permutations and account is None:
        from engine.selection.markets import Shuffle  # noqa: PLC0415  kernels that nothing else needs
        from engine.selection.permutation import permutation_test  # noqa: PLC0415

        test = permutation_test(
            given.select(symbols),
            sweep.grid,
            sweep.settings,
            which="both",
            shuffle=Shuffle(seed=seed),
            resamples=permutations,
            workers=workers,
            progress=progress,
        )
    return LuckReport(
        market=market,
        candidates=candidates,
        trials=max(tried, sweep.grid.cells),
        settings_of_sweep=sweep.grid.cells,
        held=market.pool.held(),
        permutation=test,
        best_cell=_best_cell(sweep, given, candidates, tried),
    )


def _prices_of(sweep: SweepTable | ReducedSweep, prices: Prices | None) -> Prices:
    """Find the prices of a sweep."""
    own = sweep.source if isinstance(sweep, SweepTable) else None
    if prices is None:
        if not isinstance(own, Prices):
            raise InputError("this sweep is without its prices; give them as well")
        return own
    if own is not prices and prices.digest != sweep.digest:
        raise InputError(
            f"these are other prices than those of the sweep: hash {prices.digest[:12]}, the sweep has {sweep.digest[:12]}"
        )
    return prices


def _best_cell(
    sweep: SweepTable | ReducedSweep, prices: Prices, candidates: Candidates, tried: int
) -> dict[str, Any] | None:
    """Hold the best cell of several symbols against all cells; None if there is only one symbol, or all cells are not at hand."""
    if not isinstance(sweep, SweepTable) or len(sweep.symbols) < 2:
        return None
    sharpe = sweep.values[..., METRICS.index("sharpe")]
    if np.isnan(sharpe).all():
        return None
    s, place, names = best_cell(sweep)
    symbol, (p, k) = sweep.symbols[s], divmod(place, len(sweep.grid.stops))
    alone = Grid((sweep.grid.pairs[p],), (sweep.grid.stops[k],))
    returns = trials_of(prices.select([symbol]), alone, sweep.settings, workers=1).returns[0]
    known = sharpe[~np.isnan(sharpe)] / math.sqrt(sweep.settings.bars_per_year)
    trials = max(len(known), tried * len(sweep.symbols))
    # As if no symbol had anything to do with another: more trials than there are, so that luck gets the benefit of the doubt.
    share = candidates.effective.number / max(candidates.effective.trials, 1)
    variance = float(known.var(ddof=1)) if len(known) > 1 else math.nan
    moments = moments_of(returns)
    return {
        "symbol": symbol,
        **names,
        "trials": trials,
        "deflated": deflate(moments, variance, trials, share * trials),
    }
