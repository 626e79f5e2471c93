"""All settings of a sweep as candidates: what the best of them was picked from, in one pass over their returns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.grid import Grid
from engine.results.tables import CellKeys
from engine.selection.effective import CorrelationSum, EffectiveTrials
from engine.selection.overfitting import BlockSums, Overfitting, cross_validate
from engine.selection.sharpe import FLAT
from engine.selection.surfaces import Layout, lay_out
from engine.selection.trials import Pool, Trials, trial_blocks
from engine.settings import Settings, TrailingStop
from engine.terms import AccountTerms

__all__ = ["MOST_SETTINGS", "Candidates", "Market", "thinned"]

Floats = NDArray[np.float64]

MOST_SETTINGS = 20_000
"""Whose returns are looked at; of larger grids every second, third, ... window is taken."""


@dataclass(frozen=True)
class Market:
    """Where the settings of a sweep trade: on all symbols with the same money in each every day, or with one account for all.

    Attributes
    ----------
    pool : Pool
    settings : Settings
    account : AccountTerms or None
    """

    pool: Pool
    settings: Settings
    account: AccountTerms | None = None

    def blocks(self, grid: Grid, workers: int | None) -> Iterator[Trials]:
        """Give the returns of all settings of a grid, some at a time."""
        return trial_blocks(self.pool, grid, self.settings, account=self.account, workers=workers)


def thinned(grid: Grid, most: int = MOST_SETTINGS) -> Grid:
    """Take every second, third, ... window of both averages until at most so many settings are left, or one pair."""
    fasts, slows, step = np.unique(grid.fast), np.unique(grid.slow), 1
    while grid.cells > most and step < max(len(fasts), len(slows)):
        step += 1
        kept = set(fasts[::step].tolist()), set(slows[::step].tolist())
        pairs = tuple((fast, slow) for fast, slow in grid.pairs if fast in kept[0] and slow in kept[1])
        if len(pairs) * len(grid.stops) <= most and pairs:
            return Grid(pairs, grid.stops)
    return grid


@dataclass(frozen=True, eq=False)
class Candidates:
    """The settings of a sweep, judged by their returns.

    Attributes
    ----------
    grid : Grid
        N = ``grid.cells`` of them.
    sharpe : float64 (N,)
        Per bar; nan where all returns are equal, or nothing is left of the account at some point.
    total : float64 (N,)
        Total return, as a fraction.
    effective : EffectiveTrials
    overfitting : Overfitting
    best : int
        Place of the one with the highest Sharpe ratio, the first of several; -1 if none has one.
    returns : float64 (D,)
        Of the best; empty if there is none.
    ruined : int
        Left out, because nothing is left of their account at some point.
    """

    grid: Grid
    sharpe: Floats
    total: Floats
    effective: EffectiveTrials
    overfitting: Overfitting
    best: int
    returns: Floats
    ruined: int

    @classmethod
    def of(cls, market: Market, grid: Grid, *, blocks: int = 16, workers: int | None = None) -> Candidates:
        """Run all settings of a grid and take what the statistics need.

        Parameters
        ----------
        market : Market
        grid : Grid
        blocks : int
            Of the cross-validation; see ``overfitting``.
        workers : int or None
            Threads; all cores if None.
        """
        days = len(market.pool.days)
        correlation, sums = CorrelationSum(days), BlockSums(days, blocks)
        sharpe, total = np.full((2, grid.cells), math.nan)
        best, highest, returns, ruined = -1, -math.inf, np.empty(0), 0
        for trials in market.blocks(grid, workers):
            alive = np.isfinite(trials.returns[:, -1])  # nan goes on from the day on which nothing is left
            rows = trials.returns if alive.all() else trials.returns[alive]
            places = trials.first + np.flatnonzero(alive)
            ruined += len(alive) - len(rows)
            means, deviations = _moments(*sums.add(rows), days)
            correlation.add(rows, (means, deviations))
            with np.errstate(invalid="ignore", divide="ignore"):  # where all returns are equal
                sharpe[places] = means / deviations * math.sqrt((days - 1) / days)
            sharpe[places[deviations == 0.0]] = math.nan
            total[places] = np.prod(1.0 + rows, axis=1) - 1.0
            here = sharpe[places]
            if len(here) and not np.isnan(here).all() and np.nanmax(here) > highest:
                at = int(np.nanargmax(here))
                best, highest, returns = int(places[at]), float(here[at]), rows[at].copy()
        found = cross_validate(sums, workers)
        return cls(grid, sharpe, total, correlation.result(), found, best, returns, ruined)

    @cached_property
    def variance(self) -> float:
        """Variance of the Sharpe ratios per bar (ddof 1); nan for fewer than two."""
        known = self.sharpe[~np.isnan(self.sharpe)]
        return float(known.var(ddof=1)) if len(known) > 1 else math.nan

    def stop(self, place: int) -> TrailingStop | None:
        """Give the stop of a setting."""
        return self.grid.stops[place % len(self.grid.stops)]

    def pair(self, place: int) -> tuple[int, int]:
        """Give the fast and slow window of a setting."""
        return self.grid.pairs[place // len(self.grid.stops)]

    def layout(self, place: int) -> Layout:
        """Put the Sharpe ratios on a surface, beside a setting."""
        keys = CellKeys(self.grid).of(np.arange(self.grid.cells))
        return lay_out(keys, self.sharpe, self.total, place)


def _moments(sums: Floats, squares: Floats, days: int) -> tuple[Floats, Floats]:
    """Give means and deviations (ddof 0) of so many returns from their sums; a deviation of exactly 0 where all are equal."""
    means = sums / days
    rest = squares - sums * means
    return means, np.sqrt(np.where(rest > FLAT * squares, rest, 0.0) / days)
