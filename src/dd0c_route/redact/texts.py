"""The texts of a JSON document by their position, so that one can be changed and all else stays byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(r'["{}\[\],]')

Step = str | int


class Text(NamedTuple):
    """One string of the document, in its raw form.

    Attributes:
        path: The names and places that lead to it; of a name (of a field of an object) those that lead to its value.
        begin: Where its name begins, with the quote, if it has one; else *start*.
        start: Its first character, behind the quote.
        end: Its closing quote.
        is_name: It is a name itself.
    """

    path: tuple[Step, ...]
    begin: int
    start: int
    end: int
    is_name: bool = False


def texts(document: str) -> Iterator[Text]:
    """The strings of *document*, in order, a name before its value. What is not JSON yields something, too."""
    path: list[Step] = []
    wants_name = False
    name_at = -1  # where the name of the value that comes next begins
    at = 0
    while (match := _TOKEN.search(document, at)) is not None:
        sign, at = match.group(), match.end()
        if sign == '"':
            end = _closing(document, at)
            if wants_name and path:
                path[-1] = document[at:end]
                wants_name, name_at = False, match.start()
                yield Text(tuple(path), at, at, end, is_name=True)
            else:
                yield Text(tuple(path), name_at if name_at >= 0 else at, at, end)
                name_at = -1
            at = end + 1
        elif sign == ",":
            name_at = -1
            if path and isinstance(path[-1], int):
                path[-1] += 1
            else:
                wants_name = True
        elif sign in "{[":
            name_at, wants_name = -1, sign == "{"
            path.append("" if sign == "{" else 0)
        else:
            name_at, wants_name = -1, False
            if path:
                path.pop()


def _closing(document: str, start: int) -> int:
    """Where the string that begins at *start* ends. Long ones are searched for quotes: an image has megabytes."""
    end = document.find('"', start)
    while end >= 0:
        back = end
        while back > start and document[back - 1] == "\\":
            back -= 1
        if (end - back) % 2 == 0:
            return end
        end = document.find('"', end + 1)
    return len(document)


def place(path: tuple[Step, ...]) -> str:
    """*path* as people write it: `messages[0].content`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
