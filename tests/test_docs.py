"""What the papers say is what the program does."""

import re
from pathlib import Path

from typer.testing import CliRunner

import engine
from engine.cli.app import app
from engine.validation.repairs import REPAIRS

ROOT = Path(__file__).parent.parent


def test_readme_prints_what_the_sweep_prints():
    readme = (ROOT / "README.md").read_text()
    shown = re.search(r"<!-- sweep output.*?```text\n(.*?)```", readme, re.DOTALL)[1].splitlines()
    printed = CliRunner().invoke(app, ["sweep"]).stdout.splitlines()
    assert len(shown) > 5
    assert [line for line in shown if line not in printed] == []


def test_readme_names_every_repair():
    readme = (ROOT / "README.md").read_text()
    assert [name for name in REPAIRS if name not in readme] == []


def test_links_lead_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert target.startswith("http") or (page.parent / target).exists(), (page, target)


def test_readmes_python_runs(tmp_path, monkeypatch):
    code = "".join(re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL))
    frames = engine.simulate(["SBIN", "TCS"], 400, seed=4).to_frames()
    (tmp_path / "prices").mkdir()
    for symbol, frame in frames.items():
        frame.to_csv(tmp_path / "prices" / f"{symbol}.csv")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102
    assert len(engine.SweepResult.load("cells.parquet")) == len(names["sweep"]) == 2 * 2 * 499
    assert len(names["accounts"]) == 499
