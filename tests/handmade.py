"""Hand-made bars with hand-worked fills; docs/handworked.md works every number out in words.

Prices and costs are sums of powers of two, so that the hand's numbers are exact and may be compared with ==.
"""

from typing import NamedTuple

from tests.naive import Bar, Rules, Trade


class Scenario(NamedTuple):
    name: str
    bars: list[Bar]
    fast: int
    slow: int
    rules: Rules
    trades: list[Trade]
    pending: str
    skipped: int
    final_capital: float


def bars(*rows: tuple[float, float, float, float]) -> list[Bar]:
    return [Bar(*(float(price) for price in row)) for row in rows]


MAIN = bars(
    (20, 21, 19, 20),
    (20, 20, 17, 18),
    (18, 18, 16, 17),
    (17, 20, 17, 19),
    (18, 18, 13, 14),
    (15, 20, 15, 20),
    (20, 23, 19, 22),
    (20, 27, 20, 26),
    (26, 31, 25, 30),
    (31, 32, 28, 29),
    (29, 29, 26, 27),
    (28, 28, 25, 26),
    (26, 29, 26, 28),
    (28, 29, 26, 27),
    (25, 32, 24, 31),
    (31, 34, 30, 33),
    (32, 33, 29, 30),
    (26, 28, 25, 26),
    (27, 31, 26, 31),
    (30, 32, 28, 29),
)

ENTRY = bars(
    (50, 51, 49, 50),
    (50, 50, 47, 48),
    (48, 49, 45, 46),
    (46, 52, 46, 52),
    (50, 51, 44, 45),
    (45, 48, 44, 47),
    (47, 51, 47, 50),
    (50, 56, 49, 55),
    (54, 55, 52, 53),
    (52, 53, 50, 51),
)

RATCHET = bars(
    (50, 51, 49, 50),
    (50, 50, 47, 48),
    (48, 49, 45, 46),
    (46, 52, 46, 52),
    (48, 53, 48, 53),
    (53, 55, 53, 55),
    (55, 56, 54, 56),
    (56, 56, 51, 55),
    (54, 55, 49, 52),
)

COSTS = bars(
    (71, 72, 69, 70),
    (69, 70, 65, 66),
    (65, 66, 61, 62),
    (62, 65, 61, 64),
    (65, 71, 64, 70),
    (64, 82, 59, 80),
    (80, 97, 79, 96),
    (97, 101, 95, 100),
    (99, 100, 93, 94),
    (94, 95, 91, 92),
    (96, 97, 92, 93),
)

TABLES = {"main": MAIN, "entry": ENTRY, "ratchet": RATCHET, "costs": COSTS}

SCENARIOS = [
    Scenario(
        name="main_next_open",
        bars=MAIN,
        fast=2,
        slow=3,
        rules=Rules(capital=1000.0),
        trades=[
            Trade(7, 20.0, 11, 28.0, 50.0, 0.0, 400.0, "cross"),
            Trade(14, 25.0, 18, 27.0, 56.0, 0.0, 112.0, "cross"),
        ],
        pending="buy",
        skipped=0,
        final_capital=1512.0,
    ),
    Scenario(
        name="main_open_at_end",
        bars=MAIN[:17],
        fast=2,
        slow=3,
        rules=Rules(capital=1000.0),
        trades=[
            Trade(7, 20.0, 11, 28.0, 50.0, 0.0, 400.0, "cross"),
            Trade(14, 25.0, None, 30.0, 56.0, 0.0, 280.0, "open"),
        ],
        pending="none",
        skipped=0,
        final_capital=1680.0,
    ),
    Scenario(
        name="main_pending_sell",
        bars=MAIN[:18],
        fast=2,
        slow=3,
        rules=Rules(capital=1000.0),
        trades=[
            Trade(7, 20.0, 11, 28.0, 50.0, 0.0, 400.0, "cross"),
            Trade(14, 25.0, None, 26.0, 56.0, 0.0, 56.0, "open"),
        ],
        pending="sell",
        skipped=0,
        final_capital=1456.0,
    ),
    Scenario(
        name="main_close_lots",
        bars=MAIN,
        fast=2,
        slow=3,
        rules=Rules(fill="close", capital=1000.0, sizing="all_in_lots"),
        trades=[
            Trade(6, 22.0, 10, 27.0, 45.0, 0.0, 225.0, "cross"),
            Trade(13, 27.0, 17, 26.0, 45.0, 0.0, -45.0, "cross"),
            Trade(19, 29.0, None, 29.0, 40.0, 0.0, 0.0, "open"),
        ],
        pending="none",
        skipped=0,
        final_capital=1180.0,
    ),
    Scenario(
        name="main_stop_first",
        bars=MAIN,
        fast=2,
        slow=3,
        rules=Rules(multiple=1.0, atr_window=2, capital=1000.0),
        trades=[
            Trade(7, 20.0, 10, 27.0, 50.0, 0.0, 350.0, "stop"),
            Trade(14, 25.0, 16, 31.0, 54.0, 0.0, 324.0, "stop"),
        ],
        pending="buy",
        skipped=0,
        final_capital=1674.0,
    ),
    Scenario(
        name="main_high_first",
        bars=MAIN,
        fast=2,
        slow=3,
        rules=Rules(intrabar="high_first", multiple=1.0, atr_window=2, capital=1000.0),
        trades=[
            Trade(7, 20.0, 7, 22.0, 50.0, 0.0, 100.0, "stop"),
            Trade(14, 25.0, 14, 29.0, 44.0, 0.0, 176.0, "stop"),
        ],
        pending="buy",
        skipped=0,
        final_capital=1276.0,
    ),
    Scenario(
        name="main_gap",
        bars=MAIN,
        fast=2,
        slow=3,
        rules=Rules(multiple=2.0, atr_window=2, capital=1000.0),
        trades=[
            Trade(7, 20.0, 11, 28.0, 50.0, 0.0, 400.0, "cross"),
            Trade(14, 25.0, 17, 26.0, 56.0, 0.0, 56.0, "gap"),
        ],
        pending="buy",
        skipped=0,
        final_capital=1456.0,
    ),
    Scenario(
        name="main_chandelier",
        bars=MAIN,
        fast=2,
        slow=3,
        rules=Rules(multiple=1.0, atr_window=2, stop_kind="chandelier", capital=1000.0),
        trades=[
            Trade(7, 20.0, 10, 27.0, 50.0, 0.0, 350.0, "stop"),
            Trade(14, 25.0, 17, 26.0, 54.0, 0.0, 54.0, "gap"),
        ],
        pending="buy",
        skipped=0,
        final_capital=1404.0,
    ),
    Scenario(
        name="main_risk",
        bars=MAIN,
        fast=2,
        slow=3,
        rules=Rules(multiple=1.0, atr_window=2, capital=6400.0, sizing="risk", risk=0.03125, lot=10.0),
        trades=[
            Trade(7, 20.0, 10, 27.0, 40.0, 0.0, 280.0, "stop"),
            Trade(14, 25.0, 16, 31.0, 60.0, 0.0, 360.0, "stop"),
        ],
        pending="buy",
        skipped=0,
        final_capital=7040.0,
    ),
    Scenario(
        name="main_risk_short_of_cash",
        bars=MAIN,
        fast=2,
        slow=3,
        rules=Rules(multiple=1.0, atr_window=2, capital=6400.0, sizing="risk", risk=0.5, lot=10.0),
        trades=[
            Trade(7, 20.0, 10, 27.0, 320.0, 0.0, 2240.0, "stop"),
            Trade(14, 25.0, 16, 31.0, 340.0, 0.0, 2040.0, "stop"),
        ],
        pending="buy",
        skipped=0,
        final_capital=10680.0,
    ),
    Scenario(
        name="entry_stop",
        bars=ENTRY,
        fast=2,
        slow=3,
        rules=Rules(multiple=1.0, atr_window=2, capital=1000.0),
        trades=[
            Trade(4, 50.0, 4, 45.0, 20.0, 0.0, -100.0, "stop"),
            Trade(7, 50.0, 8, 52.0, 18.0, 0.0, 36.0, "stop"),
        ],
        pending="none",
        skipped=0,
        final_capital=936.0,
    ),
    Scenario(
        name="entry_close",
        bars=ENTRY,
        fast=2,
        slow=3,
        rules=Rules(fill="close", multiple=1.0, atr_window=2, capital=1000.0, sizing="all_in_lots"),
        trades=[
            Trade(3, 52.0, 4, 47.0, 19.0, 0.0, -95.0, "stop"),
            Trade(6, 50.0, 8, 52.0, 18.0, 0.0, 36.0, "stop"),
        ],
        pending="none",
        skipped=0,
        final_capital=941.0,
    ),
    Scenario(
        name="entry_skipped_by_risk",
        bars=ENTRY,
        fast=2,
        slow=3,
        rules=Rules(multiple=1.0, atr_window=2, capital=6400.0, sizing="risk", risk=0.03125, lot=50.0),
        trades=[Trade(7, 50.0, 8, 52.0, 50.0, 0.0, 100.0, "stop")],
        pending="none",
        skipped=1,
        final_capital=6500.0,
    ),
    Scenario(
        name="entry_no_atr_yet",
        bars=ENTRY,
        fast=2,
        slow=3,
        rules=Rules(multiple=1.0, atr_window=8, capital=1000.0),
        trades=[],
        pending="none",
        skipped=2,
        final_capital=1000.0,
    ),
    Scenario(
        name="entry_wilder",
        bars=ENTRY,
        fast=2,
        slow=3,
        rules=Rules(multiple=1.0, atr_window=2, atr="wilder", capital=1000.0, sizing="all_in_lots"),
        trades=[
            Trade(4, 50.0, 4, 45.375, 20.0, 0.0, -92.5, "stop"),
            Trade(7, 50.0, 9, 51.421875, 18.0, 0.0, 25.59375, "stop"),
        ],
        pending="none",
        skipped=0,
        final_capital=933.09375,
    ),
    Scenario(
        name="ratchet_chandelier",
        bars=RATCHET,
        fast=2,
        slow=3,
        rules=Rules(multiple=3.0, atr_window=2, stop_kind="chandelier", capital=960.0),
        trades=[Trade(4, 48.0, 8, 50.0, 20.0, 0.0, 40.0, "stop")],
        pending="none",
        skipped=0,
        final_capital=1000.0,
    ),
    Scenario(
        name="costs_all_in",
        bars=COSTS,
        fast=2,
        slow=3,
        rules=Rules(capital=1049.125, rate=0.0078125, fixed=1.0, minimum=5.0, slippage=0.015625),
        trades=[Trade(5, 65.0, 10, 94.5, 16.0, 21.9375, 450.0625, "cross")],
        pending="none",
        skipped=0,
        final_capital=1499.1875,
    ),
    Scenario(
        name="costs_lots",
        bars=COSTS,
        fast=2,
        slow=3,
        rules=Rules(
            capital=980.0,
            sizing="all_in_lots",
            rate=0.0078125,
            fixed=1.0,
            minimum=10.0,
            slippage=0.015625,
        ),
        trades=[Trade(5, 65.0, 10, 94.5, 14.0, 21.3359375, 391.6640625, "cross")],
        pending="none",
        skipped=0,
        final_capital=1371.6640625,
    ),
    Scenario(
        name="costs_peak_with_slippage",
        bars=COSTS,
        fast=2,
        slow=3,
        rules=Rules(multiple=1.0, atr_window=2, capital=980.0, sizing="all_in_lots", slippage=0.015625),
        trades=[Trade(5, 65.0, 5, 58.5703125, 15.0, 0.0, -96.4453125, "stop")],
        pending="none",
        skipped=0,
        final_capital=883.5546875,
    ),
]
