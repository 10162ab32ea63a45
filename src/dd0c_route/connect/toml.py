"""TOML, changed line by line; `tomllib` is the judge of what each line is.

A line that looks like a table's head is one if all that stands before it is TOML by itself: else it is inside a text or
a list that goes over several lines.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from dd0c_route.connect.forms import CannotEdit, Path, line_end

_HEAD = re.compile(r"[ \t]*\[{1,2}[ \t]*([^\]\r\n]+?)[ \t]*\]{1,2}[ \t]*(?:#.*)?")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SIMPLE = r"""("(?:[^"\\]|\\.)*"|'[^']*'|[^#"'\[{\s][^#\s]*)"""


def read(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise CannotEdit(f"is no TOML: {error}") from None


def put(text: str, path: Path, value: Any) -> str:
    *table, key = map(str, path)
    if not all(map(_BARE.fullmatch, [*table, key])):
        raise CannotEdit(f"'{'.'.join(map(str, path))}' is no plain name")
    line = f"{key} = {_rendered(value)}"
    end = line_end(text)
    for name, start, stop in _tables(text):
        if name == ".".join(table):
            region = text[start:stop]
            changed = _in_table(region, key, line, end)
            if not table and changed is None:  # no key before the first table's head: it goes to the top
                gap = end if region.strip() or text[stop:] else ""
                return f"{line}{end}{gap}{text}"
            return text[:start] + (changed or _after_head(region, line, end)) + text[stop:]
    gap = "" if not text else end if text.endswith("\n") else end + end
    return f"{text}{gap}[{'.'.join(table)}]{end}{line}{end}"


def _in_table(region: str, key: str, line: str, end: str) -> str | None:
    """*region* with the key's value replaced, or with the line behind the last key; None where there is no key."""
    match = re.search(rf"^[ \t]*{re.escape(key)}[ \t]*=[ \t]*{_SIMPLE}[ \t]*(?=\r?$|#)", region, re.MULTILINE)
    if match:
        return region[: match.start(1)] + line.partition(" = ")[2] + region[match.end(1) :]
    lines = region.splitlines(keepends=True)
    keyed = [number for number, one in enumerate(lines) if re.match(r"[ \t]*[\w\"'.-]+[ \t]*=", one)]
    if not keyed:
        return None
    # Behind a value that goes over several lines: the first place up to which everything is TOML.
    for number in range(keyed[-1] + 1, len(lines) + 1):
        if _is_toml("".join(lines[:number])):
            before = "".join(lines[:number])
            gap = "" if before.endswith("\n") else end
            return f"{before}{gap}{line}{end}{''.join(lines[number:])}"
    raise CannotEdit("has a value whose end was not found")


def _after_head(region: str, line: str, end: str) -> str:
    head, newline, rest = region.partition("\n")
    return f"{head}{newline or end}{line}{end}{rest}"


def _tables(text: str) -> Iterator[tuple[str, int, int]]:
    """Name, start and end of each table's lines, its head included; the part before the first head is named ''."""
    name, start, at = "", 0, 0
    for line in text.splitlines(keepends=True):
        head = _HEAD.fullmatch(line.rstrip("\r\n"))
        if head is not None and _is_toml(text[:at]):
            yield name, start, at
            name, start = re.sub(r"\s", "", head[1]), at
        at += len(line)
    yield name, start, len(text)


def _is_toml(text: str) -> bool:
    try:
        read(text)
    except CannotEdit:
        return False
    return True


def _rendered(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)
