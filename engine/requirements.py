"""Checks that settings share."""

from __future__ import annotations

import math
import re

from engine.errors import InputError

__all__ = ["require_choice", "require_number", "require_time_of_day", "require_whole"]


def require_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """Check that a setting is one of its choices; ``InputError`` if not."""
    if value not in choices:
        raise InputError(f"{name} is {value!r}; it must be one of: {', '.join(choices)}")


def require_number(
    name: str, value: object, *, above: float | None = None, least: float | None = None, most: float | None = None
) -> float:
    """Check that a setting is a finite number in its range; ``InputError`` if not."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{name} is {value!r}; it must be a finite number")
    if above is not None and not value > above:
        raise InputError(f"{name} is {value!r}; it must be more than {above:g}")
    if least is not None and not value >= least:
        raise InputError(f"{name} is {value!r}; it must be {least:g} or more")
    if most is not None and not value <= most:
        raise InputError(f"{name} is {value!r}; it must be {most:g} or less")
    return float(value)


def require_whole(name: str, value: object, *, least: int, most: int | None = None, unit: str = "bars") -> None:
    """Check that a setting is a whole number of something; ``InputError`` if not."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{name} is {value!r}; it must be a whole number of {unit}, {least} or more")
    if most is not None and value > most:
        raise InputError(f"{name} is {value:,}; it must be {most:,} {unit} or less")


_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


def require_time_of_day(flatten: object) -> int | None:
    """Read when everything is sold: minutes after midnight, or None for the end of the session; ``InputError`` if it is neither."""
    clock = _CLOCK.fullmatch(flatten) if isinstance(flatten, str) else None
    if clock:
        return 60 * int(clock[1]) + int(clock[2])
    if flatten != "session":
        raise InputError(f"flatten is {flatten!r}; it must be 'session', or a time of day such as '15:20'")
    return None
