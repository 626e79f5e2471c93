"""What was tried before on the same prices: a file to which every sweep adds a line.

The best of many trials is partly luck, and trials made last week count as those of today. A trial is one setting (pair, stop, costs, fills, sizes and,
of a portfolio, what its account allows) on one set of symbols; the same one again is not a new trial. See ``docs/ledger.md``.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import DataError, OutputError
from engine.selection.ledger_lines import Data, Entry, count_trials, read_entries
from engine.selection.ledger_notes import entry_of, facts_of

if TYPE_CHECKING:
    from engine.prices.history import Prices
    from engine.results.reduced import ReducedSweep
    from engine.results.sweep import SweepTable

__all__ = ["VARIABLE", "Ledger", "LedgerCount", "record_sweep"]

VARIABLE = "GOLDENCROSS_LEDGER"
"""Environment variable: the path of the file, or ``off``."""
_PATIENCE = 2.0
"""Seconds for another process to finish its line."""


@dataclass(frozen=True)
class LedgerCount:
    """How much was tried on some prices, as the ledger has it.

    Attributes
    ----------
    path : Path
        Of the ledger.
    recorded : bool
        Whether this counts a sweep that was just added, or was only asked.
    sweeps_before, trials_before : int
        Sweeps recorded on exactly these prices, and the different trials in them.
    trials : int
        Different trials in all, with this sweep; the same as before if it was only asked.
    overlapping_sweeps : int
        Sweeps recorded on other prices that have a symbol in common with these, and dates that overlap.
    trials_with_overlapping : int
        Different trials in all, with this sweep and those of overlapping prices.
    unreadable : int
        Lines of the file that were passed over: torn by a crash or a full disk, or written by a later version.
    """

    path: Path
    recorded: bool
    sweeps_before: int
    trials_before: int
    trials: int
    overlapping_sweeps: int
    trials_with_overlapping: int
    unreadable: int

    def describe(self) -> list[str]:
        """Give plain sentences."""
        lines = [_say_before(self), f"Trial ledger: {self.path}."]
        if self.overlapping_sweeps:
            lines.insert(
                1,
                f"Prices that overlap with these, with a symbol in common, were swept {_times(self.overlapping_sweeps)}: "
                f"with those it is {self.trials_with_overlapping:,} different trials in all.",
            )
        if self.unreadable:
            was = "line of it was" if self.unreadable == 1 else "lines of it were"
            lines.append(f"{self.unreadable:,} {was} passed over: torn, or written by a later version.")
        return lines


def _say_before(found: LedgerCount) -> str:
    """Say what was tried on exactly these prices."""
    if not found.recorded:
        if not found.sweeps_before:
            return "These prices were not swept yet."
        return f"These prices were swept {_times(found.sweeps_before)}, with {found.trials:,} different trials."
    if not found.sweeps_before:
        return f"These prices were not swept before: {found.trials:,} different trials in all."
    return (
        f"These prices were swept {_times(found.sweeps_before)} before, with {found.trials_before:,} different trials; "
        f"with this sweep it is {found.trials:,} in all."
    )


def _times(number: int) -> str:
    """Say how often."""
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")


@dataclass(frozen=True)
class Ledger:
    """A file of JSON lines, one a sweep, to which is only ever added.

    Parameters
    ----------
    path : Path
        The folder is made when the first line is written.
    """

    path: Path

    @classmethod
    def default(cls) -> Ledger | None:
        """Give the ledger that ``GOLDENCROSS_LEDGER`` names, else that of the user's data folder; None if it is ``off``.

        Raises
        ------
        OutputError
            There is no home folder.
        """
        named = os.environ.get(VARIABLE, "").strip()
        if named.lower() == "off":
            return None
        try:
            if named:
                return cls(Path(named).expanduser())
            folder = Path(os.environ.get("XDG_DATA_HOME", ""))
            if not folder.is_absolute():  # as the standard has it, a relative one does not count
                folder = Path.home() / ".local" / "share"
        except RuntimeError:
            raise OutputError(f"there is no home folder for the trial ledger; name a file in {VARIABLE}") from None
        return cls(folder / "goldencross" / "trials.jsonl")

    @classmethod
    def beside(cls, result: str | os.PathLike[str]) -> Ledger:
        """Give the ledger in the folder of a result."""
        return cls(Path(result).parent / "trials.jsonl")

    def record(self, result: SweepTable | ReducedSweep, prices: Prices, metric: str = "sharpe") -> LedgerCount:
        """Add a sweep, and count what was tried before it and with it.

        Reading and adding happen under one lock, so that of two sweeps at the same time one counts the other.

        Parameters
        ----------
        result, prices, metric
            As for ``record_sweep``.

        Raises
        ------
        OutputError
            The line could not be written; the file is left as it was.
        """
        entry = entry_of(result, prices)
        line = entry.line(facts_of(result, metric))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _opened(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT) as descriptor:
                old = _read(descriptor)
                before, unreadable = read_entries(old)
                _append(descriptor, line, old)
        except OSError as error:
            raise OutputError(f"cannot write the trial ledger {self.path}: {error.strerror or error}") from error
        return self._count(before, entry.data, [entry], unreadable)

    def trials_on(self, prices: Prices | str) -> LedgerCount:
        """Count what was tried on some prices.

        Parameters
        ----------
        prices : Prices or str
            A str is their digest; what overlaps with them is then known only if they are in the ledger.

        Raises
        ------
        DataError
            The file is there, but cannot be read.
        """
        try:
            with _opened(self.path, os.O_RDONLY) as descriptor:
                before, unreadable = read_entries(_read(descriptor))
        except FileNotFoundError:
            before, unreadable = [], 0
        except OSError as error:
            raise DataError(f"cannot read the trial ledger {self.path}: {error.strerror or error}") from error
        if isinstance(prices, str):
            data = next((data for data, _ in before if data.prices == prices), Data(prices, (), "", ""))
        else:
            data = Data.of(prices, prices.symbols, prices.digest)
        return self._count(before, data, [], unreadable)

    def _count(self, before: list[Entry], data: Data, this: list[Entry], unreadable: int) -> LedgerCount:
        """Count what was tried on some prices before this sweep, if there is one, and with it."""
        overlap = {other: other.overlaps(data) for other in {entry.data for entry in before}}
        same = [entry for entry in before if entry.data.prices == data.prices]
        others = [entry for entry in before if overlap[entry.data]]
        return LedgerCount(
            path=self.path,
            recorded=bool(this),
            sweeps_before=len(same),
            trials_before=count_trials(same),
            trials=count_trials([*same, *this]),
            overlapping_sweeps=len(others),
            trials_with_overlapping=count_trials([*same, *others, *this]),
            unreadable=unreadable,
        )


def record_sweep(
    result: SweepTable | ReducedSweep, prices: Prices, metric: str = "sharpe", ledger: Ledger | None = None
) -> LedgerCount | str:
    """Add a sweep to the ledger. A sweep is never lost for it: what goes wrong is said, not raised.

    Parameters
    ----------
    result : SweepTable, PortfolioSweep or ReducedSweep
        An interrupted one counts with all its cells.
    prices : Prices
        Those of the sweep.
    metric : str
        Whose best cell is noted.
    ledger : Ledger or None
        None is ``Ledger.default()``.

    Returns
    -------
    LedgerCount or str
        A str is the reason, in one sentence, why nothing was recorded.
    """
    try:
        ledger = ledger or Ledger.default()
        if ledger is None:
            return "This sweep is not in the trial ledger, which is switched off."
        return ledger.record(result, prices, metric)
    except OutputError as error:
        return f"This sweep is not in the trial ledger: {error}."


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    """Open a file for this process alone, and close it."""
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        raise OSError(f"{path} is not a file")  # a pipe would wait for ever
    descriptor = os.open(path, flags | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        _lock(descriptor, shared=flags == os.O_RDONLY)
        yield descriptor
    finally:
        os.close(descriptor)  # and with it the lock


def _lock(descriptor: int, *, shared: bool) -> None:
    """Wait a little for other processes to be done with the file."""
    try:
        import fcntl  # noqa: PLC0415  not there on Windows, where a line is still added in one write
    except ImportError:
        return
    kind = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
    _until(lambda: fcntl.flock(descriptor, kind))


def _until(attempt: Callable[[], None]) -> None:
    """Try until it works or patience ends."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            attempt()
        except BlockingIOError:
            if time.monotonic() > end:
                raise OSError("another process holds it") from None
            time.sleep(0.01)
        else:
            return


def _read(descriptor: int) -> bytes:
    """Read all of a file."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        return file.read()


def _append(descriptor: int, line: bytes, old: bytes) -> None:
    """Add a line with one write; a torn line before it is ended first. What does not fit is taken back."""
    text = line if not old or old.endswith(b"\n") else b"\n" + line
    if os.write(descriptor, text) != len(text):  # an error writes nothing
        with suppress(OSError):
            os.ftruncate(descriptor, len(old))
        raise OSError("the disk is full")
