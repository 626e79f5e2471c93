"""How fast it is, beside everything else that can do the same work.

::

    jobs         what is timed: symbols, pairs, stops, fills
    peers        the table of those who do it, held to ours by tests/test_bench.py
    agreement    outputs compared cell by cell, before anything is timed
    clock        one pinned core, best of several, in turns
    rates        what is timed in this process
    processes    what needs a fresh process each: imports, first answers, memory, cores (child)
    facts        the numbers; losses among them
    writing      sentences and Markdown
    decision     the bot: from the last bars to the wire
    gate         the ratios that CI holds us to
    test_*       our own kernels under pytest-benchmark

``python -m bench`` runs it all, ``--short`` what matters most, ``--gate`` what CI needs; ``pytest bench --benchmark-enable`` times the parts.
"""
