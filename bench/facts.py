"""What was measured: every number with what it is of, so that tables, sentences, losses and the gate all come from one list."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bench.peers.table import OURS

__all__ = ["Fact", "Results", "higher_is_better", "times_better"]


@dataclass(frozen=True)
class Fact:
    """One number of one peer.

    Parameters
    ----------
    section, what : str
        Facts with the same two can be compared with each other.
    peer : str
    value : float
    unit : str
        "cells/s" is the better the higher; everything else the better the lower.
    same : str
        Whether the outputs were the same, as counted; empty where there was nothing to compare.
    equal : bool
        All were.
    """

    section: str
    what: str
    peer: str
    value: float
    unit: str
    same: str = ""
    equal: bool = True


def higher_is_better(unit: str) -> bool:
    """Tell which way a unit goes."""
    return unit.endswith("/s")


def times_better(ours: Fact, theirs: Fact) -> float:
    """Give how many times better ours is; below 1 it is a loss."""
    return ours.value / theirs.value if higher_is_better(ours.unit) else theirs.value / ours.value


@dataclass
class Results:
    """All facts of a run, in the order measured, with what they were measured on."""

    about: dict[str, Any]
    facts: list[Fact]
    notes: list[str]

    def of(self, section: str) -> list[Fact]:
        """Give the facts of a section."""
        return [fact for fact in self.facts if fact.section == section]

    @property
    def sections(self) -> list[str]:
        """Give the sections in the order measured."""
        return list(dict.fromkeys(fact.section for fact in self.facts))

    def ours(self, fact: Fact) -> Fact | None:
        """Find our number for the same thing."""
        wanted = (fact.section, fact.what, OURS.name)
        return next((other for other in self.facts if (other.section, other.what, other.peer) == wanted), None)

    def pairs(self, section: str | None = None) -> list[tuple[Fact, Fact]]:
        """Give ours and theirs of everything that can be compared."""
        facts = self.facts if section is None else self.of(section)
        found = [(self.ours(fact), fact) for fact in facts if fact.peer != OURS.name]
        return [(ours, theirs) for ours, theirs in found if ours is not None]

    def losses(self) -> list[tuple[Fact, Fact]]:
        """Give what a peer does better than our sweep; our own plain loop is no peer."""
        pairs = [(ours, theirs) for ours, theirs in self.pairs() if not theirs.peer.startswith("ours")]
        return [(ours, theirs) for ours, theirs in pairs if times_better(ours, theirs) < 1.0]

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return {"about": self.about, "notes": self.notes, "facts": [asdict(fact) for fact in self.facts]}
