"""The result of one portfolio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from engine.prices.history import Prices
from engine.settings import Settings, TrailingStop
from engine.terms import AccountTerms

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SIGNAL_COLUMNS", "PortfolioResult"]

SIGNAL_COLUMNS = (
    "symbol",
    "date",
    "fill_date",
    "strength",
    "equity",
    "distance",
    "wanted",
    "quantity",
    "price",
    "outcome",
    "reason",
)


@dataclass(frozen=True, eq=False)
class PortfolioResult:
    """One account that many symbols share, as ``docs/portfolio.md`` defines it.

    Attributes
    ----------
    metrics : DataFrame
        One row, ``portfolio``: the contract's names and ``skipped``, of the account over its days.
    trades : DataFrame
        As in ``BacktestResult``, ordered by entry date, then by the order of the symbols; bars are those of the symbol.
    equity, cash, invested : Series
        Currency after each day of the account; invested is what the shares are worth at their last closes.
    signals : DataFrame
        A row for each golden cross of a symbol that was flat, by date: symbol, date, fill_date, strength, equity (at the signal), distance (of the stop), wanted and quantity (shares), price,
        outcome (filled, cut, skipped or pending) and reason (time, positions, no stop, risk, weight, cash, or nothing).
    pending : Series
        By symbol: buy, sell or none; what the last close asks for at the next open.
    contribution : DataFrame
        A row a symbol: trades, profit (of closed trades, net), open_profit, fees, signals, skipped, cut.
    buy_and_hold : float
        Return of the same capital in equal parts in every symbol from its first close to its last, without costs.
    left_out : dict
        Symbols that could not be run, with the reason in one line.
    notes : tuple of str
        What should be known about this result, a sentence each.
    fast, slow, stop, settings, terms, digest
        What was run, on which prices; ``terms`` are what the account allows.
    prices : Prices or None
        The prices themselves, if they are at hand.
    """

    metrics: pd.DataFrame
    trades: pd.DataFrame
    equity: pd.Series[float]
    cash: pd.Series[float]
    invested: pd.Series[float]
    signals: pd.DataFrame
    pending: pd.Series[str]
    contribution: pd.DataFrame
    buy_and_hold: float
    left_out: Mapping[str, str]
    notes: tuple[str, ...]
    fast: int
    slow: int
    stop: TrailingStop | None
    settings: Settings
    terms: AccountTerms
    digest: str
    prices: Prices | None = None

    @property
    def returns(self) -> pd.Series[float]:
        """The contract's r[t] of the account, the first against the capital; see ``BacktestResult.returns``."""
        from engine.results.bridges import period_returns  # noqa: PLC0415  seldom needed

        return period_returns(self.equity, self.settings.capital).rename("portfolio")

    @property
    def orders(self) -> pd.DataFrame:
        """Every fill, as in ``BacktestResult.orders``; bars are those of the symbol."""
        from engine.results.fills import order_table  # noqa: PLC0415  seldom needed

        return order_table(self.trades, self.settings.costs)

    def to_vectorbt(self) -> Any:
        """Give a ``vectorbt.Portfolio`` of the same fills, a column a symbol, cash shared; see ``BacktestResult.to_vectorbt``.

        Returns
        -------
        vectorbt.Portfolio

        Raises
        ------
        InputError
            vectorbt is missing, or its arithmetic would give another value.
        """
        from engine.results.bridges import vectorbt_portfolio  # noqa: PLC0415  seldom needed

        prices = None if self.prices is None else self.prices.select(self.symbols)
        return vectorbt_portfolio(self.orders, {"portfolio": self.equity}, prices, self.settings.capital, "portfolio")

    @property
    def exposure(self) -> pd.Series[float]:
        """Share of equity that is in shares, after each day."""
        return (self.invested / self.equity).rename("exposure")

    @property
    def symbols(self) -> tuple[str, ...]:
        """Those that were run."""
        return tuple(str(symbol) for symbol in self.contribution.index)

    def __repr__(self) -> str:
        """One line that says what this is."""
        trades = int(self.metrics["trades"].iloc[0])
        return f"<PortfolioResult {self.fast}/{self.slow}: {len(self.contribution)} symbols, {trades} closed trades>"

    def _repr_html_(self) -> str:
        """Give what a notebook shows."""
        from engine.results.showing import show_portfolio  # noqa: PLC0415  only notebooks need it

        return show_portfolio(self)

    def plot(self) -> Figure:
        """Draw equity and drawdown of the account; see ``BacktestResult.plot``.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        InputError
            matplotlib is missing.
        """
        from engine.results.figures import equity_figure  # noqa: PLC0415  matplotlib is slow to import

        title = f"Portfolio of {len(self.symbols)} symbols, averages of {self.fast} and {self.slow} bars"
        return equity_figure({"portfolio": self.equity}, self.settings.capital, title)
