"""The whole bot over some days, disturbed at one place after the other: at every message, at every write of its journal, in every byte.

The places are counted first, in a world without faults. After each disturbance the bot is started again, as its owner or its timer would do it.
"""

import asyncio
from collections import Counter
from functools import cache

import pytest

from live.gateway import Fault
from tests.fault_list import ALL, ENTRY, GOLDEN
from tests.live_invariants import FAIR, Watch
from tests.live_world import SHORT, Writes, live_in, market_of

LATER = (97, 93)  # a death cross on the second day after


async def buy_and_sell(world, watch, writes=None):
    """Buy on the first day, sell on the third; a run that did not end well is followed by another one a minute later."""
    for days in (0, 2):
        for _ in range(days):
            await world.next_day()
        for _ in range(3):
            status = await world.run()
            watch.after_run(status, can_write=writes is None or not writes.full)
            if writes is not None and (writes.dead or writes.full):
                writes.mend()
            if status in (0, 1):
                break
            await asyncio.sleep(60)
    world.places = Counter(entry.direction for entry in world.gateway.log) + Counter(
        write=writes.count if writes else 0
    )
    await world.until("15:40")
    world.gateway.calm()
    watch.sending = False
    watch.after_run(await world.look())
    watch.at_the_end()


def play(faults=(), writes=None, **options):
    found = []

    async def scenario(world):
        watch = Watch(world)
        await buy_and_sell(world, watch, writes)
        found.extend(watch.found)

    world = live_in(scenario, market_of((("RELIANCE", GOLDEN, LATER),)), patience=SHORT, faults=faults, **options)
    return world, found


@cache
def undisturbed():
    writes = Writes()
    with writes.watched():
        world, found = play(writes=writes)
    assert not found
    assert world.statuses == [0, 0, 0]
    assert world.sent() == (*ENTRY, "exit")
    return world.places


def judge(world, found, disturbed):
    """Nothing forbidden has happened, the bot did not hide anything, and in the end everything is as it should be."""
    text = "\n".join(map(str, (disturbed, world.statuses, *world.said)))
    assert not found, "\n".join([*found, text])
    assert world.held() == world.stopped(), text
    assert world.held() == 0 or 1 in world.statuses or disturbed.startswith("silence at out"), text
    assert world.statuses[-1] == 0, text
    assert sum(name == "entry" for name in world.sent()) <= 1, text


@pytest.mark.parametrize("way", ["in", "out"])
@pytest.mark.parametrize("what", ["drop", "silence"])
def test_at_every_message(way, what):
    count = undisturbed()[way]
    assert count > 60
    broken = 0
    for index in range(count):
        world, found = play([Fault(f"{way} {index}", what)])
        judge(world, found, f"{what} at {way} {index}")
        broken += any(status in FAIR for status in world.statuses)
    assert broken > 20, "hardly one of them was a disturbance"


@pytest.mark.parametrize("what", ["killed", "full"])
def test_at_every_write_of_the_journal(what):
    count = undisturbed()["write"]
    assert count > 30
    for write in range(1, count + 1):
        writes = Writes(kill_at=write) if what == "killed" else Writes(full_at=write)
        with writes.watched():
            world, found = play(writes=writes)
        judge(world, found, f"{what} at write {write}")
        assert [status for status in world.statuses if status not in (0, 1)], "it was not disturbed"


@pytest.mark.parametrize("bytes_at_once", [1, 2, 3, 5, 7, 11])
def test_in_every_byte(bytes_at_once):
    """With one byte at a time every message is split at every place."""
    world, found = play([Fault("hello", f"split {bytes_at_once}", float("inf"))])
    judge(world, found, "")
    assert world.sent() == (*ENTRY, "exit")
    assert world.statuses == [0, 0, 0]
    assert world.gateway.book.executions[0].shares == ALL
