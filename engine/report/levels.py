"""Where the stop was while a position was held, for a chart. The rule is that of ``docs/contract.md``; the engine's own is ``kernels.position.follow_stop``."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.backtesting import atr_of
from engine.kernels.position import follow_stop
from engine.prices.history import History
from engine.settings import Settings, TrailingStop

__all__ = ["stop_levels"]

Floats = NDArray[np.float64]


def stop_levels(history: History, trades: pd.DataFrame, stop: TrailingStop | None, settings: Settings) -> Floats:
    """Give the level at which the stop was on each bar, after its last test within the bar.

    Parameters
    ----------
    history : History
    trades : DataFrame
        TRADE_COLUMNS, of this symbol only.
    stop : TrailingStop or None
    settings : Settings

    Returns
    -------
    float64 (T,)
        Currency per share; nan while nothing is held, and without a stop.
    """
    out = np.full(len(history), np.nan)
    if stop is None:
        return out
    atr, at_close = atr_of(history, stop), settings.fill == "close"
    for _, trade in trades.iterrows():
        entry = int(trade["entry_bar"])
        last = len(history) - 1 if trade["exit_reason"] == "open" else int(trade["exit_bar"])
        distance = stop.multiple * atr[entry if at_close else entry - 1]
        level, peak = -np.inf, float(trade["entry_price"])
        for t in range(entry + at_close, last + 1):
            if stop.kind == "chandelier":
                distance = stop.multiple * atr[t - 1]
            bar = history.open[t], history.high[t], history.low[t]
            test = follow_stop(level, peak, distance, entry < t, *bar, settings.intrabar == "high_first")
            out[t], level, peak = test.stop, test.stop, test.peak
    return out
