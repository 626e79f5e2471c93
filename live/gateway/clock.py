"""Virtual time: an event loop that waits for bytes in real time, and for timers not at all."""

from __future__ import annotations

import asyncio
import selectors
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple
from zoneinfo import ZoneInfo

from engine.errors import GoldencrossError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from concurrent.futures import Executor

__all__ = ["KOLKATA", "StandstillError", "VirtualClock", "VirtualLoop", "now", "run_virtual"]

KOLKATA = ZoneInfo("Asia/Kolkata")
_GRACE = 0.001  # seconds of real time for a connection that is being opened or closed
_LATE = 1e-6  # seconds by which a timer is late, as all are: ib_async waits until more than a second has passed since the message 45 before
_PATIENCE = 10.0  # seconds of real time without a timer, a byte or a thread at work
_Result = TypeVar("_Result")
_Arguments = TypeVarTuple("_Arguments")


class StandstillError(GoldencrossError):
    """Nothing is left that could ever wake the loop."""


class _Selector(selectors.BaseSelector):
    """A selector that moves the loop's clock where others would wait."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.elapsed = 0.0
        self.threads = 0
        self._changed = False  # whether a socket has come or gone since the clock jumped

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.threads or timeout is None:
            ready = self._real.select(_PATIENCE)
            if not ready and not self.threads:
                raise StandstillError(f"nothing happened for {_PATIENCE:g} s and no timer is set")
            return ready
        # Bytes on the loopback are there when the sender has returned: of 200,000 sends none was not. What opens and closes may take longer.
        ready = self._real.select(_GRACE if self._changed else 0)
        self._changed = False
        if not ready:
            self.elapsed += timeout + _LATE
        return ready

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        self._changed = True
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        self._changed = True
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that jumps to the next timer when no byte and no callback is ready.

    Parameters
    ----------
    start : datetime
        Exchange time at which the loop starts; it must have a zone.

    Raises
    ------
    InputError
        If the start has no zone.
    """

    def __init__(self, start: datetime) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        self._clock_resolution = (
            1e-6  # seconds; with asyncio's own, 1e-9, no timer is ever due once a year of seconds swallows it
        )
        if start.tzinfo is None:
            self.close()
            raise InputError("the start of a virtual clock needs a zone")
        self._start = start.astimezone(UTC)

    def time(self) -> float:
        """Return the virtual seconds since the start."""
        return self._virtual.elapsed

    def exchange_time(self) -> datetime:
        """Return the virtual moment, in Asia/Kolkata."""
        return (self._start + timedelta(seconds=self._virtual.elapsed)).astimezone(KOLKATA)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*_Arguments], _Result], *args: *_Arguments
    ) -> asyncio.Future[_Result]:
        """Run in a thread; the clock stands until it is done."""
        self._virtual.threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_done)
        return future

    def _thread_done(self, _future: asyncio.Future[Any]) -> None:
        self._virtual.threads -= 1


def now() -> datetime:
    """Return the exchange's time, Asia/Kolkata: virtual in a virtual loop, else that of the machine."""
    try:
        loop: object = asyncio.get_running_loop()
    except RuntimeError:
        loop = None
    return loop.exchange_time() if isinstance(loop, VirtualLoop) else datetime.now(KOLKATA)


class VirtualClock:
    """The time of a virtual loop, in the form that the bot waits by."""

    def now(self) -> datetime:
        """Give the exchange's time."""
        return now()

    def elapsed(self) -> float:
        """Give the loop's seconds."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Let others work so long."""
        await asyncio.sleep(seconds)


def run_virtual(coroutine: Coroutine[Any, Any, _Result], start: datetime) -> _Result:
    """Run a coroutine to its end in virtual time.

    Parameters
    ----------
    coroutine : coroutine
    start : datetime
        With a zone.

    Raises
    ------
    InputError
        If the start has no zone.
    StandstillError
        If the coroutine waits for what can never come.
    """
    try:
        loop = VirtualLoop(start)
    except InputError:
        coroutine.close()
        raise
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(coroutine)
