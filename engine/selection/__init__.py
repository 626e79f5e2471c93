"""How much of the best result of a sweep is luck.

::

    trials    the returns of every setting on the same days
"""
