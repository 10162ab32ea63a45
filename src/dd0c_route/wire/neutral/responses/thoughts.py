"""Reasoning items ↔ thoughts. What proves whose they are stands in `encrypted_content`.

Clients send it back untouched where they keep the conversation themselves. So thoughts of another dialect's model come
with a seal of ours, which names that dialect and holds its signature: the way back to their maker is open.
"""

from __future__ import annotations

import re
from typing import Any

from dd0c_route.wire.loose import dicts_of, str_of
from dd0c_route.wire.neutral.form import Thinking

DIALECT = "responses"
BETWEEN = "\n\n"  # the parts of one thought
_BORROWED = re.compile(r"dd0c-([a-z]+):(.*)", re.DOTALL)


def read(item: dict[str, Any]) -> Thinking | None:
    """The thought of a reasoning item, or None where it tells and proves nothing."""
    parts = [*dicts_of(item.get("content")), *dicts_of(item.get("summary"))]
    text = BETWEEN.join([found for part in parts if (found := str_of(part.get("text")))])
    maker, signature = unsealed(str_of(item.get("encrypted_content")))
    return Thinking(text, signature, maker, sealed=not text) if text or signature else None


def unsealed(encrypted: str) -> tuple[str, str]:
    """In which dialect a thought was had, and its signature there."""
    found = _BORROWED.fullmatch(encrypted)
    return (DIALECT, encrypted) if found is None else (found[1], found[2])


def sealed(maker: str, signature: str) -> str | None:
    """`encrypted_content` for a thought."""
    return (signature or None) if maker == DIALECT else f"dd0c-{maker}:{signature}"


def written(thought: Thinking, id: str) -> dict[str, Any]:
    """As the item of an answer."""
    summary = [{"type": "summary_text", "text": thought.text}] if thought.text else []
    encrypted = sealed(thought.maker, thought.signature)
    return {"id": id, "type": "reasoning", "summary": summary, "encrypted_content": encrypted}
