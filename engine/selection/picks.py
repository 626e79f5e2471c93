"""A pick of a sweep, and the numbers that it has with any settings: of one symbol, or of all with the same money in each every day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.backtesting import from_signals
from engine.crossing import crosses_of
from engine.errors import InputError
from engine.grid import Grid
from engine.kernels.crosses import DEATH, GOLDEN
from engine.kernels.metrics import METRIC_COUNT, METRICS, summarise
from engine.prices.history import Prices
from engine.selection.trials import Pool, trials_of
from engine.settings import Settings, TrailingStop
from engine.sweeping import SweepResult, sweep

__all__ = ["Numbers", "Pick", "Picked"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pick:
    """What was picked from a sweep.

    Attributes
    ----------
    symbol : str or None
        None is all symbols, with the same money in each every day.
    fast, slow : int
    stop : TrailingStop or None
    """

    symbol: str | None
    fast: int
    slow: int
    stop: TrailingStop | None = None


class Numbers(NamedTuple):
    """What a run is judged by; nan is: not defined."""

    sharpe: float
    total_return: float  # fraction
    max_drawdown: float  # fraction, 0 or negative
    trades: float  # closed, of all symbols


@dataclass(frozen=True)
class Picked:
    """A pick on its prices."""

    prices: Prices  # of the symbols that are long enough
    pool: Pool
    pick: Pick

    @classmethod
    def of(cls, prices: Prices, pick: Pick) -> Picked:
        """Take what the pick is of, if its windows make sense."""
        pairs = Grid.of(pick.fast, pick.slow, pick.stop).pairs
        if len(pairs) != 1:
            raise InputError("a pick has one fast and one slow window; give two whole numbers")
        pool = Pool.of(prices if pick.symbol is None else prices.select([pick.symbol]), pick.slow)
        return cls(prices.select(pool.symbols), pool, pick)

    def run(self, settings: Settings, stop: TrailingStop | None) -> Numbers:
        """Run it with these settings."""
        one = self.metrics(settings, stop)
        if self.pick.symbol is not None:
            return _from_metrics(one[0])
        returns = trials_of(self.prices, self.grid(stop), settings).returns[0]
        return _from_returns(returns, float(one[:, METRICS.index("trades")].sum()), settings)

    def run_late(self, settings: Settings) -> Numbers:
        """Run it with every cross one bar later."""
        enter, leave = {}, {}
        for history in self.pool.histories:
            cross = crosses_of(history, self.pick.fast, self.pick.slow, settings)
            late = np.concatenate([[0], cross[:-1]])
            enter[history.symbol], leave[history.symbol] = late == GOLDEN, late == DEATH
        given = {name: value for name, value in vars(settings).items() if name not in {"direction", "signal"}}
        result = from_signals(self.prices, enter, leave, self.pick.stop, **given)
        if self.pick.symbol is not None:
            return _from_metrics(result.metrics.to_numpy(dtype=np.float64)[0])
        series = [
            _returns_of(settings.capital, result.equity[symbol].to_numpy(dtype=np.float64))
            for symbol in self.pool.symbols
        ]
        return _from_returns(self.join(series), float(result.metrics["trades"].sum()), settings)

    def grid(self, stop: TrailingStop | None) -> Grid:
        """Give the one cell."""
        return Grid.of(self.pick.fast, self.pick.slow, stop)

    def metrics(self, settings: Settings, stop: TrailingStop | None) -> Floats:
        """Give every symbol's own metrics, float64 (S, METRIC_COUNT)."""
        swept: SweepResult = sweep(self.prices, self.pick.fast, self.pick.slow, stop, **vars(settings))
        return swept.values[:, 0, 0]

    def spread(self, series: Sequence[Floats]) -> Floats:
        """Put the returns of every symbol on the days of all, float64 (S, D); 0 where it has no bar."""
        table = np.zeros((len(series), len(self.pool.days)))
        for row, day, returns in zip(table, self.pool.day, series, strict=True):
            row[day] = returns
        return table

    def join(self, series: Sequence[Floats]) -> Floats:
        """Join the returns of every symbol, with the same money in each every day."""
        joined: Floats = self.spread(series).sum(axis=0) / self.pool.count
        return joined

    def each_left_out(self, settings: Settings) -> Iterator[tuple[str, Numbers]]:
        """Give the numbers without each symbol in turn, on the days on which another one has a bar."""
        grid, trades = self.grid(self.pick.stop), self.metrics(settings, self.pick.stop)[:, METRICS.index("trades")]
        series = [
            trials_of(self.prices.select([symbol]), grid, settings, workers=1).returns[0]
            for symbol in self.pool.symbols
        ]
        table = self.spread(series)
        for i, (symbol, day) in enumerate(zip(self.pool.symbols, self.pool.day, strict=True)):
            count = self.pool.count.copy()
            count[day] -= 1.0
            others = np.arange(len(table)) != i
            returns = table[others].sum(axis=0)[count > 0] / count[count > 0]
            yield symbol, _from_returns(returns, float(trades[others].sum()), settings)


def _from_metrics(metrics: Floats) -> Numbers:
    """Pick the numbers from the metrics of one symbol."""
    return Numbers(*(float(metrics[METRICS.index(name)]) for name in Numbers._fields))


def _from_returns(returns: Floats, trades: float, settings: Settings) -> Numbers:
    """Give the numbers of an account that earns these returns, day by day; without meaning once one of its symbols has lost everything."""
    if np.isnan(returns).any():
        return Numbers(np.nan, np.nan, np.nan, trades)
    equity: Floats = np.cumprod(1.0 + returns, dtype=np.float64)
    metrics = np.empty(METRIC_COUNT)
    summarise(1.0, equity, np.empty((0, 8)), 0, 0, 0, settings.bars_per_year, metrics)
    return _from_metrics(metrics)._replace(trades=trades)


def _returns_of(capital: float, equity: NDArray[np.floating[Any]]) -> Floats:
    """Give the returns of an equity curve, nan from the bar on which nothing is left, as ``engine.kernels.returns`` has them."""
    points = np.concatenate([[capital], equity])
    alive = np.minimum.accumulate(points) > 0.0
    returns = np.full(len(equity), np.nan)
    returns[alive[1:]] = points[1:][alive[1:]] / points[:-1][alive[1:]] - 1.0
    return returns
