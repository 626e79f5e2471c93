"""The result of one backtest of one or many symbols."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from engine.settings import Settings, TrailingStop

__all__ = ["BacktestResult"]


@dataclass(frozen=True, eq=False)
class BacktestResult:
    """Every symbol with its own money, as ``docs/contract.md`` defines it.

    Attributes
    ----------
    metrics : DataFrame
        A row a symbol, the contract's names and ``skipped``, the number of signals that bought nothing.
    trades : DataFrame
        symbol, entry_bar, entry_date, entry_price, exit_bar, exit_date, exit_price, quantity, fees, profit, exit_reason (cross, stop, gap or
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

    def __repr__(self) -> str:
        """One line that says what this is."""
        rule = "signals" if self.fast is None else f"{self.fast}/{self.slow}"
        return (
            f"<BacktestResult {rule}: {len(self.metrics)} symbols, {int(self.metrics['trades'].sum())} closed trades>"
        )
