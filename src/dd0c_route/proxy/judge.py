"""What a judge is asked in each dialect, and what its two answers come to. Pure.

It sees the request and two answers, not whose they are, and is asked twice, the second time in the other order.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, Literal

import msgspec

from dd0c_route.types import Call, Dialect, Target
from dd0c_route.wire.body import split

MOST_CHARS = 8_000  # of one answer: its two halves where it is longer
_FILE = Path(__file__).with_name("judge.toml")
FRAME_TOKENS, VERDICT_TOKENS = 250, 50  # of our own words, and of what it says: a guess
_LIMIT = 2_000  # output tokens, where the dialect demands one: enough to think
_CUT = "\n[…]\n"
_WORD = re.compile(r"\b(first|second|tie)\b", re.IGNORECASE)

Verdict = Literal["first", "second", "tie"]


def judge_call(call: Call, dialect: Dialect, judge: Target, request: str, first: str, second: str) -> Call:
    """The question, as a call of the judge's *dialect*; *call* is whose answers they are: it keeps its tags and key."""
    asked = Template(_prompts()["request"]).substitute(request=request, first=_cut(first), second=_cut(second))
    api, path, body, headers = _BODIES[dialect](judge.model, _prompts()["system"].strip(), asked.strip())
    content = msgspec.json.encode(body)
    return Call(
        id="", at_ns=0, started_ns=0, dialect=dialect, api=api, method="POST", path=path, query="",
        headers=[(b"content-type", b"application/json"), *headers], body=content, fields=split(content),
        model=judge.model, key_id=call.key_id, session=call.session, tags=call.tags,
    )  # fmt: skip


def verdict(text: str) -> Verdict | None:
    """The last of the three words that the judge says; None where it says none."""
    found = _WORD.findall(text)
    return found[-1].lower() if found else None


def score(one: Verdict, turned: Verdict) -> float:
    """How the other model's answer did against that of the model asked for: 1 no worse, 0 worse, 0.5 perhaps.

    Args:
        one: With the answer of the model asked for first.
        turned: With it second. A judge that only goes by the place says `first` twice, and that is a tie.
    """
    asked = (one == "first") + (turned == "second")
    other = (one == "second") + (turned == "first")
    return 1.0 - max(0, asked - other) / 2


def _cut(text: str) -> str:
    if len(text) <= MOST_CHARS:
        return text
    return text[: MOST_CHARS // 2] + _CUT + text[-MOST_CHARS // 2 :]


@cache
def _prompts() -> dict[str, str]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


_Question = tuple[str, str, dict[str, Any], list[tuple[bytes, bytes]]]


def _openai(model: str, system: str, asked: str) -> _Question:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": asked}]
    return "openai.chat", "/chat/completions", {"model": model, "messages": messages}, []


def _anthropic(model: str, system: str, asked: str) -> _Question:
    messages = [{"role": "user", "content": asked}]
    body = {"model": model, "max_tokens": _LIMIT, "system": system, "messages": messages}
    return "anthropic.messages", "/messages", body, [(b"anthropic-version", b"2023-06-01")]


def _gemini(model: str, system: str, asked: str) -> _Question:
    body = {
        "systemInstruction": {"parts": [{"text": system}]},
        "contents": [{"role": "user", "parts": [{"text": asked}]}],
    }
    return "gemini.generate", f"/models/{model}:generateContent", body, []


_BODIES = {"openai": _openai, "anthropic": _anthropic, "gemini": _gemini}
