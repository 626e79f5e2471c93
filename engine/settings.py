"""How a backtest trades: stop, costs, fills, sizes. Everything is checked here, once, before any work.

The meaning of each setting is in ``docs/contract.md``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from engine.costs.plain import Costs
from engine.costs.schedule import CostSchedule
from engine.errors import InputError
from engine.kernels import position as rules
from engine.kernels.charges import DatedCharges
from engine.kernels.sessions import Sessions
from engine.limits import LEAST_LOT, MOST_WINDOW
from engine.requirements import require_choice, require_number, require_time_of_day, require_whole
from engine.signals import GOLDEN_CROSS, Signal

__all__ = [
    "AtrKind",
    "Costs",
    "Direction",
    "Fill",
    "Intrabar",
    "Settings",
    "Signal",
    "Sizing",
    "StopKind",
    "TrailingStop",
    "require_choice",
    "require_number",
]

Fill = Literal["next_open", "close"]
Intrabar = Literal["stop_first", "high_first", "both"]
Direction = Literal["long_only", "long_short"]
Sizing = Literal["all_in", "all_in_lots", "risk"]
AtrKind = Literal["sma", "wilder"]
StopKind = Literal["fixed", "chandelier"]

_CHOICES = {
    name: get_args(kind)
    for name, kind in (("fill", Fill), ("intrabar", Intrabar), ("direction", Direction), ("sizing", Sizing))
}
_SIZING_CODE = {"all_in": rules.ALL_IN, "all_in_lots": rules.ALL_IN_LOTS, "risk": rules.RISK}


def _set(target: object, name: str, value: object) -> None:
    object.__setattr__(target, name, value)


@dataclass(frozen=True)
class TrailingStop:
    """A stop that follows the highest price since entry at a distance of ``multiple`` ATRs.

    Parameters
    ----------
    multiple : float
        More than 0.
    atr_window : int
        Bars, at least 1.
    atr : {"sma", "wilder"}
        Mean of the last true ranges (default, finite memory) or Wilder's smoothing.
    kind : {"fixed", "chandelier"}
        Distance fixed at entry, as a broker's TRAIL order with an amount; or following the ATR of each bar, never downwards.

    Raises
    ------
    InputError
    """

    multiple: float = 3.0
    atr_window: int = 14
    atr: AtrKind = "sma"
    kind: StopKind = "fixed"

    def __post_init__(self) -> None:
        _set(self, "multiple", require_number("stop multiple", self.multiple, above=0, most=1e6))
        require_whole("ATR window", self.atr_window, least=1)
        if self.atr_window > MOST_WINDOW:
            raise InputError(f"ATR window is {self.atr_window:,}; exact averages go up to {MOST_WINDOW:,} bars")
        require_choice("ATR kind", self.atr, get_args(AtrKind))
        require_choice("stop kind", self.kind, get_args(StopKind))


@dataclass(frozen=True)
class Settings:
    """Everything about a backtest but the prices, the windows of the averages and the stop.

    Parameters
    ----------
    fill : {"next_open", "close"}
    intrabar : {"stop_first", "high_first", "both"}
    direction : {"long_only", "long_short"}
    capital : float
        Currency, for every symbol its own.
    sizing : {"all_in", "all_in_lots", "risk"}
    costs : Costs or CostSchedule
        One rate and one fee on every day, or dated rates, such as ``engine.costs.nse_delivery()``.
    lot : float
        Shares that can only be bought together; more than 0.
    bars_per_year : float
    risk : float
        Fraction of equity that ``sizing="risk"`` loses if the stop is hit; between 0 and 1.
    signal : Signal
        What makes a cross; without it the contract's golden cross.
    flatten : str or None
        When everything is sold, so that nothing is held overnight: "session", at the close of the last bar of each day, or a time of day such as "15:20".
        None holds overnight. See ``docs/intraday.md``.

    Raises
    ------
    InputError
    """

    fill: Fill = "next_open"
    intrabar: Intrabar = "stop_first"
    direction: Direction = "long_only"
    capital: float = 100_000.0
    sizing: Sizing = "all_in"
    costs: Costs | CostSchedule = field(default_factory=Costs)
    lot: float = 1.0
    bars_per_year: float = 252.0
    risk: float = 0.02
    signal: Signal = GOLDEN_CROSS
    flatten: str | None = None

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            require_choice(name, getattr(self, name), choices)
        if not isinstance(self.costs, Costs | CostSchedule):
            raise InputError(f"costs is {self.costs!r}; it must be engine.Costs(...), or from engine.costs")
        if not isinstance(self.signal, Signal):
            raise InputError(f"signal is {self.signal!r}; it must be engine.Signal(...)")
        for name in ("capital", "lot", "bars_per_year", "risk"):
            _set(self, name, require_number(name.replace("_", " "), getattr(self, name), above=0))
        require_number("capital", self.capital, least=1e-6, most=1e15)  # beyond, a double does not know the paisa
        require_number("bars per year", self.bars_per_year, least=1e-3, most=1e9)
        if self.flatten is not None:
            require_time_of_day(self.flatten)
        require_number("lot", self.lot, least=LEAST_LOT)
        if self.risk > 1:
            raise InputError(f"risk is {self.risk!r}; it is a fraction of equity, 0.02 is 2 percent")

    @classmethod
    def of(cls, *values: Any) -> Settings:
        """Make them of all values in their order, or give those that were made of the same ones before: to check them takes as long as 100 cells of a sweep."""
        try:
            return _remembered(*values)
        except TypeError:  # a value that cannot be a key, such as a list: it is refused below in words
            return cls(*values)

    def require(self, stops: tuple[TrailingStop | None, ...]) -> None:
        """Check that these stops can go with these settings.

        Raises
        ------
        InputError
            Risk sizing without a stop; long/short with a stop, costs, sizing, confirmation or hold; stops of different kinds.
        """
        if self.sizing == "risk" and None in stops:
            raise InputError(
                "sizing 'risk' needs a stop: the size follows from the stop distance; give a stop, or use 'all_in'"
            )
        if self.direction == "long_short" and (
            any(stops) or self.costs != Costs() or self.sizing != "all_in" or self.intrabar != "stop_first"
        ):
            raise InputError("direction 'long_short' is defined without costs, stop or sizing; leave them out")
        if self.direction == "long_short" and self.flatten is not None:
            raise InputError("direction 'long_short' is always in the market; leave flatten out")
        if self.direction == "long_short" and self.signal.confirm is not None:
            raise InputError(
                "a confirmation is for golden crosses, but 'long_short' goes by sides; leave one of them out"
            )
        if self.direction == "long_short" and self.signal.hold:
            raise InputError(
                "a hold is for positions that a golden cross opens, but 'long_short' goes by sides; leave one of them out"
            )
        if len({(stop.atr, stop.kind) for stop in stops if stop}) > 1:
            raise InputError("the stops of one sweep must share the kind of stop and of ATR; run one sweep for each")

    def kernel_rules(
        self,
        stop: TrailingStop | None,
        dates: NDArray[np.datetime64] | None = None,
        sessions: Sessions | None = None,
    ) -> rules.Rules:
        """Give the compiled core's form of these settings; every field has the declared type, so that one version is compiled.

        Parameters
        ----------
        stop : TrailingStop or None
        dates : datetime64 (T,) or None
            Of the bars; needed if the costs are a schedule.
        sessions : Sessions or None
            Of the bars; needed if there is a ``flatten``, see ``flattening.sessions_of``.
        """
        if (self.flatten is None) != (sessions is None):
            raise InputError("flatten and the sessions of the bars go together")
        costs, charges = self.costs, None
        if isinstance(costs, CostSchedule):
            if dates is None:
                raise InputError("costs with dates need the dates of the bars")
            charges, costs = DatedCharges(*costs.rows(dates)), Costs(slippage=costs.slippage)
        return rules.Rules(
            fill_at_close=self.fill == "close",
            high_first=self.intrabar == "high_first",
            chandelier=stop is not None and stop.kind == "chandelier",
            multiple=stop.multiple if stop else math.nan,
            sizing=_SIZING_CODE[self.sizing],
            risk=self.risk,
            lot=self.lot,
            costs=rules.CostRates(costs.rate, costs.fixed, costs.minimum, costs.slippage),
            tick=rules.Tick(0.0, 1.0),
            charges=charges,
            sessions=sessions,
        )

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON; ``flatten`` only where there is one, so that results from before it are still the same."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        if self.flatten is None:
            del fields["flatten"]
        return {**fields, "costs": self.costs.to_dict(), "signal": self.signal.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """Read what ``to_dict`` gave; before there were signals, everything was the golden cross, and before there was ``flatten``, held overnight."""
        kind: type[Costs | CostSchedule] = CostSchedule if "rates" in values["costs"] else Costs
        signal = Signal.from_dict(values["signal"]) if "signal" in values else GOLDEN_CROSS
        return cls(**{**values, "costs": kind.from_dict(values["costs"]), "signal": signal})


@lru_cache(maxsize=64, typed=True)
def _remembered(*values: Any) -> Settings:
    """Make settings; 1 and True are not the same here, of which only one is a number."""
    return Settings(*values)
