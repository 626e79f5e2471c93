"""What orders cost: rates as data with dates and sources.

::

    costs = engine.costs.nse_delivery("zerodha")
    costs.fee("sell", price=1000.0, quantity=100, date="2025-06-02").total
    for sentence in costs.describe():
        print(sentence)

A cost model is a ``CostSchedule``; ``percentage`` gives the plain one of a rate and a fee. Tables, rounding and what could not be verified are in
``docs/costs.md``.
"""

from engine.costs.brokerage import Brokerage
from engine.costs.fees import Fee
from engine.costs.india import nse_delivery
from engine.costs.plain import percentage
from engine.costs.rates import DatedRate
from engine.costs.schedule import CostSchedule
from engine.costs.united_states import us_ib_fixed, us_ib_tiered

__all__ = [
    "Brokerage",
    "CostSchedule",
    "DatedRate",
    "Fee",
    "nse_delivery",
    "percentage",
    "us_ib_fixed",
    "us_ib_tiered",
]
