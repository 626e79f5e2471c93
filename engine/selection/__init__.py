"""How much of the best result of a sweep is luck.

::

    trials             the returns of every setting on the same days
    folds              which days are chosen on, and which are tested
    choosing           selection rules: from the returns of a training to a setting
    stitching          settings that follow each other in one account, with costs at the seams
    walkforward        choose on the past, trade the days after, choose again
    crossvalidation    combinatorial purged cross-validation: a distribution of paths
"""
