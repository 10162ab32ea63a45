"""Vocabularies that we may not, or need not, ship: found where a package that carries one is installed.

Such a package is data to us. It is neither imported nor run, only the bytes of one file are read, and only if they are
the very bytes that `vocabularies.toml` names: anything else counts as not being there. Nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import tomllib
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from dd0c_route.tokens.bpe import BytePairCounter
from dd0c_route.tokens.extras.formats import READERS, Pieces, pieces_of_gguf
from dd0c_route.tokens.extras.gemma import GemmaCounter


class Vocabulary(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `vocabularies.toml`, which says what the fields mean."""

    name: str
    extra: str
    package: str
    file: str
    form: Literal["tiktoken", "tekken", "huggingface", "gguf"]
    sha256: str
    source: str
    bytes: int = -1
    split: str = ""
    composed: bool = False
    more: tuple[str, ...] = ()


def load_counter(name: str) -> BytePairCounter | GemmaCounter | None:
    """The counter over one of these vocabularies, None where it is not installed. Takes 0.1 to 1 s."""
    row = vocabularies().get(name)
    if row is None or (content := load_content(row)) is None:
        return None
    if row.form == "gguf":
        pieces = pieces_of_gguf(content)
        return GemmaCounter(Pieces([*pieces.merged, *row.more], pieces.whole))
    return BytePairCounter(name, row.split, READERS[row.form](content), composed=row.composed)


def load_content(row: Vocabulary) -> bytes | None:
    """The vocabulary's bytes; None where the package is not installed, or not in the version that is known."""
    path = path_of(row)
    if path is None:
        return None
    with path.open("rb") as file:
        content = file.read(row.bytes)
    return content if hashlib.sha256(content).hexdigest() == row.sha256 else None


def path_of(row: Vocabulary) -> Path | None:
    """Where the file of *row* is; None where its package is not installed. Does not look into it."""
    module, _, rest = row.file.partition("/")
    spec = find_spec(module)
    for folder in (spec and spec.submodule_search_locations) or ():
        if (path := Path(folder, rest)).is_file():
            return path
    return None


@cache
def vocabularies() -> dict[str, Vocabulary]:
    """The rows of `vocabularies.toml` by name."""
    table = tomllib.loads(files(__package__).joinpath("vocabularies.toml").read_text("utf-8"))
    return {row.name: row for row in msgspec.convert(table["vocabularies"], list[Vocabulary])}
