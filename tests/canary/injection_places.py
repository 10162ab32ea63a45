"""The places at which an exception is raised, and the one where nothing can be promised."""

from __future__ import annotations

import ast
from functools import cache
from itertools import islice
from pathlib import Path

from msgspec import Struct

import dd0c_route

LAST_RESORTS = {
    (
        "upstream/sweeper.py",
        "_tick",
        "self._loop.call_later",
    ): "the timer itself fails; the next `watch` begins it anew",
}
"""File, function and call → why an exception instead of it may leave something held: nothing else could let it go."""

_SOURCE = Path(dd0c_route.__file__).parent


class Site(Struct, frozen=True, order=True):
    """A line of the shipped code that calls of *kind* reach, *times* in each; *waits*: in a coroutine."""

    file: str
    line: int
    waits: bool
    times: int
    kind: str


class Result(Struct, frozen=True):
    """What became of one exception: whether it was raised at all, and the promises that it broke."""

    site: Site
    fault: str
    hit: bool
    broken: tuple[str, ...]
    number: int


@cache
def calls_in(file: str) -> frozenset[int]:
    """The lines of a file of ours on which something is called or awaited: an exception can come out of these."""
    tree = ast.parse((_SOURCE / file).read_text(encoding="utf-8"))
    return frozenset(node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call | ast.Await))


@cache
def resorts_in(file: str) -> frozenset[int]:
    """The lines of a file of ours that `LAST_RESORTS` names.

    Raises:
        AssertionError: It names what is not there any more.
    """
    tree = ast.parse((_SOURCE / file).read_text(encoding="utf-8"))
    found = frozenset[int]()
    for _, function, call in (one for one in LAST_RESORTS if one[0] == file):
        bodies = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == function]
        calls = [node for body in bodies for node in ast.walk(body) if isinstance(node, ast.Call)]
        lines = [node.lineno for node in calls if ast.unparse(node.func) == call]
        assert lines, f"{file}: {function} calls no {call}"
        found |= frozenset(lines)
    return found


def is_last_resort(result: Result) -> bool:
    """Whether it was raised instead of the very step that gives something back."""
    return result.site.line in resorts_in(result.site.file)


def line_of(site: Site) -> str:
    """The text of the line."""
    with (_SOURCE / site.file).open(encoding="utf-8") as lines:
        return next(islice(lines, site.line - 1, None)).strip()
