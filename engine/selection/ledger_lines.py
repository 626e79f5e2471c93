"""The lines of the trial ledger: what is noted of a sweep, and how the different trials in many of them are counted."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from engine.prices.history import Prices

__all__ = [
    "FORMAT",
    "Data",
    "Entry",
    "Tried",
    "count_trials",
    "plain",
    "read_entries",
    "rectangles",
    "size",
    "spell",
    "unspell",
]

FORMAT = 1
"""Lines of another format are passed over."""
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_BEGIN = b'{"format":1,'
_LONGEST = 10_000_000
"""Bars of a window; a line with more is not one of ours."""


@dataclass(frozen=True)
class Data:
    """The prices of a sweep, as far as it used them.

    Attributes
    ----------
    prices : str
        Digest of all of them.
    symbols : tuple of str
        Those that were run, sorted.
    first, last : str
        First and last day of theirs, as 2025-06-02.
    """

    prices: str
    symbols: tuple[str, ...]
    first: str
    last: str

    @classmethod
    def of(cls, prices: Prices, symbols: Sequence[str], digest: str) -> Data:
        """Note some symbols of some prices."""
        dates = [prices[symbol].dates for symbol in symbols]
        first, last = min(str(one[0].date()) for one in dates), max(str(one[-1].date()) for one in dates)
        return cls(digest, tuple(sorted(symbols)), first, last)

    def overlaps(self, other: Data) -> bool:
        """Tell whether these are other prices of the same time with a symbol in common."""
        if self.prices == other.prices or self.first > other.last or other.first > self.last:
            return False
        return not set(self.symbols).isdisjoint(other.symbols)

    @classmethod
    def read(cls, values: dict[str, Any]) -> Data:
        """Take them from a line."""
        symbols = tuple(str(symbol) for symbol in values["symbols"])
        return cls(str(values["prices"]), symbols, str(values["first"]), str(values["last"]))


@dataclass(frozen=True)
class Tried:
    """What a sweep tried.

    Attributes
    ----------
    pairs : tuple of (fast windows, slow windows)
        As ``spell`` writes them; of each all pairs with fast below slow.
    stops : tuple of str
        Each as JSON; ``null`` is no stop.
    setting : str
        Hash of everything that decides about the numbers but prices, pair and stop.
    """

    pairs: tuple[tuple[str, str], ...]
    stops: tuple[str, ...]
    setting: str

    @classmethod
    def read(cls, values: dict[str, Any]) -> Tried:
        """Take it from a line."""
        pairs = tuple((str(fast), str(slow)) for fast, slow in values["pairs"])
        for fast, slow in pairs:
            unspell(fast), unspell(slow)
        return cls(pairs, tuple(plain(stop) for stop in values["stops"]), str(values["setting"]))


class Entry(NamedTuple):
    """One sweep."""

    data: Data
    tried: Tried

    def line(self, more: Mapping[str, Any]) -> bytes:
        """Write it, after what is noted for readers only. ``read_entries`` knows the order."""
        stops = [json.loads(stop) for stop in self.tried.stops]
        counted = {**vars(self.data), "pairs": self.tried.pairs, "stops": stops, "setting": self.tried.setting}
        values = {"format": FORMAT, **more, "trials": count_trials([self]), **counted}
        return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def plain(value: Any) -> str:
    """Write a value as JSON, equal values in the same way."""
    return _ENCODER.encode(value)


def spell(windows: Sequence[int]) -> str:
    """Write ascending whole numbers as the command line takes them: ``5:100:5``, or ``5,10,20:40:10``."""
    parts, i = [], 0
    while i < len(windows):
        step, end = (windows[i + 1] - windows[i] if i + 1 < len(windows) else 1), i + 1
        while end < len(windows) and windows[end] - windows[end - 1] == step:
            end += 1
        if end - i > 2:
            parts.append(f"{windows[i]}:{windows[end - 1]}:{step}")
            i = end
        else:
            parts.append(str(windows[i]))
            i += 1
    return ",".join(parts)


@lru_cache(maxsize=4096)
def unspell(text: str) -> tuple[int, ...]:
    """Read what ``spell`` wrote.

    Raises
    ------
    ValueError
    """
    windows: list[int] = []
    for part in text.split(","):
        first, *rest = (int(number) for number in part.split(":"))
        last, step = rest or (first, 1)
        if not 1 <= first <= last <= _LONGEST or step < 1:
            raise ValueError(part)
        windows += range(first, last + 1, step)
    return tuple(windows)


def read_entries(text: bytes) -> tuple[list[Entry], int]:
    """Read all lines that can be read, and count the others.

    Most lines repeat the prices or the grid of another one: each part is read once, so that 10,000 lines take a tenth of a second.
    """
    entries, unreadable = [], 0
    datas, trieds = _Memory(Data.read), _Memory(Tried.read)
    for line in text.splitlines():
        try:
            entries.append(_read_line(line, datas, trieds))
        except (ValueError, KeyError, TypeError):
            unreadable += bool(line.strip())
    return entries, unreadable


Value = TypeVar("Value")


class _Memory(dict[bytes, Value]):
    """What was read of each text."""

    def __init__(self, read: Callable[[dict[str, Any]], Value]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: bytes) -> Value:
        self[text] = value = self._read(json.loads(text))
        return value


def _read_line(line: bytes, datas: _Memory[Data], trieds: _Memory[Tried]) -> Entry:
    """Read one line; ValueError, KeyError or TypeError if it is torn, or of a later version."""
    head, comma, tried = line.rpartition(b',"pairs":')
    _, other_comma, data = head.rpartition(b',"prices":')
    if comma and other_comma and line.startswith(_BEGIN):
        return Entry(datas[b'{"prices":' + data + b"}"], trieds[b'{"pairs":' + tried])
    values = json.loads(line)
    if values["format"] != FORMAT:
        raise ValueError(values["format"])
    return Entry(Data.read(values), Tried.read(values))


def count_trials(entries: Iterable[Entry]) -> int:
    """Count the different trials of some sweeps: symbols, setting, stop and pair."""
    sweeps: dict[tuple[tuple[str, ...], str, str], set[tuple[str, str]]] = defaultdict(set)
    for symbols, tried in {(data.symbols, tried) for data, tried in entries}:
        for stop in tried.stops:
            sweeps[symbols, tried.setting, stop].update(tried.pairs)
    return sum(_union(frozenset(pairs)) for pairs in sweeps.values())


@lru_cache(maxsize=4096)
def _union(pairs: frozenset[tuple[str, str]]) -> int:
    """Count the different pairs of some rectangles; many sweeps have the same ones."""
    return size(rectangles(pairs))


def rectangles(pairs: Iterable[tuple[str, str]]) -> dict[int, int]:
    """Give the slow windows of each fast one, as the bits of a number."""
    slows: dict[int, int] = defaultdict(int)
    for fast, slow in pairs:
        bits = _bits(slow)
        for window in unspell(fast):
            slows[window] |= bits >> (window + 1) << (window + 1)
    return slows


@lru_cache(maxsize=4096)
def _bits(slow: str) -> int:
    """Give windows as the bits of a number."""
    bits = 0
    for window in unspell(slow):
        bits |= 1 << window
    return bits


def size(slows: dict[int, int]) -> int:
    """Count the pairs."""
    return sum(bits.bit_count() for bits in slows.values())
