"""`rules.toml`, read once: the known shapes of credentials and the names that carry them."""

from __future__ import annotations

import re
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec

Trust = Literal["header", "password", "token", "key"]
_LEFT_BOUNDARY = r"(?<![A-Za-z0-9])"


class Format(msgspec.Struct, dict=True):
    """A shape that gives itself away; the fields are described at the top of `rules.toml`."""

    name: str
    regex: str
    shape: str
    source: str
    probes: tuple[str, ...]
    miss: tuple[str, ...] = ()

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        # Compiled when its probe first hits: all of them at start would cost every command 20 ms.
        return re.compile(_LEFT_BOUNDARY + self.regex)


class Bare(msgspec.Struct):
    """A credential without a shape of its own."""

    name: str
    shape: str
    source: str


class Carrier(msgspec.Struct):
    """Names that announce a credential."""

    trust: Trust
    names: tuple[str, ...]
    miss: tuple[str, ...] = ()


class Rules(msgspec.Struct):
    """The whole of `rules.toml`."""

    format: tuple[Format, ...]
    bare: tuple[Bare, ...]
    carrier: tuple[Carrier, ...]


def load() -> Rules:
    """The rules as shipped."""
    return msgspec.convert(tomllib.loads(Path(__file__).with_name("rules.toml").read_text("utf-8")), Rules)
