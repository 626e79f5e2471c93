"""Progress of long work on standard error: a bar on a terminal, elsewhere a plain line every few seconds."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from engine.errors import InputError
from engine.kernels import _jit

__all__ = ["Progress", "announce_compilation", "plain_output"]

_SECONDS = 5.0


def plain_output() -> bool:
    """Tell whether standard error is no place for a moving bar: not a terminal, a dumb one, or NO_COLOR is set."""
    return not sys.stderr.isatty() or os.environ.get("TERM") == "dumb" or "NO_COLOR" in os.environ


class Progress:
    """Report (done, total) calls.

    Parameters
    ----------
    what : str
        What is counted, such as cells.
    mode : {"auto", "bar", "lines", "none"}

    Raises
    ------
    InputError
    """

    def __init__(self, what: str, mode: str = "auto") -> None:
        if mode not in ("auto", "bar", "lines", "none"):
            raise InputError(f"--progress {mode}: it must be one of: auto, bar, lines, none")
        self._what = what
        self._mode = ("lines" if plain_output() else "bar") if mode == "auto" else mode
        self._started = self._spoken = time.monotonic()
        self._bar: Any = None

    def __call__(self, done: int, total: int) -> None:
        """Say how far the work is."""
        if self._mode == "bar":
            self._move_bar(done, total)
        elif self._mode == "lines":
            self._say(done, total)

    def restart(self) -> None:
        """Measure the time from now on."""
        self._started = self._spoken = time.monotonic()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()

    def note(self, sentence: str) -> None:
        """Say one sentence on standard error, unless progress is off."""
        if self._mode != "none":
            print(sentence, file=sys.stderr, flush=True)  # noqa: T201

    def _move_bar(self, done: int, total: int) -> None:
        if self._bar is None:
            from tqdm import tqdm  # noqa: PLC0415  only a terminal needs it

            self._bar = tqdm(
                total=total, unit=f" {self._what}", ascii=True, leave=False, mininterval=0, file=sys.stderr
            )
        self._bar.update(done - self._bar.n)

    def _say(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._spoken < _SECONDS or done >= total:
            return
        self._spoken = now
        left = (now - self._started) / max(done, 1) * (total - done)
        self.note(
            f"{done:,} of {total:,} {self._what} done, {100 * done / total:.0f} percent, about {left:.0f} seconds left."
        )


def announce_compilation(reporter: Progress, kernel: Any) -> bool:
    """Say why the very first run is slow; tell whether this kernel, and so what it needs, has to be compiled."""
    if _jit.CACHE is None:
        reporter.note("Compiling the kernels; they cannot be kept, because no cache folder can be written.")
        return True
    # The folder of this very installation: another one beside it, of the same kernels, has compiled for itself.
    if any(Path(kernel.called.stats.cache_path).glob(f"*.{kernel.__name__}-*.nbc")):
        return False
    reporter.note("Compiling the kernels, once, some 10 seconds; the next run starts at once.")
    return True
