"""Hypothesis strategies for accounts of several symbols: awkward markets on different days, and rules that make them compete."""

from dataclasses import fields, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from hypothesis import strategies as st

from tests import naive, strategies
from tests.naive import Bar
from tests.naive_portfolio import PortfolioRules

FIRST_DAY = date(2020, 1, 1)
SYMBOLS = ("ABB", "INFY", "SBIN", "TCS")
LOTS = (1.0, 1.0, 5.0, 100.0, 0.1, 0.001)
TICKS = (None, Decimal("0.05"), Decimal("0.01"), Decimal("0.1"), Decimal("0.5"), Decimal(1))

Series = list[tuple[date, Bar]]


class Case(NamedTuple):
    bars: dict[str, Series]
    fast: int
    slow: int
    rules: PortfolioRules


@st.composite
def dated(draw, bars: list[Bar]) -> Series:
    """Give bars their dates: a start of their own, and here and there a hole of a day or more."""
    day = FIRST_DAY + timedelta(days=draw(st.integers(0, 6)))
    holes = draw(st.dictionaries(st.integers(0, len(bars)), st.integers(1, 6), max_size=4))
    series = []
    for t, bar in enumerate(bars):
        day += timedelta(days=1 + holes.get(t, 0))
        series.append((day, bar))
    return series


@st.composite
def prices(draw, min_bars: int = 1, max_bars: int = 60) -> dict[str, Series]:
    """Return one to four symbols, not in alphabetical order; often two of them have the same bars, so that crosses tie."""
    symbols = draw(st.permutations(SYMBOLS))[: draw(st.integers(1, 4))]
    different = [draw(strategies.markets(min_bars, max_bars)) for _ in symbols]
    return {
        symbol: draw(dated(different[draw(st.sampled_from([place, place, 0]))])) for place, symbol in enumerate(symbols)
    }


@st.composite
def rules(draw, symbols: list[str]) -> PortfolioRules:
    plain = draw(strategies.rules().filter(lambda plain: plain.multiple != 0))
    values = {field.name: getattr(plain, field.name) for field in fields(naive.Rules)}
    priorities = st.one_of(
        st.sampled_from(["strongest", "strongest", "alphabetical"]),
        st.permutations(symbols).map(lambda names: names[:2]),
    )
    return PortfolioRules(
        **values,
        max_positions=draw(st.sampled_from([None, None, 1, 2, 3])),
        max_weight=draw(st.sampled_from([None, None, 0.6, 0.5, 1 / 3, 0.25, 0.05, 1.0])),
        priority=draw(priorities),
        lots={symbol: draw(st.sampled_from(LOTS)) for symbol in symbols},
        ticks={symbol: draw(st.sampled_from(TICKS)) for symbol in symbols},
    )


@st.composite
def cases(draw, max_bars: int = 60, *, full: bool = False) -> Case:
    """Return prices, windows and rules; with full, every symbol has at least as many bars as the slow window."""
    fast, slow = draw(strategies.windows(5, 12))
    bars = draw(prices(slow if full else 1, max_bars))
    return Case(bars, fast, slow, draw(rules(list(bars))))


@st.composite
def lone_cases(draw, max_bars: int = 100) -> tuple[list[Bar], Case]:
    """Return one symbol without caps or ticks, as bars and as a case."""
    fast, slow = draw(strategies.windows())
    bars = draw(strategies.markets(1, max_bars))
    shared = draw(rules(["TCS"]))
    alone = replace(shared, max_positions=None, max_weight=None, lots={}, ticks={})
    return bars, Case({"TCS": draw(dated(bars))}, fast, slow, alone)


@st.composite
def intraday_cases(draw) -> Case:
    """Return a case with bars of 15 minutes, each symbol with sessions of its own, and nothing held overnight."""
    case = draw(cases(40, full=True))
    dated_anew = {
        symbol: list(zip(draw(strategies.stamps(len(series))), (bar for _, bar in series), strict=True))
        for symbol, series in case.bars.items()
    }
    flatten = draw(strategies.intraday_rules()).flatten
    return case._replace(bars=dated_anew, rules=replace(case.rules, flatten=flatten))
