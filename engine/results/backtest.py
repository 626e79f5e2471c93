"""The result of one backtest of one or many symbols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from engine.errors import InputError
from engine.prices.history import Prices
from engine.settings import Settings, TrailingStop

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BacktestResult"]


@dataclass(frozen=True, eq=False)
class BacktestResult:
    """Every symbol with its own money, as ``docs/contract.md`` defines it.

    Attributes
    ----------
    metrics : DataFrame
        A row a symbol, the contract's names and ``skipped``, the number of signals that bought nothing.
    trades : DataFrame
        symbol, entry_bar, entry_date, entry_price, exit_bar, exit_date, exit_price, quantity, fees, profit, exit_reason (cross, stop, gap, session or
        open); prices as paid, slippage included. An open position is the last row of its symbol.
    equity : dict of Series
        By symbol, currency after each bar, indexed by date.
    pending : Series
        By symbol: buy, sell or none; what the last close asks for at the next open.
    buy_and_hold : Series
        By symbol: last close / first close - 1, without costs.
    left_out : dict
        Symbols that could not be run, with the reason in one line.
    ambiguity : DataFrame or None
        Only with ``intrabar="both"``: a row a symbol with exits (stop_first), ambiguous (exits that differ under high_first) and the
        final capital under both orders. Everything else in the result is stop_first then.
    fast, slow : int or None
        The averages; None for other signals.
    stop, settings, digest
        What was run, on which prices.
    prices : Prices or None
        The prices themselves, if they are at hand.
    """

    metrics: pd.DataFrame
    trades: pd.DataFrame
    equity: dict[str, pd.Series[float]]
    pending: pd.Series[str]
    buy_and_hold: pd.Series[float]
    left_out: Mapping[str, str]
    ambiguity: pd.DataFrame | None
    fast: int | None
    slow: int | None
    stop: TrailingStop | None
    settings: Settings
    digest: str
    prices: Prices | None = None

    @property
    def returns(self) -> pd.DataFrame:
        """The contract's r[t]: a column a symbol, the first return against the capital.

        Dates have no time zone, as empyrical, quantstats and pyfolio take them: ``result.returns["SBIN"].dropna()``. nan on dates without a bar of the
        symbol, and after the bar on which equity stopped being positive.
        """
        from engine.results.bridges import wide_returns  # noqa: PLC0415  seldom needed

        return wide_returns(self.equity, self.settings.capital)

    @property
    def orders(self) -> pd.DataFrame:
        """Every fill: symbol, bar, date, side, price (as paid), quantity, fees; of a symbol in the order in which they were made.

        Raises
        ------
        InputError
            A ``long_short`` backtest has no orders: a short of the contract keeps the size of its equity day by day.
        """
        from engine.results.fills import order_table  # noqa: PLC0415  seldom needed

        if self.settings.direction == "long_short":
            raise InputError(
                "a long_short backtest has no orders, it is defined by returns: a short keeps the size of its equity day by day; use result.returns"
            )
        return order_table(self.trades, self.settings.costs)

    def to_vectorbt(self) -> Any:
        """Give a ``vectorbt.Portfolio`` of the same fills, whose value is this equity to a part in 10^12 on every bar.

        Prices have slippage in them, fees are per order, several orders may lie on one bar. A column a symbol, each with its own money; one symbol is a
        Series. For ratios by the same count of bars in a year give ``year_freq``: ``portfolio.sharpe_ratio(year_freq="252 days")``.

        Returns
        -------
        vectorbt.Portfolio

        Raises
        ------
        InputError
            vectorbt is missing, the result is long_short, or vectorbt's arithmetic would give another value.
        """
        from engine.results.bridges import vectorbt_portfolio  # noqa: PLC0415  seldom needed

        return vectorbt_portfolio(self.orders, self.equity, self.prices, self.settings.capital)

    def __repr__(self) -> str:
        """One line that says what this is."""
        rule = "signals" if self.fast is None else f"{self.fast}/{self.slow}"
        return (
            f"<BacktestResult {rule}: {len(self.metrics)} symbols, {int(self.metrics['trades'].sum())} closed trades>"
        )

    def _repr_html_(self) -> str:
        """Give what a notebook shows."""
        from engine.results.showing import show_backtest  # noqa: PLC0415  only notebooks need it

        return show_backtest(self)

    def plot(self, symbol: str | None = None) -> Figure:
        """Draw equity and drawdown of one symbol, beside buying and holding it, or of all.

        Returns
        -------
        matplotlib.figure.Figure
            Not shown by itself: a notebook shows it as the last value of a cell, ``savefig`` writes it.

        Raises
        ------
        InputError
            matplotlib is missing, there is no such symbol, or there are too many to tell apart.
        """
        from engine.results.figures import equity_figure  # noqa: PLC0415  matplotlib is slow to import

        if symbol is not None and symbol not in self.equity:
            raise InputError(f"this result has no symbol {symbol!r}; there are {', '.join(list(self.equity)[:8])}")
        shown = self.equity if symbol is None else {symbol: self.equity[symbol]}
        held = None
        if len(shown) == 1 and self.prices is not None:
            history = self.prices[next(iter(shown))]
            held = pd.Series(self.settings.capital * history.close / history.close[0], index=history.dates)
        rule = "Own signals" if self.fast is None else f"Averages of {self.fast} and {self.slow} bars"
        return equity_figure(shown, self.settings.capital, rule, held)
