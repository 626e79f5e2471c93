"""Eight bars at once, in vectors: the runs of the table of ``drawdown``.

Written for LLVM, which makes little of the loops that these replace. On the levels of 1, 2 and 4 bars a block is shorter than a vector: 8 cycles a bar and level, of which 4
are left, since what a bar takes from another one of its eight is a fixed exchange of places. Rows of four numbers took 3.5 cycles a bar on the other levels, of which 2.5
are left. ``tests/test_fast_parts.py`` holds all to plain Python.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import types
from numba.core import cgutils

from engine.kernels._jit import inline_code
from engine.kernels.machine import spread

__all__ = ["EIGHT", "ROW", "fill_eight", "join_before", "join_behind"]

_ir: Any = cgutils.ir  # type: ignore[attr-defined]
EIGHT = 8
_LEVELS = 3
ROW = 3
"""Numbers in a row of the table. The inverse of the highest would save a division for each leg, and make the table too large for a cache of 512 KiB beside what else is read with it."""
_WIDE = 4
"""Numbers that are stored at once."""


class _Runs(NamedTuple):
    """Eight runs, a vector of doubles each; as in ``drawdown.Run``, and 1 / high, so that joining needs no division."""

    high: Any
    low: Any
    fall: Any
    inverse: Any


@inline_code
def fill_eight(_context: Any, work: Any, _at: Any, _pitch: Any, table: Any, _row: Any, _rows: Any) -> Any:
    """Write the rows of three levels for eight bars, the first of which begins a block of eight, and their runs to the end of the block and from its start.

    ``work`` is float64, eight columns with a distance of ``pitch`` between them: high, low, fall and inverse of the runs to the end, then of those from the start, each from
    place ``at`` on. The first and the fourth are given: closes and their inverse. ``table`` is float64, of rows of high, low and fall; the first bar's begins at ``row``, those of
    the next level are ``rows`` numbers behind.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        space, at, pitch, target, row, rows = arguments
        source, output = (
            context.make_array(signature.args[i])(context, builder, array).data
            for i, array in ((0, space), (3, target))
        )
        vector = _ir.VectorType(_ir.DoubleType(), EIGHT)
        columns = []
        place = at
        for _ in range(2 * len(_Runs._fields)):
            columns.append(builder.bitcast(builder.gep(source, [place]), vector.as_pointer()))
            place = builder.add(place, pitch)
        closes, inverse = builder.load(columns[0], align=8), builder.load(columns[3], align=8)
        to_end = from_start = _Runs(closes, closes, _ir.Constant(vector, [1.0] * EIGHT), inverse)
        for level in range(_LEVELS):
            odd = [i >> level & 1 == 1 for i in range(EIGHT)]
            _store_rows(builder, output, row, _chosen(builder, odd, from_start, to_end))
            row = builder.add(row, rows)
            # A bar of an even block takes in the odd one behind it, which its first bar knows; one of an odd block the even one before it, which its last bar knows.
            behind = [i if odd[i] else ((i >> level) + 1) << level for i in range(EIGHT)]
            before = [((i >> level) << level) - 1 if odd[i] else i for i in range(EIGHT)]
            more = _joined(builder, to_end, _moved(builder, to_end, behind))
            to_end = _alone(builder, more, to_end, odd)
            more = _joined(builder, _moved(builder, from_start, before), from_start)
            from_start = _alone(builder, more, from_start, [not one for one in odd])
        for column, value in zip(columns, (*to_end, *from_start), strict=True):
            builder.store(value, column, align=8)
        return context.get_dummy_value()

    place = types.uint64
    return types.void(work, place, place, table, place, place), generate


@inline_code
def join_behind(
    _context: Any,
    work: Any,
    _at: Any,
    _pitch: Any,
    table: Any,
    _row: Any,
    _count: Any,
    _high: Any,
    _low: Any,
    _fall: Any,
    _inverse: Any,
) -> Any:
    """Write the rows of ``count`` bars, a multiple of eight, and then put a run behind the run of each: high, low, fall and inverse.

    ``work`` is as for ``fill_eight``, but of four columns: those of the runs.
    """
    return _join(work, table, behind=True)


@inline_code
def join_before(
    _context: Any,
    work: Any,
    _at: Any,
    _pitch: Any,
    table: Any,
    _row: Any,
    _count: Any,
    _high: Any,
    _low: Any,
    _fall: Any,
    _inverse: Any,
) -> Any:
    """Do so, but put the run before those of the bars."""
    return _join(work, table, behind=False)


def _join(work: Any, table: Any, *, behind: bool) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        space, at, pitch, target, row, count, *other = arguments
        source, output = (
            context.make_array(signature.args[i])(context, builder, array).data
            for i, array in ((0, space), (3, target))
        )
        vector = _ir.VectorType(_ir.DoubleType(), EIGHT)
        the_other = _Runs(*(spread(builder, number, EIGHT) for number in other))
        step = _ir.Constant(count.type, EIGHT)
        with cgutils.for_range_slice(builder, _ir.Constant(count.type, 0), count, step) as (i, _):
            place, columns = builder.add(at, i), []
            for _ in _Runs._fields:
                columns.append(builder.bitcast(builder.gep(source, [place]), vector.as_pointer()))
                place = builder.add(place, pitch)
            mine = _Runs(*(builder.load(column, align=8) for column in columns))
            here = builder.add(row, builder.mul(i, _ir.Constant(count.type, ROW)))
            _store_rows(builder, output, here, mine)
            first, second = (mine, the_other) if behind else (the_other, mine)
            for column, value in zip(columns, _joined(builder, first, second), strict=True):
                builder.store(value, column, align=8)
        return context.get_dummy_value()

    place, number = types.uint64, types.float64
    return types.void(work, place, place, table, place, place, number, number, number, number), generate


def _pattern(places: list[int]) -> Any:
    return _ir.Constant(_ir.VectorType(_ir.IntType(32), len(places)), places)


def _moved(builder: Any, runs: _Runs, places: list[int]) -> _Runs:
    """Give every bar the run of another one."""
    return _Runs(*(builder.shuffle_vector(column, column, _pattern(places)) for column in runs))


def _chosen(builder: Any, wanted: list[bool], runs: _Runs, others: _Runs) -> _Runs:
    """Take the runs where they are wanted, elsewhere the others."""
    pattern = _pattern([i if wanted[i] else EIGHT + i for i in range(EIGHT)])
    return _Runs(*(builder.shuffle_vector(one, other, pattern) for one, other in zip(runs, others, strict=True)))


def _joined(builder: Any, first: _Runs, second: _Runs) -> _Runs:
    """Put runs behind others, as ``drawdown.join`` does. The inverse of the larger one is the smaller inverse, rounding and all; a fall is rounded twice."""

    def pick(sign: str, one: Any, other: Any) -> Any:
        return builder.select(builder.fcmp_ordered(sign, one, other), one, other)

    return _Runs(
        pick(">", first.high, second.high),
        pick("<", first.low, second.low),
        pick("<", builder.fmul(second.low, first.inverse), pick("<", first.fall, second.fall)),
        pick("<", first.inverse, second.inverse),
    )


def _alone(builder: Any, joined: _Runs, mine: _Runs, alone: list[bool]) -> _Runs:
    """Put right what was joined to itself: of which only the fall is then another one."""
    pattern = _pattern([EIGHT + i if alone[i] else i for i in range(EIGHT)])
    return joined._replace(fall=builder.shuffle_vector(joined.fall, mine.fall, pattern))


def _store_rows(builder: Any, target: Any, row: Any, runs: _Runs) -> None:
    """Store eight rows of high, low and fall.

    By pairs of numbers, of an even bar e and the odd bar o behind it: (high e, low e), (fall e, high o), (low o, fall o) are what lies one behind the other.
    """
    even, odd = range(0, EIGHT, 2), range(1, EIGHT, 2)

    def paired(one: Any, ones: range, other: Any, others: range) -> Any:
        places = [place for i, j in zip(ones, others, strict=True) for place in (i, EIGHT + j)]
        return builder.shuffle_vector(one, other, _pattern(places))

    pairs = (
        paired(runs.high, even, runs.low, even),
        paired(runs.fall, even, runs.high, odd),
        paired(runs.low, odd, runs.fall, odd),
    )
    form = _ir.VectorType(_ir.DoubleType(), _WIDE)
    for number in range(0, ROW * EIGHT, _WIDE):
        (bar, one), (next_bar, other) = (divmod(number // 2 + i, ROW) for i in range(2))
        places = [2 * bar, 2 * bar + 1, EIGHT + 2 * next_bar, EIGHT + 2 * next_bar + 1]
        part = builder.shuffle_vector(pairs[one], pairs[other], _pattern(places))
        where = builder.gep(target, [builder.add(row, _ir.Constant(row.type, number))])
        builder.store(part, builder.bitcast(where, form.as_pointer()), align=8)
