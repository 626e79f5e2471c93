"""From the result of a sweep to its line in the trial ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.kernels.metrics import METRICS
from engine.results.sweep import SweepTable
from engine.selection.ledger_lines import Data, Entry, Tried, plain, rectangles, size, spell

if TYPE_CHECKING:
    from engine.grid import Grid
    from engine.prices.history import Prices
    from engine.results.reduced import ReducedSweep
    from engine.settings import Settings

__all__ = ["entry_of", "facts_of"]


def entry_of(result: SweepTable | ReducedSweep, prices: Prices) -> Entry:
    """Note what decides about the numbers of a sweep."""
    symbols, terms = _account(result)
    stops = tuple(plain(vars(stop) if stop else None) for stop in result.grid.stops)
    tried = Tried(_pairs(result.grid), stops, _setting(result.settings, terms))
    return Entry(Data.of(prices, symbols, result.digest), tried)


def facts_of(result: SweepTable | ReducedSweep, metric: str) -> dict[str, Any]:
    """Note what is good to know when the ledger is read."""
    _, terms = _account(result)
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": _version(),
        "kind": "sweep" if terms is None else "sweep_portfolio",
        "finished": result.finished,
        "settings": _short(result.settings),
        **({"account": terms} if terms else {}),
        "best": _best(result, metric),
    }


def _account(result: SweepTable | ReducedSweep) -> tuple[tuple[str, ...], dict[str, Any] | None]:
    """Give the symbols that were run, and what their one account allowed if they have one."""
    account = getattr(result, "account", None)
    if account is None:
        return result.symbols, None
    return tuple(account["symbols"]), {name: value for name, value in account.items() if name != "symbols"}


def _version() -> str:
    """Give the version of this package."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  only a sweep that is recorded needs it

    try:
        return version("goldencross")
    except PackageNotFoundError:
        return "not installed"


def _setting(settings: Settings, terms: dict[str, Any] | None) -> str:
    """Hash what decides about the numbers: the length of a year scales them all, risk and lots matter only to some sizes."""
    values = settings.to_dict()
    del values["bars_per_year"]
    if settings.signal.is_golden_cross:  # as in lines from before there were others
        del values["signal"]
    if settings.sizing != "risk":
        del values["risk"]
    if settings.sizing == "all_in":
        del values["lot"]
        terms = {name: value for name, value in terms.items() if name != "lot"} if terms else terms
    return sha256(plain([values, terms]).encode()).hexdigest()[:16]


def _short(settings: Settings) -> dict[str, Any]:
    """Give the settings for a reader, of a table of rates only its name and hash."""
    values = settings.to_dict()
    costs = values["costs"]
    if "rates" in costs:
        values["costs"] = {"name": costs["name"], "hash": sha256(plain(costs).encode()).hexdigest()[:16]}
    return values


def _best(result: SweepTable | ReducedSweep, metric: str) -> dict[str, Any] | None:
    """Give the best cell of all by a metric, the first in the order of the grid; None if it is nowhere defined, or was not kept."""
    column, stops = METRICS.index(metric), result.grid.stops
    if isinstance(result, SweepTable):  # not by its table, which takes longer to make and to sort than the sweep takes
        values = result.values[..., column]
        if np.isnan(values).all():
            return None
        at = int(np.nanargmax(values))
        value, symbol = float(values.flat[at]), result.symbols[at // result.grid.cells]
        (fast, slow), stop = result.grid.pairs[at % result.grid.cells // len(stops)], stops[at % len(stops)]
        atr_window, multiple = (stop.atr_window, stop.multiple) if stop else (0, 0.0)
    else:
        best = result.best(per="all")
        if metric != result.metric or best.empty:
            return None
        value, (symbol, fast, slow, atr_window, multiple) = float(best[metric].iloc[0]), best.index[0]
    cell = {"symbol": str(symbol), "fast": int(fast), "slow": int(slow)}
    return {"metric": metric, "value": value, **cell, "atr_window": int(atr_window), "multiple": float(multiple)}


def _pairs(grid: Grid) -> tuple[tuple[str, str], ...]:
    """Write the pairs of a grid as one rectangle, cut by fast below slow, if they are one; else a row for each fast window."""
    fasts, slows = sorted(set(grid.fast.tolist())), sorted(set(grid.slow.tolist()))
    whole = (spell(fasts), spell(slows))
    if size(rectangles([whole])) == len(grid.pairs):
        return (whole,)
    by_fast = groupby(sorted(grid.pairs), key=lambda pair: pair[0])
    return tuple((str(fast), spell([slow for _, slow in rows])) for fast, rows in by_fast)
