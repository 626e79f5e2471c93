"""Validation: what is wrong with prices, and the repairs that can be asked for."""

from engine.validation.findings import Finding, Report, Severity
from engine.validation.gate import CleanTable, admit
from engine.validation.repairs import REPAIRS

__all__ = ["REPAIRS", "CleanTable", "Finding", "Report", "Severity", "admit"]
