"""The command ``goldencross-live``: check, run, status, journal, export, reconcile, flatten, halt, resume, demo, record, recording.

Exit status of a run: 0 done, 1 some shares were skipped, 2 nothing was done (configuration, journal, session), 3 somebody has to look, 4 the gateway is out of reach.
"""

# typer reads the annotations of these functions at run time, so they must not be strings: no "from __future__ import annotations" here.

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.spoken import spoken
from engine.errors import InputError
from live.config import account_of, load_config
from live.errors import BrokerError
from live.halting import halt as write_halt
from live.halting import resume as remove_halt
from live.journal import journal_lines
from live.journal.exporting import exported
from live.looking import account_to_mask, events_of, standing_of, write_for_the_owner
from live.plain import masked, plain
from live.schema import Config

__all__ = ["app", "main"]

app = typer.Typer(
    name="goldencross-live",
    help="Trade moving-average crossovers through Interactive Brokers, with the engine's own kernels.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

ConfigPath = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="The TOML file; docs/example-config.toml has every key.")
]
Send = Annotated[bool, typer.Option("--send", help="Send orders. Without it nothing is sent.")]
Format = Annotated[str, typer.Option("--format", help="text, or json for programs.")]
Live = Annotated[
    bool, typer.Option("--real-money", help="Needed, besides --send, for an account that is no paper account.")
]


def check(path: ConfigPath) -> int:
    """Read the configuration, connect, and say what the bot would do. Nothing is ever sent.

    Example: goldencross-live check bot.toml
    """
    config = load_config(path)
    _say(config.describe())
    old = _isin_lines(config)
    if old:
        _say(old)
    from live.service import run_now  # noqa: PLC0415  ib_async is imported only to connect

    status = asyncio.run(run_now(config, account_of(config), send=False, say=typer.echo, any_time=True))
    return max(status, 1) if old else status


def run(
    path: ConfigPath,
    once: Annotated[bool, typer.Option("--once", help="Run now, if it is time, and end: for cron or a timer.")] = False,
    send: Send = False,
    real_money: Live = False,
) -> int:
    """Run the bot at its time. It stays up and waits for the next session, or runs once. Without --send it is a dry run.

    Example: goldencross-live run bot.toml --once --send
    """
    config = load_config(path)
    account = account_of(config)
    _require_switches(config, send=send, real_money=real_money)
    from live.service import run_now, stay_up  # noqa: PLC0415  ib_async is imported only to connect

    if once:
        return asyncio.run(run_now(config, account, send=send, say=typer.echo))
    return asyncio.run(stay_up(config, account, send=send, say=typer.echo))


def status(
    path: ConfigPath,
    output_format: Format = "text",
    html: Annotated[
        str, typer.Option("--html", help="Write a page to this file as well, replaced each time; for its owner only.")
    ] = "",
) -> int:
    """Say how things stand, from the journal alone: alarms, positions and their stops, the last run, the next one, the profit so far.

    It ends with status 3 if there is an alarm, a share without a stop, or a run that has not ended; else with 0.
    """
    _require_format(output_format, ("text", "json"))
    config = load_config(path)
    standing = standing_of(config)
    if html:
        from live.report import status_page  # noqa: PLC0415  for this option only

        write_for_the_owner(
            config, Path(html), status_page(standing, events_of(config), account_to_mask()), overwrite=True
        )
    if output_format == "text":
        _say(standing.lines())
    else:
        typer.echo(json.dumps(masked(standing.document(), account_to_mask()), indent=1))
    return _LOOK if standing.needs_a_look else 0


def journal(path: ConfigPath, output_format: Format = "text") -> int:
    """Say everything that the journal has, oldest first, after checking its chain. Formats are text, json and csv."""
    _require_format(output_format, ("text", "json", "csv"))
    events = events_of(load_config(path))
    if output_format == "text":
        _say(journal_lines(events, account_to_mask()))
    else:
        typer.echo(exported(events, "events", output_format, account_to_mask()), nl=False)
    return 0


def export(
    path: ConfigPath,
    what: Annotated[str, typer.Option("--what", help="events, executions or trades.")] = "trades",
    output_format: Annotated[str, typer.Option("--format", help="csv or json.")] = "csv",
    out: Annotated[str, typer.Option("--out", help="A file, or - for the console.")] = "-",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> int:
    """Write a table of the journal for other programs. Account numbers are masked; the file is readable by its owner only.

    Example: goldencross-live export bot.toml --what trades --out trades.csv
    """
    config = load_config(path)
    text = exported(events_of(config), what, output_format, account_to_mask())
    if out == "-":
        typer.echo(text, nl=False)
        return 0
    write_for_the_owner(config, Path(out), text, overwrite=overwrite)
    typer.echo(plain(f"{what.capitalize()} are in {out}.", account_to_mask()))
    return 0


def reconcile(
    path: ConfigPath,
    prices_path: Annotated[Path, typer.Argument(metavar="PRICES", help="File or folder of today's prices.")],
    repair: Annotated[str, typer.Option("--repair", help="As for goldencross validate.")] = "",
    actions: Annotated[
        Path | None, typer.Option("--actions", help="A table of splits and bonuses, as for goldencross validate.")
    ] = None,
    tick: Annotated[float, typer.Option("--tick", min=0.0001, help="Step of prices, for slippage.")] = 0.05,
    output_format: Format = "text",
) -> int:
    """Compare past days with a backtest on today's data: missed runs, revised bars, slippage, costs.

    It ends with status 3 if more differs than prices and costs, with 1 if a share has no prices. Example: goldencross-live reconcile bot.toml prices/
    """
    _require_format(output_format, ("text", "json", "csv"))
    from engine.cli.options import prices_of  # noqa: PLC0415  for this command only
    from engine.cli.output import adjustment_rows, emit  # noqa: PLC0415
    from engine.report.data import adjustment_lines  # noqa: PLC0415
    from live.drift import drift  # noqa: PLC0415

    config = load_config(path)
    events = events_of(config)
    prices = prices_of(prices_path, repair, "", "", "", actions)
    found = drift(events, prices, config, tick=tick)
    about = {**found.document(), "adjustments": adjustment_rows(prices.report)}
    emit(output_format, [*found.lines(), *adjustment_lines(prices.report)], found.orders, about)
    if not found.is_clean:
        return _LOOK
    return 1 if found.unpriced else 0


def flatten(
    path: ConfigPath,
    symbols: Annotated[
        list[str] | None, typer.Argument(metavar="[SYMBOLS]...", help="Only these; all if none.")
    ] = None,
    send: Send = False,
    real_money: Live = False,
) -> int:
    """Halt entries, cancel what is still to be bought, and sell everything that the shares of the configuration hold. Without --send it only says so.

    A bot that stays up has to be stopped before. Example: goldencross-live flatten bot.toml --send
    """
    config = load_config(path)
    account = account_of(config)
    _require_switches(config, send=send, real_money=real_money)
    from live.flattening import flatten_now  # noqa: PLC0415  ib_async is imported only to connect

    return asyncio.run(flatten_now(config, account, symbols or (), send=send, say=typer.echo))


def halt(
    path: ConfigPath, reason: Annotated[str, typer.Argument(help="Why, for the journal.")] = "halted by hand"
) -> int:
    """Stop all entries, of this and every later run, until resume. Sales and stops go on."""
    config = load_config(path)
    write_halt(config.paths.halt, reason)
    typer.echo(f"No entries from now on: {config.paths.halt} exists. Sales and stops go on.")
    return 0


def resume(path: ConfigPath) -> int:
    """Allow entries again."""
    stopped = remove_halt(load_config(path).paths.halt)
    typer.echo("Entries are allowed again." if stopped else "Entries were not halted.")
    return 0


def demo(
    seed: Annotated[int, typer.Option("--seed", help="Of the simulated prices.")] = 3,
    path: Annotated[Path | None, typer.Option("--journal", help="Keep the journal in this file.")] = None,
) -> int:
    """Trade a simulated month against a simulated gateway. Nothing else is needed, and nothing is waited for."""
    from live.demo import demo as trade  # noqa: PLC0415  ib_async is imported only to connect

    return trade(seed, path, typer.echo)


def record(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Must not exist yet; only you can read it.")],
    gateway_port: Annotated[int, typer.Option("--gateway-port", min=1, max=65535, help="Of the real gateway.")] = 4002,
    gateway_host: Annotated[str, typer.Option("--gateway-host", help="Only this machine itself.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="For the client; 0 for any.")] = 0,
) -> int:
    """Stand between a client and the gateway, and write down what they say, without accounts and balances, until Ctrl-C.

    Example: goldencross-live record --out session.jsonl --port 4102
    """
    from live.record import run_recorder  # noqa: PLC0415  for this command only

    def say(line: str) -> None:
        typer.echo(plain(line, account_to_mask()))

    try:
        return asyncio.run(run_recorder(out, gateway_port, gateway_host, port, say))
    except BrokerError as error:
        typer.echo(f"error: {error}", err=True)
        return 4


def recording(path: Annotated[Path, typer.Argument(metavar="FILE", help="What record has written.")]) -> int:
    """Say what is in a recording, to be heard before it is given to anybody."""
    from live.record import recording_lines  # noqa: PLC0415  for this command only

    _say(recording_lines(path))
    return 0


def _say(lines: list[str]) -> None:
    typer.echo("\n".join(plain(line, account_to_mask()) for line in lines))


def _isin_lines(config: Config) -> list[str]:
    """Say which ISINs of the configuration its table calls old, if it has one."""
    if config.paths.isins is None:
        return []
    from live.isins import IsinTable, instrument_lines  # noqa: PLC0415  it needs pandas

    return instrument_lines(IsinTable.read(config.paths.isins), config.instruments)


def _require_format(output_format: str, formats: tuple[str, ...]) -> None:
    if output_format not in formats:
        raise InputError(f"--format {output_format}: it must be one of: {', '.join(formats)}")


def _require_switches(config: Config, *, send: bool, real_money: bool) -> None:
    """Check that somebody who sends orders means this kind of account."""
    if send and config.account.mode == "live" and not real_money:
        raise InputError("this is a live account: give --real-money besides --send, or use a paper account")
    if real_money and config.account.mode != "live":
        raise InputError("--real-money is for a live account, and this configuration is of a paper account")


_LOOK = 3
"""Exit status: somebody has to look."""
_COMMANDS: tuple[Any, ...] = (
    check,
    run,
    status,
    journal,
    export,
    reconcile,
    flatten,
    halt,
    resume,
    demo,
    record,
    recording,
)
for _command in _COMMANDS:
    app.command()(spoken(_command))


def main() -> None:
    """Run the command line."""
    app()
