"""The report of a bot's journal, of the parts of every other report: how things stand first, then equity day by day, trades, commissions, runs.

Account numbers are masked in all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engine.errors import InputError
from engine.report.curves import Curve
from engine.report.model import Bars, Column, Report, Section, Table
from engine.report.parts.equity import equity_sections, monthly_section
from engine.report.spoken import count, money
from live.journal import Event, Journal, State, journal_lines, state_of, status_lines
from live.journal.profit import profit_lines
from live.journal.standing import Standing
from live.journal.trades import Trade
from live.plain import plain

__all__ = ["journal_report", "read_journal", "status_page"]

_DAYS = 365.25
_MOST_EVENTS = 200

Say = Callable[[str], str]


def read_journal(path: Path, account: str) -> Report:
    """Report a journal, its chain checked.

    Raises
    ------
    JournalError
        It is none of ours, or something is missing in it.
    """
    journal = Journal(path, read_only=True)
    try:
        events = journal.events()
    finally:
        journal.close()
    return journal_report(events, account)


def journal_report(events: Sequence[Event], account: str = "") -> Report:
    """Report the events of a journal.

    Parameters
    ----------
    events : sequence of Event
    account : str
        Masked, besides whatever looks like one.
    """
    if not events:
        raise InputError("the journal is empty: the bot has not run with it yet")
    state = state_of(events)

    def say(text: str) -> str:
        return plain(text, account)

    first, last = events[0].time[:10], events[-1].time[:10]
    curve = _curve(events)
    known = (
        ""
        if curve is None
        else f"The equity is known on {count(len(curve.values) + 1, 'day')}, those on which the bot asked for it; a bar is such a day."
    )
    verdict = [*profit_lines(state.trades), *status_lines(state), *([known] if known else [])]
    sections = [
        Section("Verdict", tuple(say(line) for line in verdict)),
        *(
            [Section("Equity", ("The journal knows the equity of fewer than two days, so there is no curve.",))]
            if curve is None
            else [*equity_sections(curve), monthly_section(curve)]
        ),
        _trades_section(state.trades, say),
        _commission_section(state.trades),
        _runs_section(state, say),
        _events_section(events, account),
    ]
    return Report(f"Journal of the bot, {first} to {last}", tuple(sections), is_private=True)


def status_page(standing: Standing, events: Sequence[Event], account: str = "") -> str:
    """Give the page of how things stand, with the journal's report below it; it needs nothing from a network, and sends nothing.

    Parameters
    ----------
    standing : Standing
    events : sequence of Event
        Of the same journal.
    account : str
        Masked, besides whatever looks like one.
    """
    from engine.report.page import report_html  # noqa: PLC0415  only a page needs it

    rows = tuple(
        (plain(symbol, account), held, stopped) for symbol, (held, stopped) in standing.state.held.items() if held
    )
    columns = Column("symbol"), Column("shares", "number", 0), Column("under stops", "number", 0)
    tables = (
        (Table("Positions, and how many of their shares are under a stop at the exchange", columns, rows),)
        if rows
        else ()
    )
    look = "Somebody has to look." if standing.needs_a_look else "Nothing needs a look."
    now = Section("How things stand", tuple(plain(line, account) for line in [look, *standing.lines()]), (), tables)
    rest = journal_report(events, account).sections if events else ()
    return report_html(Report("Status of the bot", (now, *rest), is_private=True))


def _curve(events: Sequence[Event]) -> Curve | None:
    """Give the equity that was first seen on each day on which it was asked for; the first of all is the capital. None for fewer than two days."""
    seen: dict[str, float] = {}
    for event in events:
        if event.kind in ("day", "sized"):
            seen.setdefault(str(event.data.get("day", event.time[:10])), float(event.data["equity"]))
    days = sorted(seen)
    if len(days) < 2:
        return None
    equity = pd.Series([seen[day] for day in days[1:]], index=pd.DatetimeIndex(days[1:], name="date"), name="equity")
    span = (equity.index[-1] - pd.Timestamp(days[0])).days
    yearly = len(equity) / span * _DAYS if span else 252.0
    return Curve("the account", seen[days[0]], equity, None, yearly)


def _trades_section(trades: Sequence[Trade], say: Say) -> Section:
    """List the trades."""
    columns = (
        Column("symbol"),
        Column("shares", "number", 0),
        Column("bought", "date", missing="before the journal"),
        Column("price in", "number", missing="not in the journal"),
        Column("sold", "date", missing="still held"),
        Column("price out", "number", missing="still held"),
        Column("commission", "number", missing="not known yet"),
        Column("profit", "number", missing="not known yet"),
    )
    rows = tuple(
        (
            say(one.symbol),
            one.quantity,
            _local(one.entry_time),
            one.entry_price,
            _local(one.exit_time),
            one.exit_price,
            one.commission,
            one.profit,
        )
        for one in trades
    )
    closed = sum(one.is_closed for one in trades)
    lines = (
        [f"{count(len(trades), 'trade')}, {closed:,} of them closed; times are those of Kolkata, money in rupees."]
        if trades
        else ["Nothing was traded yet."]
    )
    return Section(
        "Trades",
        tuple(lines),
        (),
        (Table("Purchases and the sales that they were sold by", columns, rows),) if rows else (),
    )


def _local(moment: Any) -> Any:
    """Give a moment by the exchange's clock, without a zone, to the minute."""
    return None if moment is None else pd.Timestamp(moment).tz_convert("Asia/Kolkata").tz_localize(None).floor("min")


def _commission_section(trades: Sequence[Trade]) -> Section:
    """Say what the broker charged, and of which symbols."""
    known = [one for one in trades if one.commission is not None]
    missing = len(trades) - len(known)
    if not known:
        return Section("Costs", ("No commission is known yet.",))
    paid: dict[str, float] = {}
    for one in known:
        paid[one.symbol] = paid.get(one.symbol, 0.0) + float(one.commission or 0.0)
    names = sorted(paid, key=lambda name: -paid[name])
    total = sum(paid.values())
    lines = [f"Commissions of {money(total)} in {count(len(known), 'trade')}."]
    if missing:
        lines.append(f"Of {count(missing, 'trade')} not all commissions are known, and none of theirs is counted.")
    sentence = f"{names[0]} cost the most, {money(paid[names[0]])}."
    return Section(
        "Costs",
        tuple(lines),
        (
            Bars(
                "Commissions by symbol",
                sentence,
                "symbol",
                tuple(names),
                np.array([paid[name] for name in names]),
                "rupees",
            ),
        ),
    )


def _runs_section(state: State, say: Say) -> Section:
    """List the runs, and the alarms that nobody has cleared."""
    runs = state.runs
    broken = sum(run["ended"] is None for run in runs)
    bad = sum(run["ended"] is not None and run["status"] != 0 for run in runs)
    lines = [f"{count(len(runs), 'run')}: {bad:,} ended with a status other than 0, {broken:,} did not end."]
    lines += [f"ALARM: {say(text)}." for text in state.alarms]
    columns = (Column("begun, UTC"), Column("ended, UTC"), Column("status"), Column("what"), Column("orders"))
    rows = tuple(
        (
            run["begun"][:19].replace("T", " "),
            "not" if run["ended"] is None else run["ended"][:19].replace("T", " "),
            "none" if run["status"] is None else str(run["status"]),
            say(str(run.get("command", "run"))),
            "sent" if run.get("send") else "dry run",
        )
        for run in reversed(runs)
    )
    return Section(
        "Runs", tuple(lines), (), (Table("Runs of the bot, the newest first", columns, rows),) if rows else ()
    )


def _events_section(events: Sequence[Event], account: str) -> Section:
    """List the newest events in sentences."""
    lines = journal_lines(events[-_MOST_EVENTS:], account)[::-1]
    shown = (
        f"the newest {len(lines):,} of {count(len(events), 'event')}"
        if len(events) > len(lines)
        else f"all {count(len(events), 'event')}"
    )
    rows = tuple((str(event.number), line) for event, line in zip(reversed(events[-_MOST_EVENTS:]), lines, strict=True))
    table = Table("Events, the newest first", (Column("number"), Column("what happened")), rows)
    return Section(
        "Journal",
        (f"Here are {shown}; every event is chained to the one before by its hash, and the chain was checked.",),
        (),
        (table,),
    )
