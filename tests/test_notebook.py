"""What a notebook's user sees: tables that can be heard, figures that are given back, a bar that moves."""

import importlib.util
import json
import subprocess
import sys
import types
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.sweeping.telling import in_notebook, telling

ROOT = Path(__file__).parent.parent
STOP = engine.TrailingStop(2.0, 3)
FAST, SLOW = [5, 10], [20, 30, 600]


@pytest.fixture(scope="module")
def market():
    return engine.simulate(3, 400, seed=21)


class Reader(HTMLParser):
    """Collect what is in a section, and hold that its tags close."""

    def __init__(self, html):
        super().__init__()
        self.open, self.texts, self.scopes, self.cells = [], {}, [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag == "th":
            self.scopes.append(dict(attrs)["scope"])
        if tag == "tr":
            self.cells.append(0)
        if tag in ("th", "td"):
            self.cells[-1] += 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.setdefault(self.open[-1], []).append(data)


def results(market):
    costs = engine.Costs(rate=0.001)
    yield market
    yield engine.backtest(market, 5, 20, STOP, costs=costs)
    yield engine.from_signals(market, *(dict.fromkeys(market, np.zeros(400, bool)) for _ in range(2)))
    yield engine.sweep(market, FAST, SLOW, [None, STOP], costs=costs)
    yield engine.sweep(market, FAST, SLOW, [None, STOP], costs=costs, keep=2, metric="max_drawdown")
    yield engine.portfolio(market, 5, 20, STOP)
    yield engine.sweep_portfolio(market, FAST, [20, 30], STOP)


def test_every_result_has_a_line_and_a_table_with_headings(market):
    for result in results(market):
        assert repr(result).startswith(f"<{type(result).__name__}")
        assert "\n" not in repr(result)
        read = Reader(result._repr_html_())
        assert len(read.texts["h3"]) == len(read.texts["caption"]) == 1
        rows = len(read.cells) - 1
        assert 1 <= rows <= 10
        assert len(set(read.cells)) == 1, "each row has a cell for each column"
        assert read.scopes == ["col"] * read.cells[0] + ["row"] * rows
        assert "nan" not in result._repr_html_()


def test_what_the_tables_say(market):
    sweep = engine.sweep(market, FAST, SLOW, [None, STOP])
    html = sweep._repr_html_()
    best = sweep.best("sharpe", "all").iloc[0]
    assert f"<td>{best['sharpe']:,.3f}</td>" in html
    assert f"is {sweep.to_frame()['sharpe'].median():,.3f}.</p>" in html
    assert "partly luck" in html
    backtest = engine.backtest(market, 5, 20)
    assert f"<td>{100 * backtest.buy_and_hold['SIM001']:,.2f} percent</td>" in backtest._repr_html_()
    none = engine.from_signals(market, *(dict.fromkeys(market, np.zeros(400, bool)) for _ in range(2)))
    assert "<td>not defined</td>" in none._repr_html_()
    account = engine.sweep_portfolio(market, FAST, [20, 30], STOP)
    assert "<h3>Sweep, 4 cells of 3 symbols in one account</h3>" in account._repr_html_()
    kept = engine.sweep(market, FAST, SLOW, keep=2, metric="max_drawdown")
    assert f"The median max drawdown of 12 cells is {100 * kept.pool.median:,.2f} percent." in kept._repr_html_()
    assert "Errors: 0. Warnings: 0. Symbols left out: 0." in market._repr_html_()


def test_names_are_escaped_and_long_lists_are_cut():
    market = engine.simulate(["<b>&", *(f"S{i:02d}" for i in range(12))], 60, seed=1)
    html = market._repr_html_()
    assert "&lt;b&gt;&amp;" in html
    assert "<b>&" not in html
    assert "The first 10 of 13 symbols." in html
    assert "The first 10 of 13 symbols." in engine.backtest(market, 3, 8)._repr_html_()


def test_left_out_symbols_are_told(market):
    short = engine.Prices.from_histories([market["SIM001"], market["SIM002"].between(0, 10)])
    assert "Left out: 1; the first because SIM002 has 10 bars" in engine.backtest(short, 5, 20)._repr_html_()


def test_plots_are_figures_that_are_given_back(market, tmp_path):
    from matplotlib.figure import Figure

    sweep = engine.sweep(market, FAST, SLOW, [None, STOP])
    backtest = engine.backtest(market, 5, 20, STOP)
    account = engine.portfolio(market, 5, 20, STOP)
    figures = [
        backtest.plot(),
        backtest.plot("SIM002"),
        account.plot(),
        sweep.plot(symbol="SIM001"),
        sweep.plot("max_drawdown", "SIM003", STOP),
        engine.sweep_portfolio(market, FAST, [20, 30], STOP).plot(stop=STOP),
    ]
    for i, figure in enumerate(figures):
        assert isinstance(figure, Figure)
        figure.savefig(tmp_path / f"{i}.png")
        html = figure._repr_html_()
        assert html.startswith('<img alt="')
        assert len(figure.description) > 60
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()
    drawn = figures[1].axes[0].get_lines()[0].get_ydata()
    assert drawn.tolist() == backtest.equity["SIM002"].tolist()
    fall = figures[1].axes[1].get_lines()[0].get_ydata()
    assert min(fall) / 100 == pytest.approx(backtest.metrics.loc["SIM002", "max_drawdown"], rel=1e-12)
    assert "buying and holding" in [line.get_label() for line in figures[1].axes[0].get_lines()]


def test_the_heatmap_has_every_cell_in_its_place(market):
    sweep = engine.sweep(market, FAST, SLOW, [None, STOP])
    picture = sweep.plot("sharpe", "SIM002", STOP).axes[0].get_images()[0].get_array()
    frame = sweep.to_frame()["sharpe"]
    for column, fast in enumerate(FAST):
        for row, slow in enumerate(SLOW):
            expected = frame[("SIM002", fast, slow, 3, 2.0)]
            assert np.ma.is_masked(picture[row, column]) if np.isnan(expected) else picture[row, column] == expected
    described = sweep.plot("sharpe", "SIM002", STOP).description
    assert f"the highest is {frame.xs('SIM002').xs((3, 2.0), level=(2, 3)).max():.3f}" in described


def test_plots_refuse_what_they_cannot_draw(market, monkeypatch):
    sweep = engine.sweep(market, FAST, SLOW)
    for ask, said in (
        (sweep.plot, "name one symbol; there are SIM001, SIM002, SIM003"),
        (lambda: sweep.plot(symbol="X"), "no symbol 'X'"),
        (lambda: sweep.plot("luck", "SIM001"), "there is no metric 'luck'"),
        (lambda: sweep.plot(symbol="SIM001", stop=STOP), "this sweep has no TrailingStop"),
        (lambda: engine.backtest(market, 5, 20).plot("X"), "no symbol 'X'"),
        (lambda: engine.backtest(engine.simulate(13, 60), 5, 20).plot(), "13 lines cannot be told apart"),
    ):
        with pytest.raises(engine.InputError, match=said):
            ask()
    from engine.results import figures

    figures._figure_class.cache_clear()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(engine.InputError, match=r"pip install 'goldencross\[plots\]'"):
        sweep.plot(symbol="SIM001")


def test_progress_is_a_bar_when_asked_for(market, capsys):
    engine.sweep(market, FAST, SLOW, progress=True)
    assert " 18/18 " in capsys.readouterr().err
    engine.sweep_portfolio(market, FAST, [20, 30], STOP, progress=True)
    assert " 4/4 " in capsys.readouterr().err
    for quiet in (None, False, "auto"):  # standard error is no terminal here
        engine.sweep(market, FAST, SLOW, progress=quiet)
        assert capsys.readouterr().err == ""
    calls = []
    engine.sweep(market, FAST, SLOW, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (18, 18)
    with pytest.raises(engine.InputError, match="progress is 'loud'; it must be True, False, 'auto'"):
        engine.sweep(market, FAST, SLOW, progress="loud")


def test_in_a_notebook_auto_is_the_bar_of_notebooks(monkeypatch):
    assert not in_notebook()
    shell = types.SimpleNamespace(config={"IPKernelApp": {}})
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    made = []

    class Bar:
        n = 0

        def __init__(self, **told):
            made.append(told)

        def update(self, by):
            self.n += by

        def close(self):
            made.append("closed")

    monkeypatch.setitem(sys.modules, "tqdm.auto", types.SimpleNamespace(tqdm=Bar))
    with telling("auto") as told:
        told(2, 10)
        told(10, 10)
    assert made[0]["total"] == 10
    assert made[-1] == "closed"


RUN = """
import sys, nbclient, nbformat
book = nbformat.read(sys.argv[1], 4)
nbclient.NotebookClient(book, timeout=120).execute()
nbformat.write(book, sys.argv[1])
"""


def test_a_real_notebook_shows_tables_pictures_and_a_bar(tmp_path):
    """In a process of its own, which takes the kernel's sockets with it."""
    if not all(importlib.util.find_spec(name) for name in ("nbclient", "ipykernel")):
        pytest.skip("nbclient or ipykernel is missing")
    cells = [
        "import engine\nprices = engine.simulate(1, 300)\nprices",
        "sweep = engine.sweep(prices, [5, 10], [20, 30], progress='auto')\nsweep",
        "sweep.plot()",
    ]
    path = tmp_path / "book.ipynb"
    kinds = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    book = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [{**kinds, "source": cell} for cell in cells]}
    path.write_text(json.dumps(book))
    command = [sys.executable, "-W", "ignore", "-c", RUN, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told, swept, drawn = (cell["outputs"] for cell in json.loads(path.read_text())["cells"])
    assert ["text/html" in output["data"] for output in told] == [True]
    assert "text/html" in swept[-1]["data"]
    widget = "application/vnd.jupyter.widget-view+json"
    assert any(widget in output.get("data", {}) or "4/4" in output.get("text", "") for output in swept[:-1])
    (picture,) = drawn
    assert "".join(picture["data"]["text/html"]).startswith('<img alt="Heatmap: sharpe of SIM001, no stop.')
