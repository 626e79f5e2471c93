"""How a command ends: its status, or one line about what went wrong."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

import typer

from engine.errors import GoldencrossError

__all__ = ["spoken"]

P = ParamSpec("P")


def spoken(command: Callable[P, int]) -> Callable[P, None]:
    """Turn our errors, and a lack of memory, into one line and exit status 2; anything else is a defect and shows its traceback."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            status = command(*args, **kwargs)
            sys.stdout.flush()
        except GoldencrossError as error:
            typer.echo(f"error: {error}", err=True)
            status = 2
        except MemoryError:  # where the need is known before, it is an InputError before the work (engine.limits)
            typer.echo(
                "error: there is not enough memory for this; take fewer symbols, dates or cells, or --keep 10", err=True
            )
            status = 2
        except BrokenPipeError:  # the reader, such as head, has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = 0
        raise typer.Exit(status)

    return run
