"""How much of a sweep is luck: the report against numbers made from the returns one by one, its verdicts on markets that are known, and the commands."""

import json
import math
from statistics import NormalDist

import numpy as np
import pytest
from typer.testing import CliRunner

import engine
from engine.errors import DataError, InputError
from engine.grid import Grid
from engine.report.luck import luck_lines
from engine.selection.candidates import MOST_SETTINGS, thinned
from engine.selection.trials import trials_of
from engine.settings import Settings
from live.command import app
from tests import naive_selection as naive

WINDOWS = range(5, 60, 5), range(20, 200, 20)


def run(*arguments, status=0):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == status, done.output
    return done.output


@pytest.fixture(scope="module")
def market():
    return engine.simulate(3, 900, seed=21)


@pytest.fixture(scope="module")
def swept(market):
    return engine.sweep(market, *WINDOWS, [None, engine.TrailingStop(2.0)], costs=engine.Costs(0.001))


@pytest.fixture(scope="module")
def report(swept):
    return engine.luck(swept)


def test_every_number_is_that_of_its_definition(market, swept, report):
    trials = trials_of(market, swept.grid, swept.settings)
    rows = [row.tolist() for row in trials.returns]
    ratios = [naive.sharpe(row) if len(set(row)) > 1 else math.nan for row in rows]
    known = [ratio for ratio in ratios if not math.isnan(ratio)]
    best = ratios.index(max(known))
    assert report.pick == dict(trials.keys().iloc[best])
    assert report.moments.sharpe == pytest.approx(max(known), rel=1e-9)
    assert report.median_sharpe == pytest.approx(float(np.median(known)), rel=1e-9)
    held = trials.pool.held()
    assert report.held_sharpe == pytest.approx(naive.sharpe(held.tolist()), rel=1e-9)
    assert report.held_total == pytest.approx(math.prod(1 + change for change in held) - 1, rel=1e-9)
    live = trials.returns[~np.isnan(ratios)]
    correlation = np.corrcoef(live)
    n = len(live)
    average = (correlation.sum() - n) / (n * (n - 1))
    effective = average + (1 - average) * n
    assert report.effective == pytest.approx(effective, rel=1e-9)
    variance = float(np.var(known, ddof=1))
    for number, found in ((effective, report.deflated.effective), (len(rows), report.deflated.raw)):
        luck = math.sqrt(variance) * naive.expected_maximum(number)
        assert found.benchmark == pytest.approx(luck, rel=1e-9)
        series = np.array(rows[best])
        standard = (series - series.mean()) / series.std()
        skew, kurtosis = (standard**3).mean(), (standard**4).mean()
        spread = 1 - skew * max(known) + (kurtosis - 1) / 4 * max(known) ** 2
        z = (max(known) - luck) * math.sqrt(len(series) - 1) / math.sqrt(spread)
        assert found.probability == pytest.approx(NormalDist().cdf(z), rel=1e-9)


def test_the_best_cell_is_held_against_all_cells(swept, report):
    (key,) = swept.best("sharpe", per="all").index
    cell = report.best_cell
    assert (cell["symbol"], cell["fast"], cell["slow"], cell["atr_window"], cell["multiple"]) == key
    assert cell["trials"] == int(swept.to_frame()["sharpe"].notna().sum())
    yearly = cell["deflated"].moments.sharpe * math.sqrt(252)
    assert yearly == pytest.approx(swept.to_frame().loc[key, "sharpe"], rel=1e-9)


def test_a_random_walk_gives_no_evidence():
    """Twenty markets with nothing to find: evidence is called good in none of them, and there is none in most."""
    said = [engine.luck(engine.sweep(engine.simulate(2, 600, seed=seed), *WINDOWS)).evidence for seed in range(20)]
    assert said.count("good") == 0
    assert said.count("none") >= 14


def test_a_planted_trend_is_found():
    """Every average earns on a market of long waves; so does holding nothing of them."""
    t = np.arange(2400)
    rng = np.random.default_rng(5)
    frames = {}
    for i, phase in enumerate((0.0, 1.0, 2.0)):
        drift = 0.004 * np.sign(np.sin(2 * np.pi * t / 400 + phase))
        close = np.round(1000 * np.exp(np.cumsum(drift + 0.006 * rng.standard_normal(len(t)))), 2)
        frame = engine.simulate([f"W{i}"], len(t), seed=i)[f"W{i}"].to_frame()
        opened = np.concatenate([close[:1], close[:-1]])
        frame["open"], frame["close"] = opened, close
        frame["high"], frame["low"] = np.maximum(opened, close), np.minimum(opened, close)
        frames[f"W{i}"] = frame
    found = engine.luck(
        engine.sweep(engine.Prices.from_frames(frames), range(5, 40, 5), range(40, 120, 10)), permutations=99
    )
    assert found.answers["deflated"] == "for"
    assert found.answers["permutation"] == "for"
    assert found.permutation.cell.p <= 0.05
    assert found.evidence in ("good", "weak")
    text = luck_lines(found)
    assert "evidence" in text[0]
    assert any(line.startswith("Permutation test of the best cell") for line in text)


def test_a_sweep_that_never_trades_has_nothing_to_judge():
    flat = engine.simulate(1, 300, seed=1)["SIM001"].to_frame()
    for name in ("open", "high", "low", "close"):
        flat[name] = 100.0
    found = engine.luck(engine.sweep(engine.Prices.from_frames({"FLAT": flat}), *WINDOWS))
    assert found.evidence == "unknown"
    assert luck_lines(found) == [
        "Verdict: no setting has a Sharpe ratio, because none ever traded, so there is nothing to judge."
    ]
    json.dumps(found.to_dict())


def test_too_little_data_is_said_and_the_rest_given():
    found = engine.luck(engine.sweep(engine.simulate(1, 31, seed=4), [2, 3], [5, 8]))
    text = "\n".join(luck_lines(found))
    assert "Probability of backtest overfitting: not defined. 31 days are too few for 16 blocks" in text
    assert "Settings tried: 4." in text


def test_other_prices_are_refused(swept, tmp_path):
    with pytest.raises(InputError, match="other prices"):
        engine.luck(swept, engine.simulate(3, 900, seed=22))
    swept.save(tmp_path / "cells.parquet")
    with pytest.raises(InputError, match="without its prices"):
        engine.luck(engine.SweepResult.load(tmp_path / "cells.parquet"))
    short = engine.sweep(engine.simulate(1, 100, seed=1), [5], [20, 300])
    with pytest.raises(DataError, match="fewer than the slow window"):
        engine.luck(short)


def test_a_reduced_sweep_is_judged_as_a_whole_one(market, report):
    stops = [None, engine.TrailingStop(2.0)]
    kept = engine.sweep(market, *WINDOWS, stops, costs=engine.Costs(0.001), keep=2)
    found = engine.luck(kept, market)
    assert found.to_dict() == report.to_dict()
    assert found.best_cell is None


def test_one_account_is_judged_by_its_own_returns(market):
    swept = engine.sweep_portfolio(
        market, [5, 10], [20, 40, 60], [None, engine.TrailingStop(2.0)], sizing="all_in_lots"
    )
    found = engine.luck(swept)
    frame = swept.to_frame().droplevel("symbol")["sharpe"]
    assert tuple(found.pick.values()) == frame.idxmax()
    assert found.annual(found.moments.sharpe) == pytest.approx(frame.max(), rel=1e-9)
    assert "for one account of 3 symbols" in luck_lines(found)[1]


def test_trials_of_before_count(swept, report):
    more = engine.luck(swept, tried=50_000)
    assert more.trials == 50_000
    assert more.deflated.effective.probability < report.deflated.effective.probability
    assert f"Settings tried: 50,000, {swept.grid.cells:,} of them in this sweep." in "\n".join(luck_lines(more))


def test_a_large_grid_is_thinned_evenly():
    grid = Grid.of(range(1, 400), range(2, 800), [None, engine.TrailingStop(2.0)])
    few = thinned(grid)
    assert 0 < few.cells <= MOST_SETTINGS
    assert set(few.pairs) < set(grid.pairs)
    assert few.stops == grid.stops
    small = Grid.of([1, 2], [3, 4])
    assert thinned(small) is small
    assert thinned(grid, 1).cells <= grid.cells


def test_workers_make_no_difference(swept, report):
    assert engine.luck(swept, workers=1).to_dict() == report.to_dict()


def test_the_sweep_command_gives_the_verdict_unless_it_is_not_wanted():
    text = run("sweep", "--fast", "5,10", "--slow", "50,100")
    assert "How much of the best result is luck:\nVerdict: " in text
    assert "not in the trial ledger, which is switched off." in text
    plain = run("sweep", "--fast", "5,10", "--slow", "50,100", "--no-luck")
    assert "Verdict" not in plain
    assert "expect less of it than it shows here" in plain
    document = json.loads(run("sweep", "--fast", "5,10", "--slow", "50,100", "--format", "json"))
    assert document["luck"]["trials"] == 4
    account = run("sweep-portfolio", "--fast", "5,10", "--slow", "50,100", "--stop", "3")
    assert "Verdict: " in account


def test_sweeps_before_count_in_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("GOLDENCROSS_LEDGER", str(tmp_path / "trials.jsonl"))
    run("sweep", "--fast", "5:50:5", "--slow", "60:200:20")
    document = json.loads(run("sweep", "--fast", "5,10", "--slow", "55,100", "--format", "json"))
    # 10 x 8 settings before; of the four now, two (slow 100) are among them.
    assert document["luck"]["trials"] == 82


def test_the_luck_command_on_the_sample_finds_its_prices(tmp_path):
    run("sweep", "--fast", "5:50:5", "--slow", "60:200:20", "--out", tmp_path / "cells.parquet")
    text = run("luck", tmp_path / "cells.parquet", "--permutations", "20", "--progress", "none")
    for beginning in ("Verdict: ", "Permutation test of", "Reality Check", "Superior", "StepM", "Without NASDAQ"):
        assert any(line.startswith(beginning) for line in text.splitlines()), beginning
    quick = json.loads(run("luck", tmp_path / "cells.parquet", "--quick", "--format", "json"))
    assert quick["p_value"] is None
    assert quick["trials"] == 80
    assert "name,value" in run("luck", tmp_path / "cells.parquet", "--quick", "--format", "csv")


def test_the_luck_command_without_prices_says_what_it_can(tmp_path, market):
    market.to_frames()["SIM001"].to_csv(tmp_path / "SIM001.csv")
    run("sweep", tmp_path / "SIM001.csv", "--fast", "5,10", "--slow", "50,100", "--out", tmp_path / "cells.parquet")
    text = run("luck", tmp_path / "cells.parquet", status=1)
    assert "Without the prices of the sweep there are no returns: give --prices" in text
    assert "The history has 3.6 years" in text
    document = json.loads(run("luck", tmp_path / "cells.parquet", "--format", "json", status=1))
    assert document["best"]["symbol"] == "SIM001"
    whole = run("luck", tmp_path / "cells.parquet", "--prices", tmp_path / "SIM001.csv", "--quick")
    assert "Deflated Sharpe ratio: " in whole


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["luck", "nowhere.parquet"], "no such file"),
        (["luck", "nowhere.parquet", "--permutations", "-1"], "--permutations -1"),
        (["luck", "nowhere.parquet", "--format", "xml"], "--format xml"),
    ],
)
def test_bad_use_is_one_line(arguments, said):
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_settings_need_no_costs_to_be_judged():
    found = engine.luck(engine.sweep(engine.simulate(1, 500, seed=2), 5, [20, 30], costs=engine.costs.us_ib_fixed()))
    assert found.is_defined
    assert found.market.settings == Settings(costs=engine.costs.us_ib_fixed())
