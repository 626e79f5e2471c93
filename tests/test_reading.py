"""Files: every form they come in, and every way in which they can be unreadable."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather

import engine
from engine.errors import DataError, InputError
from engine.prices import Prices, load, read, validate

HEADER = "Date,Open,High,Low,Close,Volume"


def frame_of(seed=1, bars=30):
    rng = np.random.default_rng(seed)
    close = np.round(500 * np.exp(np.cumsum(rng.normal(0, 0.01, bars))), 2)
    columns = {"Open": close, "High": close + 1, "Low": close - 1, "Close": close, "Volume": np.arange(1, bars + 1)}
    return pd.DataFrame({"Date": pd.bdate_range("2020-01-01", periods=bars).strftime("%Y-%m-%d"), **columns})


def digest(**frames):
    return Prices.from_frames(frames).digest


def write(path, frame, **options):
    frame.to_csv(path, index=False, **options)
    return path


def one_line(caught):
    text = str(caught.value)
    assert "\n" not in text
    assert text.isascii()
    return text


def test_a_file_is_one_symbol(tmp_path):
    frame = frame_of()
    path = write(tmp_path / "SBIN.csv", frame)
    prices = load(path)
    assert prices.symbols == ("SBIN",)
    assert prices.digest == load(str(path)).digest == digest(SBIN=frame)
    assert prices.report.findings == ()


@pytest.mark.parametrize("name", ["M&M.csv", "BRK.B.csv", "BAJAJ-AUTO.CSV", "500325.csv.gz", "NA.parquet"])
def test_the_name_of_the_file_is_the_symbol(tmp_path, name):
    if name.endswith("parquet"):
        frame_of().to_parquet(tmp_path / name)
    else:
        write(tmp_path / name, frame_of())
    assert load(tmp_path).symbols == (name.split(".csv")[0].split(".CSV")[0].split(".parquet")[0],)


def test_a_folder_mixes_formats_and_is_sorted_by_symbol(tmp_path):
    frames = {symbol: frame_of(seed) for seed, symbol in enumerate(["ZEEL", "ACC", "TCS", "INFY", "SBIN"])}
    write(tmp_path / "ZEEL.csv", frames["ZEEL"])
    write(tmp_path / "ACC.csv.gz", frames["ACC"])
    frames["TCS"].to_parquet(tmp_path / "TCS.parquet")
    long = pd.concat([frames[symbol].assign(Ticker=symbol) for symbol in ("SBIN", "INFY")])
    write(tmp_path / "a long file.csv", long)
    (tmp_path / "notes.txt").write_text("not prices")
    (tmp_path / ".hidden.csv").write_text("not prices")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "deeper").mkdir()
    write(tmp_path / "deeper" / "LT.csv", frame_of(9))
    prices = load(tmp_path)
    assert prices.symbols == ("ACC", "INFY", "SBIN", "TCS", "ZEEL")
    assert prices.digest == digest(**frames)
    assert prices.report.left_out == {}


@pytest.mark.parametrize("column", ["symbol", "Ticker", " INSTRUMENT "])
@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
def test_a_long_file(tmp_path, column, suffix):
    names = ["NA", "TRUE", "500325", "M&M", "1e5", "007"]
    long = pd.concat([frame_of(seed).assign(**{column: name}) for seed, name in enumerate(names)])
    long = long.sample(frac=1, random_state=1).sort_values("Date", kind="stable")
    path = tmp_path / f"all.{suffix}"
    if suffix == "parquet":
        long.to_parquet(path)
    else:
        write(path, long)
    prices = load(path)
    assert set(prices.symbols) == set(names)
    assert list(read(path)) == list(dict.fromkeys(long[column]))
    assert prices.digest == digest(**{name: frame_of(seed) for seed, name in enumerate(names)})


def test_numeric_and_categorical_symbols_in_parquet(tmp_path):
    frame = pd.concat([frame_of(1).assign(symbol=500325), frame_of(2).assign(symbol=500112)])
    frame.to_parquet(tmp_path / "long.parquet")
    assert set(load(tmp_path / "long.parquet")) == {"500325", "500112"}
    frame.assign(symbol=frame["symbol"].astype(str).astype("category")).to_parquet(tmp_path / "long.parquet")
    assert set(load(tmp_path / "long.parquet")) == {"500325", "500112"}


def test_rows_without_a_symbol_are_reported(tmp_path):
    frame = frame_of().assign(Symbol="SBIN")
    frame.loc[[3, 4], "Symbol"] = ""
    prices = load(write(tmp_path / "long.csv", frame))
    assert prices.report.bars == {"SBIN": 28}
    (finding,) = prices.report.errors
    assert (finding.rule, finding.bars) == ("missing-symbol", 2)


def test_parquet_with_dates_in_the_index(tmp_path):
    frame = frame_of()
    indexed = frame.set_index(pd.DatetimeIndex(frame.pop("Date"))).tz_localize("Asia/Kolkata")
    indexed.to_parquet(tmp_path / "SBIN.parquet")
    prices = load(tmp_path / "SBIN.parquet")
    assert str(prices["SBIN"].dates.tz) == "Asia/Kolkata"
    assert prices.digest == digest(SBIN=indexed)


def test_prices_survive_csv_and_parquet(tmp_path):
    prices = Prices.from_frames({"A": frame_of(1), "B": frame_of(2)}, currency="INR")
    for symbol, frame in prices.to_frames().items():
        frame.to_parquet(tmp_path / f"{symbol}.parquet")
    assert load(tmp_path).digest == prices.digest
    for symbol, frame in prices.to_frames().items():
        (tmp_path / f"{symbol}.parquet").unlink()
        frame.to_csv(tmp_path / f"{symbol}.csv")
    assert load(tmp_path).digest == prices.digest


def test_numbers_are_the_nearest_double(tmp_path):
    rng = np.random.default_rng(3)
    close = 100 * np.exp(rng.normal(0, 0.01, 5_000))
    texts = [f"{value:.20g}" for value in close]
    dates = pd.bdate_range("1990-01-01", periods=5_000).strftime("%Y%m%d")
    lines = [f"{date},{text},{text},{text},{text},1" for date, text in zip(dates, texts, strict=True)]
    (tmp_path / "A.csv").write_text("\n".join([HEADER, *lines]))
    assert load(tmp_path)["A"].close.tolist() == [float(text) for text in texts]


def test_windows_files_spaces_and_other_columns(tmp_path):
    frame = frame_of()
    text = frame.assign(AdjClose="x", Remarks="a, b").to_csv(index=False, lineterminator="\r\n")
    text = text.replace("Date,Open", " DATE , oPEN ").replace("2020-01-01,", " 2020-01-01 , ")
    (tmp_path / "SBIN.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert load(tmp_path).digest == digest(SBIN=frame)


def test_quoted_header_after_a_byte_order_mark(tmp_path):
    text = frame_of().to_csv(index=False, quoting=1)
    (tmp_path / "SBIN.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert load(tmp_path).digest == digest(SBIN=frame_of())


def test_compact_dates(tmp_path):
    frame = frame_of()
    compact = frame.assign(Date=frame["Date"].str.replace("-", ""))
    assert load(write(tmp_path / "SBIN.csv", compact)).digest == digest(SBIN=frame)
    compact.assign(Date=compact["Date"].astype(int)).to_parquet(tmp_path / "SBIN.parquet")
    assert load(tmp_path / "SBIN.parquet").digest == digest(SBIN=frame)


def test_blank_and_text_cells(tmp_path):
    frame = frame_of().astype({"Close": object, "Open": object})
    frame.loc[5, "Open"] = ""
    frame.loc[6, "Open"] = "NaN"
    frame.loc[7, "Close"] = "1,234.5"
    frame.loc[8, "Close"] = "abc"
    path = write(tmp_path / "SBIN.csv", frame)
    report = validate(path)
    assert [(finding.rule, finding.date, finding.bars) for finding in report.errors] == [
        ("missing-value", "2020-01-08", 2),
        ("not-a-number", "2020-01-10", 1),
        ("not-a-number", "2020-01-13", 1),
    ]
    prices = load(path, repair=["drop-bad-bars"])
    expected = frame_of().drop(index=[5, 6, 7, 8]).reset_index(drop=True)
    assert prices.digest == digest(SBIN=expected)


def test_short_rows_and_blank_lines(tmp_path):
    lines = frame_of().to_csv(index=False).splitlines()
    lines[11] = lines[11].rsplit(",", 1)[0]
    lines[21] = lines[21].rsplit(",", 3)[0]
    lines.insert(25, "")
    (tmp_path / "SBIN.csv").write_text("\n".join(lines))
    report = validate(tmp_path)
    assert [(finding.rule, finding.field) for finding in report.findings] == [
        ("missing-value", "low, close"),
        ("missing-volume", "volume"),
    ]


@pytest.mark.parametrize("line", [1, 15])
def test_a_row_with_too_many_cells_is_refused(tmp_path, line):
    lines = frame_of().to_csv(index=False).splitlines()
    lines[line] += ",7,8"
    (tmp_path / "SBIN.csv").write_text("\n".join(lines))
    with pytest.raises(DataError, match=r"SBIN\.csv") as caught:
        load(tmp_path)
    one_line(caught)


def test_an_added_trailing_comma_is_not_shifted(tmp_path):
    lines = [f"{line}," for line in frame_of().to_csv(index=False).splitlines()]
    (tmp_path / "SBIN.csv").write_text("\n".join(lines))
    assert load(tmp_path).digest == digest(SBIN=frame_of())


def test_repeated_column_names_are_not_hidden(tmp_path):
    lines = frame_of().assign(Again=1.0).to_csv(index=False).splitlines()
    (tmp_path / "SBIN.csv").write_text("\n".join([f"{HEADER},Close", *lines[1:]]))
    assert [finding.rule for finding in validate(tmp_path).findings] == ["ambiguous-column"]


def test_currency_column_and_argument(tmp_path):
    path = write(tmp_path / "SBIN.csv", frame_of().assign(Currency="INR"))
    assert load(path)["SBIN"].currency == "INR"
    with pytest.raises(InputError):
        load(path, currency="USD")
    path = write(tmp_path / "SBIN.csv", frame_of())
    assert load(path)["SBIN"].currency is None
    assert load(path, currency="USD")["SBIN"].currency == "USD"


def zoned(offsets):
    frame = frame_of()
    frame["Date"] = [f"{text}T09:15:00{offset}" for text, offset in zip(frame["Date"], offsets, strict=True)]
    return frame


def test_zone_offsets_in_a_file(tmp_path):
    prices = load(write(tmp_path / "A.csv", zoned(["+05:30"] * 30)))
    assert str(prices["A"].dates.tz) == "UTC+05:30"
    prices = load(write(tmp_path / "A.csv", zoned(["-05:00"] * 15 + ["-04:00"] * 15)))
    assert str(prices["A"].dates.tz) == "UTC"
    assert [finding.rule for finding in prices.report.warnings] == ["several-offsets"]
    with pytest.raises(DataError, match="time zone"):
        load(write(tmp_path / "A.csv", zoned(["-05:00"] * 15 + [""] * 15)))


def test_missing_paths_and_empty_folders(tmp_path):
    with pytest.raises(DataError, match="no file or folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(DataError, match="is empty"):
        load(tmp_path)
    (tmp_path / "notes.txt").write_text("text")
    with pytest.raises(DataError, match="no price file"):
        load(tmp_path)
    with pytest.raises(DataError, match="not a price file"):
        load(tmp_path / "notes.txt")
    for call in (read, validate):
        with pytest.raises(DataError):
            call(tmp_path / "nowhere")


MAPS = Path("/proc/self/maps")
COPIED = int(pd.__version__.split(".")[0]) < 3
"""Pandas copies the columns that it is asked for: before its third version an Arrow file is read as any other."""


def is_mapped(array, name):
    """Tell whether an array lies in the pages of a file."""
    address = array.__array_interface__["data"][0]
    lines = [line.split() for line in MAPS.read_text().splitlines() if line.endswith(f"/{name}")]
    ranges = [[int(edge, 16) for edge in line[0].split("-")] for line in lines]
    return any(first <= address < stop for first, stop in ranges)


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
@pytest.mark.parametrize("rows", [30, 7])
@pytest.mark.parametrize("dates", ["text", "moments", "index"])
def test_arrow_files_are_read_as_others_are(tmp_path, compression, rows, dates):
    frame = frame_of()
    if dates != "text":
        frame["Date"] = pd.to_datetime(frame["Date"])
    table = pa.Table.from_pandas(frame.set_index("Date") if dates == "index" else frame)
    for name in ("SBIN.arrow", "SBIN.feather"):
        feather.write_feather(table, str(tmp_path / name), compression=compression, chunksize=rows)
        prices = load(tmp_path / name)
        assert prices.digest == digest(SBIN=frame_of())
        if MAPS.exists():
            one_piece = compression == "uncompressed" and rows == len(frame)
            assert is_mapped(prices["SBIN"].close, name) == (one_piece and not COPIED)
    (tmp_path / "SBIN.arrow").unlink()
    assert load(tmp_path, lazy=True).digest == prices.digest


MAPPED = """
import sys
import engine

def anonymous():
    return next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("RssAnon"))

engine.sweep(engine.load(sys.argv[1] + "/S000." + sys.argv[2]), (5, 10), (50, 100), keep=1)  # compiles, which takes memory, too
before = anonymous()
prices = engine.load(sys.argv[1])
best = engine.sweep(prices, (5, 10), (50, 100), keep=1)
print(anonymous() - before, best.digest)
"""


@pytest.mark.skipif(COPIED, reason="pandas copies what it is asked for, before version 3")
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads its memory from /proc")
def test_arrow_files_stay_on_the_disk(tmp_path):
    # 60 symbols of 20,000 bars are 58 MB: as Parquet they are copied to memory, as one uncompressed piece a symbol they are pages of the files, which the system can take back.
    frame = engine.simulate(1, 20_000, seed=1).to_frames()["SIM001"].rename_axis("date").reset_index()
    taken, digests = {}, set()
    for ending in ("arrow", "parquet"):
        folder = tmp_path / ending
        folder.mkdir()
        for i in range(60):
            path = str(folder / f"S{i:03d}.{ending}")
            if ending == "arrow":
                feather.write_feather(frame, path, compression="uncompressed", chunksize=len(frame))
            else:
                frame.to_parquet(path)
        done = subprocess.run(
            [sys.executable, "-c", MAPPED, folder, ending], capture_output=True, text=True, check=True
        )
        grown, found = done.stdout.split()
        taken[ending] = int(grown)
        digests.add(found)
    assert len(digests) == 1
    assert taken["arrow"] < taken["parquet"] - 40, taken


DAMAGE = """
import sys
import numpy as np
from engine import DataError, load

path, whole = sys.argv[1], open(sys.argv[1], "rb").read()
random = np.random.default_rng(5)
refused = 0
for number in range(400):
    data = bytearray(whole)
    for place in random.integers(0, len(data), 1 + number % 4):
        data[place] ^= 1 << random.integers(0, 8)
    with open(path, "wb") as file:
        file.write(data[: len(data) - number % 3 * 7])
    try:
        load(path)
    except DataError as error:
        assert len(str(error).splitlines()) == 1
        refused += 1
print(refused)
"""


def test_damaged_arrow_files_are_one_line(tmp_path):
    path = str(tmp_path / "X.arrow")
    feather.write_feather(frame_of(), path, compression="uncompressed")
    done = subprocess.run([sys.executable, "-c", DAMAGE, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 100


GARBAGE = {
    "binary.csv": bytes(range(256)) * 20,
    "nul.csv": b"\x00" * 500,
    "utf16.csv": "Date,Open\n2020-01-01,1\n".encode("utf-16"),
    "text.csv": b"It was a dark and stormy night.\nThe rain fell.\n",
    "isin.csv": b"symbol,isin,name\nSBIN,INE062A01020,State Bank\n",
    "semicolon.csv": b"Date;Open;High;Low;Close\n2020-01-01;1;1;1;1\n",
    "truncated.csv.gz": gzip.compress(frame_of().to_csv(index=False).encode())[:200],
    "corrupt.csv.gz": gzip.compress(b"x" * 2000)[:12] + b"garbage garbage garbage",
    "not_gzip.csv.gz": b"Date,Open,High,Low,Close\n",
    "not.parquet": b"PAR1 is not enough",
    "half.parquet": b"PAR1" + b"\x07" * 300 + b"PAR1",
    "not.arrow": b"ARROW1 is not enough",
    "half.feather": b"ARROW1\0\0" + b"\x07" * 300 + b"ARROW1",
    "old.feather": b"FEA1" + b"\x07" * 300 + b"FEA1",
    "zero.arrow": b"",
    "zero.csv": b"",
    "zero.csv.gz": b"",
    "zero.parquet": b"",
    "newlines.csv": b"\n\n\n",
    "quote.csv": b'Date,Open,High,Low,Close\n"2020-01-01,1,1,1,1\n' * 3,
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_alone_is_one_line(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(GARBAGE[name])
    for source in (path, tmp_path):
        with pytest.raises(DataError) as caught:
            load(source)
        assert name.split(".")[0] in one_line(caught)
        report = validate(source)
        assert report.errors
        assert len(report.left_out) == 1


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_does_not_spoil_good_files(tmp_path, name):
    write(tmp_path / "SBIN.csv", frame_of())
    (tmp_path / name).write_bytes(GARBAGE[name])
    prices = load(tmp_path)
    assert prices.symbols == ("SBIN",)
    assert set(prices.report.left_out) == {name.split(".")[0]}
    assert "SBIN" in read(tmp_path)


def test_empty_files_have_their_own_rules(tmp_path):
    (tmp_path / "ZERO.csv").write_bytes(b"")
    (tmp_path / "HEADER.csv").write_text(HEADER + "\n")
    (tmp_path / "LONG.csv").write_text(f"Symbol,{HEADER}\n")
    rules = {finding.symbol: finding.rule for finding in validate(tmp_path).findings}
    assert rules == {"ZERO": "empty-file", "HEADER": "no-rows", "LONG": "no-rows"}


def test_one_symbol_in_two_files_is_refused(tmp_path):
    write(tmp_path / "SBIN.csv", frame_of())
    write(tmp_path / "TCS.csv", frame_of(2))
    frame_of(3).to_parquet(tmp_path / "SBIN.parquet")
    prices = load(tmp_path)
    assert prices.symbols == ("TCS",)
    assert "SBIN.csv" in prices.report.left_out["SBIN"]
    assert "SBIN.parquet" in prices.report.left_out["SBIN"]


def test_bad_symbols_leave_the_others(tmp_path):
    bad = frame_of()
    bad.loc[29, "Close"] = np.nan
    write(tmp_path / "BAD.csv", bad)
    write(tmp_path / "GOOD.csv", frame_of(2))
    prices = load(tmp_path)
    assert prices.symbols == ("GOOD",)
    assert "drop-blank-last" in prices.report.left_out["BAD"]
    assert load(tmp_path, repair=["drop-blank-last"]).symbols == ("BAD", "GOOD")
    with pytest.raises(InputError, match="no repair named"):
        load(tmp_path, repair=["unknown"])


def test_read_does_not_judge(tmp_path):
    bad = frame_of().assign(Close=-1.0, Symbol="SBIN", Name="x")
    frames = read(write(tmp_path / "file.csv", bad))
    assert list(frames) == ["SBIN"]
    assert list(frames["SBIN"].columns) == HEADER.split(",")
    assert (frames["SBIN"]["Close"] == -1).all()
    assert validate(frames).left_out.keys() == {"SBIN"}
