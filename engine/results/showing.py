"""Backtests, sweeps and portfolios as a notebook shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from engine.notebook import ROWS, html_section, shown_fraction, shown_number

if TYPE_CHECKING:
    from engine.results.backtest import BacktestResult
    from engine.results.counting import Pool
    from engine.results.portfolio import PortfolioResult
    from engine.results.reduced import ReducedSweep
    from engine.results.sweep import SweepTable
    from engine.settings import TrailingStop

__all__ = ["show_backtest", "show_portfolio", "show_reduced", "show_sweep"]

_FRACTIONS = ("total_return", "cagr", "max_drawdown", "win_rate", "exposure")
_HEADS = ("total return", "Sharpe ratio", "largest drawdown", "closed trades")


def show_backtest(result: BacktestResult) -> str:
    """Give a row a symbol."""
    rule = "own signals" if result.fast is None else f"fast {result.fast}, slow {result.slow}"
    rows = [
        [str(symbol), *_cells(row), shown_fraction(float(result.buy_and_hold[str(symbol)]))]
        for symbol, row in result.metrics.head(ROWS).iterrows()
    ]
    sentences = [*_more(len(result.metrics), "symbols"), *_left_out(result.left_out)]
    caption = f"Each symbol with its own capital of {result.settings.capital:,.2f}"
    columns = ["symbol", *_HEADS, "buying and holding"]
    return html_section(f"Backtest, {rule}, {_stop(result.stop)}", sentences, caption, columns, rows)


def show_portfolio(result: PortfolioResult) -> str:
    """Give one row, and the notes."""
    heading = (
        f"Portfolio of {len(result.contribution)} symbols, fast {result.fast}, slow {result.slow}, {_stop(result.stop)}"
    )
    row = ["portfolio", *_cells(result.metrics.iloc[0]), shown_fraction(result.buy_and_hold)]
    caption = f"One account with a capital of {result.settings.capital:,.2f}"
    columns = ["account", *_HEADS, "buying and holding"]
    return html_section(heading, [*result.notes, *_left_out(result.left_out)], caption, columns, [row])


def show_sweep(result: SweepTable) -> str:
    """Give the cells with the highest Sharpe ratio, beside the median of all."""
    from engine.results.counting import Pool  # noqa: PLC0415  a module that not every result needs

    sentences = [*_unfinished(result.finished), *_pool(Pool.of(result, "sharpe"), "Sharpe ratio", shown_number)]
    best = result.best("sharpe", "all", ROWS)
    account = result.account
    heading = f"Sweep, {len(result):,} cells of {_symbols(account['symbols'] if account else result.symbols)}"
    if account:
        heading += " in one account"
    return _cell_section(heading, [*sentences, *_left_out(result.left_out)], best, "Sharpe ratio")


def show_reduced(result: ReducedSweep) -> str:
    """Give the best of the kept cells, beside what they were picked from."""
    by, shown = result.metric.replace("_", " "), shown_fraction if result.metric in _FRACTIONS else shown_number
    sentences = [*_unfinished(result.finished), *_pool(result.pool, by, shown)]
    if result.path is not None:
        sentences.append(f"All cells are in {result.path}.")
    heading = f"Sweep, {len(result):,} cells of {_symbols(result.symbols)}, the best {result.keep} of each by {by}"
    best = result.best(None, "all", min(ROWS, result.keep))
    return _cell_section(heading, [*sentences, *_left_out(result.left_out)], best, by)


def _cell_section(heading: str, sentences: list[str], best: pd.DataFrame, by: str) -> str:
    """Give a section with some cells of a sweep."""
    rows = []
    for row in best.reset_index().to_dict("records"):
        stop = f"{row['multiple']:g} ATR of {row['atr_window']}" if row["multiple"] else "none"
        rows.append([str(row["symbol"]), str(row["fast"]), str(row["slow"]), stop, *_cells(row)])
    sentences.append("The best of many cells is partly luck: expect less of it than it shows here.")
    return html_section(heading, sentences, f"The best by {by}", ["symbol", "fast", "slow", "stop", *_HEADS], rows)


def _cells(row: Any) -> list[str]:
    """Write the metrics of _HEADS."""
    return [
        shown_fraction(float(row["total_return"])),
        shown_number(float(row["sharpe"])),
        shown_fraction(abs(float(row["max_drawdown"]))),
        "not defined" if pd.isna(row["trades"]) else f"{int(row['trades']):,}",
    ]


def _stop(stop: TrailingStop | None) -> str:
    return "no stop" if stop is None else f"stop {stop.multiple:g} ATR of {stop.atr_window} bars"


def _symbols(symbols: Sequence[str]) -> str:
    return symbols[0] if len(symbols) == 1 else f"{len(symbols)} symbols"


def _pool(pool: Pool, name: str, shown: Callable[[float], str]) -> Iterator[str]:
    """Say what the best were picked from."""
    yield f"The median {name} of {pool.cells:,} cells is {shown(pool.median)}."
    if not np.isnan(pool.made_money):
        yield f"{shown_fraction(pool.made_money)} of the cells made money; {shown_fraction(pool.beat_holding)} beat buying and holding."


def _unfinished(finished: bool) -> Iterator[str]:
    if not finished:
        yield "The sweep was interrupted: cells that were not reached are missing."


def _more(count: int, what: str) -> Iterator[str]:
    if count > ROWS:
        yield f"The first {ROWS} of {count:,} {what}."


def _left_out(left_out: Mapping[str, str]) -> Iterator[str]:
    if left_out:
        reason = next(iter(left_out.values()))
        yield f"Left out: {len(left_out)}; the first because {reason}."
