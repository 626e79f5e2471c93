"""What the papers say is what the program does."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

import engine
from engine.cli.app import app
from engine.validation.repairs import REPAIRS
from live.cli import app as live_app

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
            made = target == "commands.md"  # by the build of the site, from what the commands say
            assert made or target.startswith("http") or (page.parent / target).exists(), (page, target)


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


UNITS = sorted((ROOT / "docs/systemd").iterdir())


def unit(path):
    parser = configparser.RawConfigParser(strict=False, comment_prefixes=("#",))
    parser.optionxform = str
    parser.read_string(path.read_text())
    return parser


def test_units_are_on_the_page_and_run_commands_that_there_are():
    page = (ROOT / "docs/unattended.md").read_text()
    assert [path.name for path in UNITS if f"systemd/{path.name}" not in page and path.stem not in page] == []
    commands = [line for path in UNITS for line in re.findall(r"goldencross-live ([^|\n]*)", path.read_text())]
    assert len(commands) >= 4
    for command in commands:
        name, *words = command.split()
        helped = CliRunner().invoke(live_app, [name, "--help"])
        assert helped.exit_code == 0, command
        assert [word for word in words if word.startswith("--") and word not in helped.stdout] == []


def test_units_name_each_other_and_restrict_what_they_write():
    names = {path.name for path in UNITS}
    for path in UNITS:
        one = unit(path)
        for key in ("OnFailure", "Wants"):
            wanted = set(one.get("Unit", key, fallback="").split()) - {"network-online.target"}
            assert wanted <= names, (path.name, wanted)
        if path.suffix == ".service":
            assert one.get("Service", "UMask") == "0077", path.name
        else:
            assert path.with_suffix(".service").exists()
    assert "--send" not in "".join(path.read_text().split("ExecStart=")[-1].split("\n")[0] for path in UNITS)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_the_units(tmp_path):
    for path in UNITS:
        shutil.copy(path, tmp_path)
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [
        line for line in done.stderr.splitlines() if "is not executable" not in line and str(tmp_path) in line
    ]
    assert complaints == []
