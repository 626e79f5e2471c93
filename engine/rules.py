"""Classic sets of rules, ready to be swept: ``for rule in engine.rules.brock_lakonishok_lebaron(): rule.sweep(prices)``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.signals import Signal

if TYPE_CHECKING:
    from engine.prices.history import Prices
    from engine.sweeping import SweepResult

__all__ = ["Rule", "brock_lakonishok_lebaron"]


@dataclass(frozen=True)
class Rule:
    """One pair of averages and its signal.

    Attributes
    ----------
    name : str
        As its authors have it.
    fast, slow : int
        Bars.
    signal : Signal
    """

    name: str
    fast: int
    slow: int
    signal: Signal

    def sweep(self, prices: Prices, **arguments: Any) -> SweepResult:
        """Run it on every symbol; the arguments are those of ``engine.sweep``.

        Raises
        ------
        InputError, DataError
            As ``engine.sweep``.
        """
        from engine.sweeping import sweep  # noqa: PLC0415  numba and pandas are not needed to list rules

        result: SweepResult = sweep(prices, self.fast, self.slow, signal=self.signal, **arguments)
        return result


def brock_lakonishok_lebaron() -> tuple[Rule, ...]:
    """Give the ten variable-length moving average rules of Brock, Lakonishok and LeBaron.

    Returns
    -------
    tuple of Rule
        Pairs (1, 50), (1, 150), (5, 150), (1, 200) and (2, 200) of simple averages, each with no band and with one of 1 percent.

    Notes
    -----
    "Simple Technical Trading Rules and the Stochastic Properties of Stock Returns", Journal of Finance 47 (1992), table II. Inside the band they hold nothing; a signal of ours keeps its side there, so
    with a band of 1 percent a position lasts longer than theirs (``docs/signals.md``). Their fixed-length rules leave after ten days, which needs an exit that the contract does not have; they are left out.
    """
    pairs = ((1, 50), (1, 150), (5, 150), (1, 200), (2, 200))
    return tuple(
        Rule(f"VMA ({fast}, {slow}, {band:g})", fast, slow, Signal(band=band))
        for fast, slow in pairs
        for band in (0.0, 0.01)
    )
