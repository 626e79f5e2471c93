"""Tasks on threads, their results in order, with Ctrl-C."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from engine.errors import InputError

__all__ = ["run_in_order", "share", "thread_count"]

T = TypeVar("T")
_AHEAD = 4
"""Tasks for each worker that are handed out before their turn to be taken: results that wait cost memory."""


def thread_count(workers: int | None) -> int:
    """Give the number of threads: what was asked for, else one a core.

    Raises
    ------
    InputError
    """
    if workers is None:
        return os.cpu_count() or 1
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise InputError(f"workers is {workers!r}; it must be a whole number, 1 or more")
    return workers


def share(work: Callable[[], None], threads: int) -> None:
    """Do the same work on several threads, of which the calling one is the first; among themselves they see who does what.

    Ctrl-C and errors are raised when all have ended. The threads are started here, not by an executor, whose queues and futures would take a twenty-fifth of a sweep of 33 symbols.
    """
    failures: list[BaseException] = []

    def help_out() -> None:
        try:
            work()
        except BaseException as failure:  # noqa: BLE001  raised below, in the calling thread
            failures.append(failure)

    helpers: list[threading.Thread] = []
    try:
        for _ in range(threads - 1):
            helper = threading.Thread(target=help_out)
            helper.start()
            helpers.append(helper)
        work()
    finally:
        for helper in helpers:
            helper.join()
    if failures:
        raise failures[0]


def run_in_order(tasks: Sequence[Callable[[], T]], workers: int, take: Callable[[T], None]) -> bool:
    """Run tasks and take their results, in the order of the tasks and in the calling thread.

    Parameters
    ----------
    tasks : sequence of callables
        They should free the GIL, as the kernels do.
    workers : int
        Threads; with 1 everything is done in the calling thread.
    take : callable
        Called with every result.

    Returns
    -------
    bool
        False if Ctrl-C came before the end; what was taken until then is a beginning of the tasks, without a gap.
    """
    try:
        if workers == 1 or len(tasks) == 1:
            for task in tasks:
                take(task())
        else:
            _run_on_threads(tasks, workers, take)
    except KeyboardInterrupt:
        return False
    return True


def _run_on_threads(tasks: Sequence[Callable[[], T]], workers: int, take: Callable[[T], None]) -> None:
    """Hand out tasks as results are taken.

    Tasks that end come through a queue. ``concurrent.futures.wait`` takes the locks of all futures in turn: a Ctrl-C amid that can leave some
    of them taken, and their workers waiting.
    """
    stopped = threading.Event()
    ended: SimpleQueue[tuple[int, Future[T | None]]] = SimpleQueue()

    def run(task: Callable[[], T]) -> T | None:
        return None if stopped.is_set() else task()

    def give(number: int) -> None:
        pool.submit(run, tasks[number]).add_done_callback(lambda future: ended.put((number, future)))

    waiting: dict[int, Future[T | None]] = {}
    given = taken = 0
    with ThreadPoolExecutor(workers) as pool:
        try:
            while taken < len(tasks):
                while given < min(len(tasks), taken + _AHEAD * workers):
                    give(given)
                    given += 1
                number, future = ended.get()
                waiting[number] = future
                while taken in waiting:
                    result = waiting.pop(taken).result()
                    if result is not None:
                        take(result)
                    taken += 1
        finally:
            stopped.set()  # after Ctrl-C or an error, tasks that have not begun return at once
