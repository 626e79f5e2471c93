"""The tables of the config file. Every key is checked, none may be unknown; what two tables say about each other is checked in ``Config``."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from engine.settings import AtrKind, StopKind, TrailingStop

__all__ = [
    "Account",
    "Config",
    "Gateway",
    "Instrument",
    "Paths",
    "Rules",
    "RunTime",
    "TradeLimits",
    "is_isin",
    "looks_like_isin",
]

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PORTS = {"paper": (4002, 7497), "live": (4001, 7496)}
"""Of the gateway and of the workstation, as they are installed."""
_MOST_RISK = 0.05
_MESSAGES_PER_SHARE, _MESSAGES_PER_SECOND = 4, 45
"""Contract, market rule, bars and an order; and what the broker takes, which ib_async keeps to."""

Money = Annotated[float, Field(gt=0, lt=1e15, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)]


def _tuple(given: object) -> object:
    """Take TOML's list for a tuple."""
    return tuple(given) if isinstance(given, list) else given


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def is_isin(text: str) -> bool:
    """Tell whether a text has the form of an ISIN, check digit included."""
    if not re.fullmatch(r"[A-Z]{2}[A-Z0-9]{9}[0-9]", text):
        return False
    digits = "".join(str(int(character, 36)) for character in text)
    doubled = [int(digit) * (2 if i % 2 else 1) for i, digit in enumerate(reversed(digits))]
    return sum(number // 10 + number % 10 for number in doubled) % 10 == 0


def looks_like_isin(text: str) -> bool:
    """Tell whether a text is meant as an ISIN, be its check digit right or wrong; no symbol of the exchange looks so."""
    return re.fullmatch(r"[A-Za-z]{2}[A-Za-z0-9]{9}[0-9]", text) is not None


class Gateway(_Table):
    """Where the gateway is: on this machine only, since the protocol has no password."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)]
    client_id: Annotated[int, Field(ge=1, le=9999)] = 7
    connect_seconds: Seconds = 15.0
    answer_seconds: Seconds = 10.0
    bars_seconds: Seconds = 60.0

    @field_validator("host")
    @classmethod
    def _on_this_machine(cls, host: str) -> str:
        if host not in _LOOPBACK:
            raise ValueError(f"{host!r} is another machine; the gateway must run on this one: 127.0.0.1")
        return host


class Account(_Table):
    """Of which kind the account is; its id is not in the file."""

    mode: Literal["paper", "live"] = "paper"


class Instrument(_Table):
    """One share."""

    isin: str
    symbol: Annotated[str, Field(min_length=1)]
    exchange: Literal["NSE"] = "NSE"
    currency: Literal["INR"] = "INR"
    closing_auction: bool
    lot: Annotated[int, Field(ge=1)] = 1

    @field_validator("isin")
    @classmethod
    def _is_an_isin(cls, isin: str) -> str:
        if not is_isin(isin):
            raise ValueError(
                f"{isin!r} is no ISIN, or its check digit is wrong; copy it again from the exchange's list"
            )
        return isin


class Rules(_Table):
    """When to buy and sell, and how much."""

    fast: Annotated[int, Field(ge=1)] = 50
    slow: Annotated[int, Field(ge=2)] = 200
    stop_multiple: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] = 3.0
    stop_window: Annotated[int, Field(ge=1)] = 14
    stop_kind: StopKind = "fixed"
    stop_average: AtrKind = "sma"
    risk: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.02
    allow_high_risk: bool = False
    max_positions: Annotated[int, Field(ge=1)] = 5
    max_weight: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 0.2
    priority: Literal["strongest", "alphabetical"] | Annotated[tuple[str, ...], BeforeValidator(_tuple)] = "strongest"

    @model_validator(mode="after")
    def _make_sense(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError(f"fast is {self.fast} and slow {self.slow}; fast must be the shorter one")
        if self.risk > _MOST_RISK and not self.allow_high_risk:
            raise ValueError(
                f"risk is {self.risk:g}, {self.risk:.0%} of equity on every position; take {_MOST_RISK:g} or less, or set allow_high_risk = true"
            )
        return self

    @property
    def stop(self) -> TrailingStop:
        """The engine's form of the stop."""
        return TrailingStop(self.stop_multiple, self.stop_window, self.stop_average, self.stop_kind)


class TradeLimits(_Table):
    """What no day may exceed, in currency where nothing else is said."""

    max_orders_per_day: Annotated[int, Field(ge=1, le=1000)]
    max_order_notional: Money
    max_day_notional: Money
    max_daily_loss: Money
    price_band_percent: Annotated[float, Field(gt=0, le=20, allow_inf_nan=False)]

    @model_validator(mode="after")
    def _make_sense(self) -> Self:
        if self.max_order_notional > self.max_day_notional:
            raise ValueError(
                f"max_order_notional is {self.max_order_notional:g}, more than max_day_notional, {self.max_day_notional:g}"
            )
        return self


class RunTime(_Table):
    """When the bot runs: so many minutes before the last moment at which a share can be bought together with a stop."""

    minutes_before_last_entry: Annotated[int, Field(ge=2, le=120)] = 5

    @property
    def before(self) -> timedelta:
        """The same as a duration."""
        return timedelta(minutes=self.minutes_before_last_entry)


class Paths(_Table):
    """Where the journal and the halt file are, the log, and a table of ISINs, if there are such."""

    journal: Annotated[Path, Field(strict=False)]
    halt: Annotated[Path, Field(strict=False)]
    log: Annotated[Path | None, Field(strict=False)] = None
    isins: Annotated[Path | None, Field(strict=False)] = None

    @model_validator(mode="after")
    def _differ(self) -> Self:
        named = {"journal": self.journal, "halt": self.halt, **({"log": self.log} if self.log else {})}
        for (name, path), (other, same) in combinations(named.items(), 2):
            if path == same:
                raise ValueError(f"{name} and {other} are both {path}; the {other} file must be one of its own")
        return self

    def within(self, folder: Path) -> Paths:
        """Give absolute paths; relative ones are those of a folder."""

        def absolute(path: Path) -> Path:
            return (folder / path.expanduser()).absolute()

        log, isins = (absolute(path) if path else None for path in (self.log, self.isins))
        return Paths(journal=absolute(self.journal), halt=absolute(self.halt), log=log, isins=isins)


class Config(_Table):
    """All that the bot may do."""

    gateway: Gateway
    account: Account = Account()
    rules: Rules = Rules()
    limits: TradeLimits
    run: RunTime = RunTime()
    paths: Paths
    instruments: Annotated[tuple[Instrument, ...], BeforeValidator(_tuple), Field(min_length=1)]

    @model_validator(mode="after")
    def _agree(self) -> Self:
        mode, port = self.account.mode, self.gateway.port
        if port in _PORTS["live" if mode == "paper" else "paper"]:
            raise ValueError(
                f"gateway.port {port} is not one of a {mode} account; take {_PORTS[mode][0]}, or change mode"
            )
        seconds = len(self.instruments) * _MESSAGES_PER_SHARE / _MESSAGES_PER_SECOND
        if seconds > self.run.before.total_seconds() / 2:
            raise ValueError(
                f"{len(self.instruments):,} instruments take some {seconds:,.0f} seconds of messages, more than half of "
                f"run.minutes_before_last_entry; begin earlier, or name fewer"
            )
        for name in ("isin", "symbol"):
            twice = [value for value, n in Counter(getattr(each, name) for each in self.instruments).items() if n > 1]
            if twice:
                raise ValueError(f"instruments: {name} {twice[0]} is there twice; name every share once")
        if not isinstance(self.rules.priority, str):
            unknown = set(self.rules.priority) - {each.symbol for each in self.instruments}
            if unknown or len(set(self.rules.priority)) < len(self.rules.priority):
                raise ValueError("rules.priority must name symbols of the instruments, every one once")
        return self

    def describe(self) -> list[str]:
        """Say in plain words what the bot would do, one fact a line."""
        from live.describe import describe  # noqa: PLC0415  it needs this class

        return describe(self)
