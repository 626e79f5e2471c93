"""The one table of peers. Tests hold every peer to ours by it, and then it is timed by it: what is timed is what was proved equal.

::

    table            the rows
    peer             what a row is
    ours             the sweep, and the engine's plain bar loop
    plain, fused     two numba loops of our own, on what ``looping`` prepares
    vectorbt_api     Portfolio.from_signals, helped by our signals
    vectorbt_guide   the same as its guide shows it
    vectorbt_kernels its bare kernels, tiled by hand
    raptor           raptorbt
    tables           pandas
    backtestingpy    backtesting.py
    given            signals and distances that the packages get for nothing
"""
