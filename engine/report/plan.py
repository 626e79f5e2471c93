"""The text of what a sweep will take."""

from __future__ import annotations

from engine.limits import say_bytes
from engine.report.spoken import count
from engine.sweeping.planning import SweepPlan

__all__ = ["plan_text"]


def plan_text(plan: SweepPlan, *, judged: bool) -> list[str]:
    """Say a plan; ``judged`` is whether luck will be judged afterwards."""
    grid = f"{count(plan.symbols, 'symbol')}, {count(plan.pairs, 'pair')}, {count(plan.stops, 'stop')}"
    lines = [f"This sweep has {count(plan.cells, 'cell')}: {grid}."]
    if plan.place is not None:
        lines.append(_where(plan))
    if plan.memory is not None:
        free = "" if plan.free_memory is None else f"; {say_bytes(plan.free_memory)} is free"
        lines.append(f"At its peak the command will have some {say_bytes(plan.memory)} of memory{free}.")
    threads = count(plan.threads, "thread")
    lines.append(f"On this machine, as busy as it is now, it will take {_span(plan.seconds)} on {threads}.")
    if judged:
        lines.append(
            "What judges luck afterwards is not counted, neither in time nor in memory; --no-luck leaves it out."
        )
    lines.append(f"Bytes and time are estimated from a probe of {count(plan.probed, 'cell')}. Nothing was written.")
    return lines


def _where(plan: SweepPlan) -> str:
    """Say what is written."""
    free = "" if plan.free_disk is None else f"; {say_bytes(plan.free_disk)} is free there"
    if plan.files == 1:
        return f"All cells go to the file {plan.place}, some {say_bytes(plan.disk)}{free}."
    done = f", of which those of {count(plan.done, 'cell')} are there" if plan.done else ""
    files = f"{count(plan.parts, 'part')}{done}, {count(plan.files, 'file')} in all"
    return f"All cells go to the folder {plan.place} as {files}, some {say_bytes(plan.disk)} to be written{free}."


def _span(seconds: float) -> str:
    """Say a time in the unit that fits it."""
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"some {seconds / size:.1f} {unit}"
    return f"some {seconds:.0f} seconds" if seconds >= 2 else "a second or two"
