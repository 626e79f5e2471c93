"""How much of the best cell of a sweep is luck.

Every statistic is defined in ``docs/selection.md``, with its paper; where one is not defined it is nan, and a sentence beside it says why.

::

    trials        the returns of every setting on the same days
    candidates    all settings of a sweep, in one pass over their returns
    sharpe        the Sharpe ratio of one backtest, and what it has to beat if it is the best of many
    effective     how many independent trials a sweep amounts to
    overfitting   does the best half of the days pick what is good in the other half (CSCV, PBO)
    plateau       the neighbours of a cell on the grid, and the middle of the widest plateau
    surfaces      the values of a grid as its input
    verdict       all of these together, and what they come to
    cells         the little that the cells tell without prices
    judging       luck(): from a sweep to its verdict

Markets in which there is nothing to find::

    markets       the days of a market in another order
    searches      the best that a search of the grid finds in a market
    sequential    p-values of resampling, and when it may stop
    permutation   the permutation test of a whole sweep
    luck          its result
    excess        what settings earned above a benchmark
    snooping      reality check, superior predictive ability, StepM

Choosing on some days and trading on others::

    folds              which days are chosen on, and which are tested
    choosing           selection rules: from the returns of a training to a setting
    stitching          settings that follow each other in one account, with costs at the seams
    walkforward        choose on the past, trade the days after, choose again
    crossvalidation    combinatorial purged cross-validation: a distribution of paths

What else a pick has to stand::

    picks         one setting on one symbol, or on all together, and its numbers
    sensitivity   the pick with one thing changed at a time
    ledger        what was tried on the same prices before; ledger_lines reads and counts, ledger_notes says what a sweep is
"""
