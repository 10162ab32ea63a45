"""Scripted behaviour: the `x-sim` request header, and rules from a TOML file with the same settings."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import msgspec
from msgspec import Raw, Struct


class ScriptError(ValueError):
    """A setting that cannot be read; the message names it."""


class Called(Struct, frozen=True, forbid_unknown_fields=True):
    """A tool's name, and what it is called with."""

    name: str
    arguments: Raw


class Scene(Struct, frozen=True, forbid_unknown_fields=True):
    """How one call is to be answered.

    Attributes:
        ttft_ms: Wait before the first piece of the body.
        head_ms: Send the head alone after this wait; else it goes with the first piece.
        chunks: Length of the invented answer, in pieces (= tokens).
        chunk_ms: Wait between pieces.
        chunk_bytes: Length of each invented piece of text, in bytes.
        status: Answer with this status and the dialect's error body.
        retry_after: Value of that header, with *status*.
        cut_after: End the connection after so many pieces, without a proper end.
        cut_bytes: The same, after so many bytes of body.
        cut_head: The same, after so many bytes of the head (0: without any answer).
        cut_how: End it by FIN or by RST.
        stall_after: After so many pieces be silent until the client leaves.
        error_after: After so many pieces send the dialect's error event, and end properly.
        stale: `1`: close the connection right after the answer, although keep-alive was announced;
            `next`: close it when the next request arrives, without a word.
        junk: Answer with something that is not HTTP.
        framing: How the body's end is told.
        write_bytes: Write the body in stretches of so many bytes, wherever events end.
        write_seed: Vary the length of those stretches at random, from 1 to twice *write_bytes*.
        extra: So many bytes too many behind a complete answer.
        interim: So many `103 Early Hints` before the answer.
        encoding: Content encoding of the body, whatever the client accepts.
        header: More response headers, `name:value`, one a line.
        id: Replay the recording of this id.
        fail_first: The first so many calls with the same *key* fail with *status* (503), later ones do not.
        echo: The answer's text is a JSON object with the request's headers and the SHA-256 of its body.
        text: The answer's text.
        tool: Answer with a call of the first tool.
        call: `{"name", "arguments"}`: the call to answer with, where its tool is offered and the prompt has no
            result yet.
        reasoning: Begin with so many tokens of reasoning.
        model: Name this as the model that served.
        usage: `none`: report none; a JSON object: report that.
    """

    ttft_ms: float = 0.0
    head_ms: float | None = None
    chunks: int | None = None
    chunk_ms: float = 0.0
    chunk_bytes: int | None = None
    status: int | None = None
    retry_after: str | None = None
    cut_after: int | None = None
    cut_bytes: int | None = None
    cut_head: int | None = None
    cut_how: Literal["fin", "rst"] = "fin"
    stall_after: int | None = None
    error_after: int | None = None
    stale: Literal["", "1", "next"] = ""
    junk: bool = False
    framing: Literal["", "length", "chunked", "eof"] = ""
    write_bytes: int | None = None
    write_seed: int | None = None
    extra: int = 0
    interim: int = 0
    encoding: Literal["", "gzip", "deflate", "br", "zstd"] = ""
    header: str = ""
    id: str | None = None
    fail_first: int = 0
    key: str = ""
    echo: bool = False
    text: str | None = None
    tool: bool = False
    call: str = ""
    reasoning: int = 0
    model: str | None = None
    usage: str = ""

    @property
    def invents(self) -> bool:
        """The scene says what the answer contains, so that no recording can serve."""
        asked = (self.text, self.chunks, self.chunk_bytes, self.model)
        return (
            self.echo
            or self.tool
            or bool(self.call or self.reasoning or self.usage)
            or any(x is not None for x in asked)
        )

    def usage_object(self) -> dict[str, Raw] | None:
        """The usage to report instead of the true one."""
        return msgspec.json.decode(self.usage, type=dict[str, Raw]) if self.usage.startswith("{") else None

    def called(self) -> Called | None:
        """The call to answer with."""
        return msgspec.json.decode(self.call, type=Called) if self.call else None


PLAIN = Scene()
_DURATIONS = ("ttft_ms", "head_ms", "chunk_ms")
_MAX_MS = 3_600_000.0  # an hour: as long as the router waits in all


def read_scene(header: str) -> Scene:
    """Read `name=value; name=value` (values percent-encoded; a bare name means 1).

    Raises:
        ScriptError: An unknown setting or a value that does not fit.
    """
    settings: dict[str, object] = {}
    for part in header.split(";"):
        name, equals, value = part.strip().partition("=")
        if name:
            settings[name.strip()] = unquote(value.strip()) if equals else "1"
    return _scene(settings)


def _scene(settings: Mapping[str, object]) -> Scene:
    try:
        scene = msgspec.convert(settings, Scene, strict=False)
        scene.usage_object()
        scene.called()
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise ScriptError(f"x-sim: {error}") from None
    for name in Scene.__struct_fields__:
        value = getattr(scene, name)
        if isinstance(value, int | float) and not 0 <= value <= (_MAX_MS if name in _DURATIONS else 1 << 40):
            raise ScriptError(f"x-sim: {name}={value} is out of bounds")
    if scene.write_seed is not None and not scene.write_bytes:
        raise ScriptError("x-sim: write_seed varies write_bytes: give that too")
    if scene.status is not None and not 200 <= scene.status <= 999:
        raise ScriptError(f"x-sim: status={scene.status} is not a final status")
    return scene


class Match(Struct, forbid_unknown_fields=True):
    """Globs that a request must fit; header names in lower case."""

    path: str = "*"
    model: str = "*"
    header: dict[str, str] = {}

    def fits(self, path: str, model: str, headers: Mapping[bytes, bytes]) -> bool:
        return (
            fnmatchcase(path, self.path)
            and fnmatchcase(model, self.model)
            and all(
                fnmatchcase(headers.get(name.lower().encode(), b"").decode("latin-1"), glob)
                for name, glob in self.header.items()
            )
        )


class Rule(Struct):
    """A scene for the requests that match; *times* counts down, None is without end."""

    match: Match
    scene: Scene
    times: int | None = None


class Script:
    """The rules of a file: the first that matches and is not used up decides."""

    def __init__(self, rules: list[Rule]) -> None:
        self._rules = rules

    def __bool__(self) -> bool:
        return bool(self._rules)

    def scene(self, path: str, model: str, headers: Mapping[bytes, bytes]) -> Scene | None:
        """The scene for this request, used once; None where no rule matches."""
        for rule in self._rules:
            if rule.times != 0 and rule.match.fits(path, model, headers):
                if rule.times is not None:
                    rule.times -= 1
                return rule.scene
        return None


def load_script(path: Path) -> Script:
    """Read `[[rule]]` tables: `match = {path, model, header}` (globs), `times`, and the settings of `x-sim`.

    Raises:
        ScriptError: The file cannot be read as such; the message names the rule.
    """
    try:
        tables = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File).rule
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ScriptError(f"{path}: {error}") from None
    return Script([_rule(f"{path}: rule {number}", table) for number, table in enumerate(tables, 1)])


class _File(Struct, forbid_unknown_fields=True):
    rule: list[dict[str, Any]] = []


def _rule(where: str, table: dict[str, Any]) -> Rule:
    settings = {name: str(value) if name in ("stale", "retry_after") else value for name, value in table.items()}
    match, times = settings.pop("match", {}), settings.pop("times", None)
    try:
        return Rule(msgspec.convert(match, Match), _scene(settings), msgspec.convert(times, int | None))
    except (ScriptError, msgspec.ValidationError) as error:
        raise ScriptError(f"{where}: {error}") from None
