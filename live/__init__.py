"""The live bridge: the latest bars through the very same kernels as the backtest.

::

    bars -> engine.kernels -> decision -> sizing -> orders -> broker -> journal

So far it has the decision: what the strategy asks for after the last bar. Nothing here can send an order yet.
"""

from live.decision import Decision, decide

__all__ = ["Decision", "decide"]
