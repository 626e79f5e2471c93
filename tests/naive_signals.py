"""The slow, obvious reference of docs/signals.md, in plain Python; sentences in quotation marks are the page's own."""

from dataclasses import dataclass
from fractions import Fraction

from tests import naive


@dataclass(frozen=True)
class Signal:
    average: str = "sma"
    band: float = 0.0
    delay: int = 0
    index: str | None = None  # "rsi" or "adx", which has to be
    window: int = 14
    above: float = 50.0
    hold: int = 0


# Averages


def ema(closes, window):
    averages = []
    for t, close in enumerate(closes):
        if t < window - 1:
            averages.append(None)
        elif window == 1:
            averages.append(close)  # "an average over one bar is its close"
        elif t == window - 1:
            averages.append(naive.mean(closes[:window]))  # "begins as the simple average of the first w closes"
        else:
            averages.append(averages[-1] + (close - averages[-1]) * (2 / (window + 1)))
    return averages


def weighted_mean(window):
    """Return "the correctly rounded quotient of an exact sum", with the weights 1 .. w, the newest close having w."""
    weights = range(1, len(window) + 1)
    ticks = [naive.whole_ticks(value) for value in window]
    if None not in ticks:
        exact = Fraction(sum(k * tick for k, tick in zip(weights, ticks, strict=True)), naive.TICKS * sum(weights))
    else:
        exact = sum(k * Fraction(value) for k, value in zip(weights, window, strict=True)) / sum(weights)
    return float(exact)


def wma(closes, window):
    return [weighted_mean(closes[t - window + 1 : t + 1]) if t >= window - 1 else None for t in range(len(closes))]


AVERAGES = {"sma": naive.sma, "ema": ema, "wma": wma}


# Indices


def smoothed(values, window):
    """Return Wilder's means: that of the first ``window`` values, "added in the order of time", then "(mean * (n - 1) + value) / n"; None before."""
    means = []
    for i, value in enumerate(values):
        if i < window - 1:
            means.append(None)
        elif i == window - 1:
            total = 0.0
            for one in values[:window]:
                total += one
            means.append(total / window)
        else:
            means.append((means[-1] * (window - 1) + value) / window)
    return means


def rsi(closes, window):
    changes = [closes[t] - closes[t - 1] for t in range(1, len(closes))]
    gains = smoothed([max(change, 0.0) for change in changes], window)
    losses = smoothed([max(-change, 0.0) for change in changes], window)
    index = [None]  # the first bar has no change
    for gain, loss in zip(gains, losses, strict=True):
        if gain is None or gain + loss == 0:
            index.append(None)
        else:
            index.append(100 * gain / (gain + loss))
    return index


def adx(bars, window):
    ups, downs = [], []
    for t in range(1, len(bars)):
        rise, fall = bars[t].high - bars[t - 1].high, bars[t - 1].low - bars[t].low
        ups.append(rise if rise > fall and rise > 0 else 0.0)
        downs.append(fall if fall > rise and fall > 0 else 0.0)
    dx = []
    for up, down in zip(smoothed(ups, window), smoothed(downs, window), strict=True):
        if up is not None:
            dx.append(100 * abs(up - down) / (up + down) if up + down > 0 else 0.0)
    first = len(bars) - len(dx)  # the bar of the first of them
    return [None] * first + smoothed(dx, window)


# Sides and crosses


def plain_sides(fast, slow, band):
    side, result = 0, []
    for quick, lazy in zip(fast, slow, strict=True):
        if quick is not None and lazy is not None:
            if quick > lazy * (1 + band):
                side = 1
            elif quick < lazy * (1 - band):
                side = -1
        result.append(side)
    return result


def delayed(sides, delay):
    """Return, for every bar, the last side that "has stood on that bar and on the d bars before it"."""
    kept, result = 0, []
    for t in range(len(sides)):
        last = sides[max(0, t - delay) : t + 1]
        if t >= delay and len(set(last)) == 1:
            kept = sides[t]
        result.append(kept)
    return result


def sides_of(bars, fast, slow, signal):
    closes, average = [bar.close for bar in bars], AVERAGES[signal.average]
    return delayed(plain_sides(average(closes, fast), average(closes, slow), signal.band), signal.delay)


def crosses_of(bars, fast, slow, signal):
    """Return +1, -1 or 0 a bar; golden crosses that are not confirmed are left out, death crosses never."""
    side = sides_of(bars, fast, slow, signal)
    index = None
    if signal.index == "rsi":
        index = rsi([bar.close for bar in bars], signal.window)
    elif signal.index == "adx":
        index = adx(bars, signal.window)
    result = [0] * len(side)
    for t in range(1, len(side)):
        if side[t - 1] == -1 and side[t] == 1:
            confirmed = index is None or (index[t] is not None and index[t] > signal.above)
            result[t] = 1 if confirmed else 0
        elif side[t - 1] == 1 and side[t] == -1:
            result[t] = -1
    return held(result, signal.hold) if signal.hold else result


def held(crosses, hold):
    """Return "a golden cross, its death cross exactly h bars later, and nothing else" for every golden cross that lies in no such period before it."""
    result, periods = [0] * len(crosses), []
    for t, cross in enumerate(crosses):
        if cross == 1 and not any(t in period for period in periods):
            periods.append(range(t, t + hold + 1))  # "the bar of that death cross belongs to the period"
            result[t] = 1
            if t + hold < len(crosses):  # "a history that ends before has no death cross"
                result[t + hold] = -1
    return result


def backtest(bars, fast, slow, signal, rules):
    return naive.from_signals(bars, crosses_of(bars, fast, slow, signal), rules)
