"""Hooks of mkdocs: the page of the commands is what the commands say, and lists are read as they are on GitHub."""

from __future__ import annotations

import inspect
import re
from typing import Any

import typer
from mkdocs.structure.files import File, Files

_WIDTH = 110
_ITEM = re.compile(r"^([-*]|\d+\.) ")


def on_files(files: Files, config: Any) -> Files:
    """Add the page of the commands."""
    files.append(File.generated(config, "commands.md", content=_commands()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Add what is public but named nowhere on the page of the library, and the blank line that Python's Markdown wants before a list."""
    if page.file.src_uri == "reference.md":
        markdown += _unnamed(markdown)
    lines: list[str] = []
    fenced = False
    for line in markdown.split("\n"):
        fenced ^= line.startswith("```")
        before = lines[-1] if lines else ""
        if not fenced and _ITEM.match(line) and before.strip() and not _ITEM.match(before) and before[0] != " ":
            lines.append("")
        lines.append(line)
    return "\n".join(lines)


def on_page_content(html: str, **_: Any) -> str:
    """Take away the two colons by which our docstrings announce an example: Markdown has no need of them."""
    return html.replace("<p>::</p>", "").replace("::</p>", ":</p>")


def _unnamed(markdown: str) -> str:
    """Give directives for the public names that have none."""
    import engine  # noqa: PLC0415  of this tree

    missing = [name for name in engine.__all__ if f"::: engine.{name}\n" not in f"{markdown}\n"]
    return "\n\n## More\n\n" + "\n\n".join(f"::: engine.{name}" for name in missing) if missing else ""


def _commands() -> str:
    """Write down what every command says with --help."""
    from live.cli import app as live_app  # noqa: PLC0415  of this tree
    from live.command import app  # noqa: PLC0415

    parts = ["# The commands\n\nWhat each of them says with `--help`.\n"]
    for program, one in (("goldencross", app), ("goldencross-live", live_app)):
        group: Any = typer.main.get_command(one)
        parts.append(f"## {program}\n\n{inspect.cleandoc(group.help or '')}\n")
        with group.make_context(program, ["--help"], resilient_parsing=True) as context:
            for name in group.list_commands(context):
                command = group.get_command(context, name)
                with command.make_context(
                    name, [], parent=context, resilient_parsing=True, terminal_width=_WIDTH, max_content_width=_WIDTH
                ) as inner:
                    parts.append(f"### {program} {name}\n\n```text\n{command.get_help(inner)}\n```\n")
    return "\n".join(parts)
