"""Have numba compile a tenth to a fifth faster, for as long as it compiles a kernel of ours: a user's process may have other compiled code, and garbage of its own.

Measured on the first run of a sweep (docs/speed.md). ``tests/test_jit_cache.py`` holds what is compiled to what numba compiles without, and sees that all is as before.
"""

from __future__ import annotations

import gc
from contextlib import ExitStack
from threading import Lock
from typing import Any

__all__ = ["SELDOM", "quickened"]

SELDOM = 200_000, 20, 100
"""Thresholds of Python's look through all objects for unreachable ones, which it takes whenever 700 are new."""


def quickened(dispatcher: Any) -> Any:
    """Have a dispatcher of numba compile quickly."""
    compile_slowly = dispatcher.compile

    def compile_quickly(types: Any) -> Any:
        with _QUICKLY:
            return compile_slowly(types)

    dispatcher.compile = compile_quickly
    return dispatcher


class _Quickly:
    """While a thread is within, Python looks for garbage seldom and numba remembers types.

    *Garbage.* To look for it took 1.5 of 17 seconds of all compiling, and next to none was found.

    *Types.* The kernels of a sweep have 5,100 calls and operators whose type numba infers, of which 385 are different. Each time it tries the templates of the function one after the other,
    some ten for a sum of two doubles, and writes for each that does not fit a message that nobody reads: an eighth of all compiling.
    """

    def __init__(self) -> None:
        self._lock, self._within, self._before = Lock(), 0, ExitStack()
        self._known: dict[Any, Any] = {}

    def __enter__(self) -> None:
        with self._lock:
            if self._within == 0:
                self._begin()
            self._within += 1

    def __exit__(self, *_failure: object) -> None:
        with self._lock:
            self._within -= 1
            if self._within == 0:
                self._before.close()

    def _begin(self) -> None:
        from numba.core.types.functions import BaseFunction  # noqa: PLC0415  slow to import, and a command wants SELDOM before that

        functions: Any = BaseFunction
        infer, known = functions.get_call_type, self._known

        def remembered(function: Any, context: Any, types: Any, named: Any) -> Any:
            asked = function, context, types, tuple(named.items())
            if asked not in known:
                known[asked] = infer(function, context, types, named)
            return known[asked]

        self._before.callback(gc.set_threshold, *gc.get_threshold())
        self._before.callback(setattr, functions, "get_call_type", infer)
        gc.set_threshold(*SELDOM)
        functions.get_call_type = remembered


_QUICKLY = _Quickly()
