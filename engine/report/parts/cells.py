"""Tables of results side by side: the symbols of a backtest or an account, the best cells of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from engine.kernels.metrics import METRICS
from engine.report.model import Bars, Column, Section, Table, metric_figure
from engine.report.spoken import METRIC_NAMES, count, money, percent, say_metric, say_stop
from engine.report.sweep import pool_lines
from engine.results.backtest import BacktestResult
from engine.results.portfolio import PortfolioResult
from engine.results.reduced import Pool
from engine.results.sweep import SweepTable

__all__ = ["best_cells_section", "contribution_section", "overfitting_section", "symbols_section"]

_SHOWN = (
    "total_return",
    "cagr",
    "sharpe",
    "sortino",
    "max_drawdown",
    "calmar",
    "trades",
    "win_rate",
    "profit_factor",
    "exposure",
)
_MOST_BEST = 50


def symbols_section(result: BacktestResult) -> Section:
    """Put the symbols of a backtest side by side."""
    metrics, held = result.metrics, result.buy_and_hold
    columns = (
        Column("symbol"),
        *(metric_figure(name) for name in _SHOWN),
        Column("buying and holding, percent", "number", 2, 100.0),
        Column("last bar asks for"),
    )
    rows = tuple(
        (str(symbol), *_numbers(row, _SHOWN), float(held[str(symbol)]), result.pending[str(symbol)])
        for symbol, row in metrics.iterrows()
    )
    returns = metrics["total_return"].to_numpy(dtype=np.float64)
    order = np.argsort(-returns, kind="stable")
    names = tuple(str(metrics.index[i]) for i in order)
    sentence = f"Total returns go from {percent(float(returns.min()))}, {names[-1]}, to {percent(float(returns.max()))}, {names[0]}; the median is {percent(float(np.median(returns)))}."
    chart = Bars("Total return of each symbol", sentence, "symbol", names, 100.0 * returns[order], "percent")
    return Section("Symbols", (), (chart,), (Table("Metrics of each symbol", columns, rows),))


def _numbers(row: Any, names: Sequence[str]) -> list[float | None]:
    """Take metrics out of a row; what is missing is None."""
    return [None if pd.isna(row[name]) else float(row[name]) for name in names]


def contribution_section(result: PortfolioResult) -> Section:
    """Say what each symbol did for an account."""
    table = result.contribution
    gains = (table["profit"] + table["open_profit"]).to_numpy(dtype=np.float64)
    order = np.argsort(-gains, kind="stable")
    names = [str(table.index[i]) for i in order]
    columns = (
        Column("symbol"),
        Column("gained, currency", "number"),
        Column("of that in closed trades, currency", "number"),
        Column("fees, currency", "number"),
        *(Column(name, "number", 0) for name in ("closed trades", "signals", "skipped", "cut")),
    )
    rows = tuple(
        (
            names[n],
            gains[i],
            *(float(table.iloc[i][name]) for name in ("profit", "fees", "trades", "signals", "skipped", "cut")),
        )
        for n, i in enumerate(order)
    )
    won = int((gains > 0).sum())
    lines = [f"{won:,} of {count(len(gains), 'symbol')} gained, open positions included."]
    if gains.sum() > 0 and len(gains) > 1:
        rest = float(gains.sum() - gains.max())
        lines.append(
            f"All together gained {money(float(gains.sum()))}; without {names[0]}, the best, it would be {money(rest)}."
        )
    sentence = (
        f"{names[0]} gained the most, {money(float(gains.max()))}; {names[-1]} the least, {money(float(gains.min()))}."
    )
    chart = Bars("What each symbol gained", sentence, "symbol", tuple(names), gains[order], "currency")
    return Section("Symbols", tuple(lines), (chart,), (Table("What each symbol did", columns, rows),))


def best_cells_section(result: SweepTable, metric: str) -> Section:
    """List the best cell of each symbol, and the best of all."""
    names = list(dict.fromkeys([metric, *(name for name in _SHOWN if name != "exposure")]))
    columns = (
        Column("symbol"),
        Column("fast", "number", 0),
        Column("slow", "number", 0),
        Column("stop"),
        *(metric_figure(name) for name in names),
    )
    tables = []
    if len(result.symbols) > 1:
        held = Column("buying and holding, percent", "number", 2, 100.0)
        rows = tuple((*row, float(result.buy_and_hold[row[0]])) for row in _rows(result, result.best(metric), names))
        tables.append(Table(f"The best cell of each symbol by {METRIC_NAMES[metric]}", (*columns, held), rows))
    best = result.best(metric, per="all", k=_MOST_BEST)
    tables.append(
        Table(f"The best {len(best)} cells of all by {METRIC_NAMES[metric]}", columns, _rows(result, best, names))
    )
    return Section("Best cells", (), (), tuple(tables))


def _rows(result: SweepTable, frame: pd.DataFrame, names: Sequence[str]) -> tuple[tuple[Any, ...], ...]:
    """Give the rows of some cells."""
    rows = []
    for key, row in frame.iterrows():
        symbol, fast, slow, atr_window, multiple = key if isinstance(key, tuple) else ()
        rows.append((str(symbol), fast, slow, say_stop(result.stop_of(atr_window, multiple)), *_numbers(row, names)))
    return tuple(rows)


def overfitting_section(result: SweepTable, metric: str, sentences: Sequence[str] = ()) -> Section:
    """Say how much of the best cell may be luck.

    Parameters
    ----------
    result : SweepTable
    metric : str
    sentences : sequence of str
        What statistics say, such as those of ``engine.report.luck``; without them it is said that there are none.
    """
    values = result.values[..., METRICS.index(metric)].ravel()
    values = values[~np.isnan(values)]
    lines = pool_lines(Pool.of(result, metric), metric, result)
    if len(values) > 1:
        low, high = np.quantile(values, [0.05, 0.95]).tolist()
        lines.insert(
            1,
            f"Nine in ten cells lie between {say_metric(metric, low)} and {say_metric(metric, high)}; the highest has {say_metric(metric, float(values.max()))}.",
        )
    more = list(sentences) or ["No statistic corrects these numbers for the choice among many cells here."]
    return Section("How much may be luck", (*lines, *more), _histogram(values, metric))


def _histogram(values: np.ndarray[Any, np.dtype[np.float64]], metric: str) -> tuple[Bars, ...]:
    """Draw how many cells have which value."""
    if len(values) < 20 or values.min() == values.max():
        return ()
    figure = metric_figure(metric)
    low, high = np.quantile(values, [0.005, 0.995])
    counts, edges = np.histogram(np.clip(values, low, high), bins=12)
    names = tuple(f"{figure.write(float(a))} to {figure.write(float(b))}" for a, b in pairwise(edges.tolist()))
    most = int(np.argmax(counts))
    sentence = f"Most cells, {int(counts[most]):,} of {len(values):,}, have a {METRIC_NAMES[metric]} of {names[most]}; the lowest and the highest 0.5 percent are counted in the outer bars."
    return (Bars(f"Cells by {figure.name}", sentence, figure.name, names, counts.astype(np.float64), "cells", 0),)
