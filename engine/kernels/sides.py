"""Which of two averages is above, 64 bars at a time, in vectors: codes of averages, comparisons into words, and where the side changes.

They are written for LLVM, since what numba makes of loops does not come near; ``tests/test_fast_parts.py`` holds each to plain Python.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target

from engine.kernels._jit import inline_code
from engine.kernels.eights import EIGHT
from engine.kernels.machine import WORD, spread
from engine.kernels.vectors import features_of

__all__ = ["above_words", "code_order", "mark_sides", "write_codes"]

_ir: Any = cgutils.ir  # type: ignore[attr-defined]
_BYTE = 8


@inline_code
def above_words(
    _context: Any, rows: Any, _one: Any, _others: Any, _count: Any, words: Any, _place: Any, _doubts: Any, _at: Any
) -> Any:
    """Compare one row of 64 codes with ``count`` rows that follow each other, and note where the codes are too near to each other.

    ``rows`` is uint32 (R * 32,), two codes of 16 bits in each, in the order of ``code_order``, best at an address that 64 divides; codes are below 2^15 in size, the larger the lower what they
    stand for, and those of row ``one`` are more by 1. Bit i of words[place + j] says row ``one`` < row ``others + j`` at i. Where the two, without that 1, differ by less than 2 anywhere, a pair
    of numbers is written to ``doubts`` after the ``at`` pairs that it has: the place in ``words``, and the bits in doubt. Given back is how many pairs it then has.

    The row that stays is kept in registers, and the others are taken off it straight from memory: 6 cycles a word on a processor with AVX-512, where two rows of doubles take 11 (docs/speed.md).
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        table, first, second, size, target, start, notes, found = arguments
        packs = _packs(context)
        lanes = WORD // 4 if packs else WORD // 2
        integer, code = _ir.IntType(64), _ir.IntType(16)
        vector = _ir.VectorType(code, lanes)
        source, output, noted = (
            context.make_array(signature.args[i])(context, builder, array).data
            for i, array in ((0, table), (4, target), (6, notes))
        )

        def number(value: int) -> Any:
            return _ir.Constant(integer, value)

        def load(row: Any, part: int) -> Any:
            place = builder.add(builder.mul(row, number(WORD)), number(lanes * part))
            start = builder.gep(builder.bitcast(source, code.as_pointer()), [place])
            return builder.load(builder.bitcast(start, vector.as_pointer()), align=2)

        def near(part: Any) -> Any:
            return builder.icmp_unsigned("<", part, _ir.Constant(vector, [3] * lanes))

        # Cut off where it has more than 16 bits, which keeps its sign.
        less = cgutils.get_or_insert_function(
            builder.module, _ir.FunctionType(vector, [vector] * 2), f"llvm.ssub.sat.v{lanes}i16"
        )  # type: ignore[no-untyped-call]
        parts = range(WORD // lanes)
        kept = [load(first, part) for part in parts]
        count = cgutils.alloca_once_value(builder, found)  # type: ignore[no-untyped-call]
        with cgutils.for_range(builder, size) as loop:
            row, word = builder.add(second, loop.index), builder.add(start, loop.index)
            apart = [builder.call(less, [kept[part], load(row, part)]) for part in parts]  # below 0: surely above
            builder.store(_signs(builder, apart, packs), builder.gep(output, [word]))
            nearest = apart
            while len(nearest) > 1:
                pairs = zip(nearest[::2], nearest[1::2], strict=True)
                nearest = [builder.select(builder.icmp_unsigned("<", *pair), *pair) for pair in pairs]
            any_near = builder.bitcast(near(nearest[0]), _ir.IntType(lanes))
            with builder.if_then(builder.icmp_unsigned("!=", any_near, _ir.Constant(any_near.type, 0)), likely=False):
                doubt = _signs(builder, [builder.sext(near(part), vector) for part in apart], packs)
                at = builder.load(count)
                two = builder.mul(at, number(2))
                builder.store(word, builder.gep(noted, [two]))
                builder.store(doubt, builder.gep(noted, [builder.add(two, number(1))]))
                builder.store(builder.add(at, number(1)), count)
        return builder.load(count)

    place = types.intp
    return place(rows, place, place, place, words, place, _doubts, place), generate


def _signs(builder: Any, parts: Any, packs: bool) -> Any:
    """Give the signs of 64 codes as a word."""
    half, integer = _ir.IntType(WORD // 2), _ir.IntType(WORD)
    if packs:
        small = _ir.VectorType(_ir.IntType(_BYTE), WORD // 2)
        form = _ir.FunctionType(small, [parts[0].type] * 2)
        pack = cgutils.get_or_insert_function(builder.module, form, "llvm.x86.avx2.packsswb")  # type: ignore[no-untyped-call]
        parts = [builder.call(pack, parts[:2]), builder.call(pack, parts[2:])]
    low, high = (
        builder.zext(builder.bitcast(builder.icmp_signed("<", part, _ir.Constant(part.type, None)), half), integer)
        for part in parts
    )
    return builder.or_(low, builder.shl(high, _ir.Constant(integer, WORD // 2)))


def _packs(context: Any) -> bool:
    """Tell whether the processor that is compiled for has the vectors of AVX2, but no comparison of AVX-512 that gives bits."""
    features = features_of(context)
    return "+avx2" in features and "+avx512bw" not in features


_PACKED = (0, 2, 1, 3)


def code_order() -> list[int]:
    """Give the order in which 64 codes lie in memory: place i has that of bar ``code_order()[i]``.

    The instruction of AVX2 that packs the codes of two vectors into one takes halves of them in turn. So they are written in that order, and the bits come out in their own: two instructions of
    26 less for each word.
    """
    if not _packs(cpu_target.target_context):
        return list(range(WORD))
    return [32 * half + 8 * part + i for half in range(2) for part in _PACKED for i in range(8)]


@inline_code
def mark_sides(
    _context: Any,
    bits: Any,
    _pairs: Any,
    _first: Any,
    _words: Any,
    _last: Any,
    above: Any,
    _pair: Any,
    changed: Any,
    _row: Any,
) -> Any:
    """Turn the sides of eight pairs into their changes, for up to 64 words, and note which words have one.

    Word w of pair first + i is bits[w * pairs + first + i], overwritten; of the last word the bits up to ``last`` count. above[pair + i] is 1 where the side before the first word is "above", and is made
    that of the last bar; changed[row + i] is made the bits of the words that have a change. What is known of a pair stays in registers: word by word for all pairs it took half as long again (docs/speed.md).
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        words, pairs, first, count, last, sides, pair, marks, row = arguments
        source, side, mark = (
            context.make_array(signature.args[i])(context, builder, array).data
            for i, array in ((0, words), (5, sides), (7, marks))
        )
        vector = _ir.VectorType(_ir.IntType(64), EIGHT)

        def all_of(value: Any) -> Any:
            return spread(builder, value, EIGHT)

        def at(data: Any, place: Any) -> Any:
            return builder.bitcast(builder.gep(data, [place]), vector.as_pointer())

        def number(value: int) -> Any:
            return _ir.Constant(count.type, value)

        one, none, before_last = all_of(number(1)), _ir.Constant(vector, None), builder.sub(count, number(1))
        before = cgutils.alloca_once_value(builder, builder.load(at(side, pair), align=8))  # type: ignore[no-untyped-call]
        found = cgutils.alloca_once_value(builder, none)  # type: ignore[no-untyped-call]

        def take(word: Any, keep: Any, place_of_last: Any) -> None:
            where = at(source, builder.add(builder.mul(word, pairs), first))
            now = builder.load(where, align=8)
            changes = builder.xor(now, builder.or_(builder.shl(now, one), builder.load(before)))
            changes = changes if keep is None else builder.and_(changes, keep)
            builder.store(changes, where, align=8)
            some = builder.select(
                builder.icmp_unsigned("!=", changes, none), all_of(builder.shl(number(1), word)), none
            )
            builder.store(builder.or_(builder.load(found), some), found)
            builder.store(builder.and_(builder.lshr(now, place_of_last), one), before)

        with cgutils.for_range(builder, before_last) as loop:
            take(loop.index, None, all_of(number(WORD - 1)))
        take(before_last, all_of(builder.lshr(number(-1), builder.sub(number(WORD - 1), last))), all_of(last))
        builder.store(builder.load(before), at(side, pair), align=8)
        builder.store(builder.load(found), at(mark, row), align=8)
        return context.get_dummy_value()

    place = types.int64
    return types.void(bits, place, place, place, place, above, place, changed, place), generate


@inline_code
def write_codes(
    _context: Any,
    halves: Any,
    _one_end: Any,
    _one_start: Any,
    _two_end: Any,
    _two_start: Any,
    _factor: Any,
    _base: Any,
    codes: Any,
    _place: Any,
) -> Any:
    """Write 32 numbers of two codes to codes[place:], uint32: the lower half of number i is (halves[one_end + i] - halves[one_start + i]) * factor + base, the upper one that of two.

    Both are in single precision, and of both the lowest 16 bits are taken, see ``codes``. They are written in the order of ``code_order``.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        sums, *places, factor, base, target, place = arguments
        source, output = (
            context.make_array(signature.args[i])(context, builder, array).data for i, array in ((0, sums), (7, target))
        )
        wide = WORD // 4
        whole, single = _ir.VectorType(_ir.IntType(32), wide), _ir.VectorType(_ir.FloatType(), wide)
        fma = cgutils.get_or_insert_function(
            builder.module, _ir.FunctionType(single, [single] * 3), f"llvm.fma.v{wide}f32"
        )  # type: ignore[no-untyped-call]
        factors, bases = (spread(builder, number, wide) for number in (factor, base))

        def load(at: Any, part: int) -> Any:
            start = builder.gep(source, [builder.add(at, _ir.Constant(at.type, wide * part))])
            return builder.load(builder.bitcast(start, whole.as_pointer()), align=4)

        for part in range(2):
            bits = []
            for end, start in (places[:2], places[2:]):
                total = builder.sitofp(builder.sub(load(end, part), load(start, part)), single)
                bits.append(builder.bitcast(builder.call(fma, [total, factors, bases]), whole))
            lower = builder.and_(bits[0], _ir.Constant(whole, [0xFFFF] * wide))
            upper = builder.shl(bits[1], _ir.Constant(whole, [16] * wide))
            where = builder.gep(output, [builder.add(place, _ir.Constant(place.type, wide * part))])
            together = builder.or_(lower, upper)
            if _packs(context):
                four = wide // len(_PACKED)
                order = [four * quarter + i for quarter in _PACKED for i in range(four)]
                together = builder.shuffle_vector(together, together, _ir.Constant(whole, order))
            builder.store(together, builder.bitcast(where, whole.as_pointer()), align=4)
        return context.get_dummy_value()

    at, number = types.intp, types.float32
    return types.void(halves, at, at, at, at, number, number, codes, at), generate
