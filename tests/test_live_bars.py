"""Which bars count: a jump before them changes nothing that is decided, one among them is a reason not to trade."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

import engine
from engine.errors import DataError
from live.bars import bars_that_count, history_of
from live.decision import read_last_bar
from live.facts import DayBar

FAST, SLOW = 2, 5
STOPS = [engine.TrailingStop(2.0, 3), engine.TrailingStop(2.0, 3, atr="wilder")]


def bars(halved_before=0, count=120):
    """Make bars, of which all but the last ``halved_before`` ones are at half the price, as before a reverse split that nobody has told."""
    days = [stamp.date() for stamp in pd.bdate_range(end=date(2026, 3, 16), periods=count)]
    close = 100 + 5 * np.sin(np.arange(count) / 3)
    scale = np.where(np.arange(count) < count - halved_before, 0.5, 1.0) if halved_before else np.ones(count)
    return [
        DayBar(day, *(float(price * by) for price in (c, c + 1, c - 1, c)), 1000.0)
        for day, c, by in zip(days, close, scale, strict=True)
    ]


def reading(rows, stop, clean):
    history = history_of("A", "INR", rows, rows[-1].day, SLOW + stop.atr_window, clean)
    return read_last_bar(history, FAST, SLOW, stop)


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.atr)
def test_a_jump_before_the_bars_that_count_changes_nothing(stop):
    clean = bars_that_count(SLOW, stop)
    jumped, calm = reading(bars(clean + 1), stop, clean), reading(bars(), stop, clean)
    assert (jumped.cross, jumped.is_above) == (calm.cross, calm.is_above)
    assert jumped.distance == pytest.approx(calm.distance, rel=1e-5)
    with pytest.raises(DataError, match="until it is explained"):
        reading(bars(clean), stop, clean)


def test_with_wilders_average_the_least_bars_would_not_be_enough():
    stop = STOPS[1]
    least = SLOW + stop.atr_window
    assert reading(bars(least + 1), stop, least).distance > 1.1 * reading(bars(), stop, least).distance
