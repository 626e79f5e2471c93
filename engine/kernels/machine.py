"""Instructions that numba has no name for: fused multiply-add, counting bits, 64 comparisons in one word.

They are given to LLVM as they are, so that every processor gets its own best form; ``tests/test_machine.py`` holds each to plain Python.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils

from engine.kernels._jit import inline_code, rule

__all__ = [
    "WORD",
    "above_words",
    "bits_of",
    "count_ones",
    "double_of",
    "fused",
    "highest_bit",
    "index",
    "trailing_zeros",
]

_ir: Any = cgutils.ir  # type: ignore[attr-defined]
WORD = 64
"""Bars in a word."""
_BYTE = 8


@rule
def index(place: int) -> np.uint64:
    """Say that an index is not negative: numba then does not test whether it counts from the end (a third of the time of ``bits.cross_bars``)."""
    return np.uint64(place)


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


@inline_code
def above_words(
    _context: Any, rows: Any, _one: Any, _others: Any, _count: Any, words: Any, _place: Any, _stride: Any
) -> Any:
    """Compare one row of 64 doubles with ``count`` rows that follow each other.

    ``rows`` is float64 (R * 64,), best at an address that 64 divides. Bit i of word j says row ``one`` > row ``others + j`` at i; it is stored at
    words[place + j * stride], byte by byte (8 stores are quicker than 7 joins of mask registers; the lowest byte comes first on every processor that numba knows).
    The row that stays is kept in registers: 11 cycles a word on a processor with AVX-512 (docs/speed.md).
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        table, first, second, size, target, start, step = arguments
        integer, byte, vector = _ir.IntType(64), _ir.IntType(_BYTE), _ir.VectorType(_ir.DoubleType(), _BYTE)
        source = context.make_array(signature.args[0])(context, builder, table).data
        output = builder.bitcast(
            context.make_array(signature.args[4])(context, builder, target).data, byte.as_pointer()
        )

        def eight(row: Any, part: int) -> Any:
            place = builder.add(builder.mul(row, _ir.Constant(integer, WORD)), _ir.Constant(integer, _BYTE * part))
            pointer = builder.bitcast(builder.gep(source, [place]), vector.as_pointer())
            return builder.load(pointer, align=8)

        kept = [eight(first, part) for part in range(_BYTE)]
        with cgutils.for_range(builder, size) as loop:
            row = builder.add(second, loop.index)
            word = builder.add(start, builder.mul(loop.index, step))
            for part in range(_BYTE):
                above = builder.bitcast(builder.fcmp_ordered(">", kept[part], eight(row, part)), byte)
                at = builder.add(builder.mul(word, _ir.Constant(integer, _BYTE)), _ir.Constant(integer, part))
                builder.store(above, builder.gep(output, [at]))
        return context.get_dummy_value()

    number = types.intp
    return types.none(rows, number, number, number, words, number, number), generate
