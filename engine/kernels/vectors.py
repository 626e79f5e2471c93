"""Several numbers at once, in vectors: the places of a word's set bits, and sums of four columns.

They are written for LLVM, since what numba makes of loops does not come near; ``tests/test_fast_parts.py`` holds each to plain Python.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils

from engine.kernels._jit import inline_code
from engine.kernels.machine import WORD, spread

__all__ = ["FOUR", "add_difference", "features_of", "write_ones"]

_ir: Any = cgutils.ir  # type: ignore[attr-defined]
_BYTE = 8
FOUR = 4
"""Numbers that ``add_difference`` takes."""


@inline_code
def write_ones(_context: Any, _word: Any, _first: Any, out: Any, _at: Any) -> Any:
    """Write ``first`` plus the place of every set bit of a word, in order, to out[at:], int16; 64 numbers from there on may be overwritten.

    Where a processor has AVX-512 VBMI2, one instruction moves the numbers 0 to 63 of the set bits together, and no branch depends on how many there are; else they are
    looked for one by one, the first three of them without a branch.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word, first, target, start = arguments
        data = context.make_array(signature.args[2])(context, builder, target).data
        write = _write_together if _compresses(context) else _write_singly
        write(builder, word, first, data, start)
        return context.get_dummy_value()

    return types.void(types.uint64, types.intp, out, types.intp), generate


def _compresses(context: Any) -> bool:
    """Tell whether the processor that is compiled for, and LLVM, know the instruction that moves chosen bytes together."""
    return llvmlite.binding.llvm_version_info[0] >= 19 and {"+avx512vbmi2", "+avx512bw"} <= features_of(context)


def features_of(context: Any) -> set[str]:
    """Name the features of the processor that is compiled for, with a plus where it has them."""
    return set(context.codegen().magic_tuple()[2].split(","))


_AT_ONCE = 16
"""Numbers of 16 bits that are stored together: 16 numbers of 32 bits lie in two cache lines nearly every time, and take a tenth longer (docs/speed.md)."""


def _write_together(builder: Any, word: Any, first: Any, data: Any, start: Any) -> None:
    """Do so with vectors: the first 16 in any case, the others if there are any."""
    places, integers = _ir.VectorType(_ir.IntType(8), WORD), _ir.VectorType(_ir.IntType(16), _AT_ONCE)
    chosen = builder.bitcast(word, _ir.VectorType(_ir.IntType(1), WORD))
    form = _ir.FunctionType(places, [places, chosen.type, places])
    name = f"llvm.experimental.vector.compress.v{WORD}i{_BYTE}"
    move = cgutils.get_or_insert_function(builder.module, form, name)  # type: ignore[no-untyped-call]
    every = _ir.Constant(places, list(range(WORD)))
    together = builder.call(move, [every, chosen, _ir.Constant(places, [0] * WORD)])
    base = spread(builder, builder.trunc(first, _ir.IntType(16)), _AT_ONCE)

    def store(part: int) -> None:
        lanes = [_AT_ONCE * part + i for i in range(_AT_ONCE)]
        bytes_of = builder.shuffle_vector(
            together, together, _ir.Constant(_ir.VectorType(_ir.IntType(32), _AT_ONCE), lanes)
        )
        target = builder.gep(data, [builder.add(start, _ir.Constant(start.type, lanes[0]))])
        builder.store(
            builder.add(builder.zext(bytes_of, integers), base), builder.bitcast(target, integers.as_pointer()), align=2
        )

    store(0)
    some = builder.icmp_unsigned(">", builder.ctpop(word), _ir.Constant(word.type, _AT_ONCE))
    with builder.if_then(some, likely=False):
        for part in range(1, WORD // _AT_ONCE):
            store(part)


def _write_singly(builder: Any, word: Any, first: Any, data: Any, start: Any) -> None:
    """Do so one after the other. Most words have three or less, which are written in any case: seldom a branch to guess wrong (68 to 40 ns a cell)."""
    rest, at = cgutils.alloca_once_value(builder, word), cgutils.alloca_once_value(builder, start)  # type: ignore[no-untyped-call]
    one = _ir.Constant(word.type, 1)

    def store() -> None:
        bits, place = builder.load(rest), builder.load(at)
        low = builder.add(builder.cttz(bits, _ir.Constant(_ir.IntType(1), 0)), first)
        builder.store(builder.trunc(low, _ir.IntType(16)), builder.gep(data, [place]))
        builder.store(builder.and_(bits, builder.sub(bits, one)), rest)
        builder.store(builder.add(place, _ir.Constant(place.type, 1)), at)

    for _ in range(3):
        store()
    more, done = builder.append_basic_block("more"), builder.append_basic_block("done")

    def go_on() -> None:
        builder.cbranch(builder.icmp_unsigned("!=", builder.load(rest), _ir.Constant(word.type, 0)), more, done)

    go_on()
    builder.position_at_end(more)
    store()
    go_on()
    builder.position_at_end(done)


@inline_code
def add_difference(_context: Any, totals: Any, _place: Any, rows: Any, _above: Any, _below: Any) -> Any:
    """Add rows[above + i] - rows[below + i] to totals[place + i], four of int64; the rows are float64, whose bits are taken as integers modulo 2^64.

    One number after the other this takes eleven cycles a leg more: with three sums more than there are registers for integers (docs/speed.md).
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, first, table, above, below = arguments
        vector = _ir.VectorType(_ir.IntType(64), FOUR)
        target, source = (
            context.make_array(signature.args[i])(context, builder, array).data for i, array in ((0, sums), (2, table))
        )
        total = builder.bitcast(builder.gep(target, [first]), vector.as_pointer())
        more, less = (
            builder.load(builder.bitcast(builder.gep(source, [place]), vector.as_pointer()), align=8)
            for place in (above, below)
        )
        builder.store(builder.add(builder.load(total, align=8), builder.sub(more, less)), total, align=8)
        return context.get_dummy_value()

    return types.void(totals, types.uint64, rows, types.uint64, types.uint64), generate
