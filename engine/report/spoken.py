"""How numbers, stops and settings are said, so that a screen reader says them well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.costs.plain import Costs
from engine.costs.schedule import CostSchedule
from engine.results.tables import COUNTS
from engine.settings import Settings, TrailingStop
from engine.signals import Signal
from engine.terms import AccountTerms

__all__ = [
    "METRIC_NAMES",
    "count",
    "money",
    "percent",
    "say_metric",
    "say_settings",
    "say_signal",
    "say_stop",
    "say_terms",
]

METRIC_NAMES = {
    "final_capital": "final capital",
    "total_return": "total return",
    "cagr": "yearly return (cagr)",
    "sharpe": "Sharpe ratio",
    "sortino": "Sortino ratio",
    "max_drawdown": "largest drawdown",
    "calmar": "Calmar ratio",
    "trades": "closed trades",
    "profit_per_trade": "profit per trade",
    "win_rate": "share of winning trades",
    "profit_factor": "profit factor",
    "exposure": "share of bars in the market",
    "skipped": "skipped signals",
}

_MONEY = {"final_capital", "profit_per_trade"}
_PERCENT = {"total_return", "cagr", "max_drawdown", "win_rate", "exposure"}

_WHY_NOT = {
    "cagr": "equity was not always positive",
    "sharpe": "equity never moved, or was not always positive",
    "sortino": "no bar lost anything, or equity was not always positive",
    "calmar": "there was no drawdown, or equity was not always positive",
    "profit_per_trade": "there was no closed trade",
    "win_rate": "there was no closed trade",
    "profit_factor": "no closed trade lost anything",
}


def count(number: float, one: str, many: str | None = None) -> str:
    """Say a number of things: 1 symbol, 2 symbols."""
    return f"{int(number):,} {one if int(number) == 1 else many or one + 's'}"


def money(amount: float) -> str:
    """Say an amount of currency."""
    return f"{amount:,.2f}"


def percent(fraction: float, places: int = 2) -> str:
    """Say a fraction as percent."""
    return f"{100 * fraction:,.{places}f} percent"


def say_metric(name: str, value: Any) -> str:
    """Say the value of a metric with its unit, or why it is not defined."""
    if value is None or str(value) == "<NA>" or value != value:  # noqa: PLR0124  nan is the value that differs from itself
        return f"not defined, because {_WHY_NOT.get(name, 'the history is shorter than the slow window')}"
    if name in COUNTS:
        return f"{int(value):,}"
    if name == "max_drawdown":
        return percent(-value)  # "largest drawdown 12 percent": the minus would be said twice
    if name in _PERCENT:
        return percent(value)
    return money(value) if name in _MONEY else f"{value:.3f}"


def say_stop(stop: TrailingStop | None) -> str:
    """Say what stop there is."""
    if stop is None:
        return "no stop"
    smoothing = "" if stop.atr == "sma" else " by Wilder"
    kind = "" if stop.kind == "fixed" else ", chandelier"
    return f"stop {stop.multiple:g} ATR of {stop.atr_window} bars{smoothing}{kind}"


def say_costs(costs: Costs | CostSchedule) -> list[str]:
    """Say what an order costs."""
    if isinstance(costs, CostSchedule):
        return _say_schedule(costs)
    return [_say_plain_costs(costs)]


def _say_schedule(schedule: CostSchedule) -> list[str]:
    """Name a schedule; its rates and their sources are said by ``describe``."""
    extent, *rest = schedule.describe()
    said = len(rest) - len(schedule.rates)  # slippage, surcharge, rounding
    return [f"Costs: {extent}", *rest[:said]]


def _say_plain_costs(costs: Costs) -> str:
    """Say one rate and one fee."""
    if costs == Costs():
        return "Costs: none. Real trading is not free; give a fee and slippage to see what they take."
    parts = []
    if costs.rate:
        parts.append(f"{100 * costs.rate:g} percent of the value")
    if costs.fixed:
        parts.append(f"{money(costs.fixed)} fixed")
    if costs.minimum:
        parts.append(f"at least {money(costs.minimum)}")
    if costs.slippage:
        parts.append(f"slippage {100 * costs.slippage:g} percent of the price")
    return "Costs per order: " + ", ".join(parts) + "."


def _say_lots(lot: float | Mapping[str, float]) -> str:
    """Say the lots of all symbols."""
    if not isinstance(lot, Mapping):
        return f"{lot:g}"
    return ", ".join(f"{shares:g} for {symbol}" for symbol, shares in lot.items()) + " and 1 for all others"


def say_terms(terms: AccountTerms) -> str:
    """Say what an account of many symbols allows."""
    most = (
        "any number of positions"
        if terms.max_positions is None
        else f"at most {count(terms.max_positions, 'position')}"
    )
    weight = "" if terms.max_weight is None else f", at most {percent(terms.max_weight)} of equity in each"
    if terms.priority == "strongest":
        first = "the strongest cross buys first"
    elif terms.priority == "alphabetical":
        first = "the first name in alphabetical order buys first"
    else:
        first = f"{', '.join(terms.priority)} buy first, in this order"
    ticks = "fills are not rounded to a tick" if terms.tick is None else "fills are rounded to the tick, against us"
    return f"Account: {most}{weight}; {first}; {ticks}."


def say_signal(signal: Signal) -> list[str]:
    """Say what makes a cross, one thing a line; nothing of the golden cross as the contract has it."""
    lines = []
    if signal.average != "sma":
        kinds = {"ema": "exponential", "wma": "linearly weighted"}
        lines.append(f"Averages: {kinds[signal.average]}.")
    if signal.band:
        lines.append(
            f"Band: the fast average has to be {100 * signal.band:g} percent beyond the slow one before the side changes."
        )
    if signal.delay:
        lines.append(f"Delay: a cross counts once its side has lasted {count(signal.delay, 'bar')} more.")
    if signal.confirm is not None:
        index, bars = type(signal.confirm).__name__.upper(), count(signal.confirm.window, "bar")
        lines.append(
            f"Confirmation: a golden cross counts only where the {index} of {bars} is above {signal.confirm.above:g} at its close; others are dropped, and are no skipped signals."
        )
    if signal.hold:
        lines.append(
            f"Hold: what a golden cross buys is sold on a signal {count(signal.hold, 'bar')} after it; crosses until then are ignored."
        )
    return lines


def say_flatten(flatten: str | None) -> list[str]:
    """Say when everything is sold, if anything is."""
    if flatten is None:
        return []
    until = (
        "the last bar of each day" if flatten == "session" else f"the last bar of each day that begins before {flatten}"
    )
    return [
        f"Nothing is held overnight: what is still held is sold at the close of {until}, and nothing is bought after it."
    ]


def say_settings(settings: Settings, terms: AccountTerms | None = None) -> list[str]:
    """Say every setting, one a line; ``terms`` are those of an account that the symbols share, if they do."""
    year = f"{settings.bars_per_year:,.10g} bars a year"
    if settings.direction == "long_short":
        return [
            "Direction: long above, short below, from close to close, without costs. NSE does not allow shorts to be held.",
            *say_signal(settings.signal),
            f"Capital for each symbol: {money(settings.capital)}, {year}.",
        ]
    fill = "the next open" if settings.fill == "next_open" else "the same close"
    lots = _say_lots(settings.lot if terms is None else terms.lot)
    sizes = {
        "all_in": "all cash, fractional shares",
        "all_in_lots": f"all cash, in lots of {lots}",
        "risk": f"{100 * settings.risk:g} percent of equity at risk for each trade, in lots of {lots}",
    }
    whose = "for each symbol" if terms is None else "of the account"
    orders = {
        "stop_first": "the stop is tested before the high",
        "high_first": "the high comes before the stop is tested",
    }
    orders["both"] = orders["stop_first"]
    return [
        f"Direction: long only. A cross is filled at {fill}; within a bar {orders[settings.intrabar]}.",
        *say_flatten(settings.flatten),
        *say_signal(settings.signal),
        f"Capital {whose}: {money(settings.capital)}. Size: {sizes[settings.sizing]}. Year: {year}.",
        *([say_terms(terms)] if terms else []),
        *say_costs(settings.costs),
    ]
