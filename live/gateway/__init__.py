"""A simulated Interactive Brokers gateway: the text protocol over a socket, a broker behind it, and faults to order.

::

    bytes -> wire -> messages -> switchboard (faults, log) -> answers -> book <- trading <- market
                                      |                                   |
    bytes <- wire <- messages_out <---+---------------- news <------------+

Its formats are those of server versions 157 to 178. Its behaviour is from public documents and sources, not recorded from a real gateway.
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
