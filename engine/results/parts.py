"""A sweep in a folder of parts: a Parquet file for each run of cells, a manifest of what the sweep is, and a list of the parts that are done.

::

    results/_manifest.json       format, version, hashes of prices and kernels, symbols, windows, settings, where the cells are cut
    results/_done.jsonl          a line for each part that is done: its cells, bytes and SHA-256
    results/part-000000000.parquet, ...

Names with an underscore are what Parquet readers pass over in a folder, so that they see one table. A part is written beside its place and moved there when
it is whole; only then is its line written. Whatever has no line, or is not what its line says, is not read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, Self

from engine.errors import DataError, InputError, OutputError
from engine.grid import Grid
from engine.results.storage import replacing
from engine.settings import Settings

__all__ = [
    "DONE",
    "FORMAT",
    "MANIFEST",
    "Done",
    "PartsFolder",
    "Tile",
    "begun",
    "identify",
    "kernels_stamp",
    "read_done",
    "read_manifest",
    "tiles_of",
]

FORMAT, _READABLE = 2, (1, 2)  # format 1 named every single pair
MANIFEST, DONE, _LOCK = "_manifest.json", "_done.jsonl", "_lock"


class Tile(NamedTuple):
    """Cells that are one part: ``first`` up to ``stop`` among all cells, symbol by symbol in the order of the grid."""

    first: int
    stop: int

    @property
    def name(self) -> str:
        """Of its file; names sort as cells do."""
        return f"part-{self.first:015d}.parquet"


class Done(NamedTuple):
    """A part that is on the disk.

    Attributes
    ----------
    first, stop : int
        Its cells, as in ``Tile``.
    size : int
        Bytes of the file.
    sha256 : str
        Of the file.
    looped : int
        Cells that the fast way left to a slower one.
    """

    first: int
    stop: int
    size: int
    sha256: str
    looped: int

    @property
    def tile(self) -> Tile:
        """Its cells."""
        return Tile(self.first, self.stop)

    @classmethod
    def of(cls, folder: Path, tile: Tile, looped: int) -> Done:
        """Measure a part that was just written."""
        path = folder / tile.name
        return cls(*tile, path.stat().st_size, _hash_of(path), looped)

    def is_intact(self, folder: Path) -> bool:
        """Tell whether the file is the one that was written."""
        path = folder / self.tile.name
        try:
            return path.stat().st_size == self.size and _hash_of(path) == self.sha256
        except OSError:
            return False


@cache
def kernels_stamp() -> str:
    """Name the text of the kernels by its hash: other kernels are another sweep."""
    digest = sha256()
    for path in sorted((Path(__file__).parent.parent / "kernels").glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def identify(symbols: Sequence[str], digests: Mapping[str, str], grid: Grid, settings: Settings) -> dict[str, Any]:
    """Say what makes a sweep this sweep; ``digests`` are the hashes of the prices by symbol."""
    about = {
        "version": version("goldencross"),
        "kernels": kernels_stamp(),
        "symbols": list(symbols),
        "hashes": {symbol: digests[symbol] for symbol in symbols},
        "pairs": grid.describe(),
        "stops": [asdict(stop) if stop else None for stop in grid.stops],
        "settings": settings.to_dict(),
    }
    plain: dict[str, Any] = json.loads(json.dumps(about))
    return plain


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a folder.

    Raises
    ------
    DataError
        There is none, it cannot be read, or it is of another format.
    """
    path = folder / MANIFEST
    try:
        about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        known = about["format"] in _READABLE
    except FileNotFoundError:
        raise DataError(f"{folder} is not the folder of a sweep: it has no {MANIFEST}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
    if not known:
        raise DataError(f"{path} has format {about['format']}; this goldencross reads {FORMAT}")
    return about


class PartsFolder:
    """The folder of one sweep, held by one process while it sweeps.

    Parameters
    ----------
    folder : Path
        Made if it is not there. A folder with a manifest is gone on with.
    identity : dict
        What ``identify`` gives.
    about : dict
        What else readers want to know: what ``describe`` gives.
    edges : sequence of int
        Where the cells are cut into tiles, from 0 to their number; a folder that is gone on with keeps its own.

    Raises
    ------
    InputError
        The folder has another sweep; the line says what differs.
    DataError
        Its manifest cannot be read.
    OutputError
        It cannot be written, has other files, or another process holds it.
    """

    def __init__(
        self, folder: Path, identity: Mapping[str, Any], about: Mapping[str, Any], edges: Sequence[int]
    ) -> None:
        self.folder, self._writing = folder, Lock()
        self.stamp = sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._held = _hold(folder)
            try:
                self._about = self._open(identity, about, edges)
                self.done = {done.first: done for done in read_done(folder) if done.tile in set(self.tiles)}
                self._begin_list()
            except BaseException:
                os.close(self._held)
                raise
        except OSError as error:
            raise OutputError(f"cannot write to the folder {folder}: {error.strerror or error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._held)

    @property
    def tiles(self) -> list[Tile]:
        """All of them, in order."""
        return tiles_of(self._about)

    def record(self, done: Done) -> None:
        """Note a part that was written.

        Raises
        ------
        OutputError
        """
        line = json.dumps(done._asdict()) + "\n"
        try:
            with self._writing, (self.folder / DONE).open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise OutputError(f"cannot write {self.folder / DONE}: {error.strerror or error}") from error
        self.done[done.first] = done

    def finish(self) -> None:
        """Note that all parts are there."""
        if not self._about["finished"]:
            self._about["finished"] = True
            self._write_manifest()

    def _open(self, identity: Mapping[str, Any], about: Mapping[str, Any], edges: Sequence[int]) -> dict[str, Any]:
        found = begun(self.folder, identity)
        if found is not None:
            for left in self.folder.glob(".part-*.partial"):  # of a process that was killed
                left.unlink(missing_ok=True)
            return {**found, "finished": False}
        mine = {"format": FORMAT, "pairs": identity["pairs"], "finished": False}
        self._about = {**about, **mine, "identity": identity, "edges": list(edges)}
        self._write_manifest()
        return self._about

    def _write_manifest(self) -> None:
        with replacing(self.folder / MANIFEST) as partial:
            partial.write_text(json.dumps(self._about), encoding="utf-8")

    def _begin_list(self) -> None:
        """Write the list anew, so that a torn line at its end is gone before another one is added."""
        with replacing(self.folder / DONE) as partial:
            partial.write_text(
                "".join(json.dumps(done._asdict()) + "\n" for done in self.done.values()), encoding="utf-8"
            )


def begun(folder: Path, identity: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give the manifest of a folder that has a beginning of this sweep; None if it is empty, or not there.

    Raises
    ------
    InputError, DataError, OutputError
        As ``PartsFolder``.
    """
    if (folder / MANIFEST).exists():
        found = read_manifest(folder)
        if found["format"] != FORMAT:
            raise InputError(
                f"{folder} has format {found['format']} of goldencross {found['version']}, which can be read but not gone on with; name another folder"
            )
        difference = _difference(found["identity"], identity)
        if difference:
            raise InputError(f"{folder} has another sweep: {difference}; name another folder")
        return found
    entries = folder.iterdir() if folder.is_dir() else ()
    others = [entry.name for entry in entries if entry.name != _LOCK and not entry.name.startswith(".")]
    if others:
        raise OutputError(f"{folder} has other files, such as {others[0]}; name a new or an empty folder")
    return None


def tiles_of(about: Mapping[str, Any]) -> list[Tile]:
    """Give the tiles of a manifest, in order."""
    return [Tile(first, stop) for first, stop in pairwise(about["edges"])]


def read_done(folder: Path) -> Iterator[Done]:
    """Read the list of parts that are done; of a line that is torn nothing is taken."""
    with suppress(FileNotFoundError):
        for line in (folder / DONE).read_bytes().splitlines():
            with suppress(ValueError, TypeError):
                yield Done(**json.loads(line))


def _difference(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Say in words what differs first between two sweeps; nothing if they are the same."""
    if found == wanted:
        return ""
    for name in ("version", "kernels"):
        if found[name] != wanted[name]:
            return f"it was begun by goldencross {found['version']} with kernels {found['kernels']}, and this is {wanted['version']} with {wanted['kernels']}"
    if found["symbols"] != wanted["symbols"]:
        odd = sorted(set(found["symbols"]) ^ set(wanted["symbols"]))
        what = f"{odd[0]} is only in one of them" if odd else "their order differs"
        return f"it has {len(found['symbols'])} symbols, this one {len(wanted['symbols'])}, and {what}"
    changed = [symbol for symbol in wanted["symbols"] if found["hashes"][symbol] != wanted["hashes"][symbol]]
    if changed:
        return f"the prices of {changed[0]} were others" + (
            f", and of {len(changed) - 1} more symbols" if changed[1:] else ""
        )
    counts: dict[str, Callable[[Any], int]] = {"pairs": _count, "stops": len}
    for name, count in counts.items():
        if found[name] != wanted[name]:
            return f"its grid has other {name}: {count(found[name]):,}, this one {count(wanted[name]):,}"
    names = [name for name, value in wanted["settings"].items() if found["settings"].get(name) != value]
    return f"its {names[0]} is {_short(found['settings'].get(names[0]))}, this one's {_short(wanted['settings'][names[0]])}"


def _count(pairs: Any) -> int:
    """Count pairs that ``Grid.describe`` named."""
    return len(Grid.of(pairs["fast"], pairs["slow"]).pairs) if isinstance(pairs, dict) else len(pairs)


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 120 else text[:117] + "..."


def _hash_of(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _hold(folder: Path) -> int:
    """Open the lock of a folder; it goes with the process."""
    descriptor = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        import fcntl  # noqa: PLC0415  not there on Windows, where nothing is locked

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise OutputError(f"another process is sweeping into {folder}; wait for it, or name another folder") from None
    except (
        ImportError,
        OSError,
    ):  # some network disks have no locks: then nothing tells two sweeps of one folder apart
        pass
    return descriptor
