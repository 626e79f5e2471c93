"""Answers made wrong, as they were seen or feared in the field."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from live.gateway.wire import UNSET

if TYPE_CHECKING:
    from collections.abc import Callable

    from live.gateway.messages_out import Message

__all__ = ["CORRUPTIONS", "corrupt"]

_TAG = {
    "accountValue": 2,
    "accountSummary": 4,
    "accountUpdateMulti": 5,
}  # position of the tag; value and currency follow
_WIDTH = 8  # fields of a bar
Rows = list[tuple[object, ...]]


def corrupt(messages: list[Message], what: str) -> list[Message]:
    """Return the answers with one of ``CORRUPTIONS`` applied to those that it concerns."""
    return [wrong for message in messages for wrong in CORRUPTIONS[what](message)]


def _set(message: Message, place: int, value: object) -> Message:
    fields = list(message.fields)
    fields[place] = value
    return replace(message, fields=tuple(fields))


def _funds(value: object, currency: str | None = None) -> Callable[[Message], list[Message]]:
    def change(message: Message) -> list[Message]:
        tag = _TAG.get(message.kind)
        if tag is None or message.fields[tag] != "AvailableFunds":
            return [message]
        wrong = _set(message, tag + 2, currency) if currency else message
        return [_set(wrong, tag + 1, value) if value is not None else wrong]

    return change


def _no_funds(message: Message) -> list[Message]:
    tag = _TAG.get(message.kind)
    return [] if tag is not None and message.fields[tag] == "AvailableFunds" else [message]


def _details(place: int, value: object) -> Callable[[Message], list[Message]]:
    """Set a field of a listing, counted from its symbol."""

    def change(message: Message) -> list[Message]:
        if message.kind != "contractDetails":
            return [message]
        return [_set(message, message.fields.index("STK") - 1 + place, value)]

    return change


def _other_isin(message: Message) -> list[Message]:
    if message.kind != "contractDetails":
        return [message]
    return [_set(message, message.fields.index("ISIN") + 1, "INE000000000")]


def _two_listings(message: Message) -> list[Message]:
    if message.kind != "contractDetails":
        return [message]
    symbol = message.fields.index("STK") - 1
    number = int(str(message.fields[symbol + 10])) + 900_000
    return [message, _set(_set(message, symbol + 5, "BSE"), symbol + 10, number)]


def _rows(change: Callable[[Rows], Rows]) -> Callable[[Message], list[Message]]:
    def changed(message: Message) -> list[Message]:
        if message.kind != "historicalData":
            return [message]
        fields = message.fields[5:]
        rows = change([fields[i : i + _WIDTH] for i in range(0, len(fields), _WIDTH)])
        flat = [value for row in rows for value in row]
        return [replace(message, fields=(*message.fields[:4], len(rows), *flat))]

    return changed


def _halved(row: tuple[object, ...]) -> tuple[object, ...]:
    return (row[0], *(float(str(price)) / 2 for price in row[1:5]), *row[5:])


CORRUPTIONS: dict[str, Callable[[Message], list[Message]]] = {
    "funds_missing": _no_funds,
    "funds_unset": _funds(UNSET),
    "funds_negative": _funds("-1000.00"),
    "funds_in_dollars": _funds(None, "USD"),
    "two_listings": _two_listings,
    "other_isin": _other_isin,
    "other_currency": _details(6, "USD"),
    "other_number": _details(10, 999_999_999),
    "bars_empty": _rows(lambda _: []),
    "bars_stale": _rows(lambda rows: rows[:-1]),
    "bars_duplicate": _rows(lambda rows: [*rows, *rows[-1:]]),
    "bars_unordered": _rows(lambda rows: [*rows[:-2], *reversed(rows[-2:])]),
    "bars_nan": _rows(lambda rows: [*rows[:-1], *((*row[:4], "nan", *row[5:]) for row in rows[-1:])]),
    "bars_halved": _rows(lambda rows: [*rows[:-1], *(_halved(row) for row in rows[-1:])]),
    "bars_few": _rows(lambda rows: rows[-20:]),
}
