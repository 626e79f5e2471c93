"""The slow, obvious reference of docs/costs.md in decimal arithmetic; it shares no code and no numbers with the engine.

A rate is written as on the page: percent, or money. Days are texts such as 2025-06-02, which compare like days.
"""

from decimal import ROUND_FLOOR, Decimal
from typing import NamedTuple

D = Decimal


def on_day(table, day):
    """Return the entry of the last line that begins on or before this day; before the first, the first."""
    found = table[0][1]
    for since, amount in table:
        if since <= day:
            found = amount
    return found


def percent(amount):
    return D(amount) / 100


def nearest(amount, unit):
    """Round "halves upwards" to a multiple of the unit; None is not rounded."""
    if unit is None:
        return amount
    return (amount / unit + D("0.5")).to_integral_value(ROUND_FLOOR) * unit


# NSE delivery

STT = [("2012-07-01", "0.1")]
STAMP = [("2020-07-01", "0.015")]
NSE = [
    ("2009-10-01", "0.00325"),
    ("2021-01-01", "0.00345"),
    ("2023-04-01", "0.00325"),
    ("2024-04-01", "0.00322"),
    ("2024-10-01", "0.00297"),
    ("2026-03-01", "0.0030699"),
]
SEBI = [("2020-06-01", "0.00005"), ("2021-04-01", "0.0001")]
IPFT = [("2020-07-01", "0.0000001"), ("2023-04-01", "0.0001"), ("2026-03-01", "0.0000001")]
GST = D("0.18")
GST_ON_SEBI = [("2017-07-01", "0"), ("2022-07-18", "0.18")]
ZERODHA_DEPOSITORY = [("2020-02-17", "15.93"), ("2024-09-17", "15.34")]


class Plan(NamedTuple):
    rate: str = "0"  # fraction
    per_share: str = "0"
    fixed: str = "0"
    minimum: str = "0"
    cap: str | None = None
    cap_rate: str | None = None  # fraction
    depository: str = "0"


NO_BROKER = Plan()
INTERACTIVE_BROKERS = Plan(per_share="0.01", minimum="6", cap="20")
US_FIXED = Plan(per_share="0.005", minimum="1", cap_rate="0.01")
US_TIERED = Plan(per_share="0.0035", minimum="0.35", cap_rate="0.01")


def brokerage(plan, value, quantity):
    asked = D(plan.fixed) + D(plan.rate) * value + D(plan.per_share) * quantity
    asked = max(asked, D(plan.minimum))
    if plan.cap is not None:
        asked = min(asked, D(plan.cap))
    if plan.cap_rate is not None:
        asked = min(asked, D(plan.cap_rate) * value)
    return asked


def nse(side, price, quantity, day, plan=NO_BROKER, *, rounded=True, zerodha=False):
    """Return the parts of an order's cost; price and quantity are decimals."""
    rupee, paisa = (D(1), D("0.01")) if rounded else (None, None)
    value = price * quantity
    fee = nearest(brokerage(plan, value, quantity), paisa)
    exchange = nearest(percent(on_day(NSE, day)) * value, paisa)
    sebi = nearest(percent(on_day(SEBI, day)) * value, paisa)
    ipft = nearest(percent(on_day(IPFT, day)) * value, paisa)
    gst = GST * fee + GST * exchange + D(on_day(GST_ON_SEBI, day)) * sebi
    if zerodha:
        gst += GST * ipft
    depository = D(on_day(ZERODHA_DEPOSITORY, day)) if zerodha else D(plan.depository)
    return {
        "brokerage": fee,
        "tax": nearest(percent(on_day(STT, day)) * value, rupee),
        "stamp": nearest(percent(on_day(STAMP, day)) * value, rupee) if side == "buy" else D(0),
        "exchange": exchange,
        "regulator": sebi,
        "protection": ipft,
        "service_tax": nearest(gst, paisa),
        "flat": nearest(depository, paisa) if side == "sell" else D(0),
    }


# United States

SEC = [
    ("2020-02-18", "0.00221"),
    ("2021-02-25", "0.00051"),
    ("2022-05-14", "0.00229"),
    ("2023-02-27", "0.0008"),
    ("2024-05-22", "0.00278"),
    ("2025-05-14", "0"),
    ("2026-04-04", "0.00206"),
]
FINRA = [
    ("2020-01-01", ("0.000119", "5.95")),
    ("2022-01-01", ("0.00013", "6.49")),
    ("2023-01-01", ("0.000145", "7.27")),
    ("2024-01-01", ("0.000166", "8.3")),
    ("2026-01-01", ("0.000195", "9.79")),
    ("2026-10-01", ("0", "9.79")),
]


def united_states(side, price, quantity, day, plan, *, tiered):
    value = price * quantity
    commission = brokerage(plan, value, quantity)
    parts = {"brokerage": commission, "tax": D(0), "share_levy": D(0)}
    if side == "sell":
        per_share, cap = on_day(FINRA, day)
        parts["tax"] = percent(on_day(SEC, day)) * value
        parts["share_levy"] = min(D(per_share) * quantity, D(cap))
    if tiered:
        parts["service_tax"] = percent("0.0735") * commission
        parts["clearing"] = D("0.0002") * quantity
        parts["exchange"] = D("0.003") * quantity
    return parts
