"""Getting prices, whatever the source, into a store: one symbol after the other, so that an interruption keeps what is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pandas as pd

from engine.errors import DataError, GoldencrossError
from engine.prices.history import build
from engine.prices.merging import OnRevision
from engine.prices.reading import load
from engine.prices.store import Store, Update
from engine.validation.gate import admit

__all__ = ["Fetched", "FilesSource", "Outcome", "Source", "Wanted", "fetch"]

FRESH = timedelta(hours=6)
"""What was asked for so shortly before, with a last session that was over, is not asked for again."""


@dataclass(frozen=True)
class Wanted:
    """One symbol to get.

    Parameters
    ----------
    name : str
        Its name in the store; "" takes what the source calls it.
    key : str
        What the source knows it by: a ticker, a symbol or an ISIN.
    """

    name: str
    key: str

    @classmethod
    def of(cls, text: str) -> Wanted:
        """Read ``SBIN`` or ``SBIN=SBIN.NS``: the name, and what the source knows it by."""
        name, separator, key = text.partition("=")
        return cls(name.strip(), (key if separator else name).strip())


@dataclass(frozen=True, eq=False)
class Fetched:
    """What a source answered.

    Parameters
    ----------
    name : str
        What the source calls it.
    frame : pandas.DataFrame
        Raw bars; columns by name, dates in the index or in a column.
    currency : str or None
        What the prices are in.
    unfinished : bool
        Whether the bar of a session that is not over was left out.
    """

    name: str
    frame: pd.DataFrame
    currency: str | None = None
    unfinished: bool = False


class Source(Protocol):
    """Where prices come from."""

    name: str
    """Kept in the store: one symbol has one source."""

    @property
    def is_lost(self) -> bool:
        """Whether asking for another symbol makes no sense any more."""

    async def bars(self, wanted: Wanted) -> Fetched:
        """Give the bars of a symbol, without one that is not over.

        Raises
        ------
        GoldencrossError
            It has none, or does not answer.
        """


class FilesSource:
    """CSV or Parquet files that are there already.

    Parameters
    ----------
    path : Path
        As for ``engine.load``.
    repair : collection of str
        As for ``engine.load``.

    Raises
    ------
    DataError, InputError
    """

    name = "files"
    is_lost = False

    def __init__(self, path: Path, repair: Collection[str] = ()) -> None:
        self.prices = load(path, repair=repair)

    async def bars(self, wanted: Wanted) -> Fetched:
        """Give what the files have."""
        reason = self.prices.report.left_out.get(wanted.key)
        if reason is not None:
            raise DataError(reason, symbol=wanted.key)
        history = self.prices[wanted.key]
        return Fetched(wanted.key, history.to_frame(), history.currency)


@dataclass
class Outcome:
    """What a run did; it grows while the run goes on.

    Parameters
    ----------
    updates : list of Update
        The symbols that were asked for and answered.
    fresh : list of str
        Those that were not asked for, because they had been shortly before.
    failures : dict of str to str
        Symbol to why it was not got.
    missing : list of str
        Those to which the run did not come.
    interrupted : bool
        Whether it was stopped from outside.
    """

    updates: list[Update] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    interrupted: bool = False


async def fetch(
    source: Source,
    wanted: Sequence[Wanted],
    store: Store,
    *,
    repair: Collection[str] = (),
    on_revision: OnRevision = "refuse",
    again: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Outcome:
    """Get symbols, one after the other, and put each into the store when it is there.

    Parameters
    ----------
    source : Source
    wanted : sequence of Wanted
    store : Store
    repair : collection of str
        Made before the check that all prices go through; a symbol with an error is not stored.
    on_revision : {"refuse", "keep", "replace"}
        What to do where old bars are not as they were.
    again : bool
        Ask also for what was asked for shortly before.
    progress : callable
        Told (done, total).
    now : callable
        Gives the time, UTC.

    Returns
    -------
    Outcome
        Also when it is cancelled: what is done is done.

    Raises
    ------
    OutputError
        The store cannot be written to; nothing else could be, either.
    """
    outcome, known = Outcome(), store.names(source.name)
    wanted = [one if one.name else Wanted(known.get(one.key, ""), one.key) for one in wanted]
    for done, one in enumerate(wanted):
        progress(done, len(wanted))
        try:
            await asyncio.sleep(0)  # here a cancellation is noticed, if the source does not wait for anything
            await _fetch_one(source, one, store, outcome, repair, on_revision, again, now)
        except asyncio.CancelledError:
            outcome.interrupted = True
        if outcome.interrupted or source.is_lost:
            left = wanted[done:] if outcome.interrupted else wanted[done + 1 :]
            outcome.missing = [other.name or other.key for other in left]
            break
    return outcome


async def _fetch_one(
    source: Source,
    one: Wanted,
    store: Store,
    outcome: Outcome,
    repair: Collection[str],
    on_revision: OnRevision,
    again: bool,
    now: Callable[[], datetime],
) -> None:
    name = one.name or one.key
    try:
        if one.name and not again and _is_fresh(store, source, one.name, now()):
            outcome.fresh.append(one.name)
            return
        asked = now()
        found = await source.bars(one)
        name = one.name or found.name
        clean, report = admit({name: found.frame}, repair)
        history = build(clean, report, found.currency)[name]
        outcome.updates.append(
            store.update(
                name,
                history.to_frame(),
                currency=history.currency,
                source=source.name,
                key=one.key,
                fetched=asked,
                unfinished=found.unfinished,
                on_revision=on_revision,
            )
        )
    except GoldencrossError as error:
        outcome.failures[name] = str(error)


def _is_fresh(store: Store, source: Source, name: str, moment: datetime) -> bool:
    known = store.read(name)
    if known is None or known.source != source.name or known.unfinished:
        return False
    return timedelta(0) <= moment - known.fetched < FRESH
