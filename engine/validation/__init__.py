"""Validation: what is wrong with prices, and the repairs that can be asked for."""

from engine.validation.actions import Action, Adjustment, Outcome
from engine.validation.findings import Finding, Report, Severity
from engine.validation.gate import CleanTable, admit
from engine.validation.repairs import REPAIRS

__all__ = ["REPAIRS", "Action", "Adjustment", "CleanTable", "Finding", "Outcome", "Report", "Severity", "admit"]
