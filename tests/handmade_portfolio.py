"""A hand-made account of three symbols over twelve days; docs/handworked.md works every number out in words.

Prices and costs are sums of powers of two, so that the hand's numbers are exact and may be compared with ==.
"""

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from tests.naive import Bar
from tests.naive_portfolio import Pending, PortfolioRules, PortfolioTrade, Signal


class Evening(NamedTuple):
    """The account after a day."""

    day: date
    cash: float
    invested: float
    equity: float
    fees_paid: float


def january(day: int) -> date:
    return date(2024, 1, day)


def series(rows: dict[int, tuple[float, float, float, float]]) -> list[tuple[date, Bar]]:
    return [(january(day), Bar(*(float(price) for price in row))) for day, row in rows.items()]


BARS = {
    "ASTER": series(
        {
            1: (33, 34, 32, 33),
            2: (32, 33, 29, 30),
            3: (30, 31, 30, 30.5),
            4: (31, 32, 31, 32),
            5: (32, 33, 31.5, 33),
            6: (33, 34, 32.5, 34),
            7: (34, 34.5, 33.5, 33.75),
            # no bar on the 8th
            9: (33, 34, 32, 33),
            10: (33, 33.25, 31, 32),
            11: (32, 33, 32, 32.75),
            12: (32.5, 34, 32.5, 33.5),
        }
    ),
    "BIRCH": series(
        {
            1: (62, 63, 61, 62),
            2: (61, 62, 57, 58),
            3: (58, 61, 57, 60),
            4: (60, 63, 59, 62),
            5: (62, 64, 61, 63),
            6: (63, 65, 62, 64),
            7: (59, 60, 55, 56),
            8: (56, 57.5, 55.5, 57),
            9: (57, 59, 56.5, 58),
            10: (58, 60, 57.5, 57.75),
            11: (58, 58.5, 56, 56.5),
            12: (56.5, 58, 56, 57.5),
        }
    ),
    "CEDAR": series(
        {
            1: (17, 17.5, 16.5, 17),
            2: (17, 17, 16, 16),
            3: (16, 16, 15, 15),
            4: (15, 16.5, 15, 16),
            5: (16, 16, 15, 15),
            6: (15, 16.25, 15, 16),
            7: (16, 17, 15.5, 16.5),
            8: (16.5, 17.5, 16, 17),
            9: (17, 17.25, 16, 16.25),
            10: (16.25, 20, 15, 17),
            11: (17, 17.5, 16.5, 17),
            # its history ends before the 12th
        }
    ),
}
FAST, SLOW = 1, 2
RULES = PortfolioRules(
    capital=6400.0,
    sizing="risk",
    risk=0.03125,  # one part in 32
    multiple=1.0,
    atr_window=1,
    max_positions=2,
    max_weight=0.75,
    rate=0.0078125,  # one part in 128
    minimum=20.0,
    slippage=0.015625,  # one part in 64
    lots={"ASTER": 10.0, "BIRCH": 10.0, "CEDAR": 50.0},
    ticks={"ASTER": Decimal("0.25"), "BIRCH": Decimal("0.5"), "CEDAR": None},
)

TRADES = [
    PortfolioTrade("ASTER", january(4), 31.5, january(9), 32.25, 100.0, 49.8046875, 25.1953125, "cross"),
    PortfolioTrade("BIRCH", january(4), 61.0, january(7), 58.0, 50.0, 46.484375, -196.484375, "gap"),
    PortfolioTrade("CEDAR", january(7), 16.25, january(9), 15.99609375, 150.0, 40.0, -78.0859375, "stop"),
    PortfolioTrade("BIRCH", january(9), 58.0, january(11), 57.0, 60.0, 53.90625, -113.90625, "cross"),
    PortfolioTrade("ASTER", january(12), 33.25, None, 33.5, 130.0, 33.76953125, -1.26953125, "open"),
]
SIGNALS = [
    Signal("ASTER", january(3), 1 / 121, 200.0, 100.0, "cut", "cash"),
    Signal("BIRCH", january(3), 1 / 59, 50.0, 50.0, "filled", ""),
    Signal("CEDAR", january(4), 1 / 31, None, 0.0, "skipped", "positions"),
    Signal("CEDAR", january(6), 1 / 31, 150.0, 150.0, "filled", ""),
    Signal("BIRCH", january(8), 1 / 113, 100.0, 60.0, "cut", "cash"),
    Signal("CEDAR", january(10), 3 / 133, 0.0, 0.0, "skipped", "risk"),
    Signal("ASTER", january(11), 3 / 259, 180.0, 130.0, "cut", "weight"),
    Signal("BIRCH", january(12), 1 / 114, None, 0.0, "pending", ""),
]
EVENINGS = [
    Evening(january(1), 6400.0, 0.0, 6400.0, 0.0),
    Evening(january(2), 6400.0, 0.0, 6400.0, 0.0),
    Evening(january(3), 6400.0, 0.0, 6400.0, 0.0),
    Evening(january(4), 151.5625, 6300.0, 6451.5625, 48.4375),
    Evening(january(5), 151.5625, 6450.0, 6601.5625, 48.4375),
    Evening(january(6), 151.5625, 6600.0, 6751.5625, 48.4375),
    Evening(january(7), 571.40625, 5850.0, 6421.40625, 91.09375),
    Evening(january(8), 571.40625, 5925.0, 6496.40625, 91.09375),
    Evening(january(9), 2643.4375, 3480.0, 6123.4375, 163.4765625),
    Evening(january(10), 2643.4375, 3465.0, 6108.4375, 163.4765625),
    Evening(january(11), 6036.71875, 0.0, 6036.71875, 190.1953125),
    Evening(january(12), 1680.44921875, 4355.0, 6035.44921875, 223.96484375),
]
PENDING = [Pending("BIRCH", "buy")]
SKIPPED = 2
EXPOSURE = 8 / 12  # days 4 to 10 and day 12 end with a position
