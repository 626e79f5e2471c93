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
    "WINS",
    "WORST",
    "WORTH",
    "new_accounts",
    "settle",
]

Floats = NDArray[np.float64]

LANES = 32
"""Accounts that lie side by side."""

CASH, SHARES, COST, WORTH, PEAK, WORST = (LANES * column for column in range(6))
RETURNS, SQUARES, LOSSES, GAIN, LOSS = (LANES * column for column in range(6, 11))
CLOSED, WINS, EXPOSED, SKIPPED, ENTRY = (LANES * column for column in range(11, 16))
ACCOUNT_SIZE = 16 * LANES
"""Columns of an account. COST is what the holding cost, fee included; WORTH is equity at the last close; WORST is the least equity / peak; RETURNS, SQUARES and LOSSES
are sums of r, r^2 and min(r, 0)^2; GAIN and LOSS of the profits above and below 0. An account whose cash or shares once are 0 or less has a WORTH of 0 or less from then on."""

BUY, SELL, FIRST_CLOSE, LAST_CLOSE, HIGHEST, LOWEST, FALL = (LANES * column for column in range(7))
LEG_SIZE = 7 * LANES
"""Columns of a leg. BUY and SELL are prices as paid and received, nan where it does not open or close; FIRST_CLOSE is the close of the entry bar, nan where the leg does
not open or was closed on the same bar; LAST_CLOSE that of the last bar before the sale, nan likewise; the other three are its run (``drawdown``). A leg of none has nan and
the run of no close, which changes nothing."""


@kernel
def new_accounts(capital: float) -> Floats:
    """Give accounts that have done nothing yet, float64 (ACCOUNT_SIZE,): to be copied, which takes a third of the time that writing them takes."""
    account = np.zeros(ACCOUNT_SIZE)
    for i in range(LANES):
        account[CASH + i] = account[WORTH + i] = account[PEAK + i] = capital
        account[WORST + i] = 1.0
    return account


@kernel
def settle(account: Floats, legs: Floats, most: int, costs: CostRates) -> None:
    """Take 32 accounts through their legs; what is computed for all is chosen at the end.

    Parameters
    ----------
    account : float64 (ACCOUNT_SIZE,)
    legs : float64 (at least most * LEG_SIZE,)
    most : int
        Legs of each, those of none included.
    costs : CostRates
    """
    for number in range(most):
        leg = legs[number * LEG_SIZE : (number + 1) * LEG_SIZE]
        _buy(account, leg, costs)
        _hold_and_sell(account, leg, costs)


@rule
def _buy(a: Floats, leg: Floats, costs: CostRates) -> None:
    """Open 32 legs; by itself, because a processor looks only so far ahead: in one loop it waited for these two divisions before it came to the next accounts."""
    for i in range(LANES):
        order, opens = all_in_order(a[CASH + i], leg[BUY + i], costs), not np.isnan(leg[BUY + i])
        a[SHARES + i] = blended(opens, order.quantity, a[SHARES + i])
        a[COST + i] = blended(opens, order.value + order.fee, a[COST + i])


@rule
def _hold_and_sell(a: Floats, leg: Floats, costs: CostRates) -> None:
    """Hold 32 legs, then sell those that close."""
    for i in range(LANES):
        shares, cash, peak, worst = a[SHARES + i], a[CASH + i], a[PEAK + i], a[WORST + i]
        first, last, closes = shares * leg[FIRST_CLOSE + i], shares * leg[LAST_CLOSE + i], not np.isnan(leg[SELL + i])
        # Without a close the account is worth its cash, as it was before. Of a run of none the product may be nan, which is neither less nor more.
        worth = blended(np.isnan(last), a[WORTH + i], last)
        entered = blended(np.isnan(first), 0.0, first / cash - 1.0)
        worst = min(worst, leg[FALL + i], shares * leg[LOWEST + i] / peak)
        peak = max(peak, shares * leg[HIGHEST + i])
        sale = closing_order(shares, leg[SELL + i], costs)
        got = sale.value - sale.fee
        left = blended(closes, got / worth - 1.0, 0.0)
        profit = blended(closes, got - a[COST + i], 0.0)
        a[WORST + i] = blended(closes, min(worst, got / peak), worst)
        a[PEAK + i] = blended(closes, max(peak, got), peak)
        a[CASH + i] = blended(closes, got, cash)
        a[WORTH + i] = blended(closes, got, worth)
        a[SHARES + i] = blended(closes, 0.0, shares)
        a[RETURNS + i] += entered + left
        a[SQUARES + i] += entered * entered + left * left
        a[LOSSES + i] += min(entered, 0.0) ** 2 + min(left, 0.0) ** 2
        a[GAIN + i] += max(profit, 0.0)
        a[LOSS + i] -= min(profit, 0.0)
        a[WINS + i] += blended(profit > 0.0, 1.0, 0.0)
        a[CLOSED + i] += blended(closes, 1.0, 0.0)
