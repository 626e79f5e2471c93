"""The charts of a report as files: PNG or SVG, drawn by matplotlib, for papers and slides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.errors import InputError, OutputError
from engine.report.drawing import styles_of
from engine.report.model import Bars, Chart, Heatmap, Report, metric_figure
from engine.results.storage import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["FORMATS", "write_figures"]

FORMATS = ("png", "svg")
_DASHES = {(): "-", (7, 4): "--", (2, 3): ":", (11, 3, 2, 3): "-."}


def write_figures(report: Report, folder: Path, kind: str = "png") -> list[Path]:
    """Write every chart of a report, and its sentence beside it as a text file of the same name.

    Parameters
    ----------
    report : Report
    folder : path
        Made if it is missing.
    kind : {"png", "svg"}

    Returns
    -------
    list of Path
        The pictures.

    Raises
    ------
    InputError
        Matplotlib is not installed, or there is no such kind.
    OutputError
    """
    if kind not in FORMATS:
        raise InputError(f"--figure-format {kind}: it must be one of: {', '.join(FORMATS)}")
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  an extra, and slow to import
    except ImportError:
        raise InputError("figures need the extra report: pip install 'goldencross[report]'") from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from error
    written = []
    for number, chart in enumerate(_charts(report), start=1):
        name = f"{number:02d}-{re.sub(r'[^a-z0-9]+', '-', chart.title.lower()).strip('-')[:60]}"
        figure = Figure(figsize=(10, 5.6), layout="constrained")
        _draw(figure, chart)
        target = folder / f"{name}.{kind}"
        with replacing(target) as partial:
            figure.savefig(partial, format=kind, dpi=150)
        with replacing(folder / f"{name}.txt") as partial:
            partial.write_text(f"{chart.title}. {chart.sentence}\n", encoding="utf-8")
        written.append(target)
    return written


def _charts(report: Report) -> Iterator[Chart | Bars | Heatmap]:
    """Give all charts of a report."""
    for section in report.sections:
        yield from section.charts


def _draw(figure: Figure, chart: Chart | Bars | Heatmap) -> None:
    """Draw a chart."""
    axes = figure.add_subplot()
    axes.set_title(chart.title, loc="left")
    if isinstance(chart, Chart):
        _draw_lines(axes, chart)
    elif isinstance(chart, Bars):
        _draw_bars(axes, chart)
    else:
        figure.colorbar(_draw_heatmap(axes, chart), ax=axes)


def _draw_lines(axes: Axes, chart: Chart) -> None:
    """Draw lines and marks over time."""
    dates: Any = chart.dates.tz_localize(None).to_numpy()
    for (colour, dashes, width), series in zip(styles_of(chart), chart.series, strict=True):
        axes.plot(
            dates, series.values, color=colour, linestyle=_DASHES[dashes], linewidth=0.8 * width, label=series.name
        )
    for marks in chart.marks:
        shape, colour = ("^", "#0a5c0a") if marks.shape == "up" else ("v", "#8b0000")
        axes.plot(dates[marks.at], marks.values, shape, color=colour, markersize=5, label=marks.name)
    if chart.is_log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
        axes.yaxis.set_minor_formatter(lambda value, _: f"{value:,.6g}" if str(f"{value:e}")[0] in "25" else "")
    axes.set_ylabel(chart.unit)
    axes.grid(color="#dfe3e8")
    axes.legend(frameon=False)


def _draw_bars(axes: Axes, bars: Bars) -> None:
    """Draw at most forty bars."""
    names, values = bars.names[:40], bars.values[:40]
    colours = ["#0b4f9e" if value >= 0 else "#a3430a" for value in values.tolist()]
    drawn = axes.barh(np.arange(len(names)), values, color=colours)
    axes.bar_label(drawn, [f"{value:,.{bars.places}f}" for value in values.tolist()], padding=3)
    axes.set_yticks(np.arange(len(names)), names)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel(bars.unit)
    axes.set_ylabel(bars.what)


def _draw_heatmap(axes: Axes, heatmap: Heatmap) -> Any:
    """Draw the slice that is shown first, with a cross on the pick and dots on the plateau."""
    symbol, stop, metric = heatmap.shown
    figure = metric_figure(heatmap.metrics[metric])
    image = axes.imshow(
        heatmap.values[symbol, stop, metric] * figure.scale,
        cmap="cividis" if figure.scale > 0 else "cividis_r",
        aspect="auto",
        origin="lower",
    )
    rows, columns = np.nonzero(heatmap.plateau[symbol, stop])
    axes.plot(columns, rows, ".", color="black", markersize=4, label="plateau")
    at, i, j = heatmap.picks[symbol].tolist()
    if at == stop:
        axes.plot([j], [i], "X", color="white", markeredgecolor="black", markersize=13, label="pick")
    for windows, set_ticks in ((heatmap.slow, axes.set_xticks), (heatmap.fast, axes.set_yticks)):
        step = -(-len(windows) // 15)
        set_ticks(range(0, len(windows), step), [str(window) for window in windows[::step]])
    axes.set_xlabel("slow window, bars")
    axes.set_ylabel("fast window, bars")
    axes.set_title(f"{figure.name} of {heatmap.symbols[symbol]} with {heatmap.stops[stop]}", loc="left")
    axes.legend(loc="lower right")
    return image
