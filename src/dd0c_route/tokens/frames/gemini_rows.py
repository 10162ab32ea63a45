"""The constants of Gemini's frames, by host and generation: `gemini.toml`."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec
from msgspec import Struct

from dd0c_route.tokens.frames.reading import Unknown

Band = tuple[int, int, int]  # tokens, and how far below and above was seen


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `gemini.toml`, which says what the fields mean."""

    provider: str
    models: str
    content: int
    joined: bool
    system: int
    below: tuple[int, int]
    above: tuple[int, int]
    share: int
    function: int
    bare: int
    described: int
    titled: int
    choice: int
    property: int
    list: int
    optional: int
    nested: int
    array: int
    kind: int
    read_json: bool
    tools_band: tuple[int, int]
    tools_share: float
    call: Band
    thought: tuple[float, int]
    thought_band: tuple[int, float]
    open: bool
    reads_thoughts: bool
    image: Literal["tiles", "one", "patches"]


def row_for(model: str, provider: str) -> Row:
    """The first row that fits; the last fits all."""
    return next(row for row in _rows() if re.match(row.provider, provider) and re.search(row.models, model))


def either(value: dict[str, Any], name: str) -> Any:
    """A field by its name in either spelling, `camelCase` or `snake_case`; None for what is empty."""
    return value.get(name) or value.get(_snake(name)) or None


def table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unknown
    return value


def several(value: Any) -> list[Any]:
    """One where several may stand."""
    return [] if value is None else value if isinstance(value, list) else [value]


@cache
def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name)


@cache
def _rows() -> list[Row]:
    table = tomllib.loads(files(__package__).joinpath("gemini.toml").read_text("utf-8"))
    return msgspec.convert(table["rows"], list[Row])
