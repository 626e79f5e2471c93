"""Prices that stay in their files: each symbol is read and validated when it is asked for, and only the last few are kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import DataError
from engine.prices.actions import actions_of
from engine.prices.digest import digest_of, feed
from engine.prices.history import History, Prices, build
from engine.prices.reading import price_files, scan, stem
from engine.validation.findings import Finding, Report
from engine.validation.gate import CleanTable, admit, among
from engine.validation.repairs import check_names
from engine.validation.zones import Zones

if TYPE_CHECKING:
    from engine.prices.sessions import BarClock
    from engine.validation.actions import Action, Adjustment

__all__ = ["Facts", "LazyHistories", "LazyPrices", "load_lazily"]

_KEPT = 32
"""Histories in memory: 8 MB if they have 5,000 bars. Tiles of one symbol follow each other."""


class Facts(NamedTuple):
    """What is remembered of a symbol.

    Attributes
    ----------
    bars : int
    first, last : float
        Closes.
    digest : str
        Hash of its history.
    clock : BarClock
    """

    bars: int
    first: float
    last: float
    digest: str
    clock: BarClock


class LazyHistories(Mapping[str, History]):
    """Histories by symbol, read when they are asked for; threads may ask at the same time.

    Parameters
    ----------
    facts : dict of str to Facts
        By symbol, in their order.
    read : callable
        Reads and validates one symbol.
    """

    def __init__(self, facts: Mapping[str, Facts], read: Callable[[str], History]) -> None:
        self.facts, self._read = facts, read
        self._kept: OrderedDict[str, History] = OrderedDict()
        self._lock = Lock()

    def __getitem__(self, symbol: str) -> History:
        if symbol not in self.facts:
            raise KeyError(symbol)
        with self._lock:
            history = self._kept.pop(symbol, None)
            if history is None:
                history = self._read(symbol)
                if digest_of({symbol: history}) != self.facts[symbol].digest:
                    raise DataError(f"{symbol}: its file was changed since it was first read; load the prices again")
            self._kept[symbol] = history
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return history

    def __iter__(self) -> Iterator[str]:
        return iter(self.facts)

    def __len__(self) -> int:
        return len(self.facts)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self.facts


class LazyPrices(Prices):
    """Prices in files; what a sweep wants to know of all symbols is remembered."""

    histories: LazyHistories

    def length(self, symbol: str) -> int:
        """Count the bars of a symbol."""
        return self.histories.facts[symbol].bars

    def clock(self, symbol: str) -> BarClock:
        """Give what the dates of a symbol say about time; it was remembered."""
        return self.histories.facts[symbol].clock

    def ends(self, symbol: str) -> tuple[float, float]:
        """Give the first and the last close of a symbol."""
        return self.histories.facts[symbol][1:3]

    def hash_of(self, symbol: str) -> str:
        """Give the hash of one symbol."""
        return self.histories.facts[symbol].digest

    def __repr__(self) -> str:
        bars = sum(facts.bars for facts in self.histories.facts.values())
        return f"<LazyPrices: {len(self):,} symbol{'s' * (len(self) != 1)}, {bars:,} bars>"


def load_lazily(
    path: str | PathLike[str],
    *,
    repair: Collection[str] = (),
    currency: str | None = None,
    actions: str | PathLike[str] | Iterable[Action] | None = None,
    timezone: str | None = None,
) -> LazyPrices:
    """Look through a folder with one file a symbol; see ``load``. Every file is read once now, and again when its symbol is asked for.

    Raises
    ------
    DataError
        As for ``load``; a file has more than one symbol, or two files have the same.
    InputError
    """
    check_names(repair)
    wanted, zones = actions_of(actions), Zones.of(timezone)

    def read(file: Path) -> tuple[str, Prices | None, Report, CleanTable | None]:
        found = scan(file)
        if len(found.frames) > 1:
            raise DataError(f"{file.name} has {len(found.frames)} symbols; reading lazily needs one file a symbol")
        symbol = next(iter(found.frames), stem(file))
        own = [one for one in wanted if one.symbol == symbol]
        clean, report = admit(found.frames, repair, found.failures, own, zones)
        return symbol, build(clean, report, currency) if clean else None, report, clean.get(symbol)

    survey = _Survey()
    for file in sorted(price_files(Path(path)), key=stem):
        survey.add(file, *read(file))
    report = survey.report([one for one in wanted if one.symbol not in survey.files])
    if not survey.facts:
        build({}, report)  # says why
    files = survey.files
    facts = dict(sorted(survey.facts.items()))

    def history(symbol: str) -> History:
        prices = read(files[symbol])[1]
        if prices is None:
            raise DataError(f"{symbol}: its file was changed since it was first read; load the prices again")
        return prices[symbol]

    prices = LazyPrices(LazyHistories(facts, history), report)
    whole = survey.digest
    if whole is not None:
        prices.__dict__["digest"] = whole  # where a cached property keeps its value
    return prices


class _Survey:
    """What is gathered on the way through the files."""

    def __init__(self) -> None:
        self.files: dict[str, Path] = {}
        self.facts: dict[str, Facts] = {}
        self._heads: dict[str, CleanTable] = {}
        self._findings: list[Finding] = []
        self._repairs: list[str] = []
        self._left_out: dict[str, str] = {}
        self._adjustments: list[Adjustment] = []
        self._whole = sha256()

    def add(self, file: Path, symbol: str, prices: Prices | None, report: Report, table: CleanTable | None) -> None:
        """Take what one file gave."""
        if symbol in self.files:
            raise DataError(
                f"{symbol}: both {self.files[symbol].name} and {file.name} have it; reading lazily needs one file a symbol"
            )
        self.files[symbol] = file
        self._findings += report.findings
        self._repairs += report.repairs
        self._left_out.update(report.left_out)
        self._adjustments += report.adjustments
        if prices is None or table is None:
            return
        history = prices[symbol]
        self.facts[symbol] = Facts(len(history), *prices.ends(symbol), prices.hash_of(symbol), history.clock)
        self._heads[symbol] = CleanTable(symbol, table.dates[:1].copy(), {}, table.currency)
        feed(self._whole, symbol, history)

    def report(self, rest: list[Action]) -> Report:
        """Join the reports; ``rest`` are the actions of symbols that are not there."""
        bars = {symbol: facts.bars for symbol, facts in sorted(self.facts.items())}
        together = [replace(found, bars=sum(bars.values())) for found in among(self._heads)]
        adjustments = (*self._adjustments, *admit({}, actions=rest)[1].adjustments)
        return Report((*self._findings, *together), bars, tuple(self._repairs), self._left_out, adjustments)

    @property
    def digest(self) -> str | None:
        """The hash of all, if the files came in the order of their symbols."""
        return self._whole.hexdigest() if all(one < other for one, other in pairwise(self.facts)) else None
