"""What makes a golden or a death cross: which averages, and what else has to be true. Every definition is in ``docs/signals.md``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from engine.errors import InputError
from engine.limits import MOST_WINDOW
from engine.requirements import require_choice, require_number, require_whole

__all__ = ["GOLDEN_CROSS", "Adx", "Average", "Confirmation", "Rsi", "Signal"]

Average = Literal["sma", "ema", "wma"]


@dataclass(frozen=True)
class Rsi:
    """A golden cross counts only where the relative strength index of its bar is above a level.

    Parameters
    ----------
    window : int
        Bars, at least 1.
    above : float
        From 0 to below 100.

    Raises
    ------
    InputError
    """

    window: int = 14
    above: float = 50.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "above", _checked("RSI", self.window, self.above))

    @property
    def bars(self) -> int:
        """Bars up to the first on which it is defined, that one included."""
        return self.window + 1


@dataclass(frozen=True)
class Adx:
    """A golden cross counts only where the average directional index of its bar is above a level; as ``Rsi``."""

    window: int = 14
    above: float = 25.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "above", _checked("ADX", self.window, self.above))

    @property
    def bars(self) -> int:
        """Bars up to the first on which it is defined, that one included."""
        return 2 * self.window


Confirmation = Rsi | Adx
_CONFIRMATIONS: dict[str, type[Confirmation]] = {"rsi": Rsi, "adx": Adx}


def _checked(name: str, window: int, above: object) -> float:
    """Check a confirmation, and give its level as a float."""
    require_whole(f"{name} window", window, least=1, most=MOST_WINDOW)
    level = require_number(f"{name} level", above, least=0)
    if not level < 100:
        raise InputError(f"{name} level is {above!r}; the index goes from 0 to 100, so nothing would ever be above it")
    return level


@dataclass(frozen=True)
class Signal:
    """What makes a cross; as it is given here, the golden cross of the contract.

    The pair of windows (1, w) is the close itself against one average, since an average over one bar is its close.

    Parameters
    ----------
    average : {"sma", "ema", "wma"}
        Simple, exponential or linearly weighted, for both windows.
    band : float
        Fraction of the slow average that the fast one has to be beyond it before the side changes; from 0 to below 1.
    delay : int
        Bars that a side has to last after its first, before it counts.
    confirm : Rsi, Adx or None
        What a golden cross needs besides.
    hold : int
        Bars from a golden cross to the death cross that ends its position; every cross in between is ignored. 0 is none: the averages make the death cross.

    Raises
    ------
    InputError
    """

    average: Average = "sma"
    band: float = 0.0
    delay: int = 0
    confirm: Confirmation | None = None
    hold: int = 0

    def __post_init__(self) -> None:
        require_choice("average", self.average, get_args(Average))
        object.__setattr__(self, "band", require_number("band", self.band, least=0))
        if not self.band < 1:
            raise InputError(f"band is {self.band!r}; it is a fraction of the slow average, 0.01 is 1 percent")
        require_whole("delay", self.delay, least=0, most=MOST_WINDOW)
        require_whole("hold", self.hold, least=0, most=MOST_WINDOW)
        if self.confirm is not None and not isinstance(self.confirm, Rsi | Adx):
            raise InputError(f"confirm is {self.confirm!r}; it must be engine.Rsi(...), engine.Adx(...) or None")

    @property
    def is_golden_cross(self) -> bool:
        """Whether this is the contract's golden cross and nothing else."""
        return self is GOLDEN_CROSS or self == GOLDEN_CROSS

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON; ``hold`` only where there is one, so that results from before it are still the same."""
        confirm = self.confirm
        named = None if confirm is None else {"kind": type(confirm).__name__.lower(), **asdict(confirm)}
        hold = {"hold": self.hold} if self.hold else {}
        return {"average": self.average, "band": self.band, "delay": self.delay, "confirm": named, **hold}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Signal:
        """Read what ``to_dict`` gave."""
        named = values["confirm"]
        if named is None:
            return cls(**values)
        arguments = {name: value for name, value in named.items() if name != "kind"}
        return cls(**{**values, "confirm": _CONFIRMATIONS[named["kind"]](**arguments)})


GOLDEN_CROSS = Signal()
"""That of the contract."""
