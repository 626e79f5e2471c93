"""What is wrong with a config file, in words: where, what, and what was perhaps meant."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

__all__ = ["first_faults"]

_MOST = 3
_FOR_THE_ACCOUNT = {"id", "account", "account_id", "number", "name"}


def first_faults(error: ValidationError, model: type[BaseModel]) -> str:
    """Tell the first few faults in one line."""
    # Unknown names first: the key that is missing is often the one that was misspelt.
    errors = sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    faults = [_fault(each["type"], each["loc"], each["msg"], each.get("input"), model) for each in errors]
    rest = len(faults) - _MOST
    return "; ".join(faults[:_MOST]) + (f"; and {rest} more" if rest > 0 else "")


def _fault(kind: str, place: Sequence[int | str], message: str, given: Any, model: type[BaseModel]) -> str:
    """Tell one fault."""
    where = _name(place)
    if kind == "extra_forbidden":
        return _unknown(where, str(place[-1]), place, model)
    if kind == "missing":
        return f"{where} is missing; docs/example-config.toml has it"
    if kind == "value_error":
        return f"{where}: {message.removeprefix('Value error, ')}" if where else message.removeprefix("Value error, ")
    shown = "" if isinstance(given, dict | list | tuple) else f" is {given!r}"
    return f"{where}{shown}: {message[:1].lower() + message[1:]}"


def _unknown(where: str, key: str, place: Sequence[int | str], model: type[BaseModel]) -> str:
    """Tell that a key is not known, and which one is nearest."""
    if place[0] == "account" and key in _FOR_THE_ACCOUNT:
        return f"{where} must not be in the file; the account comes from the environment variable GOLDENCROSS_ACCOUNT"
    known = _keys_at(place[:-1], model)
    near = get_close_matches(key, known, 1, 0.5)
    return f"{where} is not known; " + (f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}")


def _keys_at(place: Sequence[int | str], model: type[BaseModel]) -> list[str]:
    """Give the keys of a table."""
    for step in place:
        if isinstance(step, int):
            continue
        wanted = model.model_fields[step].annotation
        found = [each for each in (wanted, *get_args(wanted)) if isinstance(each, type) and issubclass(each, BaseModel)]
        model = found[0]
    return list(model.model_fields)


def _name(place: Sequence[int | str]) -> str:
    """Name a place as one would say it: instruments number 2: isin."""
    text = ""
    for step in place:
        text += f" number {step + 1}" if isinstance(step, int) else f".{step}" if text else str(step)
    return text
