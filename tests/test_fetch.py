"""Getting prices: what is asked, what is stored, what is said, and what an interruption leaves. No network but this machine's own."""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import engine
import live.fetch
from engine.errors import DataError
from engine.prices.fetching import Fetched, FilesSource, Wanted, fetch
from engine.prices.store import Store
from engine.prices.yahoo import YahooSource
from live.command import app

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 3, 3, 18, 0, tzinfo=UTC)  # 23:30 of a Tuesday in Kolkata
DAYS = pd.bdate_range("2025-01-01", "2026-03-03", name="date")


def bars(seed=1, days=DAYS, places=2):
    rng = np.random.default_rng(seed)
    close = np.round(500 * np.exp(np.cumsum(rng.normal(0, 0.01, len(days)))), places)
    columns = {
        "open": close,
        "high": close + 1,
        "low": close - 1,
        "close": close,
        "volume": np.arange(1.0, len(days) + 1),
    }
    return pd.DataFrame(columns, index=days)


class Memory:
    """A source that answers from memory, or raises what it is told to."""

    name, is_lost = "memory", False

    def __init__(self, **answers):
        self.answers, self.asked = answers, []

    async def bars(self, wanted):
        self.asked.append(wanted.key)
        answer = self.answers[wanted.key]
        if callable(answer):
            answer = await answer()
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, Fetched) else Fetched(wanted.key, answer, "INR")


def run(source, names, folder, **options):
    store = folder if isinstance(folder, Store) else Store(folder)
    return asyncio.run(fetch(source, [Wanted.of(name) for name in names], store, **{"now": lambda: NOW, **options}))


def command(*arguments, **options):
    return CliRunner().invoke(app, ["fetch", *map(str, arguments)], **options)


# The work, whatever the source


def test_what_is_fetched_is_stored_under_its_name(tmp_path):
    done = run(Memory(**{"SBIN.NS": bars(1), "TCS": bars(2)}), ["SBIN=SBIN.NS", "TCS"], tmp_path)
    assert [(one.symbol, one.change, one.added) for one in done.updates] == [
        ("SBIN", "new", len(DAYS)),
        ("TCS", "new", len(DAYS)),
    ]
    expected = engine.Prices.from_frames({"SBIN": bars(1), "TCS": bars(2)}, currency="INR")
    assert engine.load(tmp_path).digest == expected.digest


def test_one_failure_leaves_the_others(tmp_path):
    done = run(Memory(A=DataError("A: nothing"), B=bars(2)), ["A", "B"], tmp_path)
    assert done.failures == {"A": "A: nothing"}
    assert [one.symbol for one in done.updates] == ["B"]


def test_prices_pass_the_gate_first(tmp_path):
    wrong = bars(1)
    wrong.iloc[7, wrong.columns.get_loc("close")] = -1.0
    blank = bars(2)
    blank.iloc[-1] = np.nan
    done = run(Memory(A=wrong, B=blank), ["A", "B"], tmp_path)
    assert list(done.failures) == ["A", "B"]
    assert "is not above 0" in done.failures["A"]
    assert list(Path(tmp_path).glob("*.parquet")) == []
    mended = run(Memory(A=wrong, B=blank), ["A", "B"], tmp_path, repair=["drop-blank-last"])
    assert [(one.symbol, one.bars) for one in mended.updates] == [("B", len(DAYS) - 1)]


def test_what_was_asked_shortly_before_is_not_asked_again(tmp_path):
    source = Memory(A=bars(1), B=Fetched("B", bars(2), "INR", unfinished=True))
    run(source, ["A", "B"], tmp_path)
    later = run(source, ["A", "B"], tmp_path, now=lambda: NOW + timedelta(hours=5, minutes=59))
    assert (later.fresh, [one.symbol for one in later.updates]) == (["A"], ["B"])  # that of B was not over then
    assert source.asked == ["A", "B", "B"]
    run(source, ["A"], tmp_path, now=lambda: NOW + timedelta(hours=6))
    run(source, ["A"], tmp_path, again=True)
    run(source, ["A"], tmp_path, now=lambda: NOW - timedelta(hours=1))  # a clock that was wrong once
    assert source.asked == ["A", "B", "B", "A", "A", "A"]


def test_what_is_from_elsewhere_is_not_taken_for_fresh(tmp_path):
    other = Memory(A=bars(1))
    other.name = "other"
    run(other, ["A"], tmp_path)
    done = run(Memory(A=bars(1)), ["A"], tmp_path)
    assert (done.fresh, done.failures) == (
        [],
        {"A": "A: the bars that are there are from other, not memory; take another folder"},
    )


def test_a_source_that_never_waits_can_be_cancelled(tmp_path):
    async def hurried():
        asyncio.current_task().cancel()
        return bars(2)

    done = run(Memory(A=bars(1), B=hurried, C=bars(3)), ["A", "B", "C"], tmp_path)
    assert ([one.symbol for one in done.updates], done.missing, done.interrupted) == (["A", "B"], ["C"], True)


def test_a_name_that_the_source_gives_is_remembered(tmp_path):
    source = Memory(INE1=Fetched("SBIN", bars(1), "INR"))
    wanted = [Wanted("", "INE1")]
    for _ in range(2):
        done = asyncio.run(fetch(source, wanted, Store(tmp_path), now=lambda: NOW))
    assert (done.fresh, source.asked) == (["SBIN"], ["INE1"])


def test_a_cancelled_run_keeps_what_is_done_and_the_next_goes_on(tmp_path):
    async def stopped():
        raise asyncio.CancelledError

    names = ["A", "B", "C", "D"]
    answers = {name: bars(seed) for seed, name in enumerate(names)}
    done = run(Memory(**{**answers, "C": stopped}), names, tmp_path)
    assert done.interrupted
    assert ([one.symbol for one in done.updates], done.missing) == (["A", "B"], ["C", "D"])
    source = Memory(**answers)
    after = run(source, names, tmp_path)
    assert (after.fresh, source.asked) == (["A", "B"], ["C", "D"])
    assert set(engine.load(tmp_path).symbols) == set(names)


def test_a_source_that_is_lost_is_not_asked_further(tmp_path):
    source = Memory(A=bars(1), B=DataError("B: gone"), C=bars(3))

    async def lost():
        source.is_lost = True
        return DataError("B: gone")

    source.answers["B"] = lost
    done = run(source, ["A", "B", "C"], tmp_path)
    assert (done.missing, list(done.failures), done.interrupted) == (["C"], ["B"], False)


def test_progress_counts_symbols(tmp_path):
    told = []
    run(Memory(A=bars(1), B=bars(2)), ["A", "B"], tmp_path, progress=lambda *numbers: told.append(numbers))
    assert told == [(0, 2), (1, 2)]


# Files


def csv_folder(tmp_path, **frames):
    folder = tmp_path / "csv"
    folder.mkdir(exist_ok=True)
    for symbol, frame in frames.items():
        frame.to_csv(folder / f"{symbol}.csv")
    return folder


def test_files_are_taken_over(tmp_path):
    source = csv_folder(tmp_path, SBIN=bars(1), TCS=bars(2), BAD=bars(3).assign(close=-1.0))
    done = command(tmp_path / "store", "--source", "files", "--from", source)
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[0] == f"2 of 3 symbols answered or up to date, {2 * len(DAYS)} new bars, in {tmp_path / 'store'}."
    assert lines[1].startswith("Not got: BAD, because BAD 2025-01-01 (row 1): close of -1.0 is not above 0")
    assert f"New: SBIN, {len(DAYS)} bars, 2025-01-01 to 2026-03-03." in lines
    assert engine.load(tmp_path / "store").digest == engine.load(source, repair=[]).digest


def test_a_second_import_adds_and_says_what_was_revised(tmp_path):
    source = csv_folder(tmp_path, SBIN=bars(1)[:200], TCS=bars(2)[:200], INFY=bars(3))
    arguments = [tmp_path / "store", "--source", "files", "--from", source]
    assert command(*arguments).exit_code == 0
    changed = bars(2)
    changed.loc[changed.index[:100], ["open", "high", "low", "close"]] /= 2
    csv_folder(tmp_path, SBIN=bars(1), TCS=changed)
    done = command(*arguments)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[1:] == [
        "1 symbol was left as it was, because an answer revised old bars.",
        (
            "Revised: TCS, 100 old bars were revised, the first on 2025-01-01: 100 with other prices, all 0.5 times the old ones. "
            "Nothing was changed. Choose --revisions keep or --revisions replace."
        ),
        f"Added: SBIN, {len(DAYS) - 200} bars, now {len(DAYS)} bars, 2025-01-01 to 2026-03-03.",
        "Unchanged: INFY.",
    ]
    kept = command(*arguments, "TCS", "--revisions", "keep")
    assert kept.exit_code == 0
    assert f"The old bars were kept, {len(DAYS) - 200} new bars added." in kept.stdout
    replaced = command(*arguments, "--revisions", "replace", "--format", "json")
    rows = {row["symbol"]: row["change"] for row in json.loads(replaced.stdout)["rows"]}
    assert rows == {"SBIN": "unchanged", "TCS": "replaced", "INFY": "unchanged"}
    assert engine.load(tmp_path / "store").digest == engine.Prices.from_frames(
        {"INFY": bars(3), "SBIN": bars(1), "TCS": changed}
    ).digest  # fmt: skip


def test_repairs_and_names_of_files(tmp_path):
    blank = bars(1)
    blank.iloc[-1] = np.nan
    source = csv_folder(tmp_path, SBIN=blank)
    options = ["--source", "files", "--from", source, "--repair", "drop-blank-last"]
    assert command(tmp_path / "store", "STATE=SBIN", *options).exit_code == 0
    assert engine.load(tmp_path / "store").symbols == ("STATE",)
    unknown = command(tmp_path / "store", "SIBN", *options)
    assert (unknown.exit_code, "did you mean SBIN?" in unknown.stdout) == (2, True)
    with pytest.raises(DataError):
        FilesSource(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--source", "google"], "--source google: it must be one of: yahoo, ib, files"),
        (["--source", "files"], "--source files takes --from PATH"),
        (["A", "--from", "x.csv"], "--source files takes --from PATH"),
        (["A", "--years", "0"], "--years 0"),
        (["A", "--revisions", "never"], "--revisions never: it must be one of: refuse, keep, replace"),
        (["A", "--repair", "magic"], "there is no repair named 'magic'"),
        (["A", "--format", "xml"], "--format xml"),
        (["A=", "B"], "a symbol is empty"),
        (["A", "B=A", "B"], "B is wanted twice"),
        (["--list", "nowhere.csv"], "there is no file nowhere.csv of symbols"),
        (["--source", "ib"], "no symbol is wanted"),
        (["A", "--source", "ib"], "GOLDENCROSS_ACCOUNT is not set"),
    ],
)
def test_bad_use_is_one_line(tmp_path, monkeypatch, arguments, words):
    monkeypatch.delenv("GOLDENCROSS_ACCOUNT", raising=False)
    monkeypatch.setitem(sys.modules, "yfinance", fake_yahoo({}))
    done = command(tmp_path / "store", *arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_symbols_from_a_table(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("symbol,isin,ticker\nSBIN,INE062A01020,SBIN.NS\nTCS,,\n")
    assert live.fetch._wanted(["X"], path, "yahoo") == [
        Wanted("X", "X"),
        Wanted("SBIN", "SBIN.NS"),
        Wanted("TCS", "TCS"),
    ]
    assert live.fetch._wanted([], path, "ib") == [Wanted("SBIN", "INE062A01020"), Wanted("TCS", "TCS")]
    assert live.fetch._wanted([], path, "files") == [Wanted("SBIN", "SBIN"), Wanted("TCS", "TCS")]
    assert live.fetch._wanted(["INE062A01020"], None, "ib") == [Wanted("", "INE062A01020")]


SLOW = """
import asyncio, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell has started in the background
sys.path.insert(0, {tests!r})
import live.fetch, test_fetch
from live.command import main

class Slow(test_fetch.Memory):
    async def bars(self, wanted):
        print("asked", wanted.key, file=sys.stderr, flush=True)
        if wanted.key == "B":
            await asyncio.sleep(60)
        return await super().bars(wanted)

live.fetch._yahoo = lambda years: Slow(A=test_fetch.bars(1), B=test_fetch.bars(2), C=test_fetch.bars(3))
sys.argv = ["goldencross", "fetch", sys.argv[1], "A", "B", "C"]
main()
"""


def test_ctrl_c_keeps_what_is_done(tmp_path):
    program = SLOW.format(tests=str(Path(__file__).parent))
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    for line in process.stderr:
        if line == "asked B\n":
            break
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert out.splitlines()[-1] == "Interrupted: still missing are B, C. The same command goes on with them."
    assert engine.load(tmp_path).symbols == ("A",)


# Yahoo, by a package of the same name


class Lazy(Mapping):
    """What yfinance describes an answer with: to go through all of it asks Yahoo again, and that can fail."""

    def __init__(self, known):
        self.known = known

    def __getitem__(self, key):
        return self.known[key]

    def __iter__(self):
        raise KeyError("tradingPeriods")

    def __len__(self):
        return len(self.known) + 1


def fake_yahoo(frames, metadata=None, error=None, asked=None):
    module = types.ModuleType("yfinance")

    class Ticker:
        def __init__(self, key, session=None):
            self.key = key
            if asked is not None:
                asked.append((key, session))

        def history(self, **options):
            if asked is not None:
                asked.append(options)
            if error is not None:
                raise error
            frame = frames.get(self.key, bars()[:0])
            named = frame.rename(columns=str.capitalize).assign(**{"Adj Close": frame["close"] * 0.9})
            return named.set_axis(named.index.tz_localize("Asia/Kolkata").rename("Date"), axis=0)

        def get_history_metadata(self):
            return Lazy(metadata if metadata is not None else {"currency": "INR"})

    module.Ticker = Ticker
    return module


def yahoo(monkeypatch, frames, now=NOW, years=5, session=None, **options):
    monkeypatch.setitem(sys.modules, "yfinance", fake_yahoo(frames, **options))
    return YahooSource(years, session=session, now=lambda: now)


def at(text):
    return datetime.fromisoformat(text)


def regular(end):
    return {"currency": "INR", "currentTradingPeriod": {"regular": {"end": end}}}


def test_yahoo_is_asked_for_unadjusted_closes_of_some_years(monkeypatch, tmp_path):
    asked = []
    source = yahoo(monkeypatch, {"SBIN.NS": bars()}, asked=asked, years=7, session="mine")
    run(source, ["SBIN=SBIN.NS"], tmp_path)
    assert asked[0] == ("SBIN.NS", "mine")
    assert asked[1] == {
        "start": "2019-03-03", "interval": "1d", "auto_adjust": False, "actions": False, "timeout": 30
    }  # fmt: skip
    prices = engine.load(tmp_path)
    assert prices["SBIN"].currency == "INR"
    assert prices["SBIN"].dates.tz is None
    assert prices["SBIN"].close.tolist() == bars()["close"].tolist()[:-1]
    leap = yahoo(monkeypatch, {}, now=datetime(2028, 2, 29, tzinfo=UTC), years=1)
    assert leap._start == date(2027, 2, 28)


@pytest.mark.parametrize(
    ("now", "end", "last"),
    [
        ("2026-03-03T15:29:00+05:30", "2026-03-03T15:30:00+05:30", "2026-03-02"),
        ("2026-03-03T15:59:00+05:30", "2026-03-03T15:30:00+05:30", "2026-03-02"),
        ("2026-03-03T16:00:00+05:30", "2026-03-03T15:30:00+05:30", "2026-03-03"),
        ("2026-03-04T00:10:00+05:30", "2026-03-04T15:30:00+05:30", "2026-03-03"),
        ("2026-03-03T20:00:00+05:30", None, "2026-03-02"),
    ],
)
@pytest.mark.parametrize("form", ["number", "stamp"])
def test_a_session_that_is_not_over_has_no_bar(monkeypatch, tmp_path, now, end, last, form):
    period = {"currency": "INR"}
    if end:
        period = regular(at(end).timestamp() if form == "number" else pd.Timestamp(end))
    done = run(yahoo(monkeypatch, {"A": bars()}, at(now), metadata=period), ["A"], tmp_path)
    assert done.updates[0].last == last
    assert Store(tmp_path).read("A").unfinished is (last == "2026-03-02")


def test_yahoo_without_an_answer(monkeypatch, tmp_path):
    done = run(yahoo(monkeypatch, {}, error=OSError("no route\nto host")), ["A"], tmp_path)
    assert done.failures == {"A": "A: Yahoo does not answer (no route to host); try again later"}
    done = run(yahoo(monkeypatch, {}), ["A"], tmp_path)
    assert done.failures == {"A": "A: Yahoo has no bars since 2021-03-03; check the ticker"}
    done = run(yahoo(monkeypatch, {"A": bars()[-1:]}), ["A"], tmp_path)
    assert "only the bar of a session that is not over" in done.failures["A"]


def test_yahoo_is_optional(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "yfinance", None)
    done = command(tmp_path, "SBIN.NS")
    assert (done.exit_code, done.stderr) == (
        2,
        "error: Yahoo needs the package yfinance: pip install 'goldencross[yahoo]'\n",
    )


def test_the_command_by_yahoo(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "yfinance", fake_yahoo({"SBIN.NS": bars()}))
    done = command(tmp_path, "SBIN=SBIN.NS", "NONE.NS", "--source", "yahoo")
    assert done.exit_code == 1
    assert "Not got: NONE.NS, because Yahoo has no bars since" in done.stdout
    again = command(tmp_path, "SBIN=SBIN.NS")
    assert again.exit_code == 0
    assert again.stdout.splitlines()[1] == "Not asked again within 6 hours, for which there is --again: SBIN."
    assert all(text.isascii() for text in (done.stdout, again.stdout))


def test_importing_the_command_takes_no_optional_package():
    program = "import sys, live.command; live.command.app; print([n for n in ('yfinance', 'ib_async', 'pydantic') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Yahoo, by the real yfinance, with a server on this machine in the place of Yahoo's


def chart(frame, end):
    """An answer of Yahoo's chart service, in the form of 2026."""
    opening = [
        int((stamp.tz_localize("Asia/Kolkata") + pd.Timedelta(hours=9, minutes=15)).timestamp())
        for stamp in frame.index
    ]
    period = {"timezone": "IST", "start": end - 22_500, "end": end, "gmtoffset": 19_800}
    meta = {
        "currency": "INR", "symbol": "SBIN.NS", "exchangeName": "NSI", "instrumentType": "EQUITY", "firstTradeDate": opening[0],
        "regularMarketTime": end, "gmtoffset": 19_800, "timezone": "IST", "exchangeTimezoneName": "Asia/Kolkata", "priceHint": 2,
        "currentTradingPeriod": {"pre": period, "regular": period, "post": period}, "dataGranularity": "1d", "range": "",
        "validRanges": ["1d", "5y", "max"],
    }  # fmt: skip
    quote = {name: frame[name].tolist() for name in ("open", "high", "low", "close")}
    quote["volume"] = [int(volume) for volume in frame["volume"]]
    indicators = {"quote": [quote], "adjclose": [{"adjclose": (frame["close"] * 0.9).tolist()}]}
    return {"chart": {"result": [{"meta": meta, "timestamp": opening, "indicators": indicators}], "error": None}}


@pytest.fixture
def server():
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            url = urlsplit(self.path)
            asked.append((url.path, parse_qs(url.query)))
            end = int(at("2026-03-03T15:30:00+05:30").timestamp())
            answer, status = {"chart": {"result": None, "error": {"code": "Not Found", "description": "delisted"}}}, 404
            if url.path == "/v8/finance/chart/SBIN.NS":
                answer, status = chart(bars(places=9), end), 200
            elif url.path in ("/", "/v1/test/getcrumb"):
                answer, status = "crumb", 200
            body = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running.server_address[1], asked
    running.shutdown()
    running.server_close()


def test_the_real_yfinance_against_a_server_of_our_own(server, tmp_path, recwarn):
    import yfinance
    from curl_cffi import requests  # which yfinance itself takes

    port, asked = server

    class Here(requests.Session):
        def request(self, method, url, **options):
            parts = urlsplit(url)
            assert parts.hostname.endswith("yahoo.com")
            return super().request(method, f"http://127.0.0.1:{port}{parts.path}", **options)

    yfinance.set_tz_cache_location(str(tmp_path / "cache"))
    source = YahooSource(2, session=Here(), now=lambda: NOW)
    done = run(source, ["SBIN=SBIN.NS", "NONE=NONE.NS"], tmp_path / "store", repair=["round-ticks"])
    assert list(done.failures) == ["NONE"], done.failures
    assert "NONE.NS: Yahoo " in done.failures["NONE"]
    prices = engine.load(tmp_path / "store")
    assert prices["SBIN"].currency == "INR"
    assert prices["SBIN"].close.tolist() == bars(places=9)["close"].round(2).tolist()
    assert [str(stamp.date()) for stamp in prices["SBIN"].dates[[0, -1]]] == ["2025-01-01", "2026-03-03"]
    (query,) = [query for path, query in asked if path.endswith("SBIN.NS") and "period1" in query]
    assert datetime.fromtimestamp(int(query["period1"][0]), UTC).date() in (date(2024, 3, 2), date(2024, 3, 3))
    assert query["interval"] == ["1d"]
    assert os.listdir(tmp_path / "store")  # noqa: PTH208
    assert [str(one.message) for one in recwarn] == []  # yfinance shows its own; a user could do nothing about them
