"""A report as plain text, in the same order as the page: one fact a line, tables as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from engine.report.model import Bars, Heatmap, Report, Section, Table, chart_numbers, metric_figure
from engine.report.spoken import METRIC_NAMES, count

__all__ = ["TableChoice", "heatmap_lines", "report_text", "table_lines"]

TableChoice = Literal["short", "all", "none"]

_SHORT = 12
"""Rows of a table that is said without being asked for."""


def report_text(report: Report, tables: TableChoice = "short") -> list[str]:
    """Say a report.

    Parameters
    ----------
    report : Report
    tables : {"short", "all", "none"}
        Which tables are said: those of a few rows, all of them with the numbers of every chart, or none.

    Returns
    -------
    list of str
        A line each; an empty one before every heading.
    """
    titles = ", ".join(section.title for section in report.sections)
    lines = [f"Report: {report.title}.", f"{count(len(report.sections), 'part')}: {titles}."]
    for number, section in enumerate(report.sections, start=1):
        lines += ["", f"Part {number}: {section.title}.", *_section_lines(section, tables)]
    return lines


def _section_lines(section: Section, tables: TableChoice) -> Iterator[str]:
    """Say a section: its sentences, its charts, its tables."""
    yield from section.sentences
    for chart in section.charts:
        yield f"Chart, {chart.title}: {chart.sentence}"
        if isinstance(chart, Heatmap):
            yield from heatmap_lines(chart) if tables == "all" else ()
        elif tables == "all" or (tables == "short" and isinstance(chart, Bars) and not section.tables):
            yield from _said(chart_numbers(chart), tables)
    for table in section.tables:
        yield from _said(table, tables)


def _said(table: Table, tables: TableChoice) -> Iterator[str]:
    """Say a table, or how long it is."""
    if tables == "all" or (tables == "short" and len(table.rows) <= _SHORT):
        yield from table_lines(table)
    elif tables == "short":
        yield f"Table, {table.caption}: {count(len(table.rows), 'row')}; --tables all says them."


def table_lines(table: Table) -> list[str]:
    """Say a table, a sentence a row: the first column names it, then each heading with its value."""
    lines = [f"Table, {table.caption}, {count(len(table.rows), 'row')}:"]
    first, *others = table.columns
    for cells in table.cells():
        named = cells[0] if first.kind != "number" else f"{first.name} {cells[0]}"
        said = (_pair(column.name, cell) for column, cell in zip(others, cells[1:], strict=True))
        lines.append(f"{named}: {', '.join(said)}.".replace("..", "."))
    return lines


def _pair(heading: str, cell: str) -> str:
    """Say a heading with its value, the unit behind the value."""
    if heading in ("currency", "percent", "cells"):
        return cell if heading == "currency" else f"{cell} {heading}"
    if heading in cell:  # a stop is said as one
        return cell
    name, comma, unit = heading.rpartition(", ")
    if comma and unit == "percent":
        return f"{name} {cell} percent"
    return f"{name if comma and unit == 'currency' else heading} {cell}"


def heatmap_lines(heatmap: Heatmap) -> list[str]:
    """Say the slice that is shown first, a line a fast window."""
    symbol, stop, metric = heatmap.shown
    values, figure = heatmap.values[symbol, stop, metric], metric_figure(heatmap.metrics[metric], short=True)
    pick = tuple(heatmap.picks[symbol].tolist())
    lines = [
        f"{METRIC_NAMES[heatmap.metrics[metric]]} of {heatmap.symbols[symbol]} with {heatmap.stops[stop]}, a line a fast window:"
    ]
    for i, fast in enumerate(heatmap.fast):
        known = [j for j in range(len(heatmap.slow)) if not np.isnan(values[i, j])]
        said = []
        for j in known:
            marks = [
                name
                for name, there in (("pick", pick == (stop, i, j)), ("plateau", heatmap.plateau[symbol, stop, i, j]))
                if there
            ]
            said.append(" ".join([f"slow {heatmap.slow[j]}", figure.write(float(values[i, j])), *marks]))
        if known:
            lines.append(f"Fast {fast}: {', '.join(said)}.")
    return lines
