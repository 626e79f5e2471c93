"""Have numba compile a tenth to a fifth faster, for as long as it compiles a kernel of ours: a user's process may have other compiled code, and garbage of its own.

Measured on the first run of a sweep (docs/speed.md). ``tests/test_jit_cache.py`` holds what is compiled to what numba compiles without, and sees that all is as before.
"""

from __future__ import annotations

import gc
from threading import Lock
from typing import Any

from numba.core.types.functions import BaseFunction

__all__ = ["quickened"]

_MANY = 200_000


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

    *Garbage.* Python looks through all objects for unreachable ones whenever 700 are new: 1.5 of 17 seconds of all compiling, and next to none is found.

    *Types.* The kernels of a sweep have 5,100 calls and operators whose type numba infers, of which 385 are different. Each time it tries the templates of the function one after the other,
    some ten for a sum of two doubles, and writes for each that does not fit a message that nobody reads: an eighth of all compiling.
    """

    def __init__(self) -> None:
        self._lock, self._within = Lock(), 0
        self._known: dict[Any, Any] = {}
        self._thresholds, self._infer = gc.get_threshold(), BaseFunction.get_call_type

    def __enter__(self) -> None:
        with self._lock:
            self._within += 1
            if self._within == 1:
                self._thresholds, self._infer = gc.get_threshold(), BaseFunction.get_call_type
                gc.set_threshold(_MANY, 20, 100)
                _set_inference(self._remembering())

    def __exit__(self, *_failure: object) -> None:
        with self._lock:
            self._within -= 1
            if self._within == 0:
                gc.set_threshold(*self._thresholds)
                _set_inference(self._infer)

    def _remembering(self) -> Any:
        infer, known = self._infer, self._known

        def remembered(function: Any, context: Any, types: Any, named: Any) -> Any:
            asked = function, context, types, tuple(named.items())
            if asked not in known:
                known[asked] = infer(function, context, types, named)
            return known[asked]

        return remembered


def _set_inference(infer: Any) -> None:
    functions: Any = BaseFunction
    functions.get_call_type = infer


_QUICKLY = _Quickly()
