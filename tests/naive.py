"""The slow, obvious reference: docs/contract.md and docs/arithmetic.md in plain Python.

It shares no code with the engine and uses neither numpy nor numba. Sentences in quotation marks are the two pages' own.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Literal, NamedTuple


class Bar(NamedTuple):
    open: float
    high: float
    low: float
    close: float


@dataclass(frozen=True)
class Rules:
    fill: Literal["next_open", "close"] = "next_open"
    intrabar: Literal["stop_first", "high_first"] = "stop_first"
    multiple: float | None = None
    atr_window: int = 14
    atr: Literal["sma", "wilder"] = "sma"
    stop_kind: Literal["fixed", "chandelier"] = "fixed"
    capital: float = 100_000.0
    sizing: Literal["all_in", "all_in_lots", "risk"] = "all_in"
    risk: float = 0.02
    lot: float = 1.0
    rate: float = 0.0
    fixed: float = 0.0
    minimum: float = 0.0
    slippage: float = 0.0
    bars_per_year: float = 252.0
    flatten: Literal["session"] | time | None = None

    def __post_init__(self):
        if self.sizing == "risk" and self.multiple is None:
            raise ValueError("sizing by risk needs a stop distance, thus a multiple")


class Trade(NamedTuple):
    entry_bar: int
    entry_price: float  # as paid, slippage included
    exit_bar: int | None  # None while open
    exit_price: float  # as received, slippage included; the last close while open
    quantity: float
    fees: float
    profit: float
    exit_reason: Literal["cross", "stop", "gap", "session", "open"]


@dataclass(frozen=True)
class Result:
    trades: list[Trade]  # the open one last
    equity: list[float]
    pending: Literal["buy", "sell", "none"]
    skipped: int
    metrics: dict[str, float]


# Averages


TICKS = 100_000  # a tick is one hundred-thousandth


@lru_cache(maxsize=65_536)
def whole_ticks(value: float) -> int | None:
    """Return the ticks of "the double nearest to a decimal number with at most five places, below 2^31 in size"."""
    # Below 2^31 such a number has at most fifteen digits, so it is the one that repr prints.
    ticks = Decimal(repr(value)) * TICKS
    return int(ticks) if abs(value) < 2**31 and ticks == int(ticks) else None


def mean(window: list[float]) -> float:
    """Return "the correctly rounded quotient of an exact sum"."""
    ticks = [whole_ticks(value) for value in window]
    if None not in ticks:  # "integer sum of ticks / (100,000 * w), rounded once"
        exact = Fraction(sum(ticks), TICKS * len(window))
    else:  # "the average of the doubles themselves: exact rational sum / w, rounded once"
        exact = sum(Fraction(value) for value in window) / len(window)
    return float(exact)


def sma(values: list[float], window: int) -> list[float | None]:
    """Return the mean of values[t-w+1 .. t], "defined from t = w-1"."""
    return [mean(values[t - window + 1 : t + 1]) if t >= window - 1 else None for t in range(len(values))]


def true_range(bars: list[Bar]) -> list[float]:
    ranges = []
    for t, bar in enumerate(bars):
        if t == 0:
            ranges.append(bar.high - bar.low)
        else:
            before = bars[t - 1].close
            ranges.append(max(bar.high - bar.low, abs(bar.high - before), abs(bar.low - before)))
    return ranges


def atr(bars: list[Bar], window: int, kind: str) -> list[float | None]:
    ranges = true_range(bars)
    if kind == "sma":
        return sma(ranges, window)
    averages: list[float | None] = []
    for t in range(len(bars)):
        if t < window - 1:
            averages.append(None)
        elif t == window - 1:
            averages.append(mean(ranges[:window]))  # "seeded with that average of the first n true ranges"
        else:
            averages.append((averages[t - 1] * (window - 1) + ranges[t]) / window)
    return averages


# Crosses


def sides(fast: list[float | None], slow: list[float | None]) -> list[int]:
    """Return +1 above, -1 below; "where they are equal it keeps its last value"; 0 before it is defined."""
    result = []
    side = 0
    for quick, lazy in zip(fast, slow, strict=True):
        if quick is not None and lazy is not None:
            if quick > lazy:
                side = 1
            elif quick < lazy:
                side = -1
        result.append(side)
    return result


def crosses(fast: list[float | None], slow: list[float | None]) -> list[int]:
    """Return +1 golden cross, -1 death cross, 0 none; "the first defined side is not a cross"."""
    side = sides(fast, slow)
    result = [0] * len(side)
    for t in range(1, len(side)):
        if side[t - 1] == -1 and side[t] == 1:
            result[t] = 1
        elif side[t - 1] == 1 and side[t] == -1:
            result[t] = -1
    return result


def averages_of_closes(bars: list[Bar], fast: int, slow: int) -> tuple[list[float | None], list[float | None]]:
    if not 1 <= fast < slow:
        raise ValueError("fast < slow is required")
    closes = [bar.close for bar in bars]
    return sma(closes, fast), sma(closes, slow)


# Money


def fee_of(value: float, rules: Rules) -> float:
    return max(rules.minimum, rules.fixed + rules.rate * value)


def spendable(cash: float, rules: Rules) -> float:
    """Return "what cash can be spent on shares, fee included"."""
    return min((cash - rules.fixed) / (1 + rules.rate), cash - rules.minimum)


def quantity_all_in(cash: float, price: float, rules: Rules) -> float:
    return max(spendable(cash, rules) / price, 0.0)  # "Not positive: quantity 0"


def quantity_all_in_lots(cash: float, price: float, rules: Rules) -> float:
    """Return "the largest whole multiple q of the lot with q * price + fee(q * price) <= cash"."""

    def affordable(lots: int) -> bool:
        value = lots * rules.lot * price
        return value + fee_of(value, rules) <= cash

    lots = max(math.floor(spendable(cash, rules) / price / rules.lot), 0)  # a first guess, then step by step
    while affordable(lots + 1):
        lots += 1
    while lots > 0 and not affordable(lots):
        lots -= 1
    return lots * rules.lot


def quantity_risk(cash: float, price: float, equity: float, distance: float, rules: Rules) -> float:
    limit = quantity_all_in_lots(cash, price, rules)
    if distance == 0:
        return limit  # "A distance of 0 leaves only the limit of cash"
    wanted = math.floor(rules.risk * equity / distance / rules.lot) * rules.lot
    return max(min(wanted, limit), 0.0)


# Nothing held overnight (docs/intraday.md)


def last_bars(stamps: list[datetime], flatten: Literal["session"] | time) -> list[int | None]:
    """Return for every bar the one at whose close everything is sold; None where it has been sold already, or would be.

    "A session is the bars of one date. Everything is sold at the close of its last bar, or of its last bar that begins before the time of day."
    """
    result: list[int | None] = []
    for t, stamp in enumerate(stamps):
        session = [i for i, other in enumerate(stamps) if other.date() == stamp.date()]
        open_bars = session if flatten == "session" else [i for i in session if stamps[i].time() < flatten]
        result.append(open_bars[-1] if open_bars and t <= open_bars[-1] else None)
    return result


# The long-only state machine


@dataclass
class Position:
    entry_bar: int
    at_close: bool  # entered at the close of its bar
    price: float
    quantity: float
    value: float
    fee: float
    distance: float | None  # fixed stop: "distance = multiple * ATR[signal bar]"
    peak: float  # "at first the buy price, slippage included"
    stop: float = -math.inf  # "the previous stop is minus infinity at entry"


@dataclass
class Machine:
    """Cash, at most one position, and what has happened so far."""

    bars: list[Bar]
    rules: Rules
    ranges: list[float | None]  # the ATR of every bar
    cash: float
    position: Position | None = None
    trades: list[Trade] = field(default_factory=list)
    skipped: int = 0
    last: list[int | None] | None = None  # of every bar, the one at whose close it is sold

    def buy(self, t: int, fill: float, signal_bar: int, equity: float) -> None:
        rules = self.rules
        if self.last is not None and (self.last[t] is None or (rules.fill == "close" and self.last[t] == t)):
            self.skipped += 1  # "no close is left at which it could be sold on that day"
            return
        distance = None
        if rules.multiple is not None:
            if self.ranges[signal_bar] is None:
                self.skipped += 1  # "no stop can be computed and the buy is not made"
                return
            distance = rules.multiple * self.ranges[signal_bar]
        price = fill * (1 + rules.slippage)
        if rules.sizing == "all_in":
            quantity = quantity_all_in(self.cash, price, rules)
        elif rules.sizing == "all_in_lots":
            quantity = quantity_all_in_lots(self.cash, price, rules)
        else:
            quantity = quantity_risk(self.cash, price, equity, distance, rules)
        if quantity == 0:
            self.skipped += 1  # "A quantity of zero is a skipped signal, and is counted"
            return
        if rules.sizing == "all_in":
            value = spendable(self.cash, rules)
            fee = self.cash - value
            self.cash = 0.0
        else:
            value = quantity * price
            fee = fee_of(value, rules)
            self.cash = self.cash - (value + fee)
        at_close = rules.fill == "close"
        self.position = Position(t, at_close, price, quantity, value, fee, distance, peak=price)

    def sell(self, t: int, fill: float, reason: str) -> None:
        position = self.position
        price = fill * (1 - self.rules.slippage)
        value = position.quantity * price
        fee = fee_of(value, self.rules)
        self.cash = self.cash + (value - fee)
        profit = (value - fee) - (position.value + position.fee)
        fees = position.fee + fee
        self.trades.append(
            Trade(position.entry_bar, position.price, t, price, position.quantity, fees, profit, reason),
        )
        self.position = None

    def form_stop(self, t: int) -> float:
        """ "At each test stop = max(previous stop, peak - distance)"."""
        position = self.position
        distance = position.distance
        if self.rules.stop_kind == "chandelier":
            distance = self.rules.multiple * self.ranges[t - 1]
        position.stop = max(position.stop, position.peak - distance)
        return position.stop

    def live_through(self, t: int) -> None:
        """Steps 2 and 3 of bar t, for a position that is open when t begins or is opened at t's open."""
        bar, position = self.bars[t], self.position
        if self.rules.multiple is not None:
            older = position.entry_bar < t
            # The gap is tested with the old peak in both intrabar orders.
            if older and bar.open <= self.form_stop(t):
                self.sell(t, bar.open, "gap")
                return
            if self.rules.intrabar == "high_first":
                position.peak = max(position.peak, bar.high)
            stop = self.form_stop(t)
            if bar.low <= stop:
                self.sell(t, stop, "stop")
                return
        position.peak = max(position.peak, bar.high)

    def worth(self, t: int) -> float:
        shares = self.position.quantity if self.position else 0.0
        return self.cash + shares * self.bars[t].close

    def report_open(self) -> None:
        """ "An open position is reported with its exit price at the last close, no exit fee, and reason open"."""
        position, price = self.position, self.bars[-1].close
        profit = position.quantity * price - (position.value + position.fee)
        self.trades.append(
            Trade(position.entry_bar, position.price, None, price, position.quantity, position.fee, profit, "open"),
        )


def from_signals(bars: list[Bar], signals: list[int], rules: Rules, stamps: list[datetime] | None = None) -> Result:
    """Run the state machine with +1 entry, -1 exit, 0 none in place of the crosses."""
    if not bars or len(bars) != len(signals):
        raise ValueError("one signal per bar, and at least one bar")
    ranges = atr(bars, rules.atr_window, rules.atr)
    last = None if rules.flatten is None else last_bars(stamps, rules.flatten)
    machine = Machine(bars, rules, ranges, rules.capital, last=last)
    equity: list[float] = []
    exposed: list[bool] = []
    order = "none"
    for t, bar in enumerate(bars):
        # Step 1, and the fill of a pending buy.
        if order == "sell":
            machine.sell(t, bar.open, "cross")
        elif order == "buy":
            machine.buy(t, bar.open, t - 1, equity[t - 1])
        entered = machine.position is not None and machine.position.entry_bar == t
        # Steps 2 and 3.
        if machine.position is not None:
            machine.live_through(t)
        if machine.position is not None and last is not None and last[t] == t:
            machine.sell(t, bar.close, "session")  # "before the crosses of that close"
        # Step 4.
        order = "none"
        if machine.position is None and signals[t] == 1:
            order = "buy"
        elif machine.position is not None and signals[t] == -1:
            order = "sell"
        if rules.fill == "close":
            if order == "buy":
                machine.buy(t, bar.close, t, machine.worth(t))
            elif order == "sell":
                machine.sell(t, bar.close, "cross")
            order = "none"
        equity.append(machine.worth(t))
        # "share of bars that end with a position, or were entered and left within the bar"
        exposed.append(machine.position is not None or entered)
    if machine.position is not None:
        machine.report_open()
    figures = metrics(rules.capital, equity, machine.trades, exposed, rules.bars_per_year)
    return Result(machine.trades, equity, order, machine.skipped, figures)


def backtest(bars: list[Bar], fast: int, slow: int, rules: Rules, stamps: list[datetime] | None = None) -> Result:
    return from_signals(bars, crosses(*averages_of_closes(bars, fast, slow)), rules, stamps)


# Long/short


def long_short(bars: list[Bar], fast: int, slow: int, rules: Rules) -> Result:
    """Run "the seed's other backtest", without costs or stop."""
    side = sides(*averages_of_closes(bars, fast, slow))
    closes = [bar.close for bar in bars]
    equity = [rules.capital]  # r[0] = 0
    for t in range(1, len(bars)):
        r = side[t - 1] * (closes[t] / closes[t - 1] - 1)
        equity.append(equity[t - 1] * (1 + r))
    trades = []
    entry = None
    for t in range(len(bars)):
        if entry is not None and side[t] != side[entry]:
            trades.append(stretch(closes, equity, side[entry], entry, t))
            entry = None
        if entry is None and side[t] != 0:
            entry = t
    if entry is not None:
        trades.append(stretch(closes, equity, side[entry], entry, None))
    exposed = [value != 0 for value in side]
    return Result(trades, equity, "none", 0, metrics(rules.capital, equity, trades, exposed, rules.bars_per_year))


def stretch(closes: list[float], equity: list[float], side: int, entry: int, leave: int | None) -> Trade:
    """Return the trade of one stretch of equal side; leave is None while it lasts."""
    last = len(closes) - 1 if leave is None else leave
    quantity = side * equity[entry] / closes[entry]
    profit = equity[last] - equity[entry]
    reason = "open" if leave is None else "cross"
    return Trade(entry, closes[entry], leave, closes[last], quantity, 0.0, profit, reason)


# Metrics


def average(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def deepest_fall(points: list[float]) -> float:
    """Return "min over t of E[t] / max(E[-1..t]) - 1"."""
    peak = points[0]
    deepest = 0.0
    for point in points:
        peak = max(peak, point)
        deepest = min(deepest, point / peak - 1)
    return deepest


def growth_per_year(capital: float, final: float, exponent: float) -> float:
    try:
        return (final / capital) ** exponent - 1
    except OverflowError:
        return math.nan  # too large for a double; "never 0 or inf"


def sharpe_ratio(returns: list[float], bars_per_year: float) -> float:
    # "The deviation is 0 exactly when all r are equal; with fewer than two bars it is not defined."
    if len(returns) < 2 or all(r == returns[0] for r in returns):
        return math.nan
    m = average(returns)
    deviation = math.sqrt(math.fsum((r - m) ** 2 for r in returns) / (len(returns) - 1))
    return m / deviation * math.sqrt(bars_per_year)


def sortino_ratio(returns: list[float], bars_per_year: float) -> float:
    if all(r >= 0 for r in returns):
        return math.nan  # "nan where no bar loses"
    downside = math.sqrt(average([min(r, 0.0) ** 2 for r in returns]))
    return average(returns) * math.sqrt(bars_per_year) / downside


def metrics(
    capital: float,
    equity: list[float],
    trades: list[Trade],
    exposed: list[bool],
    bars_per_year: float,
) -> dict[str, float]:
    points = [capital, *equity]  # E[-1], E[0], ..
    drawdown = deepest_fall(points)
    cagr = sharpe = sortino = calmar = math.nan
    if all(point > 0 for point in points):  # "Once equity is not positive, returns have no meaning"
        returns = [points[i] / points[i - 1] - 1 for i in range(1, len(points))]
        cagr = growth_per_year(capital, equity[-1], bars_per_year / len(equity))
        sharpe = sharpe_ratio(returns, bars_per_year)
        sortino = sortino_ratio(returns, bars_per_year)
        calmar = cagr / -drawdown if drawdown != 0 else math.nan
    profits = [trade.profit for trade in trades if trade.exit_reason != "open"]
    gross_profit = math.fsum(profit for profit in profits if profit > 0)
    gross_loss = -math.fsum(profit for profit in profits if profit < 0)
    return {
        "final_capital": equity[-1],
        "total_return": equity[-1] / capital - 1,
        "cagr": cagr,
        "sharpe": sharpe,
        "sortino": sortino,
        "max_drawdown": drawdown,
        "calmar": calmar,
        "trades": float(len(profits)),
        "profit_per_trade": average(profits) if profits else math.nan,
        "win_rate": sum(profit > 0 for profit in profits) / len(profits) if profits else math.nan,
        "profit_factor": gross_profit / gross_loss if gross_loss > 0 else math.nan,
        "exposure": sum(exposed) / len(exposed),
    }
