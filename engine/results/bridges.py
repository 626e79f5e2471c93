"""To other libraries: a backtest or a portfolio as a ``vectorbt.Portfolio``, and returns as pyfolio, quantstats and empyrical take them.

This is the one module of the package that imports vectorbt, and only when it is asked to.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import InputError
from engine.prices.history import Prices
from engine.prices.series import days_of, shared_dates

__all__ = ["period_returns", "vectorbt_portfolio", "wide_returns"]

_TOLERANCE = 1e-12
_DOCS = "see docs/results.md"


def period_returns(equity: pd.Series[float], capital: float) -> pd.Series[float]:
    """Give the contract's ``r[t] = E[t] / E[t-1] - 1``, the first against the capital, on dates without a time zone.

    From the bar after the one on which equity stopped being positive they are nan: nothing is left that could grow. That bar itself keeps its loss.
    """
    values = equity.to_numpy(dtype=np.float64)
    before = np.concatenate([[capital], values[:-1]])
    alive = np.minimum.accumulate(before) > 0
    returns = np.full(len(values), np.nan)
    np.divide(values, before, out=returns, where=alive)
    dates = pd.DatetimeIndex(equity.index).tz_localize(None)
    return pd.Series(returns - 1, index=dates, name=equity.name)


def wide_returns(equity: dict[str, pd.Series[float]], capital: float) -> pd.DataFrame:
    """Give the returns of several symbols: a column each, nan on dates on which a symbol has no bar."""
    return pd.concat({symbol: period_returns(one, capital) for symbol, one in equity.items()}, axis=1).sort_index()


def vectorbt_portfolio(
    orders: pd.DataFrame, equity: dict[str, pd.Series[float]], prices: Prices | None, capital: float, account: str = ""
) -> Any:
    """Make a ``vectorbt.Portfolio`` of fills that were made already.

    Parameters
    ----------
    orders : DataFrame
        ORDER_COLUMNS of ``engine.results.fills``.
    equity : dict of Series
        By symbol; or, if the symbols share an account, under its name. What the portfolio's value has to be.
    prices : Prices or None
        With the closes of all symbols.
    capital : float
    account : str
        The name of the account that all symbols share; empty if each has its own money.

    Raises
    ------
    InputError
        vectorbt is not installed, the prices are not at hand, or vectorbt's arithmetic would give another value.
    """
    vbt = _vectorbt()
    if prices is None:
        raise InputError(
            "this result has not its prices at hand; run it again with engine.backtest or engine.portfolio"
        )
    histories = [prices[symbol] for symbol in (prices.symbols if account else equity)]
    days, dates = days_of(histories), shared_dates(histories)
    closes = [pd.Series(history.close, on, name=history.symbol) for history, on in zip(histories, dates, strict=True)]
    close = pd.concat([one.reindex(days) for one in closes], axis=1)
    groups = pd.Index([account] * len(histories), name="account") if account else None
    alone = len(histories) == 1
    made = vbt.Portfolio(
        vbt.ArrayWrapper(days, close.columns, 1 if alone else 2, freq=_step(days), group_by=groups),
        close=close.iloc[:, 0] if alone else close,
        order_records=_records(vbt, orders, {one.name: days.get_indexer(one.index) for one in closes}),
        log_records=np.empty(0, dtype=vbt.portfolio.enums.log_dt),
        init_cash=np.full(1 if account else len(histories), capital),
        cash_sharing=bool(account),
        fillna_close=True,
    )
    for name, one in equity.items():
        value = made.value() if alone or account else made.value()[name]
        own = one if pd.DatetimeIndex(one.index).tz == days.tz else one.tz_localize(None)
        _require_equal(name, value.to_numpy(), own.reindex(days), capital)
    return made


def _vectorbt() -> Any:
    """Import it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its import: what it has deprecated is not for our users to mend
            import vectorbt  # noqa: PLC0415  optional, and it takes seconds
    except ImportError:
        raise InputError("to_vectorbt needs the package vectorbt: pip install 'goldencross[vectorbt]'") from None
    return vectorbt


def _step(days: pd.DatetimeIndex) -> pd.Timedelta | None:
    """Give the shortest time between two bars: a day for daily bars; vectorbt counts durations by it."""
    return (days[1:] - days[:-1]).min() if len(days) > 1 else None


def _records(vbt: Any, orders: pd.DataFrame, rows: dict[Any, NDArray[np.intp]]) -> NDArray[np.void]:
    """Give vectorbt's own form of the fills: by symbol, and within one in the order in which they were made, several on a bar if need be.

    ``rows`` has, for each symbol, the row of every one of its bars.
    """
    enums = vbt.portfolio.enums
    parts = []
    for column, (symbol, row) in enumerate(rows.items()):
        own = orders[orders["symbol"] == symbol]
        records = np.zeros(len(own), dtype=enums.order_dt)
        records["col"] = column
        records["idx"] = row[own["bar"].to_numpy()]
        records["side"] = np.where(own["side"] == "buy", enums.OrderSide.Buy, enums.OrderSide.Sell)
        for field, name in (("size", "quantity"), ("price", "price"), ("fees", "fees")):
            records[field] = own[name]
        parts.append(records)
    joined = np.concatenate(parts)
    joined["id"] = np.arange(len(joined))
    return joined


def _require_equal(name: str, value: NDArray[np.float64], equity: pd.Series[float], capital: float) -> None:
    """Hold what vectorbt makes of the fills to our own equity, on every bar.

    Raises
    ------
    InputError
        They differ: vectorbt takes a sum for 0 that is below a billionth of what is added, and sums that nearly cancel lose digits.
    """
    expected = equity.ffill().fillna(capital).to_numpy(dtype=np.float64)
    wrong = np.flatnonzero(~(np.abs(value - expected) <= _TOLERANCE * np.abs(expected)))
    if len(wrong):
        first = wrong[0]
        raise InputError(
            f"{name}: vectorbt cannot represent this result to a part in 10^12: on {pd.Timestamp(equity.index[first]).date()} "
            f"its value would be {float(value[first])!r}, the equity is {float(expected[first])!r}; {_DOCS}"
        )
