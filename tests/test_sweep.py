"""The sweep: every cell is the backtest of that cell, whatever the tiles and threads."""

import threading
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings

import engine
from engine import grid as grids
from engine.report.sweep import sweep_text
from engine.results.storage import load_sweep
from engine.settings import Settings
from engine.sweeping import blocks, cells, spans, tasks, workspace
from engine.sweeping.threads import run_in_order, share
from tests import adapter, naive, strategies

NAMES = (*adapter.METRICS, "skipped")


@settings(max_examples=100, deadline=None)
@given(strategies.markets(), strategies.rules())
def test_sweep_is_the_reference(bars, rules):
    assume(rules.multiple != 0)
    stop = adapter.stop(rules)
    pairs = {(fast, slow) for fast in (1, 2, 3, 5) for slow in (2, 4, 7) if fast < slow}
    assume(len(bars) >= 2)
    result = engine.sweep(adapter.prices(bars), (1, 2, 3, 5), (2, 4, 7), stop, **adapter.arguments(rules))
    frame = result.to_frame()
    assert len(frame) == len(pairs)
    for (_, fast, slow, _, _), row in frame.iterrows():
        if slow > len(bars):
            assert row.isna().all()
        else:
            expected = naive.backtest(bars, fast, slow, rules)
            assert float(row["final_capital"]) == expected.equity[-1]
            roundings = adapter.rounding(rules.capital, expected.equity, rules.bars_per_year)
            adapter.assert_metrics(row, expected.metrics, roundings=roundings)


@pytest.fixture(scope="module")
def prices():
    return engine.simulate(3, 700, seed=11)


STOPS = (None, engine.TrailingStop(2.0), engine.TrailingStop(3.0, atr_window=20))


@pytest.fixture(scope="module")
def result(prices):
    costs = engine.Costs(rate=0.001, slippage=0.0005)
    return engine.sweep(prices, range(5, 31, 5), range(20, 101, 20), STOPS, costs=costs)


def test_settings_are_remembered_by_value_and_kind():
    values = (
        "close",
        "stop_first",
        "long_only",
        1.0,
        "all_in",
        engine.Costs(0.001),
        1,
        252.0,
        0.02,
        engine.Signal(),
        None,
    )
    first = Settings.of(*values)
    assert Settings.of(*values) is first
    assert first == Settings(*values)
    with pytest.raises(engine.InputError, match="capital is True"):
        Settings.of(*values[:3], True, *values[4:])
    with pytest.raises(engine.InputError, match="fill is"):
        Settings.of(["close"], *values[1:])


def test_every_cell_is_its_backtest(result):
    frame = result.to_frame()
    assert list(frame.index.names) == ["symbol", "fast", "slow", "atr_window", "multiple"]
    assert list(frame.columns) == list(NAMES)
    assert len(frame) == 3 * result.grid.cells == len(result)
    for key in frame.index[::7]:
        cell = result.cell(*key).metrics.iloc[0]
        assert frame.loc[key, list(adapter.EXACT)].tolist() == cell[list(adapter.EXACT)].tolist(), key
        adapter.assert_metrics(frame.loc[key], cell.astype(float).to_dict())


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_threads_do_not_change_a_bit(prices, result, workers):
    costs = engine.Costs(rate=0.001, slippage=0.0005)
    again = engine.sweep(prices, range(5, 31, 5), range(20, 101, 20), STOPS, costs=costs, workers=workers)
    assert np.array_equal(again.values, result.values, equal_nan=True)


@pytest.mark.parametrize("workers", [2, 3])
def test_threads_that_share_symbols_do_not_change_a_bit(monkeypatch, workers):
    many, windows = engine.simulate(13, 400, seed=5), (range(5, 31, 5), range(20, 101, 20), STOPS)
    alone = engine.sweep(many, *windows, workers=1)
    asked = []
    monkeypatch.setattr(spans, "share", lambda work, threads: (asked.append(threads), share(work, threads)))
    monkeypatch.setattr(tasks, "_LEAST_WORK", 1)
    for most in (tasks._MOST_WORK, 100_000):  # in one task, and in several
        monkeypatch.setattr(tasks, "_MOST_WORK", most)
        together = engine.sweep(many, *windows, workers=workers)
        assert np.array_equal(together.values, alone.values, equal_nan=True)
    assert set(asked) == {workers}
    assert len(asked) >= 3


def test_a_task_holds_only_so_many_prices(monkeypatch):
    many, pair = engine.simulate(12, 300, seed=5), ((5,), (20,))
    whole = engine.sweep(many, *pair, workers=1)
    taken = []
    run = cells.Part.run
    monkeypatch.setattr(
        cells.Part, "run", lambda part, some, *rest: (taken.append(len(some)), run(part, some, *rest))[1]
    )
    monkeypatch.setattr(tasks, "_MOST_BARS", 1500)
    for keep in (None, 1):
        found = engine.sweep(many, *pair, workers=1, keep=keep)
        assert taken == [4, 4, 4]
        taken.clear()
        if keep is None:
            assert np.array_equal(found.values, whole.values, equal_nan=True)


def test_work_that_is_shared_is_done_by_all_and_its_error_is_heard():
    done = []
    share(lambda: done.append(threading.get_ident()), 1)
    assert done == [threading.get_ident()]
    meeting = threading.Barrier(3, timeout=30)
    share(lambda: (meeting.wait(), done.append(threading.get_ident())), 3)
    assert len(set(done)) == 3

    def fail_elsewhere():
        if threading.current_thread() is not threading.main_thread():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        share(fail_elsewhere, 2)


@pytest.mark.parametrize("most_cells", [1, 5, 20])
def test_parts_do_not_change_a_bit(prices, result, monkeypatch, most_cells):
    monkeypatch.setattr(tasks, "_MOST_CELLS", most_cells)
    costs = engine.Costs(rate=0.001, slippage=0.0005)
    again = engine.sweep(prices, range(5, 31, 5), range(20, 101, 20), STOPS, costs=costs)
    assert np.array_equal(again.values, result.values, equal_nan=True)


def test_no_thread_goes_on_where_another_could_not_be_started(monkeypatch):
    started, start = [], threading.Thread.start

    def start_one(thread):
        if started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_one)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        share(lambda: time.sleep(0.2), 3)
    assert [thread.is_alive() for thread in started] == [False]


def test_blocks_do_not_change_a_bit(prices, monkeypatch):
    windows = range(2, 80, 3), range(5, 200, 4)
    whole = engine.sweep(prices, *windows)
    monkeypatch.setattr(blocks, "MOST_FAST", 5)
    monkeypatch.setattr(blocks, "MOST_SLOW", 7)
    whole.grid.memo.clear()
    cut = engine.sweep(prices, *windows)
    whole.grid.memo.clear()
    assert np.array_equal(cut.values, whole.values, equal_nan=True)


def test_parts_cover_the_grid():
    grid = grids.Grid.of(range(5, 101), range(20, 301, 2))
    for most in (1, 500, 5000, 10**6):
        parts = list(grid.parts(most))
        assert [part.start for part in parts] == [0, *(part.stop for part in parts[:-1])]
        assert parts[-1].stop == len(grid.pairs)
        for part in parts:
            fasts = {fast for fast, _ in grid.pairs[part]}
            assert part.stop - part.start <= most or len(fasts) == 1
            assert fasts.isdisjoint({fast for fast, _ in grid.pairs[part.stop :]})


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_come_in_order(workers):
    taken = []
    works = [lambda i=i: (time.sleep(0.003 * (i % 3)), i)[1] for i in range(40)]
    assert run_in_order(works, workers, taken.append)
    assert taken == list(range(40))
    with pytest.raises(ZeroDivisionError):
        run_in_order([lambda: 1, lambda: 1 // 0, lambda: 2], workers, taken.append)


def test_long_short_sweep(prices):
    found = engine.sweep(prices, (5, 10), (20, 50), direction="long_short")
    one = engine.backtest(prices, 5, 50, direction="long_short")
    got = found.to_frame().xs((5, 50, 0, 0.0), level=("fast", "slow", "atr_window", "multiple"))
    pd.testing.assert_frame_equal(got, one.metrics, check_exact=True)


def test_best(result):
    frame = result.to_frame()
    top = result.best("sharpe", per="all")
    assert top["sharpe"].iloc[0] == frame["sharpe"].max()
    each = result.best("total_return")
    assert list(each.index.get_level_values("symbol")) == list(result.symbols)
    assert each["total_return"].tolist() == frame.groupby("symbol")["total_return"].max().tolist()
    assert len(result.best("sharpe", per="symbol", k=3)) == 9
    for wrong in ({"metric": "luck"}, {"per": "sector"}, {"k": 0}):
        with pytest.raises(engine.InputError):
            result.best(**wrong)


def test_best_skips_what_is_not_defined(prices):
    flat = engine.sweep(prices.select(end=prices["SIM001"].dates[210]), (50,), (200,))
    assert flat.best("sharpe").empty == flat.to_frame()["sharpe"].isna().all()


def test_save_and_load(result, prices, tmp_path):
    path = tmp_path / "cells.parquet"
    result.save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["cells.parquet"]
    loaded = engine.SweepResult.load(path, prices)
    pd.testing.assert_frame_equal(loaded.to_frame(), result.to_frame(), check_exact=True)
    assert loaded.settings == result.settings
    assert loaded.grid == result.grid
    assert loaded.digest == prices.digest
    pd.testing.assert_series_equal(loaded.buy_and_hold, result.buy_and_hold)
    key = ("SIM002", 5, 20, 14, 2.0)
    pd.testing.assert_frame_equal(loaded.cell(*key).trades, result.cell(*key).trades)
    plain = pd.read_parquet(path)
    assert list(plain.columns)[:5] == ["symbol", "fast", "slow", "atr_window", "multiple"]


def test_load_refuses_what_is_not_its_own(result, tmp_path):
    path = tmp_path / "cells.parquet"
    result.save(path)
    with pytest.raises(engine.InputError, match="other prices"):
        engine.SweepResult.load(path, engine.simulate(3, 700, seed=12))
    with pytest.raises(engine.InputError, match="without its prices"):
        engine.SweepResult.load(path).cell("SIM001", 5, 20)
    with pytest.raises(engine.DataError, match="no such file"):
        load_sweep(tmp_path / "nothing.parquet")
    (tmp_path / "text.parquet").write_text("hello")
    with pytest.raises(engine.DataError, match="not a Parquet file"):
        load_sweep(tmp_path / "text.parquet")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(engine.DataError, match="not a sweep"):
        load_sweep(tmp_path / "other.parquet")
    with pytest.raises(engine.OutputError, match="does not exist"):
        result.save(tmp_path / "no" / "cells.parquet")


def test_cells_of_the_slower_loop_are_counted(prices):
    """Where all averages are equal the fast way leaves every cell to the slower loop, and the text says so."""
    ties = engine.simulate(2, 300, tick=1.0, volatility=1e-6)
    for keep in (None, 1):
        found = engine.sweep(ties, (2, 5), (20, 30), keep=keep)
        assert found.looped == 8
        assert "trade by trade, but for 8 cells" in "\n".join(sweep_text(found, ties, "sharpe", 0.1))
    found = engine.sweep(prices, (5,), (20,))
    assert found.looped == 0
    assert "but for" not in "\n".join(sweep_text(found, prices, "sharpe", 0.1))
    assert engine.sweep(ties, (2,), (20,), sizing="all_in_lots").looped == 0


@pytest.mark.parametrize(("gain", "looped"), [(1.02, 0), (1.0, 1), (1 + 1e-10, 1)])
def test_an_account_that_only_buys_on_the_last_bar(gain, looped):
    """It has fallen by nothing if it gains at once; how far a gain of nearly nothing is from a fall only the loop knows."""
    close = np.r_[np.linspace(119.0, 90.0, 30), 110.0, 110.0 * gain]
    bars = {
        "open": np.r_[close[:-1], 110.0],
        "high": close + 20.0,
        "low": close - 20.0,
        "close": close,
        "volume": close,
    }
    history = engine.History(symbol="A", dates=pd.bdate_range("2020-01-01", periods=len(close)), **bars)
    one = engine.Prices.from_histories([history])
    found = engine.sweep(one, (2,), (5,))
    assert found.looped == looped
    expected = engine.backtest(one, 2, 5).metrics.iloc[0]
    assert expected["exposure"] == 1 / len(close)
    adapter.assert_metrics(found.to_frame().iloc[0], expected.astype(float).to_dict())


def test_short_histories(prices):
    mixed = engine.Prices.from_histories(
        [prices["SIM001"], *prices.select(["SIM002"], end=prices["SIM002"].dates[59]).histories.values()]
    )
    found = engine.sweep(mixed, (5,), (20, 100))
    assert found.too_short == {"SIM002": "SIM002 has 60 bars, fewer than the slow window of 1 of 2 pairs"}
    assert found.to_frame().loc["SIM002"]["final_capital"].isna().tolist() == [False, True]
    only = engine.sweep(mixed, (5,), (100,))
    assert list(only.left_out) == ["SIM002"]
    with pytest.raises(engine.DataError, match="no symbol can be run"):
        engine.sweep(mixed, (5,), (5000,))


def test_prices_of_no_symbol_are_refused():
    for run in (engine.sweep, engine.backtest):
        with pytest.raises(engine.DataError, match="no symbol was given"):
            run(engine.Prices.from_histories([]), 5, 20)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fast": []}, "fast windows are empty"),
        ({"slow": range(300, 20)}, "slow windows are empty"),
        ({"fast": [50], "slow": [20]}, "no pair has fast below slow"),
        ({"stop": []}, "list of stops is empty"),
        ({"stop": [engine.TrailingStop(2.0)] * 2}, "given twice"),
        ({"stop": [engine.TrailingStop(2.0), engine.TrailingStop(3.0, kind="chandelier")]}, "share the kind"),
        ({"intrabar": "both"}, "both"),
        ({"workers": 0}, "workers"),
        ({"sizing": "risk", "stop": [None, engine.TrailingStop(2.0)]}, "needs a stop"),
    ],
)
def test_bad_grids_are_refused(prices, change, message):
    with pytest.raises(engine.InputError, match=message):
        engine.sweep(prices, **{"fast": [5], "slow": [20], **change})


def test_an_interrupt_loses_nothing_that_is_done(prices, result, monkeypatch):
    monkeypatch.setattr(tasks, "_MOST_WORK", 60_000)
    seen = threading.Event()

    def interrupt(done, total):
        assert 0 < done < total
        seen.set()
        raise KeyboardInterrupt

    costs = engine.Costs(rate=0.001, slippage=0.0005)
    with pytest.raises(engine.SweepInterruptedError) as caught:
        engine.sweep(prices, range(5, 31, 5), range(20, 101, 20), STOPS, costs=costs, workers=1, progress=interrupt)
    assert seen.is_set()
    partial = caught.value.partial
    assert not partial.finished
    reached = ~np.isnan(partial.values[..., 0])
    assert reached.any()
    assert np.array_equal(partial.values[reached], result.values[reached], equal_nan=True)


def test_progress_counts_every_cell(prices):
    calls = []
    engine.sweep(prices, (5, 10), (20, 50), progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (12, 12)
    assert calls == sorted(calls)


@pytest.mark.parametrize("keep", [1, 4, 1000])
def test_keeping_the_best_is_the_best_of_all(prices, result, tmp_path, monkeypatch, keep):
    """In pieces, with threads and a file: the same cells, the same pool, and all cells on disk."""
    monkeypatch.setattr(tasks, "_MOST_CELLS", 7)
    monkeypatch.setattr(tasks, "_GOOD_WORK", 1000)
    costs, out = engine.Costs(rate=0.001, slippage=0.0005), tmp_path / "cells.parquet"
    settings = {"costs": costs, "keep": keep, "metric": "calmar", "out": out, "workers": 2}
    kept = engine.sweep(prices, range(5, 31, 5), range(20, 101, 20), STOPS, **settings)
    pd.testing.assert_frame_equal(kept.to_frame(), result.best("calmar", k=keep), check_exact=True)
    pool = engine.Pool.of(result, "calmar")
    assert (kept.pool.cells, kept.pool.made_money, kept.pool.beat_holding) == (
        pool.cells,
        pool.made_money,
        pool.beat_holding,
    )
    assert kept.pool.median == pytest.approx(pool.median, rel=1e-3)
    assert np.array_equal(engine.SweepResult.load(out, prices).values, result.values, equal_nan=True)


def test_an_interrupt_keeps_the_best_so_far(prices, tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "_MOST_CELLS", 7)

    def interrupt(done, total):
        if done > total / 2:
            raise KeyboardInterrupt

    out = tmp_path / "cells.parquet"
    with pytest.raises(engine.SweepInterruptedError) as caught:
        engine.sweep(prices, (5, 10), (20, 50), STOPS, keep=2, out=out, workers=1, progress=interrupt)
    assert not caught.value.partial.finished
    assert len(caught.value.partial.to_frame()) in (4, 6)
    assert not engine.SweepResult.load(out).finished


def test_out_needs_keep(prices, tmp_path):
    with pytest.raises(engine.InputError, match="give keep as well"):
        engine.sweep(prices, 5, 20, out=tmp_path / "cells.parquet")
    with pytest.raises(engine.InputError, match="keep is 0"):
        engine.sweep(prices, 5, 20, keep=0)


def test_a_workspace_is_used_by_one_call_at_a_time_and_then_by_the_next(monkeypatch):
    monkeypatch.setattr(workspace, "_spare", [])
    with workspace.workspace() as one, workspace.workspace() as other:
        assert one is not other
    with workspace.workspace() as again:
        assert again in (one, other)
        plan = blocks.plan_of(np.array([2]), np.array([3]), 3)
        memory = again.memory(plan, 1, 100, 64)
        assert again.memory(plan, 1, 100, 64) is memory
        assert again.memory(plan, 1, 101, 64) is not memory
        assert again.memory(plan, 2, 101, 64).exits.bar.shape == (2, 101)
    assert again in workspace._spare
    monkeypatch.setattr(workspace, "_MOST_KEPT", 1000)
    with workspace.workspace() as large:
        large.memory(plan, 1, 102, 64)
    assert large not in workspace._spare
