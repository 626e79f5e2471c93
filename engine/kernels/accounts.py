"""Accounts side by side: what 32 of them hold, earn and have lost so far, and the legs that move them on.

A leg is a holding as far as it lies in a span of bars::

    opens      bought on its first bar              (else it goes on from the span before)
    closes     sold on the bar after its last one   (else it goes on in the next span)

Accounts and legs are columns of numbers, one for each of the 32 lanes, so that ``settle`` is the same few instructions for all of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.kernels._jit import kernel, rule
from engine.kernels.machine import blended
from engine.kernels.position import CostRates, all_in_order, closing_order

__all__ = [
    "ACCOUNT_SIZE",
    "BUY",
    "CASH",
    "CLOSED",
    "ENTRY",
    "EXPOSED",
    "FALL",
    "FIRST_CLOSE",
    "GAIN",
    "HIGHEST",
    "LANES",
    "LAST_CLOSE",
    "LEG_SIZE",
    "LOSS",
    "LOSSES",
    "LOWEST",
    "RETURNS",
    "SELL",
    "SHARES",
    "SKIPPED",
    "SQUARES",
    "TROUBLE",
    "WINS",
    "WORST",
    "WORTH",
    "open_accounts",
    "settle",
]

Floats = NDArray[np.float64]

LANES = 32
"""Accounts that lie side by side."""

CASH, SHARES, COST, WORTH, PEAK, WORST = (LANES * column for column in range(6))
RETURNS, SQUARES, LOSSES, GAIN, LOSS = (LANES * column for column in range(6, 11))
CLOSED, WINS, EXPOSED, SKIPPED, ENTRY, TROUBLE = (LANES * column for column in range(11, 17))
ACCOUNT_SIZE = 17 * LANES
"""Columns of an account. COST is what the holding cost, fee included; WORTH is equity at the last close; WORST is the least equity / peak; RETURNS, SQUARES and LOSSES
are sums of r, r^2 and min(r, 0)^2; GAIN and LOSS of the profits above and below 0. TROUBLE: not 0 if the account needs the plain loop."""

BUY, SELL, FIRST_CLOSE, LAST_CLOSE, HIGHEST, LOWEST, FALL = (LANES * column for column in range(7))
LEG_SIZE = 7 * LANES
"""Columns of a leg. BUY and SELL are prices as paid and received, nan where it does not open or close; FIRST_CLOSE is the close of the entry bar, nan where the leg does
not open or was closed on the same bar; LAST_CLOSE that of the last bar before the sale, nan likewise; the other three are its run (``drawdown``)."""


@kernel
def open_accounts(account: Floats, capital: float) -> None:
    """Begin: ``account`` is float64 (ACCOUNT_SIZE,)."""
    account[:] = 0.0
    for i in range(LANES):
        account[CASH + i] = account[WORTH + i] = account[PEAK + i] = capital
        account[WORST + i] = 1.0


@kernel
def settle(account: Floats, legs: Floats, count: NDArray[np.int64], most: int, costs: CostRates) -> None:
    """Take 32 accounts through their legs.

    Parameters
    ----------
    account : float64 (ACCOUNT_SIZE,)
    legs : float64 (at least most * LEG_SIZE,)
    count : int64 (LANES,)
        Legs of each.
    most : int
        The largest of them.
    costs : CostRates
    """
    for number in range(most):
        _settle_leg(account, legs[number * LEG_SIZE : (number + 1) * LEG_SIZE], count, number, costs)


@rule
def _settle_leg(a: Floats, leg: Floats, count: NDArray[np.int64], number: int, costs: CostRates) -> None:
    """Take 32 accounts through one leg each; everything is computed for all, and chosen at the end.

    In three loops, because a processor looks only so far ahead: in one loop it waited for five divisions in a row before it came to the next accounts.
    """
    for i in range(LANES):
        live, buy, cash = number < count[i], leg[BUY + i], a[CASH + i]
        opens = live & ~np.isnan(buy)
        order = all_in_order(cash, buy, costs)
        a[SHARES + i] = blended(opens, order.quantity, a[SHARES + i])
        a[COST + i] = blended(opens, order.value + order.fee, a[COST + i])
        a[TROUBLE + i] = blended(opens & (not order.quantity > 0.0), 1.0, a[TROUBLE + i])
    for i in range(LANES):
        live, shares, cash = number < count[i], a[SHARES + i], a[CASH + i]
        peak, worst, worth = a[PEAK + i], a[WORST + i], a[WORTH + i]
        first, last = shares * leg[FIRST_CLOSE + i], shares * leg[LAST_CLOSE + i]
        entered = blended(live & ~np.isnan(first), first / cash - 1.0, 0.0)
        fallen = min(leg[FALL + i], shares * leg[LOWEST + i] / peak)
        a[WORST + i] = blended(live, min(fallen, worst), worst)
        a[PEAK + i] = blended(live, max(peak, shares * leg[HIGHEST + i]), peak)
        a[WORTH + i] = blended(live, blended(np.isnan(last), cash, last), worth)
        a[RETURNS + i] += entered
        a[SQUARES + i] += entered * entered
        a[LOSSES + i] += min(entered, 0.0) ** 2
    for i in range(LANES):
        closes, shares, cash = (number < count[i]) & ~np.isnan(leg[SELL + i]), a[SHARES + i], a[CASH + i]
        peak, worst, worth = a[PEAK + i], a[WORST + i], a[WORTH + i]
        sale = closing_order(shares, leg[SELL + i], costs)
        got = sale.value - sale.fee
        profit = blended(closes, got - a[COST + i], 0.0)
        left = blended(closes, got / worth - 1.0, 0.0)
        a[WORST + i] = blended(closes, min(worst, got / peak), worst)
        a[PEAK + i] = blended(closes, max(peak, got), peak)
        a[CASH + i] = blended(closes, got, cash)
        a[WORTH + i] = blended(closes, got, worth)
        a[SHARES + i] = blended(closes, 0.0, shares)
        a[RETURNS + i] += left
        a[SQUARES + i] += left * left
        a[LOSSES + i] += min(left, 0.0) ** 2
        a[GAIN + i] += max(profit, 0.0)
        a[LOSS + i] -= min(profit, 0.0)
        a[WINS + i] += blended(profit > 0.0, 1.0, 0.0)
        a[CLOSED + i] += blended(closes, 1.0, 0.0)
        a[TROUBLE + i] = blended(closes & (not got > 0.0), 1.0, a[TROUBLE + i])
