"""Reports: the numbers of every section against slow Python, the sentences, files that are read back, text and page in the same order."""

import datetime as dt
import itertools
import math
import re
import statistics
import wave
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.errors import DataError, InputError
from engine.report.colours import colour_of, contrast, ink_on
from engine.report.curves import Curve, held_curve, rolling_window
from engine.report.drawing import STYLES, nice_ticks
from engine.report.figures import write_figures
from engine.report.levels import stop_levels
from engine.report.model import Column, Heatmap, Section, Table, chart_numbers
from engine.report.page import report_html, write_page
from engine.report.pages import backtest_report, portfolio_report, sweep_report
from engine.report.parts.heatmap import _MOST_VALUES
from engine.report.sound import RATE, write_sound
from engine.report.speaking import heatmap_lines, report_text, table_lines
from engine.results.saved import load_result, save_result
from engine.results.storage import load_sweep

MARKET = engine.simulate(3, 500, seed=3)
STOP = engine.TrailingStop(3.0)


def curve_of(values, capital=100.0, year=252.0, start="2020-01-29"):
    dates = pd.date_range(start, periods=len(values), freq="B", name="date")
    return Curve("it", capital, pd.Series(np.array(values, dtype=float), index=dates), None, year)


# Slow twins, from the words of docs/contract.md and docs/report.md


def naive_drawdowns(values, capital):
    out = []
    for t in range(len(values)):
        out.append(values[t] / max([capital, *values[: t + 1]]) - 1)
    return out


def naive_rolling(values, capital, window, year):
    before = [capital, *values[:-1]]
    returns = [after / at - 1 for at, after in zip(before, values, strict=True)]
    out = []
    for t in range(len(values)):
        part = returns[t - window + 1 : t + 1] if t - window + 1 >= 0 else []
        if not part or len(set(part)) == 1:
            out.append(math.nan)
        else:
            out.append(statistics.fmean(part) / statistics.stdev(part) * math.sqrt(year))
    return out


def naive_falls(values, capital):
    """From the last bar at a high (-1 is the capital) to the first that reaches it again: (start, lowest, end, depth)."""
    found, high, start, fall = [], capital, -1, None
    for t, value in enumerate(values):
        if value < high:
            if fall is None:
                fall = [start, t, None]
            if value < values[fall[1]]:
                fall[1] = t
            continue
        if fall:
            found.append((fall[0], fall[1], t, 1 - values[fall[1]] / high))
            fall = None
        high, start = value, t
    if fall:
        found.append((fall[0], fall[1], None, 1 - values[fall[1]] / high))
    return sorted(found, key=lambda one: -one[3])


def naive_months(dates, values, capital):
    ends = {}
    for date, value in zip(dates, values, strict=True):
        ends[date.year, date.month] = value
    out, before = {}, capital
    for month, value in ends.items():
        out[month] = value / before - 1
        before = value
    return out


levels = st.lists(st.integers(50, 150), min_size=2, max_size=90)


@given(levels, st.integers(2, 30))
def test_long_curves_have_the_same_rolling_sharpe(values, window):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.report.curves._MOST_AT_ONCE", 0)
        found = curve_of(values).rolling_sharpe(window)
    np.testing.assert_allclose(found, naive_rolling(values, 100.0, window, 252.0), rtol=1e-6, atol=1e-9)


@given(levels, st.integers(2, 30))
def test_curve_is_what_the_slow_twins_say(values, window):
    curve = curve_of(values)
    np.testing.assert_allclose(curve.drawdowns, naive_drawdowns(values, 100.0), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(
        curve.rolling_sharpe(window), naive_rolling(values, 100.0, window, 252.0), rtol=1e-6, atol=1e-9
    )
    falls = [(fall.start, fall.lowest, fall.end) for fall in curve.falls()]
    slow = naive_falls(values, 100.0)
    assert sorted(falls) == sorted(fall[:3] for fall in slow)
    np.testing.assert_allclose([fall.depth for fall in curve.falls()], [fall[3] for fall in slow], rtol=1e-12)
    table = curve.months()
    for (year, month), value in naive_months(curve.dates, values, 100.0).items():
        assert table.loc[year, month] == pytest.approx(value, abs=1e-12)
    assert int(table[list(range(1, 13))].notna().to_numpy().sum()) == len(naive_months(curve.dates, values, 100.0))
    assert np.prod(1 + table["year"].to_numpy()) == pytest.approx(values[-1] / 100.0)


def test_curve_agrees_with_the_metrics_of_the_engine():
    result = engine.backtest(MARKET, 5, 20, STOP)
    for symbol, row in result.metrics.iterrows():
        equity = result.equity[symbol]
        curve = Curve(symbol, 100_000.0, equity, held_curve(MARKET, [symbol], equity.index, 100_000.0), 252.0)
        assert curve.drawdowns.min() == pytest.approx(row["max_drawdown"], rel=1e-12)
        assert curve.rolling_sharpe(len(equity))[-1] == pytest.approx(row["sharpe"], rel=1e-9)
        assert curve.held[-1] / 100_000.0 - 1 == pytest.approx(result.buy_and_hold[symbol], rel=1e-12)


def test_held_curve_of_symbols_that_begin_on_other_days():
    whole = engine.simulate(["A", "B"], 60, seed=1)
    prices = engine.Prices.from_histories([whole["A"], whole["B"].between(20, 50)])
    days = whole["A"].dates
    held = held_curve(prices, ["A", "B"], days, 1000.0)
    a, b = prices["A"].close, prices["B"].close
    for t in range(60):
        of_b = 500.0 if t < 20 else 500.0 * b[min(t - 20, 29)] / b[0]
        assert held[t] == pytest.approx(500.0 * a[t] / a[0] + of_b)


@given(
    st.integers(0, 10_000),
    st.sampled_from(["fixed", "chandelier"]),
    st.sampled_from(["sma", "wilder"]),
    st.sampled_from(["stop_first", "high_first"]),
    st.sampled_from(["next_open", "close"]),
)
@settings(max_examples=40, deadline=None)
def test_stop_levels_are_where_the_engine_sold(seed, kind, atr, intrabar, fill):
    prices, slippage = engine.simulate(1, 250, seed=seed, volatility=0.03), 0.001
    stop = engine.TrailingStop(2.0, 10, atr, kind)
    result = engine.backtest(prices, 3, 10, stop, fill=fill, intrabar=intrabar, costs=engine.Costs(slippage=slippage))
    history = prices["SIM001"]
    drawn = stop_levels(history, result.trades, stop, result.settings)
    held = np.zeros(len(history), bool)
    for trade in result.trades.itertuples():
        last = len(history) - 1 if trade.exit_reason == "open" else int(trade.exit_bar)
        held[trade.entry_bar : last + 1] = True
        if trade.exit_reason == "stop":
            assert drawn[last] * (1 - slippage) == trade.exit_price
        if trade.exit_reason == "gap":
            assert history.open[last] <= drawn[last]
        for t in range(trade.entry_bar + 1, last):
            assert history.low[t] > drawn[t]
    assert np.isnan(drawn[~held]).all()


def test_ticks_cover_the_range_in_round_steps():
    for low, high in [(0.0, 1.0), (-31.7, 0.0), (95.0, 105.5), (3.0, 3.0), (0.0, 0.0)]:
        ticks = nice_ticks(low, high)
        assert ticks[0] <= low <= high <= ticks[-1]
        assert 2 <= len(ticks) <= 9
    assert nice_ticks(50_457.0, 601_795.0, is_log=True) == [50_000, 100_000, 200_000, 500_000, 1_000_000]


def test_colours_can_be_read_and_rise_in_lightness():
    shares = [i / 500 for i in range(501)]
    assert min(contrast(ink_on(colour_of(share)), colour_of(share)) for share in shares) >= 4.5
    lightness = [contrast(colour_of(share), "#000000") for share in shares]
    assert all(b >= a - 0.02 for a, b in itertools.pairwise(lightness))
    assert min(contrast(colour, "#ffffff") for colour, _, _ in STYLES) >= 4.5
    assert len({dashes for _, dashes, _ in STYLES}) == len(STYLES)  # no meaning by colour alone


def test_numbers_of_a_long_chart_are_those_of_the_ends_of_periods():
    report = backtest_report(engine.backtest(engine.sample(), 50, 200), engine.sample(), "SP500")
    chart = next(section for section in report.sections if section.title == "Equity").charts[0]
    table = chart_numbers(chart)
    assert table.caption.endswith("at the end of each year")
    assert len(table.rows) == 20
    assert table.rows[-1][1] == chart.series[0].values[-1]
    assert [row[0] for row in table.rows] == [max(d for d in chart.dates if d.year == y) for y in range(1999, 2019)]


def test_cells_say_what_is_not_defined():
    column = Column("x", "number", 2, 100.0)
    assert [column.write(value) for value in (0.12345, math.nan, None, -0.00001, 12.0)] == [
        "12.35",
        "not defined",
        "not defined",
        "0.00",
        "1,200.00",
    ]
    assert Column("sold", "date", missing="still held").write(pd.NaT) == "still held"


# Sentences


def sections_of(report):
    return {section.title: section for section in report.sections}


def test_equity_sentence_says_the_computed_facts():
    curve_values = [100.0, 120.0, 90.0, 95.0, 130.0, 125.0]
    from engine.report.parts.equity import equity_sections

    equity, drawdown, rolling = equity_sections(curve_of(curve_values, start="2020-01-06"))
    assert equity.charts[0].sentence == (
        "Equity of it rose from 100.00 to 125.00; it was highest on 2020-01-10, at 130.00, and fell furthest, by 25.00 percent, from 2020-01-07 to 2020-01-08."
    )
    assert (
        "by 25.00 percent at most; the longest fall lasted 3 bars, from 2020-01-07 until 2020-01-10."
        in drawdown.charts[0].sentence
    )
    assert rolling.sentences == ("6 bars are too few for it; it needs 60.",)
    flat, *_ = equity_sections(curve_of([100.0] * 4))
    assert flat.charts[0].sentence == "Equity of it ended where it began, at 100.00; it never fell."


def test_rolling_window_is_a_year_or_a_third():
    assert [rolling_window(bars, 252.0) for bars in (59, 60, 300, 756, 5000)] == [0, 20, 100, 252, 252]


@pytest.fixture(scope="module")
def sweep():
    return engine.sweep(MARKET, range(3, 16, 3), range(10, 60, 10), [None, STOP, engine.TrailingStop(2.0)])


def test_grid_has_the_values_of_the_sweep(sweep):
    report = sweep_report(sweep)
    grid = sections_of(report)["Grid of settings"].charts[0]
    assert isinstance(grid, Heatmap)
    frame, stops = sweep.to_frame(), [(0, 0.0), (14, 3.0), (14, 2.0)]
    cells = 0
    for (s, symbol), (k, stop), (m, name) in itertools.product(
        enumerate(grid.symbols), enumerate(stops), enumerate(grid.metrics)
    ):
        for (i, fast), (j, slow) in itertools.product(enumerate(grid.fast), enumerate(grid.slow)):
            value = grid.values[s, k, m, i, j]
            if fast >= slow:
                assert math.isnan(value)
                continue
            cells += 1
            there = frame.loc[(symbol, fast, slow, *stop), name]
            assert value == there or (math.isnan(value) and pd.isna(there))
    assert cells == len(sweep) * len(grid.metrics)
    for s, symbol in enumerate(grid.symbols):
        key = sweep.best("sharpe").xs(symbol, level="symbol", drop_level=False).index[0]
        k, i, j = grid.picks[s].tolist()
        assert (symbol, grid.fast[i], grid.slow[j], *stops[k]) == key


def test_plateau_is_connected_and_high(sweep):
    grid = sections_of(sweep_report(sweep))["Grid of settings"].charts[0]
    for s in range(len(grid.symbols)):
        values, cells = grid.values[s, :, grid.metrics.index("sharpe")], grid.plateau[s]
        known = values[~np.isnan(values)]
        level = np.median(known) + 0.5 * (known.max() - np.median(known))
        assert cells.any()
        assert (values[cells] >= level).all()
        places = [tuple(place) for place in np.argwhere(cells)]
        order = [1, 2, 0]  # increasing: stop 3 before stop 2 as typed; no stop is beyond the widest
        axis = {k: [2, 1, 0].index(k) if k != 0 else 2 for k in order}
        reached, queue = {places[0]}, [places[0]]
        while queue:
            k, i, j = queue.pop()
            for other in places:
                if other not in reached and abs(axis[other[0]] - axis[k]) + abs(other[1] - i) + abs(other[2] - j) == 1:
                    reached.add(other)
                    queue.append(other)
        assert reached == set(places)


def test_a_chosen_cell_is_shown(sweep):
    report = sweep_report(sweep, MARKET, cell=("SIM002", 6, 20, 14, 2.0))
    own = engine.backtest(MARKET.select(["SIM002"]), 6, 20, engine.TrailingStop(2.0))
    assert report.sections[0].sentences[0].endswith("SIM002, fast 6, slow 20, stop 2 ATR of 14 bars.")
    assert sections_of(report)["Equity"].charts[0].series[0].values.tolist() == own.equity["SIM002"].tolist()
    assert len(sections_of(report)["Trades"].tables[0].rows) == len(own.trades)


def test_large_grids_are_cut_and_that_is_said():
    prices = engine.simulate(4, 260, seed=2)
    big = engine.sweep(prices, range(2, 82), range(4, 110, 1), [None, STOP, engine.TrailingStop(2.0)])
    section = sections_of(sweep_report(big))["Grid of settings"]
    grid = section.charts[0]
    assert len(grid.fast) <= 48
    assert len(grid.slow) <= 48
    exists = (np.array(grid.fast)[:, None] < np.array(grid.slow)).sum()
    assert exists * len(grid.symbols) * len(grid.stops) * len(grid.metrics) <= _MOST_VALUES
    ((symbol, fast, slow, *_), _), *_ = big.best("sharpe", per="all").iterrows()
    assert fast in grid.fast
    assert slow in grid.slow
    assert symbol in grid.symbols
    assert any(line.startswith("The grid shows ") for line in section.sentences)


def test_more_sections_have_their_place(sweep):
    mine = Section("Sensitivity", ("It hangs on nothing.",))
    titles = [section.title for section in sweep_report(sweep, more=[mine], luck=["A statistic."]).sections]
    assert (
        titles.index("How much may be luck")
        < titles.index("Sensitivity")
        < titles.index("Prices and what is doubtful about them")
        < titles.index("Settings")
    )
    assert "A statistic." in report_text(sweep_report(sweep, luck=["A statistic."]))


# Other shapes of results


def reports():
    small = engine.simulate(2, 80, seed=9)
    zoned = {s: frame.tz_localize("Asia/Kolkata") for s, frame in engine.simulate(2, 130, seed=5).to_frames().items()}
    hourly = engine.simulate(1, 400, seed=6, frequency="h")
    indian = engine.costs.nse_delivery("zerodha", slippage=0.001)
    kolkata = engine.Prices.from_frames(zoned, currency="INR")
    above = {s: MARKET[s].close > 1000.0 for s in MARKET.symbols}
    enter = {s: np.append(False, a[1:] & ~a[:-1]) for s, a in above.items()}
    leave = {s: np.append(False, ~a[1:] & a[:-1]) for s, a in above.items()}
    return {
        "one symbol": (engine.backtest(small.select(["SIM001"]), 5, 20), small.select(["SIM001"])),
        "never traded": (engine.backtest(small, 60, 79), small),
        "both orders": (engine.backtest(MARKET, 5, 20, STOP, intrabar="both", costs=indian), MARKET),
        "long short": (engine.backtest(MARKET, 5, 20, direction="long_short"), MARKET),
        "signals": (engine.from_signals(MARKET, enter, leave, STOP), MARKET),
        "zones": (engine.backtest(kolkata, 5, 20, STOP, costs=indian), kolkata),
        "hours": (engine.backtest(hourly, 5, 20), hourly),
        "account": (
            engine.portfolio(MARKET, 5, 20, STOP, costs=indian, tick=0.05, lot={"SIM001": 5}, capital=1e6),
            MARKET,
        ),
        "account without trades": (engine.portfolio(small, 60, 79, STOP), small),
        "account of zones": (engine.portfolio(kolkata, 5, 20, STOP, max_positions=1), kolkata),
    }


CASES = reports()


def made(name, with_prices=True):
    result, prices = CASES[name]
    make = portfolio_report if isinstance(result, engine.PortfolioResult) else backtest_report
    return make(result, prices if with_prices else None)


class Words(HTMLParser):
    """The text of a page in its order, without scripts and styles; open elements that must be closed."""

    def __init__(self):
        super().__init__()
        self.words, self.silent, self.ids = [], 0, []

    def handle_starttag(self, tag, attributes):
        self.silent += tag in ("script", "style")
        self.ids += [value for name, value in attributes if name == "id"]

    def handle_endtag(self, tag):
        self.silent -= tag in ("script", "style")

    def handle_data(self, data):
        if not self.silent:
            self.words.append(data.strip())


@pytest.mark.parametrize("with_prices", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_text_and_page_say_the_same_in_the_same_order(name, with_prices):
    report = made(name, with_prices)
    words = Words()
    words.feed(report_html(report))
    assert len(words.ids) == len(set(words.ids))
    lines = report_text(report, "all")
    page, at = words.words, 0
    for section in report.sections:
        for said in (section.title, *section.sentences, *(chart.sentence for chart in section.charts)):
            at = page.index(said, at)
    spoken, at = [line.partition(": ")[2] if line.startswith("Chart, ") else line for line in lines], 0
    for number, section in enumerate(report.sections, start=1):
        at = spoken.index(f"Part {number}: {section.title}.", at)
        for said in section.sentences:
            at = spoken.index(said, at)
        for chart in section.charts:
            assert any(chart.sentence in line for line in lines[at:])


@pytest.mark.parametrize("name", CASES)
def test_text_is_plain(name):
    for line in report_text(made(name), "all"):
        assert line == line.strip()
        assert not set(line) & set("\t\r|#*_=<>~\x1b") or "not of value" in line, line
        assert not line or line[-1] in ".:", line
        assert "nan" not in line.split()
        assert "None" not in line


@pytest.mark.parametrize("name", CASES)
def test_saved_results_are_read_back_bit_for_bit(name, tmp_path):
    result, _ = CASES[name]
    save_result(result, tmp_path / "r.json")
    again = load_result(tmp_path / "r.json")
    assert type(again) is type(result)
    for field in result.__dataclass_fields__:
        old, new = getattr(result, field), getattr(again, field)
        if field == "prices":  # only their hash is written
            assert new is None
        elif isinstance(old, pd.DataFrame):
            pd.testing.assert_frame_equal(old, new, check_exact=True, check_freq=False)
        elif isinstance(old, pd.Series):
            pd.testing.assert_series_equal(old, new, check_exact=True, check_freq=False)
        elif field == "equity":
            assert old.keys() == new.keys()
            for symbol in old:
                pd.testing.assert_series_equal(old[symbol], new[symbol], check_exact=True, check_freq=False)
        else:
            assert new == old


def test_trades_of_several_zones_are_saved(tmp_path):
    frames = engine.simulate(["A", "B"], 130, seed=5).to_frames()
    prices = engine.Prices.from_frames(
        {"A": frames["A"].tz_localize("Asia/Kolkata"), "B": frames["B"].tz_localize("America/New_York")}
    )
    result = engine.backtest(prices, 5, 20)
    save_result(result, tmp_path / "r.json")
    again = load_result(tmp_path / "r.json")
    assert again.trades["entry_date"].tolist() == result.trades["entry_date"].tolist()
    assert report_text(backtest_report(again, prices)) == report_text(backtest_report(result, prices))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "no whole JSON"),
        ("[]", "no result"),
        ('{"goldencross":"backtest","format":9}', "format 9"),
        ('{"goldencross":"backtest","format":1}', "not as goldencross saved it"),
    ],
)
def test_files_that_are_no_results(tmp_path, text, says):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DataError, match=says):
        load_result(tmp_path / "x.json")


def test_other_prices_are_refused():
    result, _ = CASES["one symbol"]
    with pytest.raises(InputError, match="not the prices of the result"):
        backtest_report(result, MARKET)


def test_a_sweep_without_any_value_says_so():
    short = engine.sweep(engine.simulate(1, 40, seed=1), 10, 39)
    assert short.to_frame()["profit_factor"].isna().all()
    with pytest.raises(InputError, match="in no cell defined"):
        sweep_report(short, metric="profit_factor")


def test_an_account_sweep_is_reported(tmp_path):
    accounts = engine.sweep_portfolio(MARKET, range(3, 10, 2), range(10, 40, 10), [STOP, engine.TrailingStop(2.0)])
    accounts.save(tmp_path / "a.parquet")
    report = sweep_report(load_sweep(tmp_path / "a.parquet"), MARKET)
    titles = list(sections_of(report))
    assert "Symbols" in titles
    assert "Trades" in titles
    assert "account, max positions: value none." in report_text(report, "all")


# Files


def test_hostile_names_stay_text():
    name = "</script><img src=x onerror=alert(1)>\"&'"
    prices = engine.simulate([name, "B"], 300, seed=4)
    for report in (
        backtest_report(engine.backtest(prices, 5, 20), prices, name),
        sweep_report(engine.sweep(prices, range(3, 6), range(10, 30, 10)), prices),
    ):
        page = report_html(report)
        assert "<img" not in page
        assert page.count("</script>") == page.count("<script")
        words = Words()
        words.feed(page)
        assert any(name in word for word in words.words)


def test_page_of_33_symbols_and_500_pairs_is_below_2_megabytes(tmp_path):
    prices = engine.simulate(33, 1250, seed=1)
    for stops in ([None], [None, engine.TrailingStop(2.0), STOP, engine.TrailingStop(4.0)]):
        result = engine.sweep(prices, range(5, 101, 5), range(20, 301, 10), stops)
        assert len(result.grid.pairs) == 499
        write_page(sweep_report(result, prices), tmp_path / "page.html")
        assert (tmp_path / "page.html").stat().st_size < 2_000_000
    write_page(portfolio_report(engine.portfolio(prices, 5, 20), prices), tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size < 2_000_000


def test_page_needs_nothing_from_elsewhere():
    page = report_html(made("both orders"))
    assert not re.findall(r'(?:src|href)="(?!#)', page)
    assert "@import" not in page
    assert "url(" not in page


def test_figures_have_their_sentences(tmp_path, sweep):
    report = sweep_report(sweep, MARKET)
    charts = [chart for section in report.sections for chart in section.charts]
    pictures = write_figures(report, tmp_path / "png")
    assert len(pictures) == len(charts)
    for picture, chart in zip(pictures, charts, strict=True):
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.with_suffix(".txt").read_text() == f"{chart.title}. {chart.sentence}\n"
    for picture in write_figures(report, tmp_path / "svg", "svg"):
        assert ET.parse(picture).getroot().tag.endswith("svg")  # noqa: S314  our own file
    with pytest.raises(InputError, match="--figure-format"):
        write_figures(report, tmp_path, "bmp")


def loudest(samples, low=150, high=1000):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    inside = (hertz > low) & (hertz < high)
    return hertz[inside][np.argmax(spectrum[inside])]


def test_sound_follows_the_logarithm_of_equity(tmp_path):
    values = 100.0 * 2.0 ** np.linspace(0.0, 2.0, 1000)  # two doublings: half of the two octaves for each
    curve = curve_of(values)
    none = engine.backtest(MARKET, 5, 20).trades.iloc[:0]
    lines = write_sound(curve, none, tmp_path / "e.wav")
    with wave.open(str(tmp_path / "e.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2).astype(float)
    assert len(samples) == 10 * RATE
    for share in (0.1, 0.5, 0.9):
        at = int(share * len(samples))
        assert loudest(samples[at - 1000 : at + 1000, 0]) == pytest.approx(220.0 * 4.0**share, rel=0.06)
    assert "220 hertz is 100.00, 880 hertz is 400.00" in lines[1]
    assert np.array_equal(samples[:, 0], samples[:, 1])  # no clicks


def test_sound_clicks_at_entries_on_the_left_and_exits_on_the_right():
    result = engine.backtest(MARKET.select(["SIM001"]), 5, 20)
    curve = Curve("SIM001", 100_000.0, result.equity["SIM001"], None, 252.0)
    from engine.report.sound import sound_of

    sound = sound_of(curve, result.trades)
    different = sound[:, 0] - sound[:, 1]
    last = len(curve.values) - 1
    entries = [round(bar / last * (len(sound) - 1)) for bar in result.trades["entry_bar"]]
    quiet = np.ones(len(sound), bool)
    exits = [round(int(bar) / last * (len(sound) - 1)) for bar in result.trades["exit_bar"].dropna()]
    for place in entries + exits:
        quiet[place : place + 700] = False
        assert np.abs(different[place : place + 200]).max() > 0.01 or place + 200 > len(sound)
    assert np.abs(different[quiet]).max() == 0.0
    with pytest.raises(InputError, match="fell to nothing"):
        sound_of(curve_of([100.0, 0.0]), result.trades)


def test_tables_are_said_a_sentence_a_row():
    table = Table(
        "T",
        (Column("name"), Column("gain, percent", "number", 1, 100.0), Column("paid, currency", "number")),
        (("A", 0.5, 2.0),),
    )
    assert table_lines(table) == ["Table, T, 1 row:", "A: gain 50.0 percent, paid 2.00."]
    day = Table("D", (Column("day", "date"), Column("x", "number", 0)), ((dt.date(2020, 1, 2), 3),))
    assert table_lines(day)[1] == "2020-01-02: x 3."


def test_grid_is_said_a_line_a_fast_window(sweep):
    grid = sections_of(sweep_report(sweep))["Grid of settings"].charts[0]
    lines = heatmap_lines(grid)
    assert len(lines) == 1 + len(grid.fast)
    assert sum("pick" in line for line in lines) == 1
    assert sum(line.count("slow ") for line in lines[1:]) == len(sweep.grid.pairs)
