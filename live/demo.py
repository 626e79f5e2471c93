"""A month of the bot against the simulated gateway: nothing is needed but this package, and nothing is waited for."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd

import engine
from engine.report.spoken import count, money
from engine.terms import AccountTerms
from live.gateway import KOLKATA, Gateway, Listing, Market, now, run_virtual
from live.journal import Journal, state_of
from live.rehearsal import run_simulated
from live.runner import Report, Status
from live.schema import Instrument
from live.sessions import Run, next_run, session_on, trading_days
from live.strategy import Strategy

__all__ = ["SHARES", "demo", "demo_prices"]

_ACCOUNT = "DU0000001"
_FIRST, _LAST = date(2026, 3, 2), date(2026, 3, 30)
_BEFORE = timedelta(minutes=10)
_CAPITAL = 1_000_000.0

SHARES = tuple(
    Instrument(isin=isin, symbol=symbol, closing_auction=False)
    for isin, symbol in (
        ("INE002A01018", "RELIANCE"),
        ("INE467B01029", "TCS"),
        ("INE009A01021", "INFY"),
        ("INE062A01020", "SBIN"),
        ("INE154A01025", "ITC"),
        ("INE018A01030", "LT"),
    )
)
"""Real names with made-up prices."""


def demo_prices(seed: int) -> engine.Prices:
    """Make prices for the shares on NSE's sessions up to the end of the month; before 2025, which the session table does not have, on weekdays."""
    known = [day for day in trading_days(date(2025, 1, 1), _LAST) if session_on(day) is not None]
    days = pd.DatetimeIndex([*pd.bdate_range("2022-01-03", "2024-12-31"), *map(pd.Timestamp, known)])
    market = engine.simulate([share.symbol for share in SHARES], len(days), seed, volatility=0.02)
    return engine.Prices.from_histories(
        engine.History(one.symbol, days, one.open, one.high, one.low, one.close, one.volume, "INR")
        for one in map(market.__getitem__, market.symbols)
    )


def demo(seed: int, journal: Path | None, say: Callable[[str], None], *, send: bool = True) -> int:
    """Trade a month; give the exit status.

    Parameters
    ----------
    seed : int
        Of the simulated prices.
    journal : Path or None
        Where the journal goes; None is a place that is removed at the end.
    say : callable
        Told every line.
    send : bool
        False is a dry run: the bot looks, decides and sizes on every day, and sends nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = journal or Path(folder) / "journal.sqlite"
        return run_virtual(_month(seed, path, say, send=send), datetime.combine(_FIRST, datetime.min.time(), KOLKATA))


async def _month(seed: int, path: Path, say: Callable[[str], None], *, send: bool) -> int:
    """Serve the gateway, and run the bot on every day of the month."""
    prices = demo_prices(seed)
    listings = [Listing(share.isin, share.symbol, 1001 + i) for i, share in enumerate(SHARES)]
    gateway = Gateway(Market(prices, listings), {_ACCOUNT: _CAPITAL})
    book = Journal(path, clock=now)
    worst = Status.DONE
    say(
        f"{count(len(SHARES), 'share')} with simulated prices, {money(_CAPITAL)} rupees, {_FIRST} to {_LAST}, averages 5 and 20, 2 percent at risk."
    )
    async with gateway.serve() as port:
        while now().date() <= _LAST:
            window = next_run(now(), SHARES, _BEFORE)
            if window.session.day > _LAST:
                break
            await asyncio.sleep((window.moment - now()).total_seconds() + 1.0)
            report = await _day(port, book, window, send=send)
            worst = max(worst, report.status)
            for line in _worth_saying(report):
                say(f"{window.session.day}: {line}")
            await asyncio.sleep(3600.0)
    for line in _summary(gateway, book, prices):
        say(line)
    book.close()
    return int(Status.DONE if worst <= Status.SKIPPED else worst)  # skipped entries are in the nature of limits


async def _day(port: int, book: Journal, window: Run[Instrument], *, send: bool) -> Report:
    """Run the bot once, as its command would."""
    strategy = Strategy(5, 20, engine.TrailingStop(2.0), terms=AccountTerms(max_positions=4, max_weight=0.4))
    book.append("run started", {"send": send})
    report = await run_simulated(port, _ACCOUNT, book, strategy, window, send=send)
    book.append("run ended", {"status": int(report.status)})
    return report


def _worth_saying(report: Report) -> Iterator[str]:
    """Leave out that nothing is to be done with a share."""
    dull = ("not held, and no golden cross", "held, and the fast average is above", "held after the run")
    return (line for line in report.lines if not any(part in line for part in dull))


def _summary(gateway: Gateway, book: Journal, prices: engine.Prices) -> Iterator[str]:
    """Say what the month came to, and whether the broker's books and the journal agree."""
    account = gateway.book.accounts[_ACCOUNT]
    state = state_of(book.events())
    closes = {1001 + i: float(prices[share.symbol].close[-1]) for i, share in enumerate(SHARES)}
    held = {con_id: one.shares for con_id, one in account.positions.items() if one.shares}
    worth = account.cash + sum(shares * closes[con_id] for con_id, shares in held.items())
    buys = sum(1 for one in state.executions.values() if one["side"] == "BUY")
    sales = len(state.executions) - buys
    yield f"The month is over: {money(_CAPITAL)} became {money(worth)}; {count(buys, 'purchase')}, {count(sales, 'sale')}, {count(len(held), 'position')} held."
    agree = len(state.executions) == len(gateway.book.executions)
    yield f"The journal has {count(len(state.executions), 'execution')}, the broker {len(gateway.book.executions):,}{'' if agree else ': the last ones came after the last run'}. Its {book.verify():,} events are in one chain."
