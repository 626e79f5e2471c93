"""What a notebook shows of a result: a heading, sentences and one small table, made to be heard as well as seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from math import isnan

__all__ = ["ROWS", "html_section", "shown_fraction", "shown_number"]

ROWS = 10
"""Of a table; how many more there are is said."""


def html_section(
    heading: str, sentences: Iterable[str], caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> str:
    """Give a section of HTML.

    Parameters
    ----------
    heading : str
    sentences : iterable of str
        A paragraph each.
    caption : str
        Of the table.
    columns : sequence of str
        The first is that of the row headings.
    rows : sequence of sequences of str
        As many cells as columns, the first of them the heading of the row.

    Returns
    -------
    str
        Every heading of the table has its scope, so that a screen reader can say it with each cell; no colours, no styles.
    """
    paragraphs = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in rows
    )
    table = f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<section><h3>{escape(heading)}</h3>{paragraphs}{table}</section>"


def shown_number(value: float, digits: int = 3) -> str:
    """Write a number; nan is what it means."""
    return "not defined" if isnan(value) else f"{value:,.{digits}f}"


def shown_fraction(value: float) -> str:
    """Write a fraction as a percentage."""
    return "not defined" if isnan(value) else f"{100 * value:,.2f} percent"
