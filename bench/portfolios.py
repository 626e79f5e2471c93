"""Portfolios: the sweep of one account over a grid, beside its own plain day loop; nobody else has the same account."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

import engine
from bench.clock import race
from bench.facts import Fact
from bench.jobs import FAST, SLOW
from bench.peers.table import OURS
from engine.accounts.facade import open_books
from engine.accounts.market import dates_of, days_of, market_of, signals_of
from engine.grid import Grid
from engine.kernels.metrics import METRIC_COUNT, summarise
from engine.kernels.portfolio import simulate_portfolio
from engine.settings import Settings
from engine.terms import AccountTerms

__all__ = ["LOOP", "SECTION", "plain_portfolios", "portfolio_rates", "portfolios", "ten_years"]

SECTION = "portfolios, 33 symbols x 2,500 days"
LOOP = "ours: plain day loop"
STOPS = tuple(engine.TrailingStop(multiple) for multiple in (2.0, 3.0, 4.0))
CAPITAL, FEE = 1_000_000.0, 0.001

Cells = NDArray[np.float64]


def ten_years(symbols: int = 33) -> engine.Prices:
    """Give ten years of daily bars."""
    return engine.simulate(symbols, 2500, seed=11)


def portfolios(prices: engine.Prices, fast: range, slow: range, workers: int = 1) -> Callable[[], Cells]:
    """Give the sweep as a user calls it; cells are (pairs, stops, METRIC_COUNT)."""
    arguments = {"capital": CAPITAL, "costs": engine.Costs(rate=FEE), "workers": workers}
    return lambda: engine.sweep_portfolio(prices, fast, slow, STOPS, **arguments).values[0]


def plain_portfolios(prices: engine.Prices, fast: range, slow: range) -> Callable[[], Cells]:
    """Give the plain day loop over the same cells; crosses are found once for all stops here too."""
    grid, chosen = Grid.of(fast, slow, STOPS), Settings(capital=CAPITAL, costs=engine.Costs(rate=FEE), sizing="risk")
    histories = [prices[symbol] for symbol in prices.symbols]
    market = market_of(histories, days_of(histories))
    terms = AccountTerms().kernel_terms(prices.symbols, CAPITAL)
    rules = [chosen.kernel_rules(stop, dates_of(histories)) for stop in STOPS]

    def run() -> Cells:
        out = np.empty((len(grid.pairs), len(STOPS), METRIC_COUNT))
        for p, (quick, lazy) in enumerate(grid.pairs):
            signals = signals_of(histories, quick, lazy, STOPS[0])
            books = open_books(market, signals)
            for k in range(len(STOPS)):
                done = simulate_portfolio(market, signals, terms, rules[k], books)
                closed, skipped, exposed = done.closed, done.skipped, done.exposed
                summarise(CAPITAL, books.equity, books.trades, closed, skipped, exposed, 252.0, out[p, k])
        return out

    return run


def portfolio_rates(rounds: int, say: Callable[[str], None]) -> list[Fact]:
    """Give cells a second of both; the loop runs a part of the grid."""
    prices, part = ten_years(), (FAST[::7], SLOW[::7])
    ours, theirs = portfolios(prices, *part)(), plain_portfolios(prices, *part)()
    same = np.isclose(ours, theirs, rtol=1e-10, atol=1e-12, equal_nan=True).all(axis=-1)
    say(f"{SECTION}: two paths, outputs compared, now timed")
    whole = portfolios(prices, FAST, SLOW)
    sizes = {OURS.name: whole().shape[:2], LOOP: theirs.shape[:2]}
    best = race({OURS.name: whole, LOOP: plain_portfolios(prices, *part)}, rounds, 0.2)
    said = f"{int(same.sum())} of {same.size} cells equal"
    return [
        Fact(
            SECTION,
            "risk sizing, ATR stops 2, 3, 4",
            name,
            sizes[name][0] * sizes[name][1] / best[name],
            "cells/s",
            said,
            bool(same.all()),
        )
        for name in (OURS.name, LOOP)
    ]
