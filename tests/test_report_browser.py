"""The page in a real browser: Debian's chromium, without a window. Skipped only where there is none; with GOLDENCROSS_REQUIRE_BROWSER=1 that is a failure."""

import os
import re
import shutil
from itertools import pairwise
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import sync_playwright

import engine
from engine.report.page import write_page
from engine.report.pages import backtest_report, portfolio_report, sweep_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
REQUIRED = os.environ.get("GOLDENCROSS_REQUIRE_BROWSER") == "1"
pytestmark = pytest.mark.skipif(CHROMIUM is None and not REQUIRED, reason="no chromium here")

ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

PRICES = engine.simulate(["SIM001", "SIM002", '<b onclick="x()">&'], 300, seed=3)
SWEEP = engine.sweep(
    PRICES, range(3, 16, 3), range(10, 60, 10), [None, engine.TrailingStop(3.0)], costs=engine.Costs(rate=0.001)
)
INDIAN = engine.costs.nse_delivery("zerodha", slippage=0.001)
RESULT = engine.backtest(PRICES, 5, 20, engine.TrailingStop(3.0), costs=INDIAN)


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.fail("no chromium, and GOLDENCROSS_REQUIRE_BROWSER is 1: apt-get install chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield running
        running.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    made = {
        "sweep": sweep_report(SWEEP, PRICES),
        "sweep without prices": sweep_report(SWEEP),
        "backtest": backtest_report(RESULT, PRICES, "SIM001"),
        "portfolio": portfolio_report(engine.portfolio(PRICES, 5, 20, costs=INDIAN), PRICES),
    }
    for name, report in made.items():
        write_page(report, folder / f"{name}.html")
    return {name: (folder / f"{name}.html").as_uri() for name in made}


KINDS = ["sweep", "sweep without prices", "backtest", "portfolio"]


@pytest.fixture
def visit(browser, pages):
    """Open a page; whatever goes wrong in it, or is asked of a network, fails the test."""
    contexts, troubles = [], []

    def opened(name, viewport=DESKTOP, **options):
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        context.set_default_timeout(5000)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        page.on("request", lambda request: request.url == pages[name] or troubles.append(request.url))
        page.goto(pages[name])
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", KINDS)
def test_page_has_no_error(visit, name, viewport):
    page = visit(name, viewport)
    assert page.title() == page.inner_text("h1")
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert (
        page.evaluate("document.querySelectorAll('figure.line canvas').length") == page.locator("figure.line").count()
    )
    assert page.locator("#still").count() == 0


CHECKED = [("sweep", DESKTOP), ("sweep without prices", PHONE), ("backtest", PHONE), ("portfolio", DESKTOP)]


@pytest.mark.parametrize(("name", "viewport"), CHECKED, ids=[name for name, _ in CHECKED])
def test_axe_finds_no_violation(visit, name, viewport):
    page = visit(name, viewport, bypass_csp=True)  # for axe, which is not of the page
    found = page.evaluate(AXE + "\naxe.run(document, {runOnly: {type: 'tag', values: " + str(RULES) + "}})")
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
    assert len(found["passes"]) > 30


def test_axe_would_find_something(visit):
    page = visit("backtest", bypass_csp=True)
    page.evaluate(
        "document.querySelector('input[type=range]').closest('label').replaceWith(document.querySelector('input[type=range]'))"
    )
    found = page.evaluate(AXE + "\naxe.run(document)")
    assert "label" in [one["id"] for one in found["violations"]]


def column(page, table, place):
    return page.eval_on_selector_all(
        f"#{table} tbody tr", f"rows => rows.filter(r => !r.hidden).map(r => r.cells[{place}].textContent)"
    )


def trades_table(page):
    return page.evaluate(
        "[...document.querySelectorAll('table.rows')].find(t => t.caption.textContent.startsWith('All trades')).id = 'trades'"
    )


def test_sorting(visit):
    page = visit("backtest")
    trades_table(page)
    profits = [float(text.replace(",", "")) for text in column(page, "trades", 8)]
    assert profits == [round(profit, 2) for profit in RESULT.trades["profit"]]
    head = page.locator("#trades thead th").nth(8)
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert [float(text.replace(",", "")) for text in column(page, "trades", 8)] == sorted(profits)
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert [float(text.replace(",", "")) for text in column(page, "trades", 8)] == sorted(profits, reverse=True)
    page.locator("#trades thead th").nth(2).get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") is None
    dates = column(page, "trades", 2)
    assert dates == sorted(dates)
    page.locator("#trades thead th").nth(4).get_by_role("button").press("Space")
    left = column(page, "trades", 4)
    assert "still open" in left
    assert left == [*sorted(date for date in left if date != "still open"), *["still open"] * left.count("still open")]


def test_filtering(visit):
    page = visit("backtest")
    trades_table(page)
    field = page.get_by_label(re.compile("Show only rows with these words: All trades"))
    field.fill("sim002 stop")
    wanted = RESULT.trades[(RESULT.trades["symbol"] == "SIM002") & (RESULT.trades["exit_reason"] == "stop")]
    assert 0 < len(wanted) < len(RESULT.trades)
    assert len(column(page, "trades", 0)) == len(wanted)
    assert page.get_by_text(f"{len(wanted)} of {len(RESULT.trades)} rows shown.").is_visible()
    field.fill("")
    assert len(column(page, "trades", 0)) == len(RESULT.trades)


def grid_texts(page):
    return page.eval_on_selector_all(
        "table.cells tbody td:not(.none)", "cells => cells.map(c => c.firstChild.textContent)"
    )


@pytest.mark.parametrize(
    ("metric", "label", "places", "scale"),
    [
        ("sharpe", "Sharpe ratio", 2, 1),
        ("max_drawdown", "largest drawdown, percent", 1, -100),
        ("trades", "closed trades", 0, 1),
    ],
)
def test_grid_shows_what_is_chosen(visit, metric, label, places, scale):
    page = visit("sweep")
    for symbol in PRICES.symbols:
        for stop, key in (("no stop", (0, 0.0)), ("stop 3 ATR of 14 bars", (14, 3.0))):
            page.get_by_role("combobox", name="Symbol", exact=True).select_option(symbol)
            page.get_by_role("combobox", name="Metric", exact=True).select_option(label)
            page.get_by_role("combobox", name="Stop", exact=True).select_option(stop)
            values = SWEEP.to_frame().xs((symbol, *key), level=("symbol", "atr_window", "multiple"))[metric]
            texts = [float(text.replace(",", "")) for text in grid_texts(page)]
            assert texts == pytest.approx(
                [round(float(value) * scale, places) for value in values], abs=10.0**-places * 0.51
            )
            best = SWEEP.best("sharpe").xs(symbol, level="symbol", drop_level=False).index[0]
            picks = page.locator("table.cells td.pick")
            assert picks.count() == (best[3:] == key)
            assert page.inner_text("table.cells caption").startswith(f"{label} of {symbol} with {stop}")
            contrasts = page.evaluate("""[...document.querySelectorAll('table.cells td:not(.none)')].map(c => {
                const of = colour => colour.match(/\\d+/g).slice(0, 3).map(Number).map(p => p / 255).map(p => p <= 0.04045 ? p / 12.92 : ((p + 0.055) / 1.055) ** 2.4);
                const l = colour => { const [r, g, b] = of(colour); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
                const s = getComputedStyle(c); const [a, b] = [l(s.color), l(s.backgroundColor)].sort((x, y) => y - x); return (a + 0.05) / (b + 0.05); })""")
            assert min(contrasts) >= 4.5


def where(page):
    return page.evaluate(
        "(() => { const c = document.activeElement; const r = c.closest('tr'); return [r.cells[0].textContent, c.closest('table').tHead.rows[0].cells[c.cellIndex].textContent] })()"
    )


def test_grid_is_walked_by_arrow_keys(visit):
    page = visit("sweep without prices")
    best = SWEEP.best("sharpe", per="all").index[0]
    cell = page.locator("table.cells td[tabindex='0']")
    assert cell.count() == 1
    cell.focus()
    assert where(page) == [str(best[1]), str(best[2])]
    page.keyboard.press("Control+Home")
    assert where(page) == ["3", "10"]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert where(page) == ["6", "20"]
    assert page.inner_text("figure.grid .readout").startswith("Fast 6, slow 20: Sharpe ratio ")
    page.keyboard.press("End")
    assert where(page) == ["6", "50"]
    page.keyboard.press("ArrowRight")
    assert where(page) == ["6", "50"]
    page.keyboard.press("Control+End")
    assert where(page) == ["15", "50"]
    page.keyboard.press("Home")
    assert where(page) == ["15", "20"]  # there is no pair 15, 10
    page.keyboard.press("ArrowLeft")
    assert where(page) == ["15", "20"]
    assert page.locator("table.cells td[tabindex='0']").count() == 1
    assert page.get_by_role("grid").get_by_role("gridcell").count() == 5 * 5


def test_charts_are_read_and_zoomed_by_keys(visit):
    page = visit("backtest")
    figure = page.locator("figure.line").first
    slider, readout = figure.get_by_role("slider"), figure.locator(".readout")
    equity = RESULT.equity["SIM001"]
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert readout.inner_text().startswith(
        f"{equity.index[-2].date()}: equity {equity.iloc[-2]:,.2f}, buying and holding "
    )
    assert slider.get_attribute("aria-valuetext") == readout.inner_text()
    page.keyboard.press("Home")
    assert readout.inner_text().startswith(f"{equity.index[0].date()}: equity {equity.iloc[0]:,.2f}")
    ink = "f => f.querySelector('canvas').toDataURL().length + f.querySelector('canvas').toDataURL().slice(-3000)"
    before = figure.evaluate(ink)
    figure.get_by_role("button", name="Closer").press("Enter")
    page.wait_for_timeout(100)
    closer = figure.evaluate(ink)
    assert closer != before
    figure.get_by_role("button", name="Everything").press("Enter")
    page.wait_for_timeout(100)
    assert figure.evaluate(ink) != closer
    prices = page.locator("figure.line").filter(has_text="close, averages and trades")
    said = prices.get_by_role("slider")
    trade = RESULT.trades[RESULT.trades["symbol"] == "SIM001"].iloc[0]
    said.fill(str(trade["entry_bar"]))
    assert f"entered at {trade['entry_price']:,.2f}" in said.get_attribute("aria-valuetext")


def test_keys_alone_reach_everything(visit):
    page = visit("sweep")
    wanted = page.evaluate("""(() => {
        const all = [...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")];
        const seen = all.filter(e => !e.disabled && e.checkVisibility());
        seen.forEach((e, i) => e.dataset.place = i);
        return seen.length; })()""")
    assert wanted > 60
    reached = []
    for _ in range(wanted + 5):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.dataset.place ?? null"))
    found = [int(place) for place in reached if place is not None]
    assert found[:wanted] == list(range(wanted))  # all of them, in the order of the page
    page.keyboard.press("Shift+Tab")


def test_skip_link_and_headings(visit):
    page = visit("portfolio")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the verdict"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "part-1"
    levels = page.eval_on_selector_all("h1, h2, h3", "all => all.map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.inner_text("h2 >> nth=0") == "Verdict"
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert page.get_by_role(landmark).count() == 1


def test_without_scripts_everything_is_there(visit):
    page = visit("sweep", java_script_enabled=False)
    assert page.locator("figure.line").count() >= 4
    assert page.locator("figure.line svg[role=img]").count() == page.locator("figure.line").count()
    assert page.locator("figure.line svg[role=img]").first.is_visible()
    assert page.get_by_text("Without scripts the charts stand still").is_visible()
    assert page.locator("button, select, input").count() == 0
    values = SWEEP.to_frame().xs(SWEEP.best("sharpe", per="all").index[0][0], level="symbol")
    assert page.locator("table.cells td:not(.none)").count() == len(values) / 2
    page.locator("summary").first.click()
    assert page.locator("details[open] table").first.is_visible()


def test_paper_has_drawings_and_no_controls(visit):
    page = visit("backtest")
    page.emulate_media(media="print")
    assert page.locator("figure.line svg[role=img]").first.is_visible()
    assert not page.locator("figure.line .live").first.is_visible()
    assert not page.get_by_role("slider").first.is_visible()
    assert not page.get_by_role("navigation").is_visible()
    page.set_viewport_size({"width": 703, "height": 1000})  # A4 without its margins
    assert page.evaluate("document.documentElement.scrollWidth") <= 703
    assert page.pdf(format="A4").startswith(b"%PDF")
