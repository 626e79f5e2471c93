"""A report as one web page that needs nothing else: no network, no other file; sentences, tables and drawings are there without scripts as well."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from importlib.resources import files
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError
from engine.report.colours import STOPS, colour_of, ink_on
from engine.report.drawing import chart_svg, styles_of
from engine.report.model import Bars, Chart, Heatmap, Report, Section, Table, chart_numbers, metric_figure
from engine.results.storage import replacing

__all__ = ["report_html", "write_page", "write_text"]

_ASSETS = files("engine.report") / "assets"
_MOST_ROWS = 1500
"""Of a table; a page with more is slow to read and to hear, and the result has them."""
_FILTERED = 8
"""Rows from which a table can be searched."""

_SAMPLES = {"up": '<path fill="#0a5c0a" d="M20 2l6 10h-12z"/>', "down": '<path fill="#8b0000" d="M20 12l6 -10h-12z"/>'}


def write_page(report: Report, path: str | PathLike[str]) -> None:
    """Write a report as a page, whole or not at all.

    Raises
    ------
    InputError
        Jinja2 is not installed.
    OutputError
    """
    write_text(report, path, report_html(report))


def write_text(report: Report, path: str | PathLike[str], text: str) -> None:
    """Write what was made of a report, whole or not at all, and for its owner only if it is private.

    Raises
    ------
    OutputError
    """
    with replacing(path) as partial:
        partial.touch(mode=0o600 if report.is_private else 0o666)
        partial.write_text(text, encoding="utf-8")


def report_html(report: Report) -> str:
    """Give a report as the text of a page.

    Raises
    ------
    InputError
        Jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, StrictUndefined  # noqa: PLC0415  an extra
        from markupsafe import Markup  # noqa: PLC0415
    except ImportError:
        raise InputError(
            "a page needs the extra report: pip install 'goldencross[report]'; --format text works without it"
        ) from None
    world = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    template = world.from_string(_asset("page.html.jinja"))
    parts = [_part(section, number) for number, section in enumerate(report.sections, start=1)]
    return template.render(
        report=report,
        parts=_safe(parts, Markup),
        version=version("goldencross"),
        css=Markup(_asset("uplot.css") + _asset("page.css").replace("SCALE", ", ".join(STOPS))),  # noqa: S704  our own files
        library=Markup(_asset("uplot.js")),  # noqa: S704
        script=Markup(_asset("page.js")),  # noqa: S704
    )


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


class _Html(str):
    """Text that is HTML already: everything in it that came from elsewhere was escaped."""

    __slots__ = ()


def _safe(value: Any, markup: type[str]) -> Any:
    """Tell the template which texts are HTML already."""
    if isinstance(value, _Html):
        return markup(value)
    if isinstance(value, dict):
        return {name: _safe(one, markup) for name, one in value.items()}
    return [_safe(one, markup) for one in value] if isinstance(value, list) else value


def _part(section: Section, number: int) -> dict[str, Any]:
    """Give what the template needs of a section."""
    figures = [_figure(chart, f"chart-{number}-{i}") for i, chart in enumerate(section.charts, start=1)]
    tables = [_table(table, f"table-{number}-{i}") for i, table in enumerate(section.tables, start=1)]
    return {"title": section.title, "sentences": list(section.sentences), "figures": figures, "tables": tables}


def _figure(chart: Chart | Bars | Heatmap, name: str) -> dict[str, Any]:
    """Give what the template needs of a chart."""
    both = {"id": name, "title": chart.title, "sentence": chart.sentence}
    if isinstance(chart, Heatmap):
        return {**both, "kind": "grid", **_grid(chart)}
    table = _table(chart_numbers(chart), f"{name}-numbers", chart.values if isinstance(chart, Bars) else None)
    both |= {"unit": chart.unit, "table": table}
    if isinstance(chart, Bars):
        return {**both, "kind": "bars"}
    return {
        **both,
        "kind": "line",
        "svg": _Html(chart_svg(chart)),
        "legend": _legend(chart),
        "data": _json(_line_data(chart)),
    }


def _legend(chart: Chart) -> list[dict[str, Any]]:
    """Give a sample of each line and mark."""
    lines = [
        {
            "name": series.name,
            "sample": _Html(
                f'<path fill="none" stroke="{colour}" stroke-width="{width}" stroke-dasharray="{" ".join(map(str, dashes)) or "none"}" d="M0 7H40"/>'
            ),
        }
        for (colour, dashes, width), series in zip(styles_of(chart), chart.series, strict=True)
    ]
    return lines + [{"name": marks.name, "sample": _Html(_SAMPLES[marks.shape])} for marks in chart.marks]


def _line_data(chart: Chart) -> dict[str, Any]:
    """Give the numbers for the script: times as steps, values of six digits."""
    seconds = chart.dates.tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.int64)
    unit = 86400 if not (seconds % 86400).any() else 1
    return {
        "first": int(seconds[0] // unit),
        "steps": (np.diff(seconds) // unit).tolist(),
        "unit": unit,
        "places": chart.places,
        "log": chart.is_log,
        "series": [
            {"name": series.name, "colour": colour, "dash": list(dashes), "width": width, "values": _six(series.values)}
            for (colour, dashes, width), series in zip(styles_of(chart), chart.series, strict=True)
        ],
        "marks": [
            {"name": m.name, "shape": m.shape, "at": m.at.tolist(), "values": _six(m.values)} for m in chart.marks
        ],
    }


def _six(values: NDArray[np.float64]) -> list[float | int | None]:
    """Round to nine digits and two places; whole numbers without a point, nan as null."""
    out: list[float | int | None] = []
    for value in values.tolist():
        short = round(float(f"{value:.9g}"), 2)
        out.append(None if not np.isfinite(value) else int(short) if short.is_integer() else short)
    return out


def _json(data: Any) -> _Html:
    """Write data so that it can stand in a page: no text of it can end its element."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return _Html(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _table(table: Table, name: str, bars: NDArray[np.float64] | None = None) -> _Html:
    """Write a table, with a bar at the end of each row if there are values for them."""
    kinds = [{"number": "n", "date": "d", "text": "t"}[column.kind] for column in table.columns]
    heads = "".join(
        f'<th scope="col" class="{kind}">{_escaped(column.name)}</th>'
        for kind, column in zip(kinds, table.columns, strict=True)
    )
    cells = table.cells()[:_MOST_ROWS]
    drawn = [""] * len(cells) if bars is None else _bars(bars)
    heads += "" if bars is None else '<th aria-hidden="true"></th>'
    rows = "".join(_row(row, kinds) + bar for row, bar in zip(cells, drawn, strict=False))
    more = f" (the first {_MOST_ROWS:,} of {len(table.rows):,} rows)" if len(table.rows) > _MOST_ROWS else ""
    search = " data-filter" if table.can_filter and len(cells) > _FILTERED else ""
    return _Html(
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{name}"><table class="rows"{search}><caption id="{name}"><span>{_escaped(table.caption)}{more}</span></caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _bars(values: NDArray[np.float64]) -> list[str]:
    """Write a cell with a bar for each value; losses are hatched, and begin further left."""
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    unit = 100.0 / ((high - low) or 1.0)
    return [
        f'<td aria-hidden="true"><span class="bar{" loss" if value < 0 else ""}" style="margin-left:{(min(value, 0.0) - low) * unit:.1f}%;width:{abs(value) * unit:.1f}%"></span>'
        for value in values.tolist()
    ]


def _row(cells: Sequence[str], kinds: Sequence[str]) -> str:
    """Write a row; its first cell is its heading."""
    first, *others = [_escaped(cell) for cell in cells]
    rest = "".join(f'<td class="{kind}">{cell}' for kind, cell in zip(kinds[1:], others, strict=True))
    return f'<tr><th scope="row" class="{kinds[0]}">{first}</th>{rest}'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _grid(heatmap: Heatmap) -> dict[str, Any]:
    """Give the slice that is shown first as a table, and all slices for the script."""
    symbol, stop, metric = heatmap.shown
    values, name = heatmap.values[symbol, stop, metric], heatmap.metrics[metric]
    figure, known = metric_figure(name, short=True), values[~np.isnan(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    return {
        "fast": list(heatmap.fast),
        "slow": list(heatmap.slow),
        "rows": [
            {"fast": fast, "cells": [_cell(heatmap, i, j, low, high) for j in range(len(heatmap.slow))]}
            for i, fast in enumerate(heatmap.fast)
        ],
        "caption": f"{figure.name} of {heatmap.symbols[symbol]} with {heatmap.stops[stop]}, fast windows down, slow windows across",
        "low": f"lowest rank {figure.write(low)}",
        "high": f"{figure.write(high)} highest rank",
        "data": _json(_grid_data(heatmap)),
    }


def _cell(heatmap: Heatmap, i: int, j: int, low: float, high: float) -> dict[str, str] | None:
    """Give a cell of the slice that is shown first; None where there is no such pair."""
    if heatmap.fast[i] >= heatmap.slow[j]:
        return None
    symbol, stop, metric = heatmap.shown
    value = float(heatmap.values[symbol, stop, metric, i, j])
    is_pick = tuple(heatmap.picks[symbol].tolist()) == (stop, i, j)
    marks = [mark for mark, there in (("pick", is_pick), ("plateau", heatmap.plateau[symbol, stop, i, j])) if there]
    words = ", ".join("pick" if mark == "pick" else "on the plateau" for mark in marks)
    if np.isnan(value):
        return {"text": "none", "paper": "#ffffff", "ink": "#000000", "mark": " ".join(marks), "words": words}
    paper = colour_of((value - low) / (high - low) if high > low else 0.5)
    figure = metric_figure(heatmap.metrics[metric], short=True)
    return {"text": figure.write(value), "paper": paper, "ink": ink_on(paper), "mark": " ".join(marks), "words": words}


def _grid_data(heatmap: Heatmap) -> dict[str, Any]:
    """Give all slices for the script: whole numbers, of which the last digits are the decimal places."""
    figures = [metric_figure(name, short=True) for name in heatmap.metrics]
    exists = np.array(heatmap.fast)[:, None] < np.array(heatmap.slow)[None, :]
    values = [
        [
            [
                _whole(heatmap.values[s, k, m][exists], figure.scale * 10**figure.places)
                for m, figure in enumerate(figures)
            ]
            for k in range(len(heatmap.stops))
        ]
        for s in range(len(heatmap.symbols))
    ]
    flags = [
        ["".join("01"[flag] for flag in heatmap.plateau[s, k][exists].tolist()) for k in range(len(heatmap.stops))]
        for s in range(len(heatmap.symbols))
    ]
    return {
        "fast": list(heatmap.fast),
        "slow": list(heatmap.slow),
        "symbols": list(heatmap.symbols),
        "stops": list(heatmap.stops),
        "metrics": [{"name": figure.name, "places": figure.places, "flip": figure.scale < 0} for figure in figures],
        "values": values,
        "plateau": flags,
        "picks": heatmap.picks.tolist(),
        "shown": list(heatmap.shown),
        "colours": list(STOPS),
    }


def _whole(values: Iterable[float], scale: float) -> list[int | None]:
    """Scale and round; nan is null."""
    return [None if not np.isfinite(value) else round(float(value) * scale) for value in values]
