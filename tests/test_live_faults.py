"""Every fault of the list, played with the whole bot; what comes of it is read in the gateway's book."""

import pytest

from live.sessions import session_on
from tests.fault_list import AFTER, CASES, GOLDEN, IN_A_PROCESS, NAMES
from tests.live_world import DAY, SHORT, live_in, market_of


def played(case):
    options = dict(case.options)
    day = options.pop("day", DAY)
    market = market_of((("RELIANCE", GOLDEN, AFTER),), day)
    options.setdefault("faults", case.faults)
    return live_in(case.play, market, day=options.pop("start_day", day), patience=SHORT, **options)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fault(case):
    world = played(case)
    text = "\n".join(world.said)
    found = (tuple(world.statuses), world.sent(), world.held(), world.stopped(), bool(world.noted))
    assert found == (case.statuses, case.sent, case.held, case.stopped, case.alarms), text
    assert sum(case.line in line for line in world.said) >= 1, text


def test_the_list_is_whole():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert {name.rstrip("bcdef") for name in names} | IN_A_PROCESS == NAMES
    assert session_on(DAY) is not None
