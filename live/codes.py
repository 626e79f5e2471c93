"""What each error code of the gateway means for the bot; a code that is not here stops new entries.

Sources: Interactive Brokers' page of message codes, the source of ib_async 2.1.0 and the field reports that docs/live.md names.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

__all__ = ["CodeClass", "class_of", "link_is_up"]


class CodeClass(Enum):
    """What to do with a message."""

    INFORMATION = "information"  # data farms are connected, and the like
    DATA = "data"  # a request for data has failed
    REJECTED = "rejected"  # an order was not accepted
    ENDED = "ended"  # an order was cancelled, by us or by the broker
    CANCEL_REFUSED = "cancel refused"  # the order may be live: only the broker's list tells
    WARNING = "warning"  # an order is live, with a remark
    LINK_LOST = "link lost"
    LINK_BACK = "link back"  # everything has to be asked again
    FARM_LOST = "farm lost"  # prices may stand still; orders go on
    FARM_BACK = "farm back"
    FATAL = "fatal"  # this connection is of no use
    UNKNOWN = "unknown"


_CODES = {
    CodeClass.INFORMATION: {2100, 2107, 2108, 2119, 2150, 2158, 2168, 2169},
    CodeClass.DATA: {162, 165, 166, 200, 300, 320, 322, 354, 366, 420, 10089, 10090, 10167, 10168, 10197},
    CodeClass.REJECTED: {103, 104, 106, 107, 109, 110, 111, 113, 116, 201, 203, 321, 434, 10289, 10293, 10318},
    CodeClass.ENDED: {202, 10149},
    CodeClass.CANCEL_REFUSED: {135, 136, 161, 10147, 10148},
    CodeClass.WARNING: {105, 399, 404, 2109, 2137, 2161, 10311, 10349},
    CodeClass.LINK_LOST: {504, 1100, 1300, 2110},
    CodeClass.FARM_LOST: {2103, 2105},
    CodeClass.LINK_BACK: {1101, 1102},
    CodeClass.FARM_BACK: {2104, 2106},
    CodeClass.FATAL: {326, 501, 502, 503, 505, 506, 507, 522, 523},
}
_CLASS = {code: group for group, codes in _CODES.items() for code in codes}


def class_of(code: int) -> CodeClass:
    """Give what an error code means."""
    return _CLASS.get(code, CodeClass.UNKNOWN)


_ENDED_BY = {
    **dict.fromkeys(_CODES[CodeClass.LINK_LOST], _CODES[CodeClass.LINK_BACK]),
    2103: {
        2104
    },  # told in pairs, within seconds, whenever a farm is changed (IBC #143, nautilus_trader pull request 4412)
    2105: {2106},
}


def link_is_up(codes: Iterable[int]) -> bool:
    """Tell whether orders and prices go through, by the codes that were heard, oldest first."""
    lost: set[int] = set()
    for code in codes:
        lost = {one for one in lost if code not in _ENDED_BY[one]}
        if code in _ENDED_BY:
            lost.add(code)
    return not lost
