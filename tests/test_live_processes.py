"""A true kill: the bot is a process of its own, in real time, and is ended by a signal at a write of its journal; then it is started again."""

import asyncio
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from live.gateway import KOLKATA, Gateway
from tests.fault_list import GOLDEN
from tests.live_child import QUICK, DayClock
from tests.live_invariants import Watch
from tests.live_world import ACCOUNT, DAY, World, folder, market_of, patient

ROOT = Path(__file__).parent.parent


async def killed_and_started_again(kind, by):
    """Have a bot kill itself in its own process, and start another one here; give the world, how the first ended, and what was found."""
    behind = datetime.now(UTC) - datetime.combine(DAY, datetime.min.time(), KOLKATA).replace(hour=15, minute=21)
    clock = DayClock(behind)
    gateway = Gateway(market_of((("RELIANCE", GOLDEN, ()),)), {ACCOUNT: 1e6}, clock=clock.now, margin=True)
    with folder() as place, patient(QUICK):
        async with gateway.serve():
            world = World(gateway, place, clock=clock)
            watch = Watch(world)
            assert world.config.gateway.port == gateway.port
            arguments = [sys.executable, "-m", "tests.live_child", str(place), kind, by, str(behind.total_seconds())]
            child = await asyncio.create_subprocess_exec(*arguments, cwd=ROOT, stdout=-1, stderr=-2)
            said, _ = await asyncio.wait_for(child.communicate(), 120)
            watch.after_run(await world.run())
        watch.at_the_end()
        runs = sum(event.kind == "run started" for event in world.events())
        return world, child.returncode, [*watch.found, said.decode()], runs


@pytest.mark.parametrize(
    ("kind", "by"), [("intent", "SIGKILL"), ("sent", "SIGKILL"), ("said", "SIGKILL"), ("sent", "SIGTERM")]
)
def test_killed_and_started_again(kind, by):
    world, end, (*found, said), runs = asyncio.run(killed_and_started_again(kind, by))
    assert end == -getattr(signal, by), said
    assert not found, found
    assert world.statuses[0] in (0, 1), world.said
    assert sum(name == "entry" for name in world.sent()) == 1, said
    assert world.held() == world.stopped() > 0, world.said
    assert runs == 2
