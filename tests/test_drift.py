"""What the bot did on past days, beside a backtest on today's data."""

import dataclasses
import itertools
import json
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import engine
from engine.errors import DataError, InputError
from live.config import load_config
from live.drift import drift
from live.gateway import KOLKATA
from live.journal import Event
from live.sessions import runs_of, trading_days
from live.strategy import broker_costs

EXAMPLE = Path(__file__).parent.parent / "docs/example-config.toml"
FIRST, LAST = date(2026, 3, 2), date(2026, 3, 20)
DAYS = trading_days(date(2025, 12, 1), LAST)


@pytest.fixture(scope="module")
def config():
    loaded = load_config(EXAMPLE)
    rules = loaded.rules.model_copy(update={"fast": 2, "slow": 5, "stop_window": 3, "max_weight": 1.0})
    shares = tuple(share.model_copy(update={"closing_auction": False}) for share in loaded.instruments[:2])
    return loaded.model_copy(update={"rules": rules, "instruments": shares})


@pytest.fixture(scope="module")
def prices(config):
    names = [share.symbol for share in config.instruments]
    made = engine.simulate(names, len(DAYS), seed=8, volatility=0.02)
    days = pd.DatetimeIndex(DAYS)
    return engine.Prices.from_histories(
        dataclasses.replace(one, dates=days, currency="INR") for one in map(made.__getitem__, names)
    )


def event(kind, data, moment, symbol=""):
    return Event(1, moment.isoformat(), kind, symbol, "", data, "")


def bar(prices, symbol, day):
    history = prices[symbol]
    place = int(history.dates.searchsorted(pd.Timestamp(day)))
    return {name: float(getattr(history, name)[place]) for name in ("open", "high", "low", "close")}


def crosses(prices, config, symbol):
    from engine.accounts.market import signals_of

    rules = config.rules
    found = signals_of([prices[symbol]], rules.fast, rules.slow, None).cross
    names = {1: "golden", -1: "death", 0: "none"}
    return {stamp.date(): names[int(cross)] for stamp, cross in zip(prices[symbol].dates, found, strict=True)}


def faithful(prices, config):
    """Make the journal of a bot that did all that the backtest does, at its prices and costs."""
    events, names = [], [share.symbol for share in config.instruments]
    crossed = {name: crosses(prices, config, name) for name in names}
    for before, day in itertools.pairwise(DAYS):
        if day < FIRST:
            continue
        for window in runs_of(day, config.instruments, config.run.before):
            moment = window.moment + timedelta(seconds=5)
            events.append(event("run started", {"send": True, "shares": names}, moment))
            for name in names:
                whole = {"day": before.isoformat(), **bar(prices, name, before)}
                reading = {"day": day.isoformat(), "cross": crossed[name][day], "before": whole}
                events.append(event("read", reading, moment, name))
            if day == FIRST:
                events.append(event("day", {"day": day.isoformat(), "equity": 1_000_000.0}, moment))
            events += executions(prices, config, day, moment)
            events.append(event("run ended", {"status": 0}, moment))
    return events


def executions(prices, config, day, moment):
    rules = config.rules
    begun = [prices[share.symbol] for share in config.instruments]
    begun = [one.between(int(one.dates.searchsorted(pd.Timestamp(FIRST))) - rules.slow, len(one)) for one in begun]
    account = engine.portfolio(
        engine.Prices.from_histories(begun),
        rules.fast,
        rules.slow,
        rules.stop,
        "close",
        capital=1_000_000.0,
        risk=rules.risk,
        costs=broker_costs(),
        max_positions=rules.max_positions,
        max_weight=rules.max_weight,
    )
    numbers = {share.symbol: 1001 + i for i, share in enumerate(config.instruments)}
    for trade in account.trades.to_dict("records"):
        for side, when, price in (
            ("BUY", trade["entry_date"], trade["entry_price"]),
            ("SELL", trade["exit_date"], trade["exit_price"]),
        ):
            if when is not pd.NaT and when.date() == day:
                fee = broker_costs().fee(side.lower(), price, trade["quantity"], day).total
                data = {
                    "execution_id": f"{trade['symbol']}{day}{side}.01",
                    "con_id": numbers[trade["symbol"]],
                    "symbol": trade["symbol"],
                    "side": side,
                    "quantity": trade["quantity"],
                    "price": price,
                    "time": moment.isoformat(),
                    "reference": "gc-entry",
                    "commission": fee,
                }
                yield event("execution", data, moment, trade["symbol"])


@pytest.fixture(scope="module")
def journal(prices, config):
    return faithful(prices, config)


def test_a_bot_that_did_what_the_backtest_does(journal, prices, config):
    found = drift(journal, prices, config)
    assert found.is_clean, list(found.lines())
    assert (found.first, found.last, found.runs) == (FIRST, LAST, len([day for day in DAYS if day >= FIRST]))
    assert found.bars == found.decisions == 2 * found.runs
    assert len(found.orders) == sum(one.kind == "execution" for one in journal) >= 4
    assert (found.orders["slippage"] == 0).all()
    assert np.allclose(found.orders["commission"], found.orders["modelled_cost"])
    lines = list(found.lines())
    assert lines[0] == f"From {FIRST} to {LAST}: {found.runs} runs due, 0 missed."
    assert all(line.isascii() and line.endswith(".") for line in lines)


def without(events, kind, day):
    return [one for one in events if not (one.kind == kind and one.time.startswith(day))]


def test_missed_runs(journal, prices, config):
    some = [one for one in journal if not one.time.startswith("2026-03-06")]
    some = without(some, "run ended", "2026-03-10")
    found = drift(some, prices, config)
    assert found.missed == [
        "2026-03-06: there was no run for RELIANCE, TCS.",
        "2026-03-10: the run did not come to its end for RELIANCE, TCS.",
    ]


@pytest.mark.parametrize("status", [2, 4])
def test_a_run_that_did_not_reach_the_broker_is_missed(journal, prices, config, status):
    last = max(i for i, one in enumerate(journal) if one.kind == "run ended")
    wrong = [*journal[:last], dataclasses.replace(journal[last], data={"status": status}), *journal[last + 1 :]]
    assert len(drift(wrong, prices, config).missed) == 1


def changed(prices, symbol, day, factor):
    history = prices[symbol]
    place = int(history.dates.searchsorted(pd.Timestamp(day)))
    new = {name: getattr(history, name).copy() for name in ("open", "high", "low", "close")}
    for column in new.values():
        column[place] = round(column[place] * factor, 2)
    histories = [dataclasses.replace(history, **new) if name == symbol else prices[name] for name in prices.symbols]
    return engine.Prices.from_histories(histories)


def test_a_revised_bar(journal, prices, config):
    found = drift(journal, changed(prices, "TCS", "2026-03-05", 1.001), config)
    assert len(found.revised) == 1
    assert found.revised[0].startswith("TCS 2026-03-05: open ")
    assert "close" in found.revised[0]


def test_a_decision_that_the_whole_bar_does_not_give(journal, prices, config):
    place = next(i for i, one in enumerate(journal) if one.kind == "read" and one.data["cross"] == "golden")
    one = journal[place]
    wrong = [*journal[:place], dataclasses.replace(one, data={**one.data, "cross": "none"}), *journal[place + 1 :]]
    found = drift(wrong, prices, config)
    assert found.changed == [f"{one.symbol} {one.data['day']}: no cross before the close, a golden cross at it."]


def test_slippage_and_costs(journal, prices, config):
    def worse(one):
        if one.kind != "execution":
            return one
        by = 0.10 if one.data["side"] == "BUY" else -0.10
        return dataclasses.replace(
            one, data={**one.data, "price": one.data["price"] + by, "commission": one.data["commission"] + 5}
        )

    found = drift([worse(one) for one in journal], prices, config)
    assert np.allclose(found.orders["slippage_ticks"], 2.0)
    assert np.allclose(found.orders["slippage"], 0.10 * found.orders["quantity"])
    over = found.orders["commission"] - found.orders["modelled_cost"]
    assert over.between(3.5, 5.0).all()  # 5 more, less what the model takes for the worse prices
    text = " ".join(found.lines())
    assert "worse than modelled, 2.0 ticks a share and order on average." in text


def test_an_unknown_commission_is_not_nothing(journal, prices, config):
    unknown = [
        dataclasses.replace(one, data={**one.data, "commission": None}) if one.kind == "execution" else one
        for one in journal
    ]
    found = drift(unknown, prices, config)
    assert found.orders["commission"].isna().all()
    assert f"The commission of {len(found.orders)} orders is not known." in list(found.lines())


def test_orders_that_only_one_side_has(journal, prices, config):
    first = next(one for one in journal if one.kind == "execution")
    found = drift([one for one in journal if one is not first], prices, config)
    assert len(found.alone) == 1
    assert "only the backtest bought" in found.alone[0]
    extra = dataclasses.replace(
        first, data={**first.data, "execution_id": "x.01", "time": datetime(2026, 3, 3, 11, tzinfo=KOLKATA).isoformat()}
    )
    assert any("only the bot bought" in line for line in drift([*journal, extra], prices, config).alone)


def test_what_cannot_be_compared_is_one_line(journal, prices, config):
    with pytest.raises(InputError, match="no run yet"):
        drift([], prices, config)
    with pytest.raises(DataError, match="none of the bot's shares"):
        drift(journal, engine.simulate(["OTHER"], 300, seed=1), config)
    with pytest.raises(DataError, match="before the first run"):
        drift(journal, prices.select(None, None, "2026-02-10"), config)
    with pytest.raises(DataError, match="fewer than 5 bars before"):
        drift(journal, prices.select(None, "2026-02-27", None), config)


def test_the_journal_of_a_real_run(tmp_path):
    """Through gateway, client and journal: what the bot has read and done is found again."""
    from live.journal import Journal
    from tests.test_live_runner import GOLDEN, history
    from tests.test_live_service import once, serve

    status, _, said = serve(tmp_path, GOLDEN, once())
    assert status == 0, said
    events = Journal(tmp_path / "journal", read_only=True).events()
    today = engine.Prices.from_histories([history("RELIANCE", GOLDEN)])
    found = drift(events, today, load_config(tmp_path / "bot.toml"))
    assert (found.runs, found.bars, found.decisions) == (1, 1, 1)
    assert found.is_clean, list(found.lines())
    (order,) = found.orders.to_dict("records")
    assert (order["symbol"], order["side"], order["modelled"]) == ("RELIANCE", "BUY", 99.0)
    assert order["slippage"] == pytest.approx((order["price"] - 99.0) * order["quantity"])
    assert order["commission"] == pytest.approx(0.0003 * order["price"] * order["quantity"], abs=0.01)


def test_the_command(tmp_path):
    from typer.testing import CliRunner

    from live.cli import app
    from tests.test_live_runner import GOLDEN, history
    from tests.test_live_service import once, serve

    serve(tmp_path, GOLDEN, once())
    frame = history("RELIANCE", GOLDEN).to_frame()
    frame.to_csv(tmp_path / "RELIANCE.csv")
    words = ["reconcile", str(tmp_path / "bot.toml"), str(tmp_path / "RELIANCE.csv")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0] == "From 2026-03-16 to 2026-03-16: 1 run due, 0 missed."
    frame.iloc[-2] *= 1.01
    frame.round(2).to_csv(tmp_path / "RELIANCE.csv")
    revised = CliRunner().invoke(app, words)
    assert revised.exit_code == 3
    assert "1 whole bar that the bot saw, 1 bar revised since." in revised.stdout
    assert CliRunner().invoke(app, [*words[:2], str(tmp_path / "nowhere")]).exit_code == 2


def command(tmp_path, *words):
    from typer.testing import CliRunner

    from live.cli import app

    return CliRunner().invoke(app, ["reconcile", str(tmp_path / "bot.toml"), str(tmp_path / "RELIANCE.csv"), *words])


@pytest.fixture
def split(tmp_path):
    """The journal of a run, and prices of which the old ones are from before a split."""
    from tests.test_live_runner import GOLDEN, history
    from tests.test_live_service import once, serve

    serve(tmp_path, GOLDEN, once())
    frame = history("RELIANCE", GOLDEN).to_frame()
    day = frame.index[-2]
    frame.loc[frame.index < day, ["open", "high", "low", "close"]] *= 10
    frame.loc[frame.index < day, "volume"] /= 10
    frame.to_csv(tmp_path / "RELIANCE.csv")
    return day.date()


def test_the_command_applies_splits(tmp_path, split):
    (tmp_path / "splits.csv").write_text(f"symbol,date,split\nRELIANCE,{split},10-for-1\n")
    plain, adjusted = command(tmp_path), command(tmp_path, "--actions", str(tmp_path / "splits.csv"))
    assert plain.exit_code == 3, plain.output
    assert adjusted.exit_code == 0, adjusted.output
    assert "Splits and bonuses: 1 of 1 action for these symbols applied." in adjusted.stdout
    document = json.loads(command(tmp_path, "--actions", str(tmp_path / "splits.csv"), "--format", "json").stdout)
    assert [one["outcome"] for one in document["adjustments"]] == ["applied"]
    assert document["unpriced"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--repair", "polish"], "polish"),
        (["--actions", "nowhere.csv"], "nowhere.csv"),
        (["--format", "xml"], "--format xml"),
    ],
)
@pytest.mark.usefixtures("split")
def test_bad_use_of_the_command_is_one_line(tmp_path, words, said):
    done = command(tmp_path, *words)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_shares_without_prices_are_named(journal, prices, config):
    whole = drift(journal, prices, config)
    short = engine.Prices.from_histories([prices["RELIANCE"], prices["TCS"].between(len(DAYS) - 15, len(DAYS))])
    for some in (prices.select(["RELIANCE"]), short):
        found = drift(journal, some, config)
        assert found.unpriced == ["TCS"]
        assert f"Not compared, for want of prices up to {FIRST}: TCS." in list(found.lines())
        assert found.decisions == whole.decisions / 2
    assert whole.unpriced == []
