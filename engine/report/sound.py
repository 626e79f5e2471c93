"""An equity curve to listen to: pitch follows the logarithm of equity, a click is an entry or an exit, a low hum a drawdown.

Three things at once can be told apart because they differ in more than pitch: the equity is a steady tone in the middle, an entry a high click on the left, an exit a lower one on the right, and the
hum is the louder the deeper the fall. Half an octave up is the same gain wherever it happens.
"""

from __future__ import annotations

import wave
from os import PathLike

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import InputError
from engine.report.curves import Curve
from engine.report.data import day
from engine.report.spoken import money, percent
from engine.results.storage import replacing

__all__ = ["sound_lines", "sound_of", "write_sound"]

Floats = NDArray[np.float64]

RATE = 22_050
"""Samples a second."""
_LOW, _HIGH = 220.0, 880.0  # hertz, of the lowest and the highest equity: two octaves
_HUM = 70.0
_SHORTEST, _LONGEST, _BARS_A_SECOND = 10.0, 20.0, 150.0


def write_sound(curve: Curve, trades: pd.DataFrame, path: str | PathLike[str]) -> list[str]:
    """Write a WAV file, 16 bits, stereo; give the sentences that say how to listen to it.

    Parameters
    ----------
    curve : Curve
    trades : DataFrame
        TRADE_COLUMNS, whose dates are those of the curve.
    path : path

    Raises
    ------
    InputError
        Equity fell to nothing, which has no logarithm.
    OutputError
    """
    samples = sound_of(curve, trades)
    with replacing(path) as partial, wave.open(str(partial), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.round(samples * 32_000).astype("<i2").tobytes())
    return sound_lines(curve, trades)


def _seconds(bars: int) -> float:
    return min(_LONGEST, max(_SHORTEST, bars / _BARS_A_SECOND))


def sound_of(curve: Curve, trades: pd.DataFrame) -> Floats:
    """Give the sound, float64 (samples, 2), -1 to 1."""
    if not (curve.values > 0.0).all():
        raise InputError("the equity fell to nothing, so it has no pitch; leave out --sound")
    length = round(_seconds(len(curve.values)) * RATE)
    at = np.linspace(0, len(curve.values) - 1, length)
    bars = np.arange(len(curve.values))
    level = np.log(curve.values)
    span = float(np.ptp(level)) or 1.0
    pitch = _LOW * (_HIGH / _LOW) ** ((np.interp(at, bars, level) - level.min()) / span)
    tone = 0.30 * np.sin(2 * np.pi * np.cumsum(pitch) / RATE)
    deepest = float(-curve.drawdowns.min()) or 1.0
    depth = np.interp(at, bars, -curve.drawdowns) / deepest
    hum = 0.25 * depth * np.sin(2 * np.pi * _HUM * np.arange(length) / RATE)
    out = np.repeat((tone + hum)[:, None], 2, axis=1)
    left = trades[trades["exit_reason"] != "open"]
    for dates, hertz, side in ((trades["entry_date"], 2_400.0, 0), (left["exit_date"], 1_200.0, 1)):
        for place in _places(curve, dates):
            _click(out, round(place / max(len(bars) - 1, 1) * (length - 1)), hertz, side)
    fade = np.minimum(1.0, np.minimum(np.arange(length), np.arange(length)[::-1]) / (0.02 * RATE))
    faded: Floats = out * fade[:, None]
    return faded


def _places(curve: Curve, dates: pd.Series[pd.Timestamp]) -> list[int]:
    """Find the bars of some dates."""
    wanted = pd.DatetimeIndex(dates)
    index = curve.dates if curve.dates.tz == wanted.tz else curve.dates.tz_localize(None)
    wanted = wanted if curve.dates.tz == wanted.tz else wanted.tz_localize(None)
    return [int(place) for place in index.get_indexer(wanted) if place >= 0]


def _click(out: Floats, start: int, hertz: float, side: int) -> None:
    """Add 30 milliseconds of a tone that dies away."""
    length = min(round(0.03 * RATE), len(out) - start)
    time = np.arange(length) / RATE
    out[start : start + length, side] += 0.35 * np.exp(-time * 150.0) * np.sin(2 * np.pi * hertz * time)


def sound_lines(curve: Curve, trades: pd.DataFrame) -> list[str]:
    """Say how to listen to it."""
    seconds, low, high = _seconds(len(curve.values)), float(curve.values.min()), float(curve.values.max())
    closed = int((trades["exit_reason"] != "open").sum())
    return [
        f"The sound lasts {seconds:.0f} seconds, from {day(curve.dates[0])} to {day(curve.dates[-1])}: each second is {len(curve.values) / seconds:.0f} bars.",
        f"Pitch is the equity of {curve.name}: 220 hertz is {money(low)}, 880 hertz is {money(high)}, and equal steps of pitch are equal ratios.",
        f"A high click on the left is an entry, {len(trades):,} of them; a lower click on the right an exit, {closed:,} of them.",
        f"A low hum is a drawdown, loudest at {percent(-float(curve.drawdowns.min()))}.",
    ]
