"""A simulated Interactive Brokers gateway: the text protocol over a socket, a broker behind it, and faults to order.

::

    bytes -> wire -> messages -> switchboard (faults, log) -> answers -> book <- trading <- market
                                      |                                   |
    bytes <- wire <- messages_out <---+---------------- news <------------+

Its formats are those of server versions 157 to 178, read back by ib_async and by two clients that the broker wrote (``tests/test_gateway_official.py``).

Not one frame of it is recorded from a real gateway. Inferred, from documents, from the sources of clients and from field reports, is:

- *Which messages follow each other*: openOrder, orderStatus, execDetails, position, account values, commission, in this order; a status for every change; 202 after a
  cancellation; 2104, 2106 and 2158 after a start; who is told: the client that placed an order, and whoever subscribed to positions or account values.
- *Which code with which text*: 103, 105, 110, 135, 162, 200, 201, 202, 321, 326, 435, 10147, 10148. The texts are those of reports; only the codes mean anything to the bot.
- *Parents and children*: a child is PreSubmitted until its parent is filled in part, sells at most what the parent has bought, goes when a parent without a fill is cancelled,
  and is made smaller when a parent with one is. The broker may do otherwise in the last case; the bot looks, and does it if need be.
- *TRAIL orders*: the first stop is the one that was sent, and it follows every price in steps of nothing but the price; it fills at the stop, or at the first price beyond it after a gap. Whether NSE shares
  can have such orders by this interface at all is not known.
- *Fills*: whole, at the limit or better, as soon as the price is there, whatever the volume; prices come 49 times a session on straight lines from open over low and high (or high and low) to close.
- *Orders good for the day* end as Cancelled at 15:30; nothing is accepted, or refused, because of the hour. The closing auction is not simulated.
- *Funds*: cash less what open purchases may cost; no margin, no settlement after T+1, no short shares (201). Commission is a share of the turnover.
- *Contracts*: everything but symbol, ISIN, exchange, currency, number, price steps and sizes is made up; the number of a market rule, too.
- *Order numbers*: one counter for each client, which a restart may turn back; executions are those of the day, of all clients.
- *Bars*: that of a running session is the last one, is partial, and nothing marks it.
- *The link to the broker* (1100, 1101, 1102), restarts, and the order of messages under faults: as ordered by the test.
"""

from live.gateway.clock import KOLKATA, StandstillError, VirtualClock, VirtualLoop, now, run_virtual
from live.gateway.faults import Fault
from live.gateway.market import Listing, Market
from live.gateway.orders import Ticket
from live.gateway.server import Entry, Gateway

__all__ = [
    "KOLKATA",
    "Entry",
    "Fault",
    "Gateway",
    "Listing",
    "Market",
    "StandstillError",
    "Ticket",
    "VirtualClock",
    "VirtualLoop",
    "now",
    "run_virtual",
]
