"""What sort of request it is: by what its client says (`clients.toml`), else by its shape and wording.

A wrong hint costs money, and nothing else rests on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
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
_CHOICES = (("a)", "b)"), ("a.", "b."), ("a:", "b:"), ("(a)", "(b)"))
_CODE = ("```", "def ", "function ", "#include", "public class", "import ", "implement ", "refactor", "debug ", "regex")
_ESSAY = ("essay", "article", "blog post", "a story", "poem", "a letter", "a report", "speech about", "chapter")
_ONE_WORD = ("one word", "single word", "yes or no", "true or false", "only the number", "only the letter")


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
            return (_side_call(small, system, turn, form) or kind) if kind == "auxiliary" else kind
    if (side := _worded(system, turn, has_tools=has_tools)) is not None:
        return side
    if not has_tools and "main" not in said and (side := _side_call(small, system, turn, form)) is not None:
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


def _worded(system: bytes, turn: str, *, has_tools: bool) -> str | None:
    """What is asked for on the side in words that a client is known for."""
    asked = turn[:_ASKED_BYTES].lower()
    instructed = asked if has_tools else asked + system[:_SYSTEM_BYTES].decode("utf-8", "ignore").lower()
    for row in clients().wordings:
        if (row.with_tools or not has_tools) and any(word in instructed for word in row.words):
            return row.kind
    return None


def _side_call(small: Mapping[str, Any], system: bytes, turn: str, form: str) -> str | None:
    """A title, a summary or a label, asked for without tools."""
    asked = turn[:_ASKED_BYTES].lower().encode("utf-8", "ignore")
    instructed = system[:_SYSTEM_BYTES].lower()
    wording = instructed + asked
    structured = form == "json"
    if any(word in wording for word in _TITLES) and (structured or any(verb in wording for verb in _ASKED_FOR)):
        return "title"
    limit = small.get("max_tokens") or small.get("max_completion_tokens") or small.get("max_output_tokens")
    short = type(limit) is int and limit <= _SHORT_TOKENS
    if (short or structured or form == "word") and any(word in wording for word in _CLASSES):
        return "classification"
    if any(word in instructed or word in asked for word in _SUMMARIES):
        return "summary"
    return None


def form_of(turn: str, uses: Set[str], limit: int | None) -> str:
    """The form of answer that *turn* asks for."""
    if uses & {"schema", "json"}:
        return "json"
    said = turn.lower()
    if any(f"{first} " in said and f"\n{second} " in said for first, second in _CHOICES):
        return "choice"
    if (limit is not None and limit <= _SHORT_TOKENS) or any(word in said for word in _ONE_WORD):
        return "word"
    if any(word in said for word in _CODE):
        return "code"
    return "essay" if any(word in said for word in _ESSAY) else "chat"
