"""How much of the best result of a sweep is luck.

::

    trials          the returns of every setting on the same days
    sensitivity     what becomes of a pick if one thing is changed
    ledger          how much was tried before on the same prices
    ledger_lines    what is noted of a sweep, and how many different trials that makes
"""
