"""From the text of an option to windows, stops and names; whatever makes no sense is an InputError in one line."""

from __future__ import annotations

from datetime import date
from typing import Any, get_args

from engine.errors import InputError
from engine.settings import AtrKind, StopKind, TrailingStop
from engine.signals import Adx, Confirmation, Rsi

__all__ = ["parse_confirmation", "parse_day", "parse_names", "parse_stops", "parse_table", "pick"]


def parse_stops(text: str, atr_window: int, atr: str, kind: str) -> list[TrailingStop | None]:
    """Read stops: multiples of the ATR such as ``3`` or ``none,2,3,4``.

    Raises
    ------
    InputError
    """
    stops: list[TrailingStop | None] = []
    for part in text.split(","):
        if part.strip().lower() == "none":
            stops.append(None)
            continue
        try:
            multiple = float(part)
        except ValueError:
            raise InputError(f"--stop {text}: {part!r} is not a number; write 3 or 2,3,4 or none,2,3") from None
        stops.append(
            TrailingStop(multiple, atr_window, pick("--atr", atr, AtrKind), pick("--stop-kind", kind, StopKind))
        )
    return stops


def parse_confirmation(text: str) -> Confirmation | None:
    """Read a confirmation: ``none``, ``rsi:14:50`` or ``adx:14:25``, which are window and level; either may be left out.

    Raises
    ------
    InputError
    """
    name, *numbers = text.strip().lower().split(":")
    if name == "none" and not numbers:
        return None
    if name not in ("rsi", "adx") or len(numbers) > 2:
        raise InputError(f"--confirm {text}: it must be none, or an index, its bars and its level, such as rsi:14:50")
    try:
        given = {
            key: kind(number) for key, kind, number in zip(("window", "above"), (int, float), numbers, strict=False)
        }
    except ValueError:
        raise InputError(f"--confirm {text}: bars and level must be numbers, such as rsi:14:50") from None
    return Rsi(**given) if name == "rsi" else Adx(**given)


def parse_names(text: str | None) -> list[str]:
    """Read a list of names separated by commas."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def parse_table(option: str, text: str) -> float | dict[str, float] | None:
    """Read one number for all symbols, or ``SBIN=5,TCS=10``; nothing is None.

    Raises
    ------
    InputError
    """
    try:
        if "=" not in text:
            return float(text) if text else None
        pairs = [part.split("=") for part in parse_names(text)]
        if len({symbol for symbol, *_ in pairs}) < len(pairs):
            raise InputError(f"{option} {text}: a symbol is given twice")
        return {symbol.strip(): float(value) for symbol, value in pairs}
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{option} {text}: write one number for all symbols, or SBIN=5,TCS=10") from None


def pick(option: str, value: str, choices: Any) -> Any:
    """Check a value against the choices of a Literal type; dashes and underscores are the same.

    Raises
    ------
    InputError
    """
    wanted = value.replace("-", "_").lower()
    known = get_args(choices)
    if wanted not in known:
        raise InputError(f"{option} {value}: it must be one of: {', '.join(known)}")
    return wanted


def parse_day(option: str, text: str) -> date:
    """Read one date.

    Raises
    ------
    InputError
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option} {text!r}: it must be a date, such as 2021-07-01") from None
