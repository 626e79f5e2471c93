"""The head: a small file beside the journal that says which event was acknowledged last.

A chain of hashes shows what was changed, not that its end is missing: a file that is cut at a page's edge, or an older copy of it, is a shorter journal in perfect
order. So the number and the hash of the newest event are written, and synchronised, after each commit and before the bot goes on. A kill between the two leaves a
head that is behind its journal, which is harmless; a journal that is behind its head has lost something.

Two places in the file take turns, so that a power cut spoils at most the one being written; the file has its full size from the start, so that no later write of it
needs room on the disk.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from live.errors import JournalError

__all__ = ["FIRST", "Head", "create_head", "head_path", "read_head", "write_head"]

FIRST = "0" * 64
"""The hash before the first event."""
_PLACE = 128
_EMPTY = b"\0" * _PLACE


class Head(NamedTuple):
    """The last event that was acknowledged: its number, 0 for none, and its hash."""

    number: int
    hash: str


def head_path(path: Path) -> Path:
    """Say where the head of a journal is."""
    return Path(f"{path}.head")


def create_head(path: Path) -> None:
    """Make the head of a journal that has no events, readable by its owner only.

    Raises
    ------
    OSError
    """
    descriptor = os.open(head_path(path), os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        os.write(descriptor, 2 * _EMPTY)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_head(path: Path) -> Head | None:
    """Read the head; None if there is no such file.

    Raises
    ------
    JournalError
        Both places are spoilt.
    OSError
    """
    try:
        content = head_path(path).read_bytes()
    except FileNotFoundError:
        return None
    places = (content[:_PLACE], content[_PLACE : 2 * _PLACE])
    heads = [head for head in map(_parse, places) if head is not None]
    if not heads:
        raise JournalError(
            f"{head_path(path)} is damaged, so nobody knows where the journal ends; restore both files from one copy, and look at the broker"
        )
    return max(heads)


def write_head(path: Path, head: Head) -> None:
    """Write the head to its place, and wait until it is on the disk.

    Raises
    ------
    OSError
    """
    descriptor = os.open(head_path(path), os.O_WRONLY)
    try:
        os.pwrite(descriptor, _format(head), _PLACE * (head.number % 2))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _format(head: Head) -> bytes:
    content = f"{head.number:020d} {head.hash}"
    return f"{content} {_check(content)}".ljust(_PLACE - 1).encode("ascii") + b"\n"


def _parse(place: bytes) -> Head | None:
    """Read one place; None if it is spoilt."""
    if place == _EMPTY:
        return Head(0, FIRST)
    try:
        number, digest, check = place.decode("ascii").split()
        return Head(int(number), digest) if check == _check(f"{number} {digest}") else None
    except ValueError:
        return None


def _check(content: str) -> str:
    """Give a sum by which a place that was written in part is noticed."""
    return hashlib.sha256(content.encode("ascii", "replace")).hexdigest()[:16]
