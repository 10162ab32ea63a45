"""What the forms of configuration files have in common: a text is read into plain values, and a value is put in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

Path = Sequence[str | int]


class CannotEdit(Exception):
    """The text cannot be changed without a risk to what stands in it; the message says why."""


class Form(Protocol):
    """A form of configuration files. Both raise `CannotEdit` for a text that is not of this form."""

    def read(self, text: str) -> Any:
        """The values in *text*; an empty table for an empty text."""
        ...

    def put(self, text: str, path: Path, value: Any) -> str:
        """*text* with *value* at *path* and every other byte as it was; `+` in *path* is a new item of a list."""
        ...


def line_end(text: str) -> str:
    """The line end that *text* uses."""
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def nested(path: Path, value: Any) -> Any:
    """*value* below tables (and lists, for `+`) named as in *path*."""
    for key in reversed(path):
        value = [value] if key == "+" else {key: value}
    return value
