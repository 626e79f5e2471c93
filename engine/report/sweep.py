"""The text of a sweep, as a list of lines: the answer first, then how it came about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from engine.costs.plain import Costs
from engine.costs.schedule import CostSchedule
from engine.kernels.metrics import METRICS
from engine.prices.history import Prices
from engine.report.costs import cell_cost_lines, outside_lines
from engine.report.data import data_lines, year_lines
from engine.report.spoken import METRIC_NAMES, count, percent, say_metric, say_settings, say_stop
from engine.report.words import metric_lines, outcome
from engine.results.reduced import Pool, ReducedSweep
from engine.results.sweep import SweepTable
from engine.sweeping import sweep, takes_fast_way
from engine.terms import AccountTerms

__all__ = ["PARTLY_LUCK", "name_cell", "pool_lines", "sweep_text", "what_is_held"]

PARTLY_LUCK = "The best of many cells is partly luck: expect less of it than it shows here."


def sweep_text(
    result: SweepTable | ReducedSweep, prices: Prices, metric: str, seconds: float, luck: Sequence[str] = ()
) -> list[str]:
    """Say what a sweep found: the best cell, the pool it was picked from, how much of it is luck, the best of each symbol, then settings and data."""
    best = result.best(metric, per="all")
    pool = result.pool if isinstance(result, ReducedSweep) else Pool.of(result, metric)
    lines: list[str] = []
    for key, row in best.iterrows():
        symbol, cell = name_cell(result, key)
        lines.append(f"Best of {pool.cells:,} cells by {METRIC_NAMES[metric]}: {symbol}, {cell}.")
        lines.append(outcome(result.settings.capital, row))
        lines.append(
            f"Buying and holding {what_is_held(result, symbol)} returned {percent(result.buy_and_hold[symbol])}."
        )
        lines += [*metric_lines(row), *_cost_lines(result, prices, key, row), *pool_lines(pool, metric, result)]
        lines += [""] if luck else [PARTLY_LUCK, ""]
    if best.empty:
        lines.append(f"The {METRIC_NAMES[metric]} is in no cell defined: {say_metric(metric, None)}.")
    lines += [*luck, ""] if luck else []
    if len(result.symbols) > 1:
        lines += [f"Best cell of each symbol by {METRIC_NAMES[metric]}:", *_symbol_lines(result, metric), ""]
    return [
        *lines,
        *_size_lines(result, pool.cells, seconds),
        *say_settings(result.settings, _terms(result)),
        *year_lines(result.settings, prices),
        *outside_lines(result.settings, prices),
        *data_lines(prices, result.left_out, result.too_short, result.digest),
    ]


def _terms(result: SweepTable | ReducedSweep) -> AccountTerms | None:
    """Give what the account allows, if this is a sweep of portfolios."""
    return result.terms if isinstance(result, SweepTable) else None


def what_is_held(result: SweepTable | ReducedSweep, symbol: str) -> str:
    """Say what is bought and held beside a cell."""
    return "all symbols in equal parts" if _terms(result) else symbol


def _cost_lines(result: SweepTable | ReducedSweep, prices: Prices, key: Any, row: Any) -> list[str]:
    """Say what costs took from a cell, and how much more of them it would bear: it is swept again, alone, at other costs."""
    settings, terms = result.settings, _terms(result)
    if settings.direction == "long_short" or not row["trades"]:
        return []
    symbol, fast, slow, atr_window, multiple = key
    stop, final = result.stop_of(atr_window, multiple), METRICS.index("final_capital")

    def final_at(costs: Costs | CostSchedule) -> float:
        changed = replace(settings, costs=costs)
        if terms is None:
            one = sweep(prices.select([symbol]), fast, slow, stop, **vars(changed), workers=1)
        else:
            from engine.accounts.facade import account_arguments  # noqa: PLC0415  not for accounts of one symbol
            from engine.accounts.sweep import sweep_portfolio  # noqa: PLC0415

            one = sweep_portfolio(prices, fast, slow, stop, **account_arguments(changed, terms), workers=1)
        return float(one.values[0, 0, 0, final])

    return cell_cost_lines(settings, final_at, int(row["trades"]))


def name_cell(result: SweepTable | ReducedSweep, key: Any) -> tuple[str, str]:
    """Split an index entry into the symbol and the words for its cell."""
    symbol, fast, slow, atr_window, multiple = key
    return str(symbol), f"fast {fast}, slow {slow}, {say_stop(result.stop_of(atr_window, multiple))}"


def pool_lines(pool: Pool, metric: str, result: SweepTable | ReducedSweep) -> list[str]:
    """Put the best cell among the others, since the best of many is partly luck."""
    about = "" if pool.exact else "about "
    made, beat = percent(pool.made_money), percent(pool.beat_holding)
    return [
        f"The median {METRIC_NAMES[metric]} of all cells is {about}{say_metric(metric, pool.median)}.",
        f"{made} of the cells made money; {beat} beat buying and holding {what_is_held(result, 'their symbol')}.",
    ]


def _symbol_lines(result: SweepTable | ReducedSweep, metric: str) -> list[str]:
    """Say the best cell of each symbol, one a line, in the order of the symbols."""
    lines = []
    for key, row in result.best(metric).iterrows():
        symbol, cell = name_cell(result, key)
        names = dict.fromkeys([metric, "total_return", "max_drawdown"])
        facts = ", ".join(f"{METRIC_NAMES[name]} {say_metric(name, row[name])}" for name in names)
        held = percent(result.buy_and_hold[symbol])
        lines.append(f"{symbol}: {cell}: {facts}, {count(row['trades'], 'trade')}; buying and holding {held}.")
    return lines


def _size_lines(result: SweepTable | ReducedSweep, done: int, seconds: float) -> list[str]:
    """Say how large the sweep was, and whether it came to its end."""
    account = result.account if isinstance(result, SweepTable) else None
    symbols = (
        f"one account of {count(len(account['symbols']), 'symbol')}"
        if account
        else count(len(result.symbols), "symbol")
    )
    pairs = count(len(result.grid.pairs), "pair")
    stops = count(len(result.grid.stops), "stop setting")
    size = f"Cells: {symbols}, {pairs} of averages, {stops}: {done:,} of {len(result):,} computed in {seconds:.2f} seconds, {_say_way(result)}."
    lines = [size, *(_kept_lines(result) if isinstance(result, ReducedSweep) else [])]
    if result.finished:
        return lines
    return ["The sweep was interrupted: cells that were not reached are missing.", *lines]


def _kept_lines(result: ReducedSweep) -> list[str]:
    """Say which cells are in memory and which on disk."""
    best = "best cell" if result.keep == 1 else f"best {result.keep:,} cells"
    was = "was" if result.keep == 1 else "were"
    lines = [f"Only the {best} of each symbol by {METRIC_NAMES[result.metric]} {was} kept."]
    if result.path is not None:
        cells = "All cells" if result.finished else "The cells that were reached"
        lines.append(f"{cells} were written to {result.path}.")
    return lines


def _say_way(result: SweepTable | ReducedSweep) -> str:
    """Say how the cells were computed; the results do not depend on it."""
    settings = result.settings
    if _terms(result):
        return "from event to event"
    if takes_fast_way(settings):
        if not result.looped:
            return "trade by trade"
        return (
            f"trade by trade, but for {count(result.looped, 'cell')} from cross to cross with equity on every bar, "
            "of which the fast way could not be sure"
        )
    if settings.direction == "long_only":
        return (
            "from cross to cross with equity on every bar, since the fast way covers only all-in cells with plain costs"
        )
    return "bar by bar, since the fast way covers only long-only cells"
