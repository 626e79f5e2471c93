"""Who is told how far a sweep is: a function of the caller's, a bar on a terminal or in a notebook, or nobody."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from engine.errors import InputError

__all__ = ["Progress", "Telling", "in_notebook", "telling"]

Progress = Callable[[int, int], None]
"""Called with the cells done and the cells in all."""

Telling = Progress | bool | Literal["auto"] | None
"""True is a bar; "auto" is a bar in a notebook and on a terminal, and nothing elsewhere."""


def in_notebook() -> bool:
    """Tell whether an IPython kernel runs this, as in Jupyter; IPython is not imported for that."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and "IPKernelApp" in getattr(shell, "config", {})


@contextmanager
def telling(progress: Telling, unit: str = "cells") -> Iterator[Progress | None]:
    """Give the function to be called, and take the bar away at the end.

    Raises
    ------
    InputError
        ``progress`` is none of what it can be.
    """
    if progress is None or progress is False:
        yield None
    elif callable(progress):
        yield progress
    elif progress is True or progress == "auto":
        seen = progress is True or in_notebook() or sys.stderr.isatty()
        bar = _Bar(unit) if seen else None
        try:
            yield bar
        finally:
            if bar is not None:
                bar.close()
    else:
        raise InputError(f"progress is {progress!r}; it must be True, False, 'auto', or a function of (done, total)")


class _Bar:
    """A bar of tqdm: a widget in a notebook that has ipywidgets, text elsewhere."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._bar: Any = None

    def __call__(self, done: int, total: int) -> None:
        """Move it."""
        if self._bar is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # tqdm says that a notebook lacks ipywidgets; its bar of text will do
                from tqdm.auto import tqdm  # noqa: PLC0415  only who wants a bar needs it
            self._bar = tqdm(total=total, unit=f" {self._unit}", mininterval=0.1)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Leave it as it stands."""
        if self._bar is not None:
            self._bar.close()
