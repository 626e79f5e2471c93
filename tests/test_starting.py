"""A command starts quickly: it imports what it needs, and says the same as if everything had been imported."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.cli import app as engine_side
from live import command

ROOT = Path(__file__).parent.parent
PROGRAM = """
import sys
sys.argv = ["goldencross", *sys.argv[1:]]
from live.command import main
try:
    main()
except SystemExit:
    print(*sorted(sys.modules), file=sys.stderr)
"""


def run(*arguments):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    *said, modules = done.stderr.splitlines()
    return done.stdout, said, set(modules.split())


def whole(*arguments):
    return CliRunner().invoke(command.app, list(arguments), prog_name="goldencross").output


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_the_list_of_commands_imports_no_command(arguments):
    out, errors, modules = run(*arguments)
    said = out or "".join(f"{line}\n" for line in errors)
    assert not {"numba", "pandas", "numpy", "pyarrow"} & modules
    assert said == whole(*arguments)
    for name in command.HOMES:
        assert f"  {name} " in said


@pytest.mark.parametrize("name", command.HOMES)
def test_a_command_alone_is_as_among_all(name):
    one = engine_side.application({name: command.HOMES[name]})
    assert CliRunner().invoke(one, [name, "--help"], prog_name="goldencross").output == whole(name, "--help")
    wrong = CliRunner().invoke(one, [name, "--nothing"], prog_name="goldencross")
    assert (wrong.exit_code, wrong.output) == (2, whole(name, "--nothing"))


def test_an_unknown_command_is_told_from_all():
    _, said, _ = run("swep")
    assert said == whole("swep").splitlines()
    assert "sweep" in said[-1]


def test_a_command_imports_its_own_module_only():
    _, _, modules = run("validate", "nowhere")
    assert "engine.cli.commands" in modules
    assert not {"engine.accounts.facade", "engine.report.pages", "live.decision", "scipy.linalg"} & modules


def test_a_journal_is_reported():
    _, _, modules = run("report", "--help")
    assert "live.commands" in modules


def test_only_a_process_of_ours_is_set_up():
    program = "import gc; before = gc.get_threshold(); import engine.cli.starting, live.command; live.command.app; assert gc.get_threshold() == before"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_a_process_of_ours_does_not_look_for_garbage_when_it_ends():
    program = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 1000)); from engine.cli.starting import start_quickly; print(gc.get_freeze_count()); start_quickly()"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["0", "True"]  # what is registered last is done first
