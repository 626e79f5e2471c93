"""One question at a time for many who wait, and many things at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, Generic, TypeVar

__all__ = ["Asking", "at_the_same_time"]

T = TypeVar("T")


class Asking(Generic[T]):
    """A question that is asked once for all that wait for its answer.

    An answer is only good for those who wanted it before it was asked: what was done after that may not be in it. So whoever comes while a question is under
    way waits for the next one.

    Parameters
    ----------
    question : callable
        Asks; never twice at the same time, which ib_async does not bear: it knows one question for positions and one for orders.
    """

    def __init__(self, question: Callable[[], Awaitable[T]]) -> None:
        self._question = question
        self._last: asyncio.Task[T] | None = None  # the newest that has begun
        self._next: asyncio.Task[T] | None = None  # not begun yet

    async def answer(self) -> T:
        """Give the answer to a question that is asked from now on; raises what the question raises."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._last))
        return await asyncio.shield(self._next)  # one who does not wait any more leaves the others theirs

    async def _after(self, before: asyncio.Task[T] | None) -> T:
        if before is not None:
            with suppress(Exception):  # those who wait for it are told
                await before
        self._last, self._next = self._next, None
        return await self._question()


async def at_the_same_time(things: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Do things at the same time, each to its end; give their results in order.

    If some fail, the others still come to their end before the first failure is raised: what one share does must not leave another without its stop.
    """
    results = await asyncio.gather(*things, return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    if failures:
        raise next((one for one in failures if not isinstance(one, Exception)), failures[0])
    return [result for result in results if not isinstance(result, BaseException)]
