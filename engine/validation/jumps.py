"""Rules about steps between neighbouring bars: wrongly scaled stretches, splits, and big moves."""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING

import numpy as np

from engine.validation.dates import day
from engine.validation.findings import Finding, Severity
from engine.validation.table import F8, Table, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.validation.scan import Mask, Scan

__all__ = ["Stretch", "big_moves", "scaled", "scaled_stretches", "split_likes"]

_LONGEST_STRETCH = 60
_STEP_TOLERANCE = 0.08  # in log10: within about 20 % of a power of ten
_RETURN_TOLERANCE = 0.15  # in log10: the bars before and after lie within about 40 %
_BIG_MOVE = 0.30

# Shares after for shares before, and how far the open and the close may be off. A small ratio could be a plain move, and is
# believed only when it is met closely; prices alone cannot tell a 6-for-5 step from a bad day, so nothing under 5-for-4 is listed.
_FORWARD: tuple[tuple[int, int, float, float], ...] = (
    *((new, old, 0.04, 0.05) for new, old in ((5, 4), (4, 3))),
    *((new, old, 0.05, 0.08) for new, old in ((3, 2), (5, 3))),
    *((new, old, 0.08, 0.10) for new, old in ((2, 1), (5, 2))),
    *((new, 1, 0.10, 0.15) for new in (3, 4, 5, 6, 7, 8, 10, 15, 20, 25, 50, 100)),
)
_REVERSE = tuple((1, old, 0.08, 0.10) for old in (2, 3, 4, 5, 6, 8, 10, 15, 20, 25, 50, 100))


@dataclass(frozen=True)
class Stretch:
    """Bars [start, stop) of a table whose prices are ``10 ** power`` times those of their neighbours."""

    start: int
    stop: int
    power: int


def scaled(sound: Table) -> list[Stretch]:
    """Find stretches of at most 60 bars at about 0.01, 0.1, 10 or 100 times both neighbours.

    Parameters
    ----------
    sound : Table
        Complete positive bars in order of date.
    """
    closes = sound.columns["close"]
    logs = np.log10(closes[1:] / closes[:-1])
    powers = np.rint(logs)
    step = (np.abs(logs - powers) < _STEP_TOLERANCE) & (np.abs(powers) >= 1) & (np.abs(powers) <= 2)
    places = np.flatnonzero(step) + 1
    found: list[Stretch] = []
    for start in places:
        if found and start <= found[-1].stop:  # the way back from the last stretch
            continue
        power = int(powers[start - 1])
        for stop in places[(places > start) & (places <= start + _LONGEST_STRETCH)]:
            if powers[stop - 1] == -power and abs(log10(closes[stop] / closes[start - 1])) < _RETURN_TOLERANCE:
                found.append(Stretch(int(start), int(stop), power))
                break
    return found


def scaled_stretches(scan: Scan) -> Iterator[Finding]:
    """Report the wrongly scaled stretches."""
    sound, closes = scan.sound, scan.sound.columns["close"]
    for stretch in scaled(sound):
        first, last = day(sound.dates[stretch.start]), day(sound.dates[stretch.stop - 1])
        count = stretch.stop - stretch.start
        times = f"{10.0**stretch.power:g}"
        before, inside, after = (float(closes[at]) for at in (stretch.start - 1, stretch.start, stretch.stop))
        message = (
            f"{sound.symbol} {first}: {count} bars to {last} are about {times} times their neighbours "
            f"(closes {before!r}, {inside!r}, ..., {after!r})"
        )
        action = refused(sound.symbol, "rescale")
        yield Finding(sound.symbol, first, None, "scaled-stretch", Severity.ERROR, message, action, count)


def split_likes(scan: Scan) -> Iterator[Finding]:
    """Report the steps that look like a split, a bonus or a reverse split that the prices are not adjusted for."""
    sound = scan.sound
    opens, closes = _steps(sound)
    for position, choice in _resembling(opens, closes, _edges(sound)):
        new, old, *_ = choice
        date = day(sound.dates[position])
        message = (
            f"{sound.symbol} {date}: open {opens[position]:.4f} and close {closes[position]:.4f} times the close before, "
            f"about {old}:{new}, as after {_cause(new, old)}"
        )
        action = "kept; if it is one, put it into a table and use --actions"
        yield Finding(sound.symbol, date, "open, close", "split-like", Severity.WARNING, message, action)


def big_moves(scan: Scan) -> Iterator[Finding]:
    """Report the moves over 30 % from one close to the next open or close that do not look like a split."""
    sound = scan.sound
    opens, closes = _steps(sound)
    split = {position for position, _ in _resembling(opens, closes, _edges(sound))}
    big = (np.abs(opens - 1) > _BIG_MOVE) | (np.abs(closes - 1) > _BIG_MOVE)
    for position in map(int, np.flatnonzero(big & ~_edges(sound))):
        if position in split:
            continue
        names = [name for name, step in (("open", opens), ("close", closes)) if abs(step[position] - 1) > _BIG_MOVE]
        date = day(sound.dates[position])
        steps = f"open {opens[position]:.4f} and close {closes[position]:.4f} times the close before"
        message = f"{sound.symbol} {date}: a move of more than 30 %, {steps}"
        field = ", ".join(names)
        yield Finding(
            sound.symbol, date, field, "big-move", Severity.WARNING, message, "the bar is kept; check that it is true"
        )


def _steps(sound: Table) -> tuple[F8, F8]:
    """Return open and close over the close before, (T,) each, 1 for the first bar."""
    opens, closes = np.ones(len(sound)), np.ones(len(sound))
    before = sound.columns["close"][:-1]
    opens[1:] = sound.columns["open"][1:] / before
    closes[1:] = sound.columns["close"][1:] / before
    return opens, closes


def _edges(sound: Table) -> Mask:
    """Mark the steps into and out of scaled stretches, which are no splits."""
    mask = np.zeros(len(sound), dtype=bool)
    for stretch in scaled(sound):
        mask[[stretch.start, stretch.stop]] = True
    return mask


def _resembling(opens: F8, closes: F8, skip: Mask) -> Iterator[tuple[int, tuple[int, int, float, float]]]:
    """Give the positions of split-like steps with the ratio that is nearest."""
    far = ((closes < 0.9) & (opens < 0.9)) | ((closes > 1.5) & (opens > 1.5))
    for position in np.flatnonzero(far & ~skip):
        best = None
        for choice in _FORWARD if closes[position] < 1 else _REVERSE:
            new, old, open_tolerance, close_tolerance = choice
            off_open, off_close = (abs(step[position] * new / old - 1) for step in (opens, closes))
            if off_open <= open_tolerance and off_close <= close_tolerance:
                best = min(best or (np.inf, choice), (off_open + off_close, choice))
        if best is not None:
            yield int(position), best[1]


def _cause(new: int, old: int) -> str:
    if new < old:
        return f"a {new}-for-{old} reverse split"
    return f"a {new}-for-{old} split or a {new - old}:{old} bonus"
