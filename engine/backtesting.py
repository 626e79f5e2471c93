"""Backtest every symbol of some prices with one pair of averages, or with signals of your own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.costs.limit import surcharge_limit
from engine.costs.schedule import CostSchedule
from engine.crossing import crosses_of
from engine.errors import DataError, InputError
from engine.flattening import require_sessions, sessions_of
from engine.kernels.indicators import average_true_range
from engine.kernels.loop import Bars, Outcome, long_short, simulate
from engine.kernels.metrics import METRIC_COUNT, METRICS, summarise
from engine.prices.history import History, Prices
from engine.prices.sessions import resolved_year
from engine.results.backtest import BacktestResult
from engine.results.tables import PENDING, buy_and_hold, metric_table, trade_table
from engine.settings import Costs, Direction, Fill, Intrabar, Settings, Signal, Sizing, TrailingStop
from engine.signals import GOLDEN_CROSS
from engine.windows import Window, grid_on

__all__ = ["atr_of", "backtest", "fee_limit", "from_signals", "kernel_bars"]

Signals = NDArray[np.int8]


@dataclass(frozen=True)
class _Run:
    """One symbol, one setting, out of the kernels."""

    metrics: NDArray[np.float64]
    trades: NDArray[np.float64]
    equity: NDArray[np.float64]
    outcome: Outcome


def backtest(
    prices: Prices,
    fast: Window = 50,
    slow: Window = 200,
    stop: TrailingStop | None = None,
    fill: Fill = "next_open",
    intrabar: Intrabar = "stop_first",
    direction: Direction = "long_only",
    capital: float = 100_000.0,
    sizing: Sizing = "all_in",
    costs: Costs | CostSchedule | None = None,
    lot: float = 1,
    bars_per_year: float | None = None,
    risk: float = 0.02,
    signal: Signal | None = None,
    flatten: str | None = None,
) -> BacktestResult:
    """Trade the golden cross, or another cross of two averages, on every symbol by itself.

    Parameters
    ----------
    prices : Prices
    fast, slow : int, str or timedelta
        Windows, fast < slow: in bars, or in trading time, such as "30min" or "5d" (sessions); see docs/intraday.md.
    stop : TrailingStop or None
    fill, intrabar, direction, capital, sizing, costs, lot, bars_per_year, risk, flatten
        See ``engine.settings.Settings`` and ``docs/contract.md``. ``intrabar="both"`` reports how much depends on the order of high and low.
        ``direction="long_short"`` is the contract's other backtest, without costs or stop; ``fill`` does not matter to it. ``bars_per_year=None`` is 252 for daily and
        coarser bars, and what the dates say for intraday ones.
    signal : Signal or None
        Other averages, a band, a delay, a confirmation, a hold: ``docs/signals.md``. None is the contract's golden cross.

    Returns
    -------
    BacktestResult

    Raises
    ------
    InputError
        A setting makes no sense.
    DataError
        No symbol has enough bars.
    """
    year = resolved_year(prices, bars_per_year)
    settings = Settings(
        fill,
        intrabar,
        direction,
        capital,
        sizing,
        costs or Costs(),
        lot,
        year,
        risk,
        signal or GOLDEN_CROSS,
        flatten,
    )
    pair = grid_on(prices, fast, slow, stop).pairs
    if len(pair) != 1:
        raise InputError("a backtest takes one fast and one slow window; use engine.sweep for many")
    ((quick, lazy),) = pair

    def signals_of(history: History) -> Signals:
        if len(history) < lazy:
            raise DataError(
                f"{history.symbol} has {len(history)} bars, fewer than the slow window of {lazy}", symbol=history.symbol
            )
        return crosses_of(history, quick, lazy, settings)

    return _run_all(prices, signals_of, stop, settings, quick, lazy)


def from_signals(
    prices: Prices,
    entries: Mapping[str, Iterable[bool]] | pd.DataFrame,
    exits: Mapping[str, Iterable[bool]] | pd.DataFrame,
    stop: TrailingStop | None = None,
    fill: Fill = "next_open",
    intrabar: Intrabar = "stop_first",
    capital: float = 100_000.0,
    sizing: Sizing = "all_in",
    costs: Costs | CostSchedule | None = None,
    lot: float = 1,
    bars_per_year: float | None = None,
    risk: float = 0.02,
    flatten: str | None = None,
) -> BacktestResult:
    """Run any other strategy through the same state machine, stops, costs and metrics.

    Parameters
    ----------
    prices : Prices
    entries, exits : mapping of symbol to booleans, or DataFrame with a column a symbol
        One value a bar, known at that bar's close. They take the place of golden and death cross; both at once is refused. A Series is matched
        by its dates, which must be those of the symbol.
    stop, fill, intrabar, capital, sizing, costs, lot, bars_per_year, risk, flatten
        As for ``backtest``.

    Returns
    -------
    BacktestResult
        Symbols without signals are left out and listed.

    Raises
    ------
    InputError
        Signals that do not fit the bars, that are not booleans, or that contradict each other.
    """
    year = resolved_year(prices, bars_per_year)
    settings = Settings(
        fill,
        intrabar,
        "long_only",
        capital,
        sizing,
        costs or Costs(),
        lot,
        year,
        risk,
        flatten=flatten,
    )
    for name, given in (("entries", entries), ("exits", exits)):
        unknown = [str(symbol) for symbol in given if symbol not in prices.symbols]
        if unknown:
            raise InputError(f"{name}: no prices for {', '.join(unknown)}")

    def signals_of(history: History) -> Signals:
        if history.symbol not in entries or history.symbol not in exits:
            raise DataError(f"{history.symbol} has no entries or no exits", symbol=history.symbol)
        enter = _booleans("entries", entries[history.symbol], history)
        leave = _booleans("exits", exits[history.symbol], history)
        clash = np.flatnonzero(enter & leave)
        if len(clash):
            raise InputError(
                f"{history.symbol}: entry and exit are both true on {len(clash)} bars, first on "
                f"{history.dates[clash[0]].date()}; make them exclude each other"
            )
        return enter.astype(np.int8) - leave.astype(np.int8)

    return _run_all(prices, signals_of, stop, settings, None, None)


def _booleans(name: str, given: Any, history: History) -> NDArray[np.bool_]:
    """Check the signals of one symbol and give them as an array (T,)."""
    if isinstance(given, pd.Series) and isinstance(given.index, pd.DatetimeIndex):
        if not given.index.equals(history.dates):
            raise InputError(f"{name} of {history.symbol}: the dates are not those of the prices; reindex them first")
        given = given.to_numpy()
    values = np.asarray(given if hasattr(given, "__array__") else list(given))
    if values.shape != (len(history),):
        raise InputError(f"{name} of {history.symbol}: {values.size} values for {len(history)} bars")
    if values.dtype != np.bool_:
        raise InputError(
            f"{name} of {history.symbol} are {values.dtype}, not booleans; missing values must be decided first"
        )
    return values


def fee_limit(
    prices: Prices, symbol: str, fast: int, slow: int, stop: TrailingStop | None, settings: Settings
) -> float | None:
    """Find how much more of its value every order could cost, as a fraction, before one symbol gains nothing; see ``surcharge_limit``."""
    history = prices[symbol]
    signals = crosses_of(history, fast, slow, settings)

    def gain(surcharge: float) -> float:
        dearer = replace(settings, costs=settings.costs.with_surcharge(surcharge))
        return float(_run(history, signals, stop, dearer).metrics[METRICS.index("final_capital")]) - settings.capital

    return surcharge_limit(gain)


def kernel_bars(history: History) -> Bars:
    """Give the compiled core's form of a history."""
    return Bars(history.open, history.high, history.low, history.close)


def atr_of(history: History, stop: TrailingStop | None) -> NDArray[np.float64]:
    """Give the average true range that a stop goes by, float64 (T,), currency; nan without a stop."""
    if stop is None:
        return np.full(len(history), np.nan)
    window, wilder = np.array([stop.atr_window]), stop.atr == "wilder"
    ranges: NDArray[np.float64] = average_true_range(history.high, history.low, history.close, window, wilder)[0]
    return ranges


def _run(history: History, signals: Signals, stop: TrailingStop | None, settings: Settings) -> _Run:
    """Run one symbol through the plain loop."""
    n = len(history)
    equity, trades, metrics = np.empty(n), np.empty((n + 1, 8)), np.empty(METRIC_COUNT)
    if settings.direction == "long_short":
        outcome = long_short(history.close, signals, settings.capital, equity, trades)
        still_open = signals[-1] != 0
    else:
        atr = atr_of(history, stop)
        rules = settings.kernel_rules(stop, history.local_dates, sessions_of([history], settings.flatten))
        outcome = simulate(kernel_bars(history), signals, atr, settings.capital, rules, equity, trades)
        still_open = outcome.position.shares > 0
    summarise(
        settings.capital,
        equity,
        trades,
        outcome.closed,
        outcome.skipped,
        outcome.exposed,
        settings.bars_per_year,
        metrics,
    )
    return _Run(metrics, trades[: outcome.closed + still_open], equity, outcome)


def _run_all(
    prices: Prices,
    signals_of: Callable[[History], Signals],
    stop: TrailingStop | None,
    settings: Settings,
    fast: int | None,
    slow: int | None,
) -> BacktestResult:
    """Run every symbol; those that cannot be run are left out with their reason."""
    settings.require((stop,))
    require_sessions(prices, settings.flatten)
    runs: dict[str, _Run] = {}
    left_out = dict(prices.report.left_out)
    ambiguity = {}
    for symbol in prices.symbols:
        history = prices[symbol]
        try:
            signals = signals_of(history)
        except DataError as error:
            left_out[symbol] = str(error)
            continue
        runs[symbol] = _run(history, signals, stop, settings)
        if settings.intrabar == "both":
            other = _run(history, signals, stop, replace(settings, intrabar="high_first"))
            ambiguity[symbol] = _compare_orders(runs[symbol], other)
    symbols = prices.require_any(left_out)
    index = pd.Index(symbols, name="symbol")
    return BacktestResult(
        metrics=metric_table(np.stack([run.metrics for run in runs.values()]), index),
        trades=pd.concat([trade_table(s, prices[s].dates, runs[s].trades) for s in symbols], ignore_index=True),
        equity={s: pd.Series(runs[s].equity, index=prices[s].dates, name=s) for s in symbols},
        pending=pd.Series([PENDING[run.outcome.position.order] for run in runs.values()], index=index, name="pending"),
        buy_and_hold=buy_and_hold(prices, symbols),
        left_out=left_out,
        ambiguity=pd.DataFrame.from_dict(ambiguity, orient="index").rename_axis("symbol") if ambiguity else None,
        fast=fast,
        slow=slow,
        stop=stop,
        settings=settings,
        digest=prices.digest,
        prices=prices,
    )


def _compare_orders(stop_first: _Run, high_first: _Run) -> dict[str, float]:
    """Count the exits that depend on whether the high or the low of a bar came first."""
    final = METRICS.index("final_capital")
    exits = {row[0]: (row[2], row[3]) for row in stop_first.trades[: stop_first.outcome.closed]}
    others = {row[0]: (row[2], row[3]) for row in high_first.trades}
    return {
        "exits": len(exits),
        "ambiguous": sum(others.get(entry) != leave for entry, leave in exits.items()),
        "final_capital_stop_first": stop_first.metrics[final],
        "final_capital_high_first": high_first.metrics[final],
    }
