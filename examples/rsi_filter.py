"""Another strategy through the same state machine: buy where a fallen share turns up in a rising trend (RSI filter), sell when it has run.

Whatever gives a boolean a bar will do: ``from_signals`` adds fills, stops, costs, sizes and metrics::

    python examples/rsi_filter.py prices/
"""

import sys

import pandas as pd

import engine


def rsi(close: pd.Series, window: int = 14) -> pd.Series:
    """Wilder's relative strength index, 0 to 100, from the closes up to each bar."""
    change = close.diff()
    gain = change.clip(lower=0).ewm(alpha=1 / window, min_periods=window).mean()
    loss = (-change.clip(upper=0)).ewm(alpha=1 / window, min_periods=window).mean()
    return 100 - 100 / (1 + gain / loss)


prices = engine.load(sys.argv[1]) if len(sys.argv) > 1 else engine.sample()

# A signal of bar t may use bar t and what was before it, nothing later: it is filled at the open of bar t + 1.
entries, exits = {}, {}
for symbol, frame in prices.to_frames().items():
    close = frame["close"]
    strength, rising = rsi(close), close > close.rolling(200).mean()
    exits[symbol] = strength > 70
    entries[symbol] = (strength > 35) & (strength.shift() <= 35) & rising & ~exits[symbol]

stop, costs = engine.TrailingStop(3.0), engine.Costs(rate=0.001, slippage=0.0005)
result = engine.from_signals(prices, entries, exits, stop=stop, costs=costs)
print(result)
print(result.metrics[["total_return", "sharpe", "max_drawdown", "trades"]].round(3).to_string())
print(f"Buying and holding: {result.buy_and_hold.round(3).to_dict()}")

# The same returns as any other library takes them, and every fill with its fee.
print(
    f"Returns from {result.returns.index[0].date()} to {result.returns.index[-1].date()}; {len(result.orders)} orders."
)
