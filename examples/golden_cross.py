"""The whole way: check the prices, backtest honestly, sweep, doubt the winner, and see what the next open asks for.

Run it with a folder of your own prices, or without anything on the S&P 500 and NASDAQ: python examples/golden_cross.py [PATH]
"""

import sys

import engine
from live import decide

# 1. Prices, and what is wrong with them. Nothing is repaired unless it is asked for by name.
repairs = ["drop-duplicates", "drop-blank-last", "rescale"]
prices = engine.load(sys.argv[1], repair=repairs) if len(sys.argv) > 1 else engine.sample()
print(prices)
print(
    f"{len(prices.report.errors)} errors, {len(prices.report.warnings)} warnings; left out: {list(prices.report.left_out)}"
)

# 2. The golden cross, 50 over 200, with a trailing stop of 3 ATR and the costs of an Indian delivery trade, roughly.
costs = engine.Costs(rate=0.0011, slippage=0.0005)
stop = engine.TrailingStop(multiple=3.0, atr_window=14)
result = engine.backtest(prices, fast=50, slow=200, stop=stop, costs=costs, intrabar="both")
print(result.metrics[["total_return", "sharpe", "max_drawdown", "trades"]].round(3))
print(result.ambiguity)

# 3. Every pair of averages, without a stop and with three: the best cell beside the median of all, and beside doing nothing.
stops = [None, *(engine.TrailingStop(multiple) for multiple in (2.0, 3.0, 4.0))]
sweep = engine.sweep(prices, range(5, 101, 5), range(20, 301, 10), stops, costs=costs)
best = sweep.best("sharpe", per="all")
print(best[["total_return", "sharpe", "max_drawdown", "trades"]].round(3).to_string())
print(f"median Sharpe ratio of {len(sweep):,} cells: {sweep.to_frame()['sharpe'].median():.3f}")
print(f"buying and holding returned {100 * sweep.buy_and_hold[best.index[0][0]]:.0f} percent")

# 4. The same kernels say what the next open asks for.
for decision in decide(prices, 50, 200, stop):
    print(
        f"{decision.symbol} on {decision.date.date()}: {decision.action}, {'holding' if decision.holding else 'flat'}"
    )
