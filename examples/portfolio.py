"""One account on many symbols, with Indian costs: what it came to, what was skipped, what the costs took, and what it holds now.

Run it with a folder of prices in rupees, or without one for a simulated market::

    python examples/portfolio.py prices/
"""

import sys

import engine
from engine.report.portfolio import portfolio_text


def main(words: list[str]) -> None:
    """Run the account twice: as a small investor would, and with half the risk and a limit on positions."""
    if words:
        prices = engine.load(words[0], repair=["drop-duplicates", "drop-blank-last", "rescale"])
    else:
        prices = engine.simulate(12, 1250, seed=3, start="2021-01-01")
    costs = engine.costs.nse_delivery("zerodha", slippage=0.0005)
    stop = engine.TrailingStop(3.0)

    result = engine.portfolio(prices, 20, 100, stop, capital=500_000.0, costs=costs, tick=0.05)
    print("\n".join(portfolio_text(result, prices)))

    calm = engine.portfolio(
        prices, 20, 100, stop, capital=500_000.0, costs=costs, tick=0.05, risk=0.01, max_positions=5, max_weight=0.25
    )
    for name, one in (("2 percent at risk", result), ("1 percent at risk, 5 positions", calm)):
        row = one.metrics.loc["portfolio"]
        skipped = (one.signals["outcome"] == "skipped").sum()
        print(
            f"{name}: return {row['total_return']:.1%}, drawdown {row['max_drawdown']:.1%}, {skipped} signals skipped."
        )


if __name__ == "__main__":
    main(sys.argv[1:])
