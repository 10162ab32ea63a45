"""Markdown tables, line by line."""

from __future__ import annotations

from collections.abc import Iterator


def heading(title: str, *columns: str) -> Iterator[str]:
    """A title and the head of its table; the first column reads from the left, figures stand to the right."""
    yield from ("", f"### {title}", "", row(*columns), row("---", *["---:"] * (len(columns) - 1)))


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"
