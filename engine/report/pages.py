"""From a result to its report: which sections it has, and in which order. The verdict comes first, the settings last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from engine.accounts.facade import account_arguments, portfolio, portfolio_fee_limit
from engine.backtesting import backtest, fee_limit
from engine.errors import InputError
from engine.prices.history import Prices
from engine.report.costs import limit_line
from engine.report.curves import Curve, held_curve
from engine.report.data import day
from engine.report.model import Report, Section
from engine.report.parts.background import costs_section, data_section, settings_section
from engine.report.parts.cells import best_cells_section, contribution_section, overfitting_section, symbols_section
from engine.report.parts.equity import equity_sections, monthly_section
from engine.report.parts.heatmap import heatmap_section
from engine.report.parts.trading import NEEDS_PRICES, price_section, trades_section
from engine.report.portfolio import now_lines, signal_lines
from engine.report.spoken import METRIC_NAMES, count, percent, say_metric, say_stop
from engine.report.sweep import PARTLY_LUCK, name_cell, what_is_held
from engine.report.words import metric_lines, outcome
from engine.results.backtest import BacktestResult
from engine.results.costs import cost_totals
from engine.results.portfolio import PortfolioResult
from engine.results.sweep import SweepTable

Heard = tuple[Curve, pd.DataFrame]
"""An equity curve and its trades."""

__all__ = ["backtest_report", "portfolio_report", "require_same", "sweep_report"]


def require_same(prices: Prices | None, digest: str) -> None:
    """Check that prices are those of a result.

    Raises
    ------
    InputError
    """
    if prices is not None and prices.digest != digest:
        raise InputError(
            f"these are not the prices of the result: their hash is {prices.digest[:16]}, that of the result {digest[:16]}; "
            "give the same --repair, --actions, --symbols, --start and --end as then"
        )


def backtest_report(
    result: BacktestResult, prices: Prices | None = None, symbol: str | None = None, more: Sequence[Section] = ()
) -> Report:
    """Report a backtest.

    Parameters
    ----------
    result : BacktestResult
    prices : Prices or None
        Those it was made with; without them the sections that need them say so.
    symbol : str or None
        Whose charts are shown; None is the one in the middle by Sharpe ratio.
    more : sequence of Section
        Put before the prices.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        Other prices, or a symbol that was not run.
    """
    require_same(prices, result.digest)
    symbol = _shown(result, symbol)
    rule = "own signals" if result.fast is None else f"fast {result.fast}, slow {result.slow}"
    many = len(result.metrics) > 1
    verdict = [*_all_lines(result, rule), *_one_lines(result, symbol, rule, many=many)]
    about, heard = _symbol_sections(result, prices, symbol)
    what = {"kind": "backtest", "fast": result.fast, "slow": result.slow}
    sections = [
        Section("Verdict", tuple(verdict)),
        *([symbols_section(result)] if many else []),
        *about,
        *more,
        data_section(prices, result.digest, result.left_out, {}),
        settings_section(result.settings, result.digest, what, stops=(result.stop,), prices=prices),
    ]
    who = f"{count(len(result.metrics), 'symbol')}" if many else symbol
    return Report(f"Backtest of {who}, {rule}, {say_stop(result.stop)}", tuple(sections), heard)


def _shown(result: BacktestResult, symbol: str | None) -> str:
    """Choose whose charts are shown."""
    names = [str(name) for name in result.metrics.index]
    if symbol is None:
        return names[
            int(np.argsort(result.metrics["sharpe"].fillna(-np.inf).to_numpy(), kind="stable")[(len(names) - 1) // 2])
        ]
    if symbol not in names:
        raise InputError(
            f"--cell {symbol}: the result has no such symbol; it has {', '.join(names[:8])}{' and more' if len(names) > 8 else ''}"
        )
    return symbol


def _all_lines(result: BacktestResult, rule: str) -> list[str]:
    """Say what became of all symbols of a backtest."""
    total = len(result.metrics)
    if total == 1:
        return []
    returns = result.metrics["total_return"].to_numpy(dtype=np.float64)
    beat = int((returns > result.buy_and_hold.reindex(result.metrics.index).to_numpy()).sum())
    return [
        f"{count(total, 'symbol')}, each with its own money, {rule}, {say_stop(result.stop)}: {int((returns > 0).sum()):,} made money, {beat:,} beat buying and holding.",
        f"The median total return is {percent(float(np.median(returns)))}; the median Sharpe ratio {_said_median(result.metrics, 'sharpe')}.",
    ]


def _one_lines(result: BacktestResult, symbol: str, rule: str, *, many: bool) -> list[str]:
    """Say what became of the symbol whose charts are shown."""
    row = result.metrics.loc[symbol]
    about = [f"The charts show {symbol}; --cell SYMBOL shows another one."] if many else []
    pending = result.pending[symbol]
    asks = (
        "The last bar asks for no order."
        if pending == "none"
        else f"The last bar asks for an order: {pending} at the next open."
    )
    return [
        *about,
        f"{symbol}, {rule}, {say_stop(result.stop)}: {outcome(result.settings.capital, row)}",
        f"Buying and holding {symbol} returned {percent(result.buy_and_hold[symbol])}.",
        *metric_lines(row),
        asks,
    ]


def _symbol_sections(result: BacktestResult, prices: Prices | None, symbol: str) -> tuple[list[Section], Heard]:
    """Give the sections about one symbol of a backtest; its trades are listed with those of the others."""
    equity, settings = result.equity[symbol], result.settings
    days = pd.DatetimeIndex(equity.index)
    held = None if prices is None else held_curve(prices, [symbol], days, settings.capital)
    curve = Curve(symbol, settings.capital, equity, held, settings.bars_per_year)
    own = result.trades[result.trades["symbol"] == symbol]
    limit, windows = "", (result.fast, result.slow) if result.fast is not None and result.slow is not None else None
    if prices is not None and windows and len(own) and settings.direction == "long_only":
        found = fee_limit(prices, symbol, *windows, result.stop, settings)
        limit = limit_line(cost_totals(own, settings.costs), found)
    net = float(equity.iloc[-1]) - settings.capital
    sections = [
        *equity_sections(curve),
        Section("Prices and trades", (NEEDS_PRICES,))
        if prices is None
        else price_section(prices[symbol], own, windows, result.stop, settings),
        trades_section(result.trades),
        monthly_section(curve),
        costs_section(own, settings.costs, net, limit, symbol if len(result.metrics) > 1 else ""),
    ]
    return sections, (curve, own)


def portfolio_report(
    result: PortfolioResult, prices: Prices | None = None, symbol: str | None = None, more: Sequence[Section] = ()
) -> Report:
    """Report an account that many symbols share; the arguments are those of ``backtest_report``, and the symbol is by itself the one that gained or lost the most."""
    require_same(prices, result.digest)
    rule, row = f"fast {result.fast}, slow {result.slow}, {say_stop(result.stop)}", result.metrics.iloc[0]
    ends = f"{day(result.equity.index[0])} to {day(result.equity.index[-1])}"
    verdict = [
        f"Portfolio of {count(len(result.symbols), 'symbol')}, {rule}, {ends}: {outcome(result.settings.capital, row)}",
        f"Buying and holding all of them in equal parts returned {percent(result.buy_and_hold)}.",
        *result.notes,
        *metric_lines(row),
        f"Of the equity, {percent(result.exposure.mean())} was in shares on average, {percent(result.exposure.max())} at most.",
        *signal_lines(result.signals),
        *now_lines(result),
    ]
    about, heard = _account_sections(result, prices, symbol)
    what = {"kind": "portfolio", "fast": result.fast, "slow": result.slow, "symbols": ", ".join(result.symbols)}
    sections = [
        Section("Verdict", tuple(verdict)),
        *about,
        *more,
        data_section(prices, result.digest, result.left_out, {}),
        settings_section(result.settings, result.digest, what, result.terms, (result.stop,), prices),
    ]
    return Report(f"Portfolio of {count(len(result.symbols), 'symbol')}, {rule}", tuple(sections), heard)


def _account_sections(
    result: PortfolioResult, prices: Prices | None, symbol: str | None
) -> tuple[list[Section], Heard]:
    """Give the sections about an account and the trades of one symbol."""
    settings, table = result.settings, result.contribution
    if symbol is None:
        symbol = str((table["profit"] + table["open_profit"]).abs().idxmax())
    if symbol not in result.symbols:
        raise InputError(
            f"--cell {symbol}: the account has no such symbol; it has {', '.join(result.symbols[:8])}{' and more' if len(table) > 8 else ''}"
        )
    days = pd.DatetimeIndex(result.equity.index)
    held = None if prices is None else held_curve(prices, result.symbols, days, settings.capital)
    curve = Curve("the account", settings.capital, result.equity, held, settings.bars_per_year)
    limit = ""
    if prices is not None and len(result.trades):
        limit = limit_line(cost_totals(result.trades, settings.costs), portfolio_fee_limit(result, prices))
    drawn = Section("Prices and trades", (NEEDS_PRICES,))
    if prices is not None:
        drawn = price_section(prices[symbol], result.trades, (result.fast, result.slow), result.stop, settings)
    net = float(result.equity.iloc[-1]) - settings.capital
    sections = [
        *equity_sections(curve),
        contribution_section(result),
        drawn,
        trades_section(result.trades),
        monthly_section(curve),
        costs_section(result.trades, settings.costs, net, limit),
    ]
    return sections, (curve, result.trades)


def sweep_report(
    result: SweepTable,
    prices: Prices | None = None,
    metric: str = "sharpe",
    cell: tuple[str, int, int, int, float] | None = None,
    more: Sequence[Section] = (),
    luck: Sequence[str] = (),
) -> Report:
    """Report a sweep, or a sweep of portfolios.

    Parameters
    ----------
    result : SweepTable
    prices : Prices or None
        Those it was made with; with them the cell that is shown is run again, with its equity, trades and costs.
    metric : str
        What the best cell has the most of.
    cell : (str, int, int, int, float) or None
        Which cell is shown, as the index of ``to_frame`` names it; None is the best.
    more : sequence of Section
        Put before the prices.
    luck : sequence of str
        What statistics say about the choice of the best cell; the first of them is the verdict.

    Raises
    ------
    InputError
        Other prices, a metric that is nowhere defined, or no such cell.
    """
    require_same(prices, result.digest)
    key = _key(result, metric, cell)
    symbol, words = name_cell(result, key)
    about, heard = _cell_sections(result, prices, key)
    sections = [
        # A verdict on the choice is none on a cell that was asked for.
        Section("Verdict", (*luck[: cell is None], *_sweep_lines(result, metric, key, is_best=cell is None))),
        heatmap_section(
            result, metric, (symbol, key[1], key[2], result.grid.stops.index(result.stop_of(key[3], key[4])))
        ),
        best_cells_section(result, metric),
        *about,
        overfitting_section(result, metric, luck),
        *more,
        data_section(prices, result.digest, result.left_out, result.too_short),
        settings_section(result.settings, result.digest, _what(result), result.terms, result.grid.stops, prices),
    ]
    over = (
        f"one account of {count(len(result.account['symbols']), 'symbol')}"
        if result.account
        else count(len(result.symbols), "symbol")
    )
    return Report(
        f"Sweep of {over}, {count(len(result.grid.pairs), 'pair')} of averages; {symbol}, {words}",
        tuple(sections),
        heard,
    )


def _key(result: SweepTable, metric: str, cell: tuple[str, int, int, int, float] | None) -> Any:
    """Find the cell that is shown."""
    if cell is not None:
        return cell
    best = result.best(metric, per="all")
    if best.empty:
        raise InputError(
            f"the {METRIC_NAMES[metric]} is in no cell defined, so there is no best one; choose another --metric, or a --cell"
        )
    return best.index[0]


def _sweep_lines(result: SweepTable, metric: str, key: Any, *, is_best: bool) -> list[str]:
    """Say what the cell that is shown came to."""
    symbol, words = name_cell(result, key)
    row = result.to_frame().loc[key]
    cells = int(np.count_nonzero(~np.isnan(result.values[..., 0])))
    first = (
        f"Best of {cells:,} cells by {METRIC_NAMES[metric]}: {symbol}, {words}."
        if is_best
        else f"The cell that was asked for, of {cells:,}: {symbol}, {words}."
    )
    return [
        *([] if result.finished else ["The sweep was interrupted: cells that were not reached are missing."]),
        first,
        outcome(result.settings.capital, row),
        f"Buying and holding {what_is_held(result, symbol)} returned {percent(result.buy_and_hold[symbol])}.",
        *metric_lines(row),
        f"The median {METRIC_NAMES[metric]} of all cells is {_said_median(result.to_frame(), metric)}. {PARTLY_LUCK}",
    ]


def _said_median(frame: pd.DataFrame, metric: str) -> str:
    """Say the median of a metric over the rows where it is defined."""
    values = frame[metric].dropna().to_numpy(dtype=np.float64)
    return say_metric(metric, float(np.median(values)) if len(values) else float("nan"))


def _what(result: SweepTable) -> dict[str, Any]:
    """Say what was swept."""
    return {
        "kind": "sweep of portfolios" if result.account else "sweep",
        "fast": ", ".join(map(str, np.unique(result.grid.fast).tolist())),
        "slow": ", ".join(map(str, np.unique(result.grid.slow).tolist())),
        "pairs": f"{len(result.grid.pairs):,}",
        "cells": f"{len(result):,}",
        "symbols": ", ".join(result.account["symbols"] if result.account else result.symbols),
    }


def _cell_sections(result: SweepTable, prices: Prices | None, key: Any) -> tuple[list[Section], Heard | None]:
    """Run the cell that is shown again, and give its sections."""
    if prices is None:
        return [
            Section(
                "Equity, trades and costs of the cell",
                (f"A sweep keeps the metrics of its cells only. {NEEDS_PRICES}",),
            )
        ], None
    symbol, fast, slow, atr_window, multiple = key
    stop = result.stop_of(atr_window, multiple)
    if result.terms is not None:
        return _account_sections(
            portfolio(prices, fast, slow, stop, **account_arguments(result.settings, result.terms)), prices, None
        )
    return _symbol_sections(
        backtest(prices.select([symbol]), fast, slow, stop, **vars(result.settings)), prices, symbol
    )
