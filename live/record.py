"""The commands ``goldencross-live record`` and ``recording``."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from live.gateway.contents import describe_recording
from live.gateway.recorder import Recorder
from live.gateway.recording_reader import read_recording

__all__ = ["recording_lines", "run_recorder"]


_GIVE_WAY = 0.0005
"""Seconds after which the thread that writes lets the one that passes bytes on work; Python's own 0.005 is a delay that can be seen."""


async def run_recorder(path: Path, gateway_port: int, gateway_host: str, port: int, say: Callable[[str], None]) -> int:
    """Record until somebody ends it; give the exit status: 0, or 1 if something could not be recorded.

    Raises
    ------
    InputError, RecordingError
        The address, a port or the file cannot be used.
    BrokerError
        No gateway answers.
    """
    recorder = Recorder(path, gateway_port, gateway_host, port, say)
    sys.setswitchinterval(_GIVE_WAY)
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    async with recorder.serve() as here:
        for sort in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):  # on Windows Ctrl-C ends it without the sentences
                loop.add_signal_handler(sort, ended.set)
        say(f"Recording into {path}. Let the client connect to 127.0.0.1 port {here}, not to the gateway's own port.")
        say("Ctrl-C ends the recording, and with it the connections through it.")
        await ended.wait()
    for line in recorder.summary():
        say(line)
    if not recorder.is_complete:
        say("It is not complete; the reasons are above.")
    return 0 if recorder.is_complete else 1


def recording_lines(path: Path) -> list[str]:
    """Say what is in a recording.

    Raises
    ------
    RecordingError
    """
    return describe_recording(path, read_recording(path))
