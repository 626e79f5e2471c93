"""How much of the best result of a sweep is luck.

::

    trials       the returns of every setting on the same days
    markets      the days of a market in another order: markets with nothing to find
    searches     the best that a search of the grid finds in a market
    sequential   p-values of resampling, and when it may stop
    permutation  the permutation test of a whole sweep
    luck         its result
    excess       what settings earned above a benchmark
    snooping     reality check, superior predictive ability, StepM
"""
