"""A power of positive numbers, for many accounts at once: 11 cycles each as vectors; the C library's takes 40, one number after the other.

::

    base = m * 2^e, m in [0.7, 1.4]      log m = 2 s (1 + s^2/3 + s^4/5 + ...), s = (m - 1) / (m + 1)
    z = k log 2 + r, r in [-0.35, 0.35]  exp z = 2^k (1 + r + r^2/2 + r^3/6 + ...)

Both series are taken as far as they move the last place. The error is that of z, a unit or two in its last place, so 1e-13 of a power in the hundreds of orders and
1e-15 of one near 1 (``tests/test_fast_parts.py``). A power that a double does not reach comes out as inf or 0.
"""

from __future__ import annotations

import numpy as np

from engine.kernels._jit import rule
from engine.kernels.machine import ROUND, bits_of, double_of, fused

__all__ = ["power"]

_LOG_2, _LOG_2_REST = 0.6931471805598903, 5.497923018708371e-14
"""Sum to log 2; the first has 42 bits, so that its product with a whole number below 2^11 is exact."""
_LOWEST, _HIGHEST = -708.0, 709.0


@rule
def log_of(base: float) -> float:
    """Natural logarithm of a positive number that is not subnormal."""
    half = np.uint64(0x3FE6A09E667F3BCD)  # sqrt(1/2): the mantissa is put above it
    bits = bits_of(base)
    shift = (bits - half) >> np.uint64(52)  # modulo 2^12
    whole = ((shift ^ np.uint64(0x800)) & np.uint64(0xFFF)) | np.uint64(
        0x4330000000000000
    )  # as a double: 2^52 + 2^11 + e
    exponent = double_of(whole) - (4503599627370496.0 + 2048.0)
    mantissa = double_of(bits - (shift << np.uint64(52)))
    s = (mantissa - 1.0) / (mantissa + 1.0)
    square = s * s
    series = 1.0 / 21.0
    for divisor in (19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0):
        series = fused(series, square, 1.0 / divisor)
    tail = fused(exponent, _LOG_2_REST, 2.0 * s * square * series)
    log: float = fused(exponent, _LOG_2, 2.0 * s + tail)
    return log


@rule
def exponential(z: float) -> float:
    """Give e to the power z."""
    held = min(max(z, _LOWEST), _HIGHEST)
    count = held * (1.0 / (_LOG_2 + _LOG_2_REST)) + ROUND
    k = count - ROUND
    r = fused(-k, _LOG_2_REST, fused(-k, _LOG_2, held))
    series = 1.0 / 6227020800.0
    for factor in (
        479001600.0,
        39916800.0,
        3628800.0,
        362880.0,
        40320.0,
        5040.0,
        720.0,
        120.0,
        24.0,
        6.0,
        2.0,
        1.0,
        1.0,
    ):
        series = fused(series, r, 1.0 / factor)
    scale = double_of((bits_of(count) << np.uint64(52)) + (np.uint64(1023) << np.uint64(52)))
    return 0.0 if z < _LOWEST else (np.inf if z > _HIGHEST else series * scale)


@rule
def power(base: float, exponent: float) -> float:
    """Give base ** exponent, for a base above 0."""
    return exponential(exponent * log_of(base))
