"""Files of `NAME=value` lines (`.env`)."""

from __future__ import annotations

import re
from typing import Any

from dd0c_route.connect.forms import CannotEdit, Path, line_end

_LINE = re.compile(r"^([ \t]*(?:export[ \t]+)?)([A-Za-z_]\w*)([ \t]*=[ \t]*)([^\r\n]*)", re.MULTILINE)


def read(text: str) -> dict[str, str]:
    return {str(match[2]): _unquoted(match[4]) for match in _LINE.finditer(text)}


def put(text: str, path: Path, value: Any) -> str:
    (name,) = path
    if not re.fullmatch(r"[\w:/.\-\[\]]+", value):
        raise CannotEdit(f"the value of {name} would need quotes")
    there = [match for match in _LINE.finditer(text) if match[2] == name]
    if there:  # the last one holds
        return f"{text[: there[-1].start(4)]}{value}{text[there[-1].end(4) :]}"
    end = line_end(text)
    gap = "" if not text or text.endswith("\n") else end
    return f"{text}{gap}{name}={value}{end}"


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value.split(" #", 1)[0].rstrip()
