"""Comparisons of doubles, 64 bars into one word; written for LLVM like ``vectors``, and held to plain Python by ``tests/test_signals.py``."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.core import cgutils

from engine.kernels._jit import inline_code
from engine.kernels.machine import WORD, spread

__all__ = ["words_beyond"]

_ir: Any = cgutils.ir  # type: ignore[attr-defined]
_LANES = 8
"""Doubles in a vector of AVX-512; LLVM cuts it where a processor has shorter ones."""


@inline_code
def words_beyond(_context: Any, row: Any, _other: Any, _place: Any, _more: Any, _less: Any) -> Any:
    """Compare 64 numbers of two rows from ``place`` on, float64 (at least place + 64,) each: two words.

    Bit i of the first says row > other * more, of the second row < other * less; both are 0 where one is nan. numba's own loop takes each bar by itself.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first, second, place, more, less = arguments
        double, word = _ir.DoubleType(), _ir.IntType(WORD)
        vector = _ir.VectorType(double, _LANES)
        sources = [
            context.make_array(signature.args[i])(context, builder, array).data
            for i, array in ((0, first), (1, second))
        ]

        factors = [spread(builder, factor, _LANES) for factor in (more, less)]
        words = [_ir.Constant(word, 0), _ir.Constant(word, 0)]
        for part in range(WORD // _LANES):
            at = builder.add(place, _ir.Constant(place.type, _LANES * part))
            one, other = (
                builder.load(builder.bitcast(builder.gep(source, [at]), vector.as_pointer()), align=8)
                for source in sources
            )
            for i, sign in enumerate((">", "<")):
                chosen = builder.fcmp_ordered(sign, one, builder.fmul(other, factors[i]))
                bits = builder.zext(builder.bitcast(chosen, _ir.IntType(_LANES)), word)
                words[i] = builder.or_(words[i], builder.shl(bits, _ir.Constant(word, _LANES * part)))
        return context.make_tuple(builder, signature.return_type, words)

    pair, number = types.UniTuple(types.uint64, 2), types.float64  # type: ignore[no-untyped-call]
    return pair(row, row, types.intp, number, number), generate
