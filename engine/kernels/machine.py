"""Instructions that numba has no name for: fused multiply-add, counting bits, choices without a branch; those that need more than a line are in ``vectors``.

They are given to LLVM as they are, so that every processor gets its own best form; ``tests/test_fast_parts.py`` holds each to plain Python.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.imputils import impl_ret_borrowed
from numba.np.arrayobj import populate_array

from engine.kernels._jit import inline_code, rule

__all__ = [
    "ROUND",
    "WORD",
    "bits_of",
    "blended",
    "chosen",
    "count_ones",
    "double_of",
    "doubles_at",
    "fetch_to_write",
    "fused",
    "highest_bit",
    "index",
    "read_only",
    "spread",
    "take_number",
    "trailing_zeros",
    "uncounted",
    "whole_of",
]

_ir: Any = cgutils.ir  # type: ignore[attr-defined]
WORD = 64
"""Bars in a word."""
ROUND = 1.5 * 2.0**52
"""A number below 2^51 in size that is added to it is rounded to a whole one, which then stands in the lowest bits."""


def spread(builder: Any, number: Any, lanes: int) -> Any:
    """Write the code that puts a number into every lane of a vector."""
    none, first = _ir.Constant(_ir.VectorType(number.type, lanes), None), _ir.IntType(32)
    one = builder.insert_element(none, number, first(0))
    return builder.shuffle_vector(one, none, _ir.Constant(_ir.VectorType(first, lanes), [0] * lanes))


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
def doubles_at(_context: Any, _address: Any, _count: Any) -> Any:
    """Give so many doubles that lie at an address of the memory as an array that cannot be written; who names the address answers for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, count = arguments
        array, size = context.make_array(signature.return_type)(context, builder), context.get_constant(types.intp, 8)
        data = builder.inttoptr(address, array.data.type)
        populate_array(array, data=data, shape=[count], strides=[size], itemsize=size, meminfo=None)  # type: ignore[no-untyped-call]
        return array._getvalue()  # noqa: SLF001  what numba's own code calls

    return types.Array(types.float64, 1, "C", readonly=True)(types.int64, types.intp), generate


@inline_code
def uncounted(_context: Any, value: Any) -> Any:
    """Give an array, or a tuple with arrays in it, to which nobody counts references; who calls this has to keep the memory as long.

    Numba counts them, with an instruction that locks the bus, whenever an array is taken out of a tuple or handed on: 900 times a symbol in a sweep of 499 pairs, a twenty-fifth of its time.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def stripped(kind: Any, given: Any) -> Any:
            if isinstance(kind, types.Array):
                array = context.make_array(kind)(context, builder, given)
                array.meminfo, array.parent = array.meminfo.type(None), array.parent.type(None)
                return array._getvalue()  # noqa: SLF001  what numba's own code calls
            if isinstance(kind, types.BaseTuple):
                parts = cgutils.unpack_tuple(builder, given)  # type: ignore[no-untyped-call]
                each = [stripped(one, part) for one, part in zip(kind, parts, strict=True)]  # type: ignore[call-overload]
                return context.make_tuple(builder, kind, each)
            return given

        return stripped(signature.args[0], arguments[0])

    return value(value), generate


@inline_code
def fetch_to_write(_context: Any, array: Any, _place: Any) -> Any:
    """Have the processor fetch the cache line of array[place], which is written soon: a store to a line that is in no near cache holds up the stores behind it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte, flag = _ir.IntType(8).as_pointer(), _ir.IntType(32)
        kind = _ir.FunctionType(_ir.VoidType(), [byte, flag, flag, flag])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        to_write, nearest, of_data = flag(1), flag(3), flag(1)
        builder.call(fetch, [builder.bitcast(builder.gep(data, [arguments[1]]), byte), to_write, nearest, of_data])
        return context.get_dummy_value()

    return types.void(array, types.uint64), generate


@inline_code
def take_number(_context: Any, counter: Any) -> Any:
    """Give what ``counter[0]`` is, and make it one more, in one step: threads that share a counter never get the same number."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        return builder.atomic_rmw("add", data, _ir.Constant(_ir.IntType(64), 1), "monotonic")

    return types.int64(counter), generate


@inline_code
def fused(_context: Any, _a: Any, _b: Any, _c: Any) -> Any:
    """Give a * b + c, rounded once."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), generate


@inline_code
def blended(_context: Any, _condition: Any, _one: Any, _other: Any) -> Any:
    """Give ``one`` where the condition holds, else ``other``, in a loop that becomes vectors.

    Of ``x if c else y`` numba makes a branch. Where y is what the place written to holds already, LLVM then writes in the other case only: under a mask, in vectors, which took half the
    time of ``accounts.settle`` on a processor with AVX2.
    """

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        condition, one, other = arguments
        # Frozen, so that LLVM does not know where it was read.
        kept = _ir.instructions.Instruction(builder.block, other.type, "freeze", (other,))
        builder._insert(kept)  # noqa: SLF001  llvmlite has no name for this instruction
        return builder.select(condition, one, kept)

    return types.float64(types.boolean, types.float64, types.float64), generate


@inline_code
def chosen(_context: Any, _condition: Any, _one: Any, _other: Any) -> Any:
    """Give ``one`` where the condition holds, else ``other``, of single numbers and without a branch: both are read in any case.

    x86 without AVX-512 has no instruction for a choice between doubles: LLVM makes a branch of it, with the read of what is chosen behind it, and even of a choice between the bits. So
    the bits that differ are masked: other ^ ((one ^ other) & mask).
    """

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        condition, *numbers = arguments
        bits = _ir.IntType(64)
        # Through an instruction of none, which LLVM does not see through.
        mask = builder.asm(_ir.FunctionType(bits, [bits]), "", "=r,0", [builder.sext(condition, bits)], False)
        one, other = (builder.bitcast(number, bits) for number in numbers)
        return builder.bitcast(builder.xor(other, builder.and_(builder.xor(one, other), mask)), _ir.DoubleType())

    return types.float64(types.boolean, types.float64, types.float64), generate


@inline_code
def bits_of(_context: Any, _value: Any) -> Any:
    """Give the 64 bits of a double as they are."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], _ir.IntType(64))

    return types.uint64(types.float64), generate


@rule
def whole_of(value: float) -> Any:
    """Round a number below 2^51 in size to an integer of 64 bits, modulo 2^64; becomes vectors, for which AVX2 has no conversion."""
    return bits_of(value + ROUND) - bits_of(ROUND)


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
