"""What sort of request it is: by what its client says (`clients.toml`), else by its shape and wording.

A wrong hint costs money, and nothing else rests on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from typing import Any

from dd0c_route.brain.clients import clients, kinds_said
from dd0c_route.types import Call

AUXILIARY = frozenset(("title", "summary", "classification", "auxiliary"))
"""Kinds of side calls: they belong to no conversation."""

_OWN = b"x-dd0c-kind"
_SPELLINGS = {
    **dict.fromkeys(("title", "session_title", "topic"), "title"),
    **dict.fromkeys(("summary", "compact", "compaction", "summarize", "memory"), "summary"),
    **dict.fromkeys(("classification", "classifier", "classify", "router", "guard"), "classification"),
    **dict.fromkeys(("subagent", "agent", "review", "collab_spawn", "task"), "subagent"),
    **dict.fromkeys(("main", "user", "turn", "foreground"), "main"),
}
_WORD = re.compile(r"[a-z][a-z0-9_]{0,31}")

_TITLES = (b"title", b"topic")
_ASKED_FOR = (b"generat", b"creat", b"writ", b"summari", b"extract", b"name", b"come up", b"analy", b"provide")
_SUMMARIES = (b"summari", b"compact", b"condense")
_CLASSES = (b"classif", b"categor", b"label", b"routing model", b"task router", b"sentiment", b"moderat")
_SHORT_TOKENS = 16  # of an answer that can only be a label
_ASKED_BYTES, _SYSTEM_BYTES = 400, 2000  # of the turn, of what instructs the model: where a side call says what it is

# The form of the answer, by words in lower case.
_CHOICES = ((b"a) ", b"\nb) "), (b"a. ", b"\nb. "), (b"a: ", b"\nb: "), (b"(a) ", b"\n(b) "))
_CODE = (
    *(b"```", b"def ", b"function ", b"#include", b"public class", b"import ", b"implement ", b"refactor", b"debug "),
    b"regex",
)
_ESSAY = (
    b"essay",
    b"article",
    b"blog post",
    b"a story",
    b"poem",
    b"a letter",
    b"a report",
    b"speech about",
    b"chapter",
)
_ONE_WORD = (b"one word", b"single word", b"yes or no", b"true or false", b"only the number", b"only the letter")


def kind_of(
    call: Call, small: Mapping[str, Any], system: bytes, turn: str, form: str, *, has_tools: bool, in_tool_loop: bool
) -> str:
    """The kind of *call*.

    Args:
        small: Its short fields, decoded.
        system: The beginning of what instructs the model.
        turn: The last user turn.
    """
    if call.api.endswith("embeddings"):
        return "embedding"
    if (own := _own(call)) is not None:
        return own
    said = kinds_said(call, small)
    for kind in ("title", "classification", "summary", "auxiliary", "subagent"):
        if kind in said:
            return (_side_call(small, *_wording(system, turn), form) or kind) if kind == "auxiliary" else kind
    asked, instructed = _wording(system, turn)
    if (side := _worded(asked, instructed, has_tools=has_tools)) is not None:
        return side
    if not has_tools and "main" not in said and (side := _side_call(small, asked, instructed, form)) is not None:
        return side
    if in_tool_loop:
        return "tool_turn"
    return "completion" if call.api == "openai.completions" else "main"


def _own(call: Call) -> str | None:
    """What the router's own header says: a usual word, or any other."""
    for name, value in call.headers:
        if name == _OWN:
            word = value.decode("latin-1").strip().lower().replace("-", "_")
            return _SPELLINGS.get(word, word if _WORD.fullmatch(word) else None)
    return None


def _wording(system: bytes, turn: str) -> tuple[bytes, bytes]:
    """The beginning of what is asked, and of what instructs, in lower case."""
    return turn[:_ASKED_BYTES].lower().encode("utf-8", "ignore"), system[:_SYSTEM_BYTES].lower()


def _holds(text: bytes, words: Iterable[bytes]) -> bool:
    return any(map(text.__contains__, words))  # half the time of a generator: it is asked 60 times a call


def _worded(asked: bytes, instructed: bytes, *, has_tools: bool) -> str | None:
    """What is asked for on the side in words that a client is known for."""
    wording = asked if has_tools else asked + instructed
    for row in clients().wordings:
        if (row.with_tools or not has_tools) and _holds(wording, row.as_bytes):
            return row.kind
    return None


def _side_call(small: Mapping[str, Any], asked: bytes, instructed: bytes, form: str) -> str | None:
    """A title, a summary or a label, asked for without tools."""
    wording = instructed + asked
    structured = form == "json"
    if _holds(wording, _TITLES) and (structured or _holds(wording, _ASKED_FOR)):
        return "title"
    limit = small.get("max_tokens") or small.get("max_completion_tokens") or small.get("max_output_tokens")
    short = type(limit) is int and limit <= _SHORT_TOKENS
    if (short or structured or form == "word") and _holds(wording, _CLASSES):
        return "classification"
    if _holds(instructed, _SUMMARIES) or _holds(asked, _SUMMARIES):
        return "summary"
    return None


def form_of(turn: str, uses: Set[str], limit: int | None) -> str:
    """The form of answer that *turn* asks for."""
    if uses & {"schema", "json"}:
        return "json"
    said = turn.lower().encode("utf-8", "ignore")
    if any(first in said and second in said for first, second in _CHOICES):
        return "choice"
    if (limit is not None and limit <= _SHORT_TOKENS) or _holds(said, _ONE_WORD):
        return "word"
    if _holds(said, _CODE):
        return "code"
    return "essay" if _holds(said, _ESSAY) else "chat"
