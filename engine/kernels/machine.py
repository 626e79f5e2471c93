"""Instructions that numba has no name for: fused multiply-add, counting bits; those that need more than a line are in ``vectors``.

They are given to LLVM as they are, so that every processor gets its own best form; ``tests/test_fast_parts.py`` holds each to plain Python.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.imputils import impl_ret_borrowed

from engine.kernels._jit import inline_code

__all__ = [
    "WORD",
    "bits_of",
    "count_ones",
    "double_of",
    "fused",
    "highest_bit",
    "index",
    "read_only",
    "trailing_zeros",
]

_ir: Any = cgutils.ir  # type: ignore[attr-defined]
WORD = 64
"""Bars in a word."""


@inline_code
def index(_context: Any, place: Any) -> Any:
    """Say that an index is not negative: numba then does not test whether it counts from the end (a third of the time of ``bits.cross_bars``).

    What ``np.uint64(place)`` does; a kernel of its own would be compiled for every type of a place.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.cast(builder, arguments[0], signature.args[0], signature.return_type)

    return types.uint64(place), generate


@inline_code
def read_only(_context: Any, array: Any) -> Any:
    """Give an array as one that cannot be written, as prices are, so that what takes either is compiled for one type."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return impl_ret_borrowed(context, builder, signature.return_type, arguments[0])  # type: ignore[no-untyped-call]

    return array.copy(readonly=True)(array), generate


@inline_code
def fused(_context: Any, _a: Any, _b: Any, _c: Any) -> Any:
    """Give a * b + c, rounded once."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


@inline_code
def bits_of(_context: Any, _value: Any) -> Any:
    """Give the 64 bits of a double as they are."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], _ir.IntType(64))

    return types.uint64(types.float64), generate


@inline_code
def double_of(_context: Any, _bits: Any) -> Any:
    """Give the double that has these 64 bits."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], _ir.DoubleType())

    return types.float64(types.uint64), generate


@inline_code
def trailing_zeros(_context: Any, _word: Any) -> Any:
    """Count the zeros below the lowest set bit; 64 for 0."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], _ir.Constant(_ir.IntType(1), 0))

    return types.int64(types.uint64), generate


@inline_code
def count_ones(_context: Any, _word: Any) -> Any:
    """Count the set bits."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


@inline_code
def highest_bit(_context: Any, _word: Any) -> Any:
    """Give the place of the highest set bit of a word that is not 0."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        zeros = builder.ctlz(arguments[0], _ir.Constant(_ir.IntType(1), 1))
        return builder.sub(_ir.Constant(_ir.IntType(64), 63), zeros)

    return types.int64(types.uint64), generate
