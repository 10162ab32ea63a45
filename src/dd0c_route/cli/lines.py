"""JSON lines in, JSON lines out: one answer for each line, in order, as soon as it is there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import msgspec

MAX_LINE_BYTES = 64 << 20  # a request with images; a bound, not a limit of the product

Answer = dict[str, Any]


class BadLine(Exception):
    """A line that the command cannot answer; the others can still be."""


def answer_each(answer: Callable[[Answer], Answer]) -> int:
    """Apply *answer* to each line of stdin.

    A line at fault is answered by `{"error": "invalid_line", "line": n, "message": …}`, one that meets a bug of ours by
    the same with `internal_error`, so that answers and lines stay in step.

    Returns:
        1 if a line was at fault, else 0.
    """
    sink = sys.stdout.buffer
    failed = 0
    for number, line in enumerate(_lines(sys.stdin.buffer), start=1):
        if line.isspace():
            continue
        try:
            result = answer(_table(line))
        except BadLine as error:
            failed = 1
            result = {"error": "invalid_line", "line": number, "message": str(error)}
        except Exception as error:  # a bug of ours on one line must not cost the others
            failed = 1
            result = {"error": "internal_error", "line": number, "message": f"a bug: {type(error).__name__}"}
        sink.write(msgspec.json.encode(result) + b"\n")
        sink.flush()
    return failed


def text(line: Answer, name: str, *, may_be_empty: bool = False) -> str:
    """The field *name*, which must be a text."""
    value = line.get(name)
    if not isinstance(value, str) or not (value or may_be_empty):
        raise BadLine(f"the field '{name}' is missing or no text")
    return value


def table(line: Answer, name: str) -> Answer:
    """The field *name*, which must be an object."""
    value = line.get(name)
    if not isinstance(value, dict):
        raise BadLine(f"the field '{name}' is missing or no object")
    return value


def _lines(source: BinaryIO) -> Iterator[bytes]:
    """The lines of *source*; one that is too long as its beginning alone, which is longer than `MAX_LINE_BYTES`."""
    while line := source.readline(MAX_LINE_BYTES + 1):
        rest = line
        while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
            rest = source.readline(MAX_LINE_BYTES + 1)
        yield line


def _table(line: bytes) -> Answer:
    from dd0c_route.tokens.loose import decoded  # when needed: `--help` is quick

    if len(line) > MAX_LINE_BYTES:
        raise BadLine(f"longer than {MAX_LINE_BYTES} bytes")
    try:
        value = decoded(line)
    except ValueError as error:
        raise BadLine(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadLine("expected an object")
    return value
