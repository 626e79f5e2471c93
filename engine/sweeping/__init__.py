"""Every symbol x pair x stop.

::

    blocks    a grid in the form of the kernels: pairs in rectangles that fit the cache, stops in columns
    cells     a part of the grid on one symbol, by the fast way, or by the plain loop where that does not reach
    tasks     a sweep cut into pieces: runs of symbols that threads share, or parts of the grid that each has for itself
    threads   pieces on all cores, in order, with progress and Ctrl-C
    telling   who is told how far it is: a function, a bar, nobody
    spans     the fast way through some symbols
    signalled the same for signals other than the golden cross
    plain     the other ways
    facade    sweep(): settings, symbols, where the cells go
"""

from engine.sweeping.cells import takes_fast_way
from engine.sweeping.facade import SweepInterruptedError, SweepResult, sweep

__all__ = ["SweepInterruptedError", "SweepResult", "sweep", "takes_fast_way"]
