"""Options that need the prices before they mean anything: windows in time, and the bars of a year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from engine.cli.parsing import parse_stops
from engine.errors import InputError
from engine.flattening import require_sessions
from engine.grid import Grid
from engine.prices.history import Prices
from engine.prices.sessions import clock_of, resolved_year
from engine.settings import Settings, TrailingStop
from engine.windows import Span, read_windows

__all__ = ["Asked", "Timed", "lengths_on", "parse_length", "with_year"]

Stops = list[TrailingStop | None]


@dataclass(frozen=True)
class Timed:
    """Windows in bars.

    Attributes
    ----------
    fast, slow : list of int
    stops : list of TrailingStop or None
    lines : list of str
        What was in time, and what it is in bars.
    """

    fast: list[int]
    slow: list[int]
    stops: Stops
    lines: list[str]

    @property
    def pair(self) -> tuple[int, int]:
        """The one fast and the one slow window of a command that takes no more.

        Raises
        ------
        InputError
            There are more, or the fast one is not below the slow one; asked for before anything is compiled.
        """
        for name, windows in (("--fast", self.fast), ("--slow", self.slow)):
            if len(windows) != 1:
                raise InputError(f"{name} has {len(windows):,} windows, and this command takes one")
        ((fast, slow),) = Grid.of(self.fast, self.slow).pairs
        return fast, slow


@dataclass(frozen=True)
class Asked:
    """Windows as they were typed, read as far as that goes without prices.

    Attributes
    ----------
    fast, slow : list of int or Span
    stops : list of TrailingStop or None
        If ``atr_window`` is a Span, theirs is to be replaced.
    atr_window : int or Span
    texts : dict of str to str
        By option, as typed.
    """

    fast: list[int | Span]
    slow: list[int | Span]
    stops: Stops
    atr_window: int | Span
    texts: dict[str, str]

    @classmethod
    def of(cls, fast: str, slow: str, stop: str, atr_window: str, atr: str, kind: str) -> Asked:
        """Read what was typed.

        Raises
        ------
        InputError
        """
        digits = atr_window.strip()
        windows = [int(digits)] if digits.isdecimal() else read_windows("--atr-window", atr_window)
        if len(windows) != 1:
            raise InputError(f"--atr-window {atr_window}: there is one, such as 14 or 1h")
        bars = windows[0] if isinstance(windows[0], int) else 1
        texts = {"fast": fast, "slow": slow, "ATR window": atr_window}
        return cls(
            read_windows("--fast", fast),
            read_windows("--slow", slow),
            parse_stops(stop, bars, atr, kind),
            windows[0],
            texts,
        )

    def on(self, prices: Prices) -> Timed:
        """Turn all windows into bars.

        Raises
        ------
        InputError
            A window is no whole number of bars, or symbols have bars of different lengths.
        """
        lines: list[str] = []
        fast, slow = self._bars(prices, "fast", self.fast, lines), self._bars(prices, "slow", self.slow, lines)
        if not isinstance(self.atr_window, Span) or not any(self.stops):
            return Timed(fast, slow, self.stops, lines)
        (window,) = self._bars(prices, "ATR window", [self.atr_window], lines)
        stops = [stop and replace(stop, atr_window=window) for stop in self.stops]
        return Timed(fast, slow, stops, lines)

    def _bars(self, prices: Prices, name: str, given: Sequence[int | Span], lines: list[str]) -> list[int]:
        """Turn the windows of one option into bars, and say so."""
        if not any(isinstance(window, Span) for window in given):
            return [window for window in given if isinstance(window, int)]
        clock = clock_of(prices)
        bars = [window if isinstance(window, int) else window.bars(name, clock) for window in given]
        number = f"{min(bars):,} to {max(bars):,}" if len(set(bars)) > 1 else f"{bars[0]:,}"
        unit = "bar" if number == "1" else "bars"
        said = f"{name.capitalize() if name.islower() else name} {self.texts[name]} is {number} {unit} of {clock.said_length}"
        if any(isinstance(window, Span) and window.sessions for window in given) and clock.length is not None:
            said += f", {clock.bars_per_session:,} to a session"
        lines.append(f"{said}.")
        return bars


def parse_length(option: str, text: str) -> int | Span | None:
    """Read a length of time, such as that of a training: bars of the prices (days of daily ones), or 60d, 30min; nothing is None.

    Raises
    ------
    InputError
    """
    if not text:
        return None
    with suppress(ValueError):
        return int(text)  # not read_windows, whose bars have the limit of an average
    found = read_windows(option, text)
    if len(found) != 1:
        raise InputError(f"{option} {text}: write one length, such as 750 or 60d")
    return found[0]


def lengths_on(prices: Prices, lengths: Mapping[str, int | Span | None]) -> dict[str, int | None]:
    """Turn lengths into bars, by the name of their option.

    Raises
    ------
    InputError
        One is no whole number of bars, or symbols have bars of different lengths.
    """
    return {
        name: length.bars(f"--{name}", clock_of(prices)) if isinstance(length, Span) else length
        for name, length in lengths.items()
    }


def with_year(settings: Settings, prices: Prices, given: float | None) -> Settings:
    """Put the bars of a year into settings that were made before the prices were read, and check that these have sessions, if it matters.

    Raises
    ------
    InputError
        As for ``resolved_year``; one bar a day where nothing is to be held overnight.
    """
    require_sessions(prices, settings.flatten)
    return replace(settings, bars_per_year=resolved_year(prices, given))
