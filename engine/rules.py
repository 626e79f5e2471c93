"""Classic sets of rules, ready to be swept: ``for rule in engine.rules.brock_lakonishok_lebaron(): rule.sweep(prices)``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from engine.requirements import require_choice
from engine.signals import Signal

if TYPE_CHECKING:
    from engine.prices.history import Prices
    from engine.sweeping import SweepResult

__all__ = ["Kind", "Rule", "brock_lakonishok_lebaron"]

Kind = Literal["variable", "fixed"]


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


def brock_lakonishok_lebaron(kind: Kind = "variable") -> tuple[Rule, ...]:
    """Give the ten moving average rules of Brock, Lakonishok and LeBaron, of variable or of fixed length.

    Parameters
    ----------
    kind : {"variable", "fixed"}
        A position lasts until the averages cross again (VMA), or for ten bars (FMA).

    Returns
    -------
    tuple of Rule
        Pairs (1, 50), (1, 150), (5, 150), (1, 200) and (2, 200) of simple averages, each with no band and with one of 1 percent.

    Raises
    ------
    InputError

    Notes
    -----
    "Simple Technical Trading Rules and the Stochastic Properties of Stock Returns", Journal of Finance 47 (1992), tables II and III. What differs from the paper, which compares the returns after buy and after
    sell signals, is in ``docs/signals.md``.
    """
    require_choice("kind", kind, get_args(Kind))
    pairs = ((1, 50), (1, 150), (5, 150), (1, 200), (2, 200))
    name, hold = ("VMA", 0) if kind == "variable" else ("FMA", 10)
    return tuple(
        Rule(f"{name} ({fast}, {slow}, {band:g})", fast, slow, Signal(band=band, hold=hold))
        for fast, slow in pairs
        for band in (0.0, 0.01)
    )
