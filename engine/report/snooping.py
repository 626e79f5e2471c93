"""The text of the tests of data snooping."""

from __future__ import annotations

from engine.report.spoken import count, percent
from engine.selection.snooping import Snooping, SuperiorSettings

__all__ = ["snooping_lines"]

_BENCHMARK = {"holding": "holding the symbols", "cash": "cash"}


def snooping_lines(check: Snooping, ability: Snooping, steps: SuperiorSettings) -> list[str]:
    """Say what the Reality Check, the test of superior predictive ability and StepM found.

    Parameters
    ----------
    check, ability : Snooping
        White's and Hansen's test.
    steps : SuperiorSettings
        Romano and Wolf's.
    """
    fed = check.fed
    above = _BENCHMARK[fed.benchmark]
    used = f"{fed.used:,} of {fed.tried:,} settings" if fed.used < fed.tried else count(fed.used, "setting")
    lines = [
        _p_line("Reality Check", check, f"is any of {used} better than {above}"),
        _p_line("Superior predictive ability", ability, "the same, with hopeless settings counting less"),
    ]
    if steps.why:
        lines.append(f"StepM: not done, because {steps.why}.")
    else:
        better = count(len(steps.settings), "setting")
        lines.append(f"StepM: {better} of them better than {above}, at a level of {percent(steps.level, 0)}.")
    return lines


def _p_line(name: str, found: Snooping, question: str) -> str:
    """Say one p-value."""
    if found.why:
        return f"{name}: not done, because {found.why}."
    return f"{name}, {question}: p {found.p:.4f}, standard error {found.error:.4f}, from {count(found.resampling.resamples, 'resample')}."
