"""The documentation: every page is in its place, the tutorial runs as it is written, the comparisons are the benchmarks'."""

import re
import shlex
from pathlib import Path

from typer.testing import CliRunner

import engine
from live.cli import app as live_app
from live.command import app

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SITE = (ROOT / ".ci/mkdocs.yml").read_text()
TUTORIAL = (DOCS / "tutorial.md").read_text()


def test_every_page_is_in_the_navigation_and_the_other_way_round():
    named = re.findall(r"(\w+\.md)$", SITE.split("nav:")[1], re.MULTILINE)
    assert sorted(named) == sorted([*(path.name for path in DOCS.glob("*.md")), "commands.md"])


def test_ci_builds_it_and_warnings_are_errors():
    assert "mkdocs build --strict -f .ci/mkdocs.yml" in (ROOT / ".ci/run").read_text()


def test_the_reference_names_what_is_public():
    named = re.findall(r"^::: engine\.(\w+)$", (DOCS / "reference.md").read_text(), re.MULTILINE)
    assert set(named) <= set(engine.__all__)
    assert len(named) == len(set(named))


def run(line):
    program, *words = shlex.split(line)
    done = CliRunner().invoke({"goldencross": app, "goldencross-live": live_app}[program], words)
    assert done.exit_code == 0, (line, done.output)
    return done.output


def test_the_tutorial_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names, said = {}, {}
    for kind, text in re.findall(r"```(console|python)\n(.*?)```", TUTORIAL, re.DOTALL):
        if kind == "python":
            exec(compile(text, "tutorial.md", "exec"), names)  # noqa: S102
            continue
        for line in text.strip().splitlines():
            said[line.split()[1]] = run(line)
    assert set(said) == {"simulate", "validate", "backtest", "sweep", "luck", "portfolio", "parity", "demo"}
    assert "no evidence of skill" in capsys.readouterr().out
    cells = engine.SweepResult.load("cells.parquet", names["prices"])
    assert cells.to_frame().equals(names["sweep"].to_frame())
    assert "0 differences" in said["parity"] or "no difference" in said["parity"].lower()


def test_the_speeds_of_the_comparisons_are_those_of_the_benchmarks():
    section = (DOCS / "benchmarks.md").read_text().split("\n## 33 symbols\n")[1].split("\n## ")[0]
    measured = {row[0]: row[1] for row in re.findall(r"^\| ([^|]+) \| ([\d,.]+) \|", section, re.MULTILINE)}
    shown = re.findall(r"^\| ([^|]+) \| ([\d,.]+) \| ([\d,.]*) ?\|", (DOCS / "peers.md").read_text(), re.MULTILINE)
    assert len(shown) == 9
    number = {name: float(text.replace(",", "")) for name, text in measured.items()}
    for name, rate, factor in shown:
        assert rate == measured[name]
        if factor:
            assert float(factor.replace(",", "")) == float(f"{number['ours: sweep'] / number[name]:.3g}"), name
