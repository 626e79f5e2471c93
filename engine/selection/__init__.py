"""How much of the best cell of a sweep is luck.

Every statistic is defined in ``docs/selection.md``, with its paper; where one is not defined it is nan, and a sentence beside it says why.

::

    trials        the returns of every setting on the same days
    sharpe        the Sharpe ratio of one backtest, and what it has to beat if it is the best of many
    effective     how many independent trials a sweep amounts to
    overfitting   does the best half of the days pick what is good in the other half (CSCV, PBO)
    plateau       the neighbours of a cell on the grid, and the middle of the widest plateau
"""
