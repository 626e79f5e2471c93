"""How things stand, from the journal, the halt file and the session table: in sentences, alarms first, and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from live.journal.profit import profit_lines, profit_of
from live.journal.state import State
from live.journal.words import status_lines
from live.sessions import Run

__all__ = ["Standing"]


@dataclass(frozen=True)
class Standing:
    """All that ``status`` says.

    Attributes
    ----------
    state : State
    halted : str or None
        Why there are no entries.
    next_run : Run or None
    no_run : str
        Why the next run is not known.
    """

    state: State
    halted: str | None
    next_run: Run[Any] | None
    no_run: str = ""

    @property
    def needs_a_look(self) -> bool:
        """Whether there is an alarm, a share that is not under exactly one stop, or a run that did not end."""
        runs, held = self.state.runs, self.state.held.values()
        return bool(self.state.alarms) or any(a != b for a, b in held) or bool(runs and runs[-1]["ended"] is None)

    def lines(self) -> list[str]:
        """Say it, one fact a line."""
        halted = "Entries are not halted."
        if self.halted is not None:
            halted = f"Entries are halted: {self.halted.rstrip('.')}. Sales and stops go on."
        if self.next_run is None:
            coming = f"The next run is not known: {self.no_run.rstrip('.')}."
        else:
            coming = f"The next run is at {self.next_run.moment:%Y-%m-%d %H:%M} at the exchange, for {', '.join(_names(self.next_run))}."
        return [*status_lines(self.state), halted, coming, *profit_lines(self.state.trades)]

    def document(self) -> dict[str, Any]:
        """Give the same for programs: moments in ISO, shares, and money in rupees; what is not known is null."""
        state, run = self.state, self.next_run
        last = state.runs[-1] if state.runs else None
        return {
            "needs_a_look": self.needs_a_look,
            "alarms": state.alarms,
            "positions": [
                {"symbol": symbol, "shares": held, "under_stops": stopped}
                for symbol, (held, stopped) in state.held.items()
                if held
            ],
            "last_run": last and {name: last.get(name) for name in ("begun", "ended", "status", "send")},
            "halted": self.halted,
            "next_run": run and {"moment": run.moment.isoformat(), "shares": _names(run)},
            "realized": asdict(profit_of(state.trades)),
        }


def _names(run: Run[Any]) -> Sequence[str]:
    return [share.symbol for share in run.instruments]
