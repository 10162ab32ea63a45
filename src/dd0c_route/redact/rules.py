"""`rules.toml`, read once: the known shapes of credentials and the names that carry them."""

from __future__ import annotations

import re
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec

Trust = Literal["header", "password", "token", "key", "signature"]
_LEFT_BOUNDARY = r"(?<![A-Za-z0-9])"

PREFIXED = re.compile(
    r"(?<![A-Za-z0-9_/+-])(?!sha\d|(?:chat)?cmpl|call|msg|message|tool|req|resp|run|gen|file|batch|thread|asst|evt|event"
    r"|session|trace|span|task|job|img|image|item|rs|fc|id|etag|hash|digest|build|chunk|rev)(?:[a-z][a-z0-9]{1,15}[_-]){1,3}"
    r"(?=[A-Za-z]{0,40}\d)(?=[a-z0-9]{0,60}[A-Z])(?=[A-Z0-9]{0,60}[a-z])[A-Za-z0-9]{32,}(?![A-Za-z0-9/+=_-])"
)
"""A vendor that `rules.toml` does not know: words in front of a long run of capitals, small letters and digits.

Identifiers have such prefixes, too, and mostly shorter runs; the words that begin the long ones are left out.
"""


class Format(msgspec.Struct, dict=True):
    """A shape that gives itself away; the fields are described at the top of `rules.toml`."""

    name: str
    regex: str
    shape: str
    source: str
    heads: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
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
