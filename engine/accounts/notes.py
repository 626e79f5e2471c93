"""What should be known about a portfolio besides its numbers, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from engine.kernels.money import ON_TICK
from engine.prices.history import History
from engine.settings import Settings
from engine.terms import AccountTerms

__all__ = ["notes_of"]

_FIELDS = ("open", "high", "low", "close")


def notes_of(
    histories: Sequence[History],
    trades: pd.DataFrame,
    signals: pd.DataFrame,
    settings: Settings,
    account: AccountTerms,
) -> Iterator[str]:
    """Say what is doubtful."""
    tried = signals[signals["outcome"] != "pending"]
    if len(tried) and (tried["outcome"] == "skipped").all():
        reasons = tried["reason"].value_counts()
        said = ", ".join(f"{number:,} by {reason}" for reason, number in reasons.items())
        yield f"Nothing was ever bought: all {len(tried):,} signals were skipped ({said})."
        if set(reasons.index) <= {"cash", "weight", "risk"}:
            yield f"A capital of {settings.capital:,.2f} buys no lot at this risk, weight and price: nothing was ever affordable."
    yield from _ended(histories, trades)
    yield from _off_tick(histories, account)


def _ended(histories: Sequence[History], trades: pd.DataFrame) -> Iterator[str]:
    """Name the symbols that are held though their history has ended."""
    last = max(history.dates[-1].tz_localize(None) for history in histories)
    held = set(trades.loc[trades["exit_reason"] == "open", "symbol"])
    for history in histories:
        end = history.dates[-1].tz_localize(None)
        if history.symbol in held and end < last:
            yield (
                f"{history.symbol} is still held, but its history ends on {end.date()}: it stays in the books at its last close."
            )


def _off_tick(histories: Sequence[History], account: AccountTerms) -> Iterator[str]:
    """Say how many prices are no multiple of their tick."""
    total = off = 0
    worst: tuple[float, str] = (0.0, "")
    for history in histories:
        tick = account.tick_of(history.symbol)
        if tick is None:
            continue
        prices = np.concatenate([getattr(history, name) for name in _FIELDS])
        ticks = prices * (tick.denominator / tick.numerator)
        wrong = int((np.abs(ticks - np.round(ticks)) > ON_TICK).sum())
        total, off = total + len(prices), off + wrong
        worst = max(worst, (wrong / len(prices), history.symbol))
    if off:
        yield (
            f"Beware: {100 * off / total:.2f} percent of the prices are no multiple of the tick given, most in {worst[1]} "
            f"({100 * worst[0]:.2f} percent); prices adjusted for splits are not, and then rounding fills to the tick costs more than it would have."
        )
