"""The commands: backtest, sweep, top, portfolio, sweep-portfolio, luck, walkforward, validate, simulate, report.

Exit status: 0 done, 1 some symbols were left out, 2 bad use or no usable input, 130 interrupted.
"""

from __future__ import annotations

import typer

from engine.cli import commands, judging, making, portfolios, reporting, selecting
from engine.cli.spoken import spoken
from engine.cli.starting import without_linear_algebra

__all__ = ["app", "main"]

app = typer.Typer(
    name="goldencross",
    help="Backtest and sweep moving-average crossovers on your own prices.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


for _command in (
    commands.backtest,
    commands.sweep,
    commands.top,
    portfolios.portfolio,
    portfolios.sweep_portfolio,
    judging.luck,
    selecting.walkforward,
    commands.validate,
    making.simulate,
    reporting.report,
):
    app.command()(spoken(_command))


def main() -> None:
    """Run the command line."""
    without_linear_algebra()
    app()
