"""The compiled core: arrays in, arrays out, numpy and numba only.

::

    exact        sums of a window that depend on nothing but the window
    indicators   SMA, true range, ATR                      (T,) -> (T,)
    crosses      which average is above, golden and death crosses
    position     THE trading rules: fills, costs, sizes, stops, one position
    loop         the plain bar loop over those rules; long/short; tiles of a sweep
    bits         the crosses of a pair, 64 bars at a time
    fast         the fast sweep: trade by trade instead of bar by bar, by the same rules
    metrics      equity and trades -> the numbers of the contract

A rule is a small scalar function marked ``@rule``; a kernel is a loop over rules marked ``@kernel``. Kernels never raise and never repair: the
facade (``engine.backtesting``, ``engine.sweeping``) gives them only prices that the validation let through. Shapes: T bars of one symbol.
"""
