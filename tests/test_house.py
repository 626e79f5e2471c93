"""The rules of the house: who imports whom, what is public, one compiled version of each kernel, and what the papers say."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.kernels import crosses, events, indicators, loop, metrics, portfolio, symbols, trips

ROOT = Path(__file__).parent.parent
IMPORT_LINTER = Path(sys.executable).with_name("lint-imports")


def test_import_contracts():
    done = subprocess.run([IMPORT_LINTER], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_importing_engine_is_light():
    program = (
        "import sys, engine; print([name for name in ('numba', 'pandas', 'pyarrow', 'typer') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_sweeping_needs_no_heavy_package():
    program = (
        "import sys, engine; engine.sweep(engine.simulate(1, 300), 5, 20); "
        "print([name for name in ('vectorbt', 'matplotlib', 'plotly', 'statsmodels', 'arch', 'dask') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names_are_sorted_and_exist():
    assert engine.__all__ == sorted(engine.__all__)
    assert set(engine._HOME) | {"Finding", "Report"} >= set(engine.__all__)
    for name in engine.__all__:
        assert getattr(engine, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        engine.nothing  # noqa: B018


def test_each_kernel_is_compiled_once():
    # An int where a float is declared would compile, and cache, a version of its own. In a process of its own, because other tests pass other arrays.
    done = subprocess.run([sys.executable, __file__], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def check_signatures():
    prices = engine.simulate(2, 400)
    for lot in (1, 2.0):
        for stop in (None, engine.TrailingStop(2), engine.TrailingStop(2.5, kind="chandelier", atr="wilder")):
            sizing = "risk" if stop else "all_in_lots"
            engine.backtest(prices, 5, 20, stop, lot=lot, capital=100_000, sizing=sizing)
            engine.sweep(prices, 5, 20, stop, lot=lot, bars_per_year=252)
            engine.sweep(prices, 5, 20, stop, lot=lot, sizing=sizing)
    for lot, tick in ((1, None), ({"SIM001": 5}, 0.05)):
        engine.portfolio(prices, 5, 20, lot=lot, tick=tick, capital=100_000)
        engine.sweep_portfolio(prices, 5, 20, [None, engine.TrailingStop(2)], lot=lot, tick=tick, sizing="all_in_lots")
    engine.backtest(prices, 5, 20, direction="long_short")
    engine.sweep(prices, 5, 20, direction="long_short")
    for function in (
        loop.simulate,
        loop.sweep_tile,
        events.sweep_events,
        portfolio.simulate_portfolio,
        trips.sweep_trips,
        trips.find_leaves,
        loop.long_short,
        metrics.summarise,
        indicators.averages,
        indicators.average_true_range,
        crosses.crosses,
        crosses.filtered_crosses,
        crosses.filtered_sides,
    ):
        assert len(function.signatures) == 1, (function, function.signatures)
    assert len(symbols.run_symbols.signatures) == 2  # with stops and without


def test_every_kernel_module_is_in_the_map():
    text = (ROOT / "engine/kernels/__init__.py").read_text()
    for path in (ROOT / "engine/kernels").glob("[a-z]*.py"):
        assert f"    {path.stem} " in text


def test_top_level_is_as_given():
    allowed = {"pyproject.toml", "README.md", "engine", "live", "bench", "tests", "examples"}
    allowed |= {"LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "docs", "uv.lock"}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split(
        "\n"
    )
    top = {line.split("/")[0] for line in listed if line}
    assert {name for name in top if not name.startswith(".")} <= allowed


def test_readme_has_the_two_commands_and_ci_runs_the_second():
    setup = "python3 -m venv .venv && .venv/bin/pip install -qe '.[dev]' && .venv/bin/"
    readme = (ROOT / "README.md").read_text()
    assert setup + "goldencross sweep\n" in readme
    assert setup + "pytest -q\n" in readme
    assert setup + "pytest -q\n" in (ROOT / ".ci/run").read_text()


def test_core_dependencies_stay_light():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {requirement.split(">")[0] for requirement in project["dependencies"]}
    assert names == {"arch", "ib_async", "numba", "numpy", "pandas", "pyarrow", "pydantic", "tqdm", "typer"}


def test_one_file_speaks_with_the_broker():
    found = [
        str(path.relative_to(ROOT))
        for room in ("engine", "live")
        for path in (ROOT / room).rglob("*.py")
        if re.search(r"^\s*(from|import) ib_async", path.read_text(), re.MULTILINE)
    ]
    assert found == ["live/broker.py"]


def test_engine_modules_stay_readable():
    # "Modules mostly under 200 lines": a hard stop at 400 for code that a person has to read.
    sizes = {
        str(path): len(path.read_text().splitlines())
        for room in ("engine", "live")
        for path in (ROOT / room).rglob("*.py")
    }
    assert {path: size for path, size in sizes.items() if size > 400} == {}


def test_metrics_of_the_kernel_are_those_of_the_contract():
    contract = (ROOT / "docs/contract.md").read_text()
    for name in metrics.METRICS:
        assert name == "skipped" or name in contract
    assert len(metrics.METRICS) == metrics.METRIC_COUNT == np.unique(metrics.METRICS).size


if __name__ == "__main__":
    check_signatures()
