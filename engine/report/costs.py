"""What is said about costs: what they took, of what they are made, and how much more of them a result would bear."""

from __future__ import annotations

from collections.abc import Callable

from engine.costs.limit import MOST, surcharge_limit
from engine.costs.plain import Costs
from engine.costs.schedule import CostSchedule
from engine.prices.history import Prices
from engine.report.spoken import money, percent
from engine.results.costs import CostTotals
from engine.settings import Settings

__all__ = ["cell_cost_lines", "cost_lines", "limit_line", "outside_lines"]


def cost_lines(totals: CostTotals, closed: int, net: float) -> list[str]:
    """Say what the costs took.

    Parameters
    ----------
    totals : CostTotals
    closed : int
        Closed trades.
    net : float
        What was gained after costs, currency.
    """
    if not totals.orders:
        return []
    each = f", {money(totals.total / closed)} for each closed trade" if closed else ""
    parts = f"{money(totals.fees)} in fees and {money(totals.slippage)} by slippage"
    lines = [
        f"Costs took {money(totals.total)}{each}: {parts}.",
        f"Before costs {_gain(net + totals.total)}, after them {_gain(net)}.",
    ]
    if totals.parts:
        lines.append("Of the fees: " + ", ".join(f"{name} {money(paid)}" for name, paid in totals.parts.items()) + ".")
    return lines + list(totals.outside)


def _gain(amount: float) -> str:
    """Say a gain or a loss."""
    return f"a gain of {money(amount)}" if amount >= 0 else f"a loss of {money(-amount)}"


def limit_line(totals: CostTotals, limit: float | None) -> str:
    """Say at which fee nothing is gained any more; ``limit`` is what ``surcharge_limit`` found."""
    now = f"it pays {percent(totals.average_fee, 3)} of it in fees, on average"
    if limit is None:
        return f"It would still gain if every order cost {percent(MOST, 0)} of its value more; {now}."
    if limit == 0.0:
        return f"It gains nothing at these costs; of an order's value it pays {percent(totals.average_fee, 3)} in fees, on average."
    return (
        f"It stops being profitable when an order costs {percent(totals.average_fee + limit, 3)} of its value; {now}."
    )


def cell_cost_lines(settings: Settings, final_at: Callable[[Costs | CostSchedule], float], trades: int) -> list[str]:
    """Say what costs took from one cell of a sweep, and how much more of them it would bear.

    Parameters
    ----------
    settings : Settings
    final_at : callable
        Final capital of the cell at other costs.
    trades : int
        Closed trades.
    """
    costs, lines = settings.costs, []
    if costs != Costs():
        final, free = final_at(costs), final_at(Costs())
        each = f", {money((free - final) / trades)} for each closed trade" if trades else ""
        lines.append(f"Costs took {money(free - final)}{each}: without them {money(free)} would have become of it.")
    limit = surcharge_limit(lambda extra: final_at(costs.with_surcharge(extra)) - settings.capital)
    more = "" if costs == Costs() else " more than now"
    if limit is None:
        return [*lines, f"It would still gain if every order cost {percent(MOST, 0)} of its value{more}."]
    if limit == 0.0:
        return [*lines, "It gains nothing at these costs."]
    return [*lines, f"It stops being profitable when every order costs {percent(limit, 3)} of its value{more}."]


def outside_lines(settings: Settings, prices: Prices) -> list[str]:
    """Say if the prices reach beyond the days for which the rates of a schedule are known."""
    if not isinstance(settings.costs, CostSchedule):
        return []
    dates = [prices[symbol].local_dates for symbol in prices.symbols]
    ends = min(some[0] for some in dates), max(some[-1] for some in dates)
    return [said for said in map(settings.costs.outside, ends) if said]
