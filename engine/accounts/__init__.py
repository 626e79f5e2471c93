"""One account that many symbols share: ``engine.portfolio`` and ``engine.sweep_portfolio``.

::

    market       the bars of all symbols on the account's days, and their signals
    facade       one portfolio                                              -> PortfolioResult
    sweep        a portfolio for every pair and stop                        -> PortfolioSweep

The rules in words are in ``docs/portfolio.md``.
"""
