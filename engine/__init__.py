"""Backtests and sweeps of moving-average crossovers: fast, and honest about what they mean.

The way of the data is the layout::

    engine.prices        files, frames, the sample, a simulated market      -> raw tables
    engine.costs         what orders cost: rates with dates and sources
    engine.validation    what is wrong with them, and explicit repairs      -> Prices
    engine.kernels       numba: averages, crosses, one position, metrics
    engine.signals       which cross: averages, band, delay, confirmation
    engine.crossing      the crosses of a symbol
    engine.backtesting   one setting, every symbol by itself                -> BacktestResult
    engine.accounts      one account that all symbols share                 -> PortfolioResult
    engine.grid          which pairs and stops
    engine.terms         what an account of many symbols allows
    engine.sweeping      every symbol x pair x stop, on all cores           -> SweepResult
    engine.selection     how much of the best of many is luck               -> LuckReport
    engine.results       tables, the best cells, Parquet
    engine.report        plain sentences; reports
    engine.cli           the command ``goldencross``

What every number means is in ``docs/contract.md``, how it is computed in ``docs/arithmetic.md``. Start here::

    import engine
    prices = engine.load("folder", repair=["drop-duplicates"])
    result = engine.sweep(prices, fast=range(5, 101, 5), slow=range(20, 301, 10))
    print(result.best("sharpe"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine import costs, rules
    from engine.accounts.facade import portfolio
    from engine.accounts.sweep import PortfolioSweep, sweep_portfolio
    from engine.backtesting import backtest, from_signals
    from engine.errors import DataError, GoldencrossError, InputError, OutputError
    from engine.grid import Grid
    from engine.prices.actions import read_actions
    from engine.prices.checking import validate
    from engine.prices.embedded import sample
    from engine.prices.history import History, Prices
    from engine.prices.reading import load
    from engine.prices.simulated import simulate
    from engine.prices.simulated_intraday import simulate_intraday
    from engine.results.backtest import BacktestResult
    from engine.results.portfolio import PortfolioResult
    from engine.results.reduced import Pool, ReducedSweep
    from engine.selection.judging import luck
    from engine.selection.verdict import LuckReport
    from engine.settings import Costs, TrailingStop
    from engine.signals import Adx, Rsi, Signal
    from engine.sweeping import SweepInterruptedError, SweepResult, sweep
    from engine.validation.actions import Action, Adjustment
    from engine.validation.findings import Finding, Report

_HOME = {
    "Action": "validation.actions",
    "Adx": "signals",
    "Adjustment": "validation.actions",
    "BacktestResult": "results.backtest",
    "Costs": "settings",
    "DataError": "errors",
    "Finding": "validation.findings",
    "GoldencrossError": "errors",
    "Grid": "grid",
    "History": "prices.history",
    "InputError": "errors",
    "LuckReport": "selection.verdict",
    "OutputError": "errors",
    "Pool": "results.reduced",
    "PortfolioResult": "results.portfolio",
    "PortfolioSweep": "accounts.sweep",
    "Prices": "prices.history",
    "ReducedSweep": "results.reduced",
    "Report": "validation.findings",
    "Rsi": "signals",
    "Signal": "signals",
    "SweepInterruptedError": "sweeping",
    "SweepResult": "sweeping",
    "TrailingStop": "settings",
    "backtest": "backtesting",
    "costs": "costs",
    "from_signals": "backtesting",
    "luck": "selection.judging",
    "load": "prices.reading",
    "portfolio": "accounts.facade",
    "read_actions": "prices.actions",
    "rules": "rules",
    "sample": "prices.embedded",
    "simulate": "prices.simulated",
    "simulate_intraday": "prices.simulated_intraday",
    "sweep": "sweeping",
    "sweep_portfolio": "accounts.sweep",
    "validate": "prices.checking",
}

__all__ = [
    "Action",
    "Adjustment",
    "Adx",
    "BacktestResult",
    "Costs",
    "DataError",
    "Finding",
    "GoldencrossError",
    "Grid",
    "History",
    "InputError",
    "LuckReport",
    "OutputError",
    "Pool",
    "PortfolioResult",
    "PortfolioSweep",
    "Prices",
    "ReducedSweep",
    "Report",
    "Rsi",
    "Signal",
    "SweepInterruptedError",
    "SweepResult",
    "TrailingStop",
    "backtest",
    "costs",
    "from_signals",
    "load",
    "luck",
    "portfolio",
    "read_actions",
    "rules",
    "sample",
    "simulate",
    "simulate_intraday",
    "sweep",
    "sweep_portfolio",
    "validate",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use: ``import engine`` stays fast, pandas and numba come when they are needed."""
    if name not in _HOME:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    module = import_module(f"engine.{_HOME[name]}")
    value = module if _HOME[name] == name else getattr(module, name)  # a package that is public as a whole
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Name the public things."""
    return __all__
