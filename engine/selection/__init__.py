"""How much of the best result of a sweep is luck.

::

    trials          the returns of every setting on the same days
    picks           a pick of a sweep, and its numbers with any settings
    sensitivity     what becomes of a pick if one thing is changed
    ledger          how much was tried before on the same prices
    ledger_lines    its lines, and how many different trials they make
    ledger_notes    from the result of a sweep to its line
"""
