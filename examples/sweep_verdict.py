"""A sweep with a verdict: the best cell, the median beside it, and how much of the best is luck.

Run it with a folder of your own prices, or without anything on the S&P 500 and NASDAQ::

    python examples/sweep_verdict.py prices/
"""

import sys

import engine
from engine.report.luck import luck_lines

prices = engine.load(sys.argv[1]) if len(sys.argv) > 1 else engine.sample()
costs = engine.Costs(rate=0.001, slippage=0.0005)
stops = [None, engine.TrailingStop(3.0)]

# The bar shows itself in a notebook and on a terminal only.
sweep = engine.sweep(prices, range(10, 101, 10), range(50, 301, 25), stops, costs=costs, progress="auto")

# The best of so many looks good: that is what "best" means. So it stands beside the median, and beside doing nothing.
symbol, fast, slow, window, multiple = sweep.best("sharpe", per="all").index[0]
best = sweep.cell(symbol, fast, slow, window, multiple)
stop = f"a stop of {multiple:g} ATR" if multiple else "no stop"
print(f"Best of {len(sweep):,} cells: {symbol}, fast {fast}, slow {slow}, {stop}.")
print(
    f"Its Sharpe ratio is {best.metrics.loc[symbol, 'sharpe']:.3f}; the median is {sweep.to_frame()['sharpe'].median():.3f}."
)
print(
    f"It returned {best.metrics.loc[symbol, 'total_return']:.1%}; buying and holding {sweep.buy_and_hold[symbol]:.1%}."
)

# The verdict first, the numbers behind it after: deflated Sharpe ratio, cross-validation, neighbours.
for line in luck_lines(engine.luck(sweep)):
    print(line)
