"""Run one account on all symbols of some prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.accounts.market import dates_of, days_of, market_of, signals_of, usable
from engine.accounts.notes import notes_of
from engine.accounts.room import require_account
from engine.accounts.tables import contribution_table, portfolio_trades, signal_table
from engine.costs.limit import surcharge_limit
from engine.costs.schedule import CostSchedule
from engine.errors import InputError
from engine.flattening import require_sessions, sessions_through
from engine.grid import Grid
from engine.kernels.crosses import GOLDEN
from engine.kernels.desk import Books, Market, Outcome, Signals, new_books
from engine.kernels.metrics import METRIC_COUNT, summarise
from engine.kernels.portfolio import simulate_portfolio
from engine.prices.history import History, Prices
from engine.prices.sessions import resolved_year
from engine.results.portfolio import PortfolioResult
from engine.results.tables import PENDING, buy_and_hold, metric_table
from engine.settings import Costs, Fill, Intrabar, Settings, Sizing, TrailingStop
from engine.terms import AccountTerms, Priority
from engine.windows import Window, grid_on

__all__ = ["NAME", "account_arguments", "check_account", "open_books", "portfolio", "portfolio_fee_limit"]

NAME = "portfolio"
"""Of the row in tables that have a row a symbol."""


@dataclass(frozen=True)
class _Run:
    """What the kernels have to say."""

    histories: Sequence[History]
    days: pd.DatetimeIndex
    market: Market
    books: Books
    outcome: Outcome
    metrics: NDArray[np.float64]


def portfolio(
    prices: Prices,
    fast: Window = 50,
    slow: Window = 200,
    stop: TrailingStop | None = TrailingStop(),  # noqa: B008  it is frozen
    fill: Fill = "next_open",
    intrabar: Intrabar = "stop_first",
    capital: float = 100_000.0,
    sizing: Sizing = "risk",
    risk: float = 0.02,
    max_positions: int | None = None,
    max_weight: float | None = None,
    priority: Priority | Sequence[str] = "strongest",
    costs: Costs | CostSchedule | None = None,
    lot: float | Mapping[str, float] = 1,
    tick: float | Mapping[str, float] | None = None,
    bars_per_year: float | None = None,
    flatten: str | None = None,
) -> PortfolioResult:
    """Trade the golden cross on all symbols with one account.

    Parameters
    ----------
    prices : Prices
    fast, slow : int, str or timedelta
        Windows, fast < slow, as for ``engine.backtest``.
    stop : TrailingStop or None
        ``sizing="risk"`` needs one.
    fill, intrabar, capital, sizing, risk, costs, bars_per_year, flatten
        See ``engine.settings.Settings``; the capital is that of the account.
    max_positions, max_weight, priority, lot, tick
        See ``engine.terms.AccountTerms``.

    Returns
    -------
    PortfolioResult

    Raises
    ------
    InputError
        A setting makes no sense, or names a symbol that has no prices.
    DataError
        No symbol has enough bars.
    """
    year = resolved_year(prices, bars_per_year)
    settings = Settings(
        fill,
        intrabar,
        "long_only",
        capital,
        sizing,
        costs or Costs(),
        bars_per_year=year,
        risk=risk,
        flatten=flatten,
    )
    account = AccountTerms(max_positions, max_weight, priority, lot, tick)
    pairs = grid_on(prices, fast, slow, stop).pairs
    if len(pairs) != 1:
        raise InputError("a portfolio takes one fast and one slow window; use engine.sweep_portfolio for many")
    check_account(prices, settings, account, (stop,))
    symbols, left_out = usable(prices, pairs[0][1])
    run = _run([prices[symbol] for symbol in symbols], pairs[0], stop, settings, account)
    return _result(prices, run, pairs[0], stop, settings, account, left_out)


def account_arguments(settings: Settings, terms: AccountTerms) -> dict[str, Any]:
    """Give the arguments of ``portfolio`` that these are.

    Raises
    ------
    InputError
        The signal is not the golden cross, which is all that an account trades.
    """
    if not settings.signal.is_golden_cross:
        raise InputError("an account that symbols share trades the golden cross only; leave the signal out")
    given = {name: value for name, value in vars(settings).items() if name not in {"direction", "lot", "signal"}}
    return {**given, **vars(terms)}


def portfolio_fee_limit(result: PortfolioResult, prices: Prices) -> float | None:
    """Find how much more of its value every order could cost, as a fraction, before the account gains nothing; see ``surcharge_limit``."""
    histories, settings = [prices[symbol] for symbol in result.symbols], result.settings
    days = days_of(histories)
    market, signals = market_of(histories, days), signals_of(histories, result.fast, result.slow, result.stop)
    books, terms = open_books(market, signals), result.terms.kernel_terms(result.symbols, settings.capital)
    dates, sessions = dates_of(histories), sessions_through(histories, settings.flatten)

    def gain(surcharge: float) -> float:
        dearer = replace(settings, costs=settings.costs.with_surcharge(surcharge))
        simulate_portfolio(market, signals, terms, dearer.kernel_rules(result.stop, dates, sessions), books)
        return float(books.equity[-1]) - settings.capital

    return surcharge_limit(gain)


def check_account(
    prices: Prices, settings: Settings, account: AccountTerms, stops: tuple[TrailingStop | None, ...]
) -> None:
    """Check what cannot be checked setting by setting.

    Raises
    ------
    InputError
    """
    settings.require(stops)
    account.require(prices.symbols)
    require_sessions(prices, settings.flatten)
    if settings.intrabar == "both":
        raise InputError(
            "intrabar 'both' is for a backtest of single symbols; run the portfolio with stop_first and with high_first"
        )


def open_books(market: Market, signals: Signals) -> Books:
    """Get the memory for what a portfolio writes."""
    return new_books(market.days, len(market.start) - 1, int((signals.cross == GOLDEN).sum()))


def _run(
    histories: Sequence[History],
    pair: tuple[int, int],
    stop: TrailingStop | None,
    settings: Settings,
    account: AccountTerms,
) -> _Run:
    """Run the plain loop."""
    days = days_of(histories)
    require_account(histories, len(days), Grid((pair,), (stop,)))
    market, signals = market_of(histories, days), signals_of(histories, *pair, stop)
    books, metrics = open_books(market, signals), np.empty(METRIC_COUNT)
    terms = account.kernel_terms([history.symbol for history in histories], settings.capital)
    rules = settings.kernel_rules(stop, dates_of(histories), sessions_through(histories, settings.flatten))
    outcome = simulate_portfolio(market, signals, terms, rules, books)
    summarise(
        settings.capital,
        books.equity,
        books.trades,
        outcome.closed,
        outcome.skipped,
        outcome.exposed,
        settings.bars_per_year,
        metrics,
    )
    return _Run(histories, days, market, books, outcome, metrics)


def _result(
    prices: Prices,
    run: _Run,
    pair: tuple[int, int],
    stop: TrailingStop | None,
    settings: Settings,
    account: AccountTerms,
    left_out: dict[str, str],
) -> PortfolioResult:
    """Name everything."""
    symbols = [history.symbol for history in run.histories]
    start, outcome, books = run.market.start, run.outcome, run.books
    trades = portfolio_trades(run.histories, start, books.trades[: outcome.closed + outcome.open])
    signals = signal_table(run.histories, start, books.signals[: outcome.signals])
    series: dict[str, Any] = {
        name: pd.Series(getattr(books, name), index=run.days, name=name) for name in ("equity", "cash", "invested")
    }
    facts: dict[str, Any] = {"fast": pair[0], "slow": pair[1], "stop": stop, "settings": settings}
    return PortfolioResult(
        metrics=metric_table(run.metrics[None], pd.Index([NAME], name="symbol")),
        trades=trades,
        **series,
        signals=signals,
        pending=pd.Series(
            [PENDING[int(order)] for order in books.orders], index=pd.Index(symbols, name="symbol"), name="pending"
        ),
        contribution=contribution_table(symbols, trades, signals),
        buy_and_hold=float(buy_and_hold(prices, symbols).mean()),
        left_out=left_out,
        notes=tuple(notes_of(run.histories, trades, signals, settings, account)),
        **facts,
        terms=account,
        digest=prices.digest,
        prices=prices,
    )
