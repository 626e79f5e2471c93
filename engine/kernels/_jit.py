"""The one place that knows how to compile, and where compiled code is kept.

numba's disk cache looks only at the file of the function itself: when a kernel calls a rule of another file and that rule is edited, the kernel
goes on running the old rule. So the cache lives in a folder named after the text of *all* kernel files: any edit makes a new folder.
``tests/test_jit_cache.py`` edits a rule and sees the change.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import numba
from numba.extending import intrinsic

__all__ = ["CACHE", "inline_code", "kernel", "pasted", "rule"]

F = TypeVar("F", bound=Callable[..., object])


def _stamp(folder: Path) -> str:
    """Name the text of every kernel file by its hash."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _cache_home() -> Path:
    """Where compiled code goes: NUMBA_CACHE_DIR, else the user's cache folder."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    if named:
        return Path(named) / "goldencross"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "goldencross" / "kernels"


def _writable_cache() -> Path | None:
    """Make the cache folder; None where nothing can be written, and then every process compiles for itself."""
    folder = _cache_home() / _stamp(Path(__file__).parent)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, RuntimeError):  # RuntimeError: no home directory
        return None


CACHE: Path | None = _writable_cache()
"""Folder of the compiled kernels, or None if nothing is kept."""


def kernel(function: F, inline: Literal["never", "always"] = "never") -> F:
    """Compile an array loop: division by zero gives inf or nan as in numpy, the GIL is free, no fast-math (it breaks nan)."""
    before = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    # Set only while this function is decorated, so that other numba users in the process keep their own cache.
    numba.config.CACHE_DIR = str(CACHE or "")  # type: ignore[attr-defined]
    try:
        compiled = numba.njit(error_model="numpy", nogil=True, cache=CACHE is not None, inline=inline)(function)
    finally:
        numba.config.CACHE_DIR = before  # type: ignore[attr-defined]
    return cast("F", compiled)  # to a reader and to mypy it has the signature that it was written with


rule = kernel
"""A scalar trading rule; LLVM inlines it into the loops that call it (measured: no cost), and live code calls it as it is."""


def pasted(function: F) -> F:
    """Compile a rule that reads arrays, and paste it where it is called.

    LLVM inlines scalar rules by itself, but not one that is handed arrays: numba counts references around it, 20 ns a call (measured in ``legs``).
    """
    return kernel(function, inline="always")


def inline_code(generator: Callable[..., Any]) -> Any:
    """Make a function whose machine code is given (numba's intrinsic); to mypy it is Any, since what it is called with is not what it is written with."""
    return intrinsic(generator)
