"""Hypothesis strategies for awkward markets, as plain lists of naive.Bar."""

import math
from dataclasses import replace
from datetime import datetime, time, timedelta

from hypothesis import strategies as st

from tests.naive import Bar, Rules

MAX_BARS = 120
LEAST, MOST = 500, 1_000_000  # paise: prices stay between 5 and 10,000


def clamp(paise: int) -> int:
    return max(LEAST, min(MOST, paise))


@st.composite
def jumpy_steps(draw, length: int) -> list[int]:
    """Small steps of whole paise with flat stretches in between: many ties and touches."""
    size = draw(st.sampled_from([1, 2, 100, 500]))
    steps: list[int] = []
    while len(steps) < length:
        stretch = draw(st.integers(1, 8))
        if draw(st.integers(0, 3)) == 0:
            steps += [0] * stretch
        else:
            steps += [size * step for step in draw(st.lists(st.integers(-3, 3), min_size=stretch, max_size=stretch))]
    return steps[:length]


@st.composite
def trending_steps(draw, length: int) -> list[int]:
    """Runs up and down, so that averages cross and stops trail."""
    size = draw(st.sampled_from([10, 100, 300]))
    up = draw(st.booleans())
    steps: list[int] = []
    while len(steps) < length:
        stretch = draw(st.integers(2, 10))
        low, high = (-1, 4) if up else (-4, 1)
        steps += [size * step for step in draw(st.lists(st.integers(low, high), min_size=stretch, max_size=stretch))]
        up = not up
    return steps[:length]


@st.composite
def paise_bars(draw, min_bars: int = 1, max_bars: int = MAX_BARS) -> list[tuple[int, int, int, int]]:
    """Bars in whole paise: (open, high, low, close)."""
    length = draw(st.integers(min_bars, max_bars))
    steps = draw(st.one_of(jumpy_steps(length), trending_steps(length)))
    # The width of a bar, and the overnight gap, in paise; a gap of several widths jumps over a stop.
    width = draw(st.sampled_from([0, 5, 100, 400, 2_000]))
    gap = draw(st.sampled_from([0, 0, 50, 300, 1_500]))
    parts = st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(-8, 8))
    bars = []
    last = draw(st.sampled_from([1_000, 10_000, 10_001, 33_333, 250_000]))
    for step, (above, below, jump) in zip(steps, draw(st.lists(parts, min_size=length, max_size=length)), strict=True):
        # Four bars in five open where the last one closed, or near it.
        opened = clamp(last + gap * (jump - 5 * int(math.copysign(1, jump)))) if abs(jump) > 6 else clamp(last)
        closed = clamp(last + step)
        high = clamp(max(opened, closed) + width * above // 4)
        low = clamp(min(opened, closed) - width * below // 4)
        bars.append((opened, high, low, closed))
        last = closed
    return bars


def in_rupees(paise: list[tuple[int, int, int, int]]) -> list[Bar]:
    return [Bar(*(price / 100 for price in bar)) for bar in paise]


def noisy(paise: list[tuple[int, int, int, int]], factor: float) -> list[Bar]:
    """Scale every price by one factor: monotone, so the bars stay consistent and equal prices stay equal."""
    return [Bar(*(price * factor for price in bar)) for bar in paise]


@st.composite
def jittered(draw, paise: list[tuple[int, int, int, int]]) -> list[Bar]:
    """Give every price of every bar its own last digits: no two are equal any more, and none is a whole tick."""
    bars = []
    noise = st.lists(st.floats(0.9999, 1.0001), min_size=4, max_size=4)
    for bar, parts in zip(paise, draw(st.lists(noise, min_size=len(paise), max_size=len(paise))), strict=True):
        opened, high, low, closed = (price / 100 * part for price, part in zip(bar, parts, strict=True))
        bars.append(Bar(opened, max(opened, high, low, closed), min(opened, high, low, closed), closed))
    return bars


@st.composite
def tick_markets(draw, min_bars: int = 1, max_bars: int = MAX_BARS) -> list[Bar]:
    return in_rupees(draw(paise_bars(min_bars, max_bars)))


@st.composite
def noisy_markets(draw, min_bars: int = 1, max_bars: int = MAX_BARS) -> list[Bar]:
    """Prices that are no whole ticks."""
    paise = draw(paise_bars(min_bars, max_bars))
    if draw(st.booleans()):
        return draw(jittered(paise))
    return noisy(paise, draw(st.sampled_from([1 / 300, 0.1 / 7, 0.010000001])))


@st.composite
def constant_markets(draw, min_bars: int = 1, max_bars: int = 30) -> list[Bar]:
    price = draw(st.sampled_from([100.0, 0.1, 1 / 3, 99.95, 1e-3]))
    return [Bar(price, price, price, price)] * draw(st.integers(min_bars, max_bars))


def markets(min_bars: int = 1, max_bars: int = MAX_BARS) -> st.SearchStrategy[list[Bar]]:
    """Return every kind of market: mostly long enough to trade, now and then very short or constant."""
    usual = max(min_bars, min(40, max_bars))
    short = max(min_bars, min(8, max_bars))
    return st.one_of(
        tick_markets(usual, max_bars),
        tick_markets(usual, max_bars),
        tick_markets(usual, max_bars),
        noisy_markets(usual, max_bars),
        noisy_markets(usual, max_bars),
        tick_markets(min_bars, short),
        constant_markets(min_bars, max(min_bars, min(30, max_bars))),
    )


@st.composite
def windows(draw, max_fast: int = 8, max_slow: int = 20) -> tuple[int, int]:
    """Return fast < slow, mostly small, so that crosses are frequent."""
    fast = draw(st.integers(1, max_fast))
    slow = fast + draw(st.integers(1, 4))
    if draw(st.integers(0, 3)) == 0:
        slow = draw(st.integers(fast + 1, max_slow))
    return fast, slow


@st.composite
def rules(draw) -> Rules:
    capital = draw(st.sampled_from([1_000.0, 10_000.0, 100_000.0, 123_456.78, 1_000_000.0]))
    multiple = draw(st.sampled_from([None, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 0.7]))
    sizings = ["all_in", "all_in_lots"] if multiple is None else ["all_in", "all_in_lots", "risk"]
    costs = draw(st.booleans())

    def cost(*choices: float) -> float:
        return draw(st.sampled_from(choices)) if costs else 0.0

    return Rules(
        fill=draw(st.sampled_from(["next_open", "close"])),
        intrabar=draw(st.sampled_from(["stop_first", "high_first"])),
        multiple=multiple,
        atr_window=draw(st.sampled_from([1, 2, 3, 4, 6, 14])),
        atr=draw(st.sampled_from(["sma", "wilder"])),
        stop_kind=draw(st.sampled_from(["fixed", "chandelier"])),
        capital=capital,
        sizing=draw(st.sampled_from(sizings)),
        risk=draw(st.sampled_from([0.02, 0.001, 0.1])),
        lot=draw(st.sampled_from([1.0, 1.0, 5.0, 100.0, 0.1, 0.001])),
        rate=cost(0.0, 0.001, 0.0025, 0.02),
        fixed=cost(0.0, capital / 10_000, 1.5),
        minimum=cost(0.0, capital / 5_000, 0.75),
        slippage=cost(0.0, 0.0005, 0.01),
        bars_per_year=draw(st.sampled_from([252.0, 365.0, 52.0])),
    )


@st.composite
def signals(draw, length: int) -> list[int]:
    """Return +1 entry, -1 exit, 0 none; often repeated, often against the position."""
    return draw(st.lists(st.sampled_from([0, 0, 0, 1, -1]), min_size=length, max_size=length))


@st.composite
def stamps(draw, length: int) -> list[datetime]:
    """Sessions of one to nine bars of 15 minutes from 9:15 on, now and then one in the evening; at least one of two bars, where there are two."""
    found: list[datetime] = []
    day = datetime.fromisoformat("2024-01-01T09:15")
    while len(found) < length:
        bars = min(draw(st.integers(1 if found else 2, 9)), length - len(found))
        start = day.replace(hour=draw(st.sampled_from([9, 9, 9, 18])))
        found += [start + timedelta(minutes=15 * i) for i in range(bars)]
        day += timedelta(days=draw(st.sampled_from([1, 1, 3])))
    return found


def intraday_rules() -> st.SearchStrategy[Rules]:
    """Return rules that hold nothing overnight."""
    when = st.sampled_from(["session", time(9, 15), time(10, 0), time(23, 0)])
    return st.builds(lambda rules, flatten: replace(rules, flatten=flatten), rules(), when)
