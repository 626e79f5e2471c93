"""The words that may stay in the free text of a recording: those of the gateway's own messages, and no others.

What a person has written, such as a user's or an account's name, cannot be told from other text by its form. So a word stays only if it is in this list;
any other word becomes a star, and every number becomes 0.
"""

from __future__ import annotations

import re

__all__ = ["plain"]

_WORDS = frozenset(
    """
    a about above absent accept acceptable accepted access account accounts action active activated add added adjusted after aggregate algo all allowed
    already also amount an and another any api are as ask at attached attempt auction auctions available average away balance balances bars be because
    been before below best between bid block bn bond book borrow both bound bracket broken broker buy buying by calculated can cancel canceled
    cancellation cancelled cannot cap capability cash cause caused center change changed check child clear clearing client close closed closing code
    combination combo commission competing complete completed condition conditions conform connect connected connecting connection connectivity contact
    contains contract contracts could country credit currency current currently customer cutoff daily data date day days default defined definition
    delayed delete depth description details did different direct direction disabled disconnected display does done down due duplicate duration during
    each either email empty enable enabled end ended enough entered entitled equity error event exceed exceeded exceeds excess exchange exchanges
    exercise exist existing exists expired expiry explicit extended failed failure farm fetch few field fields fill filled filter financial find
    following for format found from funds future general generic getting good group had halted handle has have held historical hmds hold holding holiday
    hours id identifier if ignored in inactive inbound increment index information initial input insider instance instead instrument insufficient
    integrity interface internal into invalid is it item key large last late later least leg length less level limit limits line link linked list listed
    loan login loss lost lot low lower maintained maintenance make margin market match maximum may message messages minimum missing mode modified
    modify more most multiple must name native nbr near needed negative net new next no non none not notice number numbers obtain of off offset
    ok old on one only open opening option options or order orders original other out outside over pacing parameter parent parse part partial
    partially pending percent percentage period permission permissions permitted place placed please point pool position positions possible
    potential power precautionary presubmitted previous price prices processed processing product profile prohibited protocol provided query quote
    range rate reached read reading reason received record reduce reference regular reject rejected rejecting related released removed replace
    request requested requests required requirement requires reset resource respect restored restriction restrictions resubmit result retry returned
    risk route routed routing rth rule rules same scale search sec sec-def second secdef security securities see sell send sent server service session
    set setting settings settled share shareholder shares short should side simulated since single size smart socket specified start started state
    status step steps stock stocks stop string submission submit submitted subscribe subscribed subscription substantial successful such supported
    symbol system tag than that the their there this tick ticker tif time timeout to today too total trade trader traded trading trail trailing
    transmit transmitted trigger triggered try tws type unable under unexpected unique unknown unsupported until up update updates upgrade use used
    user validate validating validation value variation version via violation waiting warning was we were when where which while
    will with within without would wrong year you your zone locate ushmds usfarm secdefnj eurofarm hfarm cashfarm jfarm euhmds hkhmds secdefil secdefhk ibkr
    trader workstation gateway day's order's read-only good-till-cancelled end-of-day filled-size
    """.split()  # noqa: SIM905  a list of three hundred quoted words is no easier to read
)
_PIECE = re.compile(r"[A-Za-z][A-Za-z'-]*|[0-9]+(?:[.,][0-9]+)*|[^A-Za-z0-9]")
_MARKS = frozenset(" .,:;!?'\"()[]-/%=+&")


def plain(text: str) -> str:
    """Give a text with a star for every word that is not in the list, 0 for every number, and marks of punctuation only."""
    return _STARS.sub("*", "".join(_piece(found.group()) for found in _PIECE.finditer(text)))


_STARS = re.compile(r"\*+")


def _piece(piece: str) -> str:
    """Keep one piece of a text, or hide it."""
    if piece[0].isascii() and piece[0].isdigit():
        return "0"
    if piece[0].isascii() and piece[0].isalpha():
        return piece if piece.lower() in _WORDS else "*"
    return piece if piece in _MARKS else "*"
