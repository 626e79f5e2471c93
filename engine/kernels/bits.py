"""Where one average is above another, 64 bars at a time, and the bars at which that changes.

::

    fast > slow         0 0 0 1 1 1 1 0 0 1 ...     one bit a bar, by one vector comparison
    shifted by a bar    0 0 0 0 1 1 1 1 0 0 ...
    exclusive or        . . . x . . . x . x ...     the bars of the crosses, found by counting trailing zeros

A tie is "not above" here, which is not what the contract says of it. So every change is looked at: if a side begins with a tie, the pair is handed back, and
the plain ``crosses`` decides. ``tests/test_fast.py`` holds the two to each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numpy.typing import NDArray

from engine.kernels._jit import inline_code, kernel
from engine.kernels.crosses import DEATH, GOLDEN, crosses

__all__ = ["cross_bars"]

_ir: Any = cgutils.ir  # type: ignore[attr-defined]
_WORD = 64


@inline_code
def _above_mask(_context: Any, fast: Any, slow: Any, start: Any) -> Any:  # noqa: ARG001  its type is known
    """Compare 64 doubles of two contiguous arrays from ``start``: bit i says fast[start + i] > slow[start + i]."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = _ir.VectorType(_ir.DoubleType(), _WORD)
        loaded = []
        for kind, array in zip(signature.args[:2], arguments[:2], strict=True):
            data = context.make_array(kind)(context, builder, array).data
            place = builder.bitcast(builder.gep(data, [arguments[2]]), vector.as_pointer())
            loaded.append(builder.load(place, align=8))
        return builder.bitcast(builder.fcmp_ordered(">", *loaded), _ir.IntType(_WORD))

    return types.uint64(fast, slow, types.intp), generate


@inline_code
def _trailing_zeros(_context: Any, word: Any) -> Any:  # noqa: ARG001  its type is known
    """Count the zeros below the lowest set bit of a word that is not 0."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], _ir.Constant(_ir.IntType(1), 1))

    return types.uint64(types.uint64), generate


@kernel
def cross_bars(
    fast: NDArray[np.float64], slow: NDArray[np.float64], first: int, out: NDArray[np.int64]
) -> tuple[int, bool]:
    """Write the bars of all crosses, golden and death in turn.

    Parameters
    ----------
    fast, slow : float64 (T,)
        C-contiguous averages, both defined from bar ``first`` on.
    first : int
        Below T.
    out : int64 (T,)
        Overwritten from its start.

    Returns
    -------
    tuple of int and bool
        How many crosses, and whether the first of them is golden.
    """
    n = len(fast)
    above_first = fast[first] > slow[first]
    if fast[first] == slow[first]:
        return _plain_bars(fast, slow, out)
    count = 0
    carry = np.uint64(above_first)
    one = np.uint64(1)
    for start in range(first, n, _WORD):
        if start + _WORD <= n:
            mask = _above_mask(fast, slow, start)
        else:
            mask = np.uint64(0)
            for i in range(n - start):
                mask |= np.uint64(fast[start + i] > slow[start + i]) << np.uint64(i)
            if mask >> np.uint64(n - start - 1) & one:  # no change beyond the end
                mask |= ~np.uint64(0) << np.uint64(n - start)
        changes = mask ^ (mask << one | carry)
        carry = mask >> np.uint64(_WORD - 1)
        while changes != 0:
            t = start + np.int64(_trailing_zeros(changes))
            if fast[t] == slow[t]:
                return _plain_bars(fast, slow, out)
            out[count] = t
            count += 1
            changes &= changes - one
    return count, not above_first


@kernel
def _plain_bars(fast: NDArray[np.float64], slow: NDArray[np.float64], out: NDArray[np.int64]) -> tuple[int, bool]:
    """Do the same by the rules of the contract, bar by bar."""
    signals = np.empty(len(fast), np.int8)
    crosses(fast, slow, signals)
    count = 0
    for t in range(len(signals)):
        if signals[t] == GOLDEN or signals[t] == DEATH:
            out[count] = t
            count += 1
    return count, count > 0 and signals[out[0]] == GOLDEN
