"""The article's journey, from the check of the prices to the first dry run of the bot; each step in a few lines.

Run it with a folder of your own prices in rupees, or without one on a simulated market::

    python examples/journey.py prices/
"""

import sys
import tempfile
from pathlib import Path

import engine
from engine.report.luck import luck_lines
from live.demo import demo
from live.parity import parity


def main(folder: Path) -> None:
    """Go the whole way."""
    # 1. What is wrong with the prices? Nothing is repaired unless it is named.
    report = engine.validate(folder)
    print(f"1. Validation: {len(report.errors)} errors, {len(report.warnings)} warnings.")
    prices = engine.load(folder, repair=["drop-duplicates", "drop-blank-last", "rescale"])
    print(f"   {prices}")

    # 2. One setting, every symbol by itself, with what delivery costs in India.
    costs = engine.costs.nse_delivery("zerodha", slippage=0.0005)
    stop = engine.TrailingStop(3.0)
    one = engine.backtest(prices, 20, 100, stop, costs=costs)
    print(f"2. Backtest 20 over 100: median Sharpe ratio of the symbols {one.metrics['sharpe'].median():.3f}.")

    # 3. Many settings; and is the best of them more than luck?
    rough = engine.Costs(rate=0.0011, slippage=0.0005)  # the same costs without their dates: those go the fast way
    sweep = engine.sweep(prices, range(10, 61, 10), range(80, 201, 20), [None, stop], costs=rough)
    print(f"3. Sweep of {len(sweep):,} cells. {luck_lines(engine.luck(sweep))[0]}")

    # 4. One account for all, as the bot would trade it.
    account = engine.portfolio(prices, 20, 100, stop, capital=1_000_000.0, costs=costs, tick=0.05, max_positions=5)
    row = account.metrics.loc["portfolio"]
    print(
        f"4. Portfolio: return {row['total_return']:.1%}, drawdown {row['max_drawdown']:.1%}, {row['trades']:.0f} trades."
    )

    # 5. Does the bot decide what the backtest decided? Every bar is compared, bit for bit.
    few = prices.select(prices.symbols[:2], start=prices[prices.symbols[0]].dates[-300])
    found = parity(few, 20, 100, stop, every=200)
    print(f"5. Parity: {found.readings:,} decisions for {found.symbols} symbols, {len(found.differences)} differences.")

    # 6. The bot's first month, dry: it looks, decides and sizes, and sends nothing.
    print("6. Dry run against the simulated gateway:")
    demo(7, None, print, send=False)


if __name__ == "__main__":
    if sys.argv[1:]:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as name:
            for symbol, frame in engine.simulate(5, 900, seed=3, start="2021-01-01").to_frames().items():
                frame.to_csv(Path(name) / f"{symbol}.csv")
            main(Path(name))
