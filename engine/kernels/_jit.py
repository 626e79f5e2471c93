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
from functools import update_wrapper
from pathlib import Path
from threading import RLock
from typing import Any, Literal, TypeVar, cast

import numba
from numba.extending import intrinsic

from engine.kernels._before import run_waiting
from engine.kernels._quick import quickened

__all__ = ["CACHE", "Kernel", "inline_code", "kernel", "pasted", "plain", "prepare", "rule"]

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


class Kernel:
    """A function in two compiled forms, each made when it is first needed: one for other kernels to call, and one for Python.

    What numba adds to a function for Python to call it (arrays and tuples taken apart, errors, results put together) takes a fifth of all compiling
    (docs/speed.md), and nearly all kernels are called by other kernels only. A dispatcher that nobody needs yet is not made either, a third of a millisecond each.
    """

    called: Any
    """Numba's dispatcher of the form for Python."""
    inner: Any
    """That of the form for kernels."""

    def __init__(self, function: Callable[..., object], inline: Literal["never", "always"]) -> None:
        update_wrapper(self, function)
        self.py_func = function
        self.targetoptions = {"inline": inline}  # by this numba knows what is pasted

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Run the form for Python."""
        return self.called(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        """Make a form when it is first asked for, one thread after the other."""
        if name not in ("called", "inner"):
            raise AttributeError(f"a kernel has no {name!r}")
        with _MAKING:
            if name not in vars(self):
                run_waiting()
                vars(self)[name] = self._made_for_python() if name == "called" else self._made_for_kernels()
        return vars(self)[name]

    def _made_for_python(self) -> Any:
        return quickened(self._made(CACHE))

    def _made_for_kernels(self) -> Any:
        # A folder of its own, since numba names what it keeps by function and types only.
        dispatcher = quickened(self._made(CACHE and CACHE / "inner", no_cpython_wrapper=True))
        compile_for = dispatcher.get_call_template
        # A constant among the arguments has a type of its own, for which all would be compiled once more.
        dispatcher.get_call_template = lambda args, named: compile_for(tuple(map(numba.types.unliteral, args)), named)
        return dispatcher

    def _made(self, cache: Path | None, **options: bool) -> Any:
        """Make a dispatcher: division by zero gives inf or nan as in numpy, the GIL is free, no fast-math (it breaks nan)."""
        before = numba.config.CACHE_DIR  # type: ignore[attr-defined]
        # Set only while it is made, so that other numba users in the process keep their own cache.
        numba.config.CACHE_DIR = str(cache or "")  # type: ignore[attr-defined]
        try:
            wanted = {"error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True, **self.targetoptions, **options}
            return cast("Any", numba.njit)(cache=cache is not None, **wanted)(self.py_func)
        finally:
            numba.config.CACHE_DIR = before  # type: ignore[attr-defined]

    @property
    def _numba_type_(self) -> Any:
        """What a kernel that calls this one is given by numba."""
        return self.inner._numba_type_

    @property
    def signatures(self) -> list[Any]:
        """Types of the arguments for which it was compiled, in either form."""
        made = [vars(self)[name] for name in ("called", "inner") if name in vars(self)]
        return list(dict.fromkeys(types for dispatcher in made for types in dispatcher.signatures))


_MAKING = RLock()


def kernel(function: F, inline: Literal["never", "always"] = "never") -> F:
    """Compile an array loop when it is first called."""
    return cast("F", Kernel(function, inline))  # to a reader and to mypy it has the signature that it was written with


def prepare(function: Callable[..., object], *arguments: Any) -> None:
    """Compile a kernel as other kernels call it, for arguments like these, without running it."""
    cast("Kernel", function).inner.compile(tuple(map(numba.typeof, arguments)))


def plain(function: F) -> F:
    """Give a kernel as it was written, to run in Python what is not worth compiling."""
    return cast("F", cast("Kernel", function).py_func)


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
