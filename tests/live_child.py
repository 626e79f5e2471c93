"""A bot in a process of its own, on a day that has gone: ``python -m tests.live_child FOLDER KIND SIGNAL`` kills itself at the first write of a kind."""

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from live.acting import Patience
from live.config import load_config
from live.journal import Journal
from live.scheduler import SystemClock
from live.service import run_now
from tests.live_world import ACCOUNT, patient

QUICK = Patience(fill=2.0, confirm=2.0, poll=0.05)


class DayClock(SystemClock):
    """The machine's clock, so far behind that it is the time of the run."""

    def __init__(self, behind: timedelta):
        self.behind = behind

    def now(self):
        return super().now() - self.behind


def killed_at(kind, by):
    """Have this process killed at the first write of a kind, before the write."""
    real = Journal.append

    def append(journal, said, *arguments, **named):
        if said == kind:
            os.kill(os.getpid(), by)
            signal.pause()
        return real(journal, said, *arguments, **named)

    Journal.append = append


def main():
    folder, kind, by, behind = sys.argv[1:]
    killed_at(kind, getattr(signal, by))
    clock = DayClock(timedelta(seconds=float(behind)))
    config = load_config(Path(folder) / "bot.toml")
    with patient(QUICK):
        asyncio.run(run_now(config, ACCOUNT, send=True, say=print, clock=clock))


if __name__ == "__main__":
    main()
