"""Files of results, read by others: duckdb, polars and pyarrow, with the columns that docs/results.md names."""

import json
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import engine
from engine.cli.app import app
from engine.kernels.metrics import METRICS
from engine.results.fills import ORDER_COLUMNS
from engine.results.tables import INDEX, TRADE_COLUMNS

PAGE = (Path(__file__).parent.parent / "docs/results.md").read_text()
TYPES = {"text": "string", "int64": "int64", "double": "double", "timestamp": "timestamp"}
ARGUMENTS = ["--fast", "5,10", "--slow", "20,30,600", "--stop", "2,3"]


def documented(heading):
    """Give names and types of a table of the page."""
    table = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([a-z_, ]+) \| (\w+) \|", table, re.MULTILINE)
    return {name: TYPES[kind] for names, kind in rows if kind in TYPES for name in names.split(", ")}


@pytest.fixture(scope="module")
def market():
    return engine.simulate(["SBIN", "TCS"], 400, seed=21)


@pytest.fixture(scope="module")
def files(market, tmp_path_factory):
    """Write the same sweep on every way that writes one."""
    folder = tmp_path_factory.mktemp("cells")
    (folder / "prices").mkdir()
    for symbol in market:
        market[symbol].to_frame().to_csv(folder / "prices" / f"{symbol}.csv")
    grid = [5, 10], [20, 30, 600], [engine.TrailingStop(2.0), engine.TrailingStop(3.0)]
    engine.sweep(market, *grid).save(folder / "saved.parquet")
    engine.sweep(market, *grid, keep=1, out=folder / "streamed.parquet")
    for name, more in (("printed", []), ("kept", ["--keep", "2"])):
        done = CliRunner().invoke(
            app, ["sweep", str(folder / "prices"), *ARGUMENTS, *more, "--out", str(folder / f"{name}.parquet")]
        )
        assert done.exit_code == 0, done.output
    return {name: folder / f"{name}.parquet" for name in ("saved", "streamed", "printed", "kept")}


@pytest.fixture(scope="module")
def expected(market):
    grid = [5, 10], [20, 30, 600], [engine.TrailingStop(2.0), engine.TrailingStop(3.0)]
    return engine.sweep(market, *grid).to_frame().reset_index()


def kind(field):
    return str(field.type).split("[")[0] if "dictionary" not in str(field.type) else "string"


def test_the_page_names_the_columns_that_there_are():
    assert list(documented("Columns of a sweep")) == [*INDEX, *METRICS]
    assert sorted(documented("Columns of trades")) == sorted(TRADE_COLUMNS)
    assert ", ".join(ORDER_COLUMNS).replace("side", "side (buy or sell)") in PAGE


@pytest.mark.parametrize("name", ["saved", "streamed", "printed", "kept"])
def test_columns_types_and_what_the_file_says_of_itself(files, name, market):
    schema = pq.read_schema(files[name])
    assert {field.name: kind(field) for field in schema} == documented("Columns of a sweep")
    about = json.loads(schema.metadata[b"goldencross"])
    assert set(about) == set(
        re.findall(r"`(\w+)`", PAGE.split("under the key `goldencross`:")[1].split("So a file")[0])
    )
    assert about["settings"]["capital"] == 100_000.0
    assert about["settings"]["costs"]["rate"] == 0.0
    assert len(about["prices"]) == 64
    if name in ("saved", "streamed"):
        assert about["prices"] == market.digest


@pytest.mark.parametrize("name", ["saved", "streamed", "printed", "kept"])
def test_duckdb_reads_it(files, name, expected):
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        rows = connection.execute(f"select * from '{files[name]}'").fetchall()  # noqa: S608  our own path
        assert [row[:5] for row in rows] == list(expected[list(INDEX)].itertuples(index=False, name=None))
        for column, metric in enumerate(METRICS, start=5):
            got = [np.nan if row[column] is None else row[column] for row in rows]
            np.testing.assert_array_equal(got, expected[metric].to_numpy(dtype=float, na_value=np.nan))
        best = connection.execute(
            f"select symbol, fast, slow from '{files[name]}' order by sharpe desc nulls last limit 1"  # noqa: S608
        ).fetchone()
    row = expected.loc[expected["sharpe"].idxmax()]
    assert best == (row["symbol"], row["fast"], row["slow"])


@pytest.mark.parametrize("name", ["saved", "streamed", "printed", "kept"])
def test_polars_reads_it(files, name, expected):
    polars = pytest.importorskip("polars")
    frame = polars.read_parquet(files[name])
    assert frame.columns == [*INDEX, *METRICS]
    for metric in METRICS:
        got = frame[metric].cast(polars.Float64).fill_null(float("nan")).to_numpy()
        np.testing.assert_array_equal(got, expected[metric].to_numpy(dtype=float, na_value=np.nan))
    medians = polars.scan_parquet(files[name]).group_by("symbol").agg(polars.col("sharpe").median()).collect()
    ours = expected.groupby("symbol")["sharpe"].median()
    assert dict(medians.iter_rows()) == pytest.approx(ours.to_dict(), rel=1e-12)


TABLES = [
    ("backtest", "--trades", "Columns of trades"),
    ("backtest", "--equity", "Columns of equity"),
    ("backtest", "--out", None),
    ("portfolio", "--trades", "Columns of trades"),
    ("portfolio", "--equity", "Columns of an account's days"),
    ("portfolio", "--signals", "Columns of an account's signals"),
    ("portfolio", "--out", "Columns of an account's symbols"),
]


@pytest.mark.parametrize(("command", "option", "heading"), TABLES)
def test_tables_of_the_commands(files, command, option, heading, tmp_path):
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    out = tmp_path / "table.parquet"
    prices = files["saved"].parent / "prices"
    words = [command, str(prices), "--fast", "5", "--slow", "20", "--stop", "2", option, str(out)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    result = (engine.backtest if command == "backtest" else engine.portfolio)(
        engine.load(prices), 5, 20, engine.TrailingStop(2.0)
    )
    got = {field.name: kind(field).replace("large_", "") for field in pq.read_schema(out)}
    if heading:
        assert got == documented(heading)
    else:
        assert list(got) == ["symbol", *METRICS, "pending"]
    frame = polars.read_parquet(out)
    if option == "--trades":
        assert frame["profit"].to_list() == result.trades["profit"].tolist()
    if (command, option) == ("portfolio", "--equity"):
        assert frame["equity"].to_list() == result.equity.tolist()
    with duckdb.connect() as connection:
        rows = connection.execute(f"select * from '{out}'").fetchall()  # noqa: S608  our own path
    assert len(rows) == len(frame) > 0
    assert [row[0] for row in rows] == frame[:, 0].to_list()
