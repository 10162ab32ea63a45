"""JSON documents, changed in places that a fuzzer's bytes choose: they stay JSON, which flipped bits would not."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

EDIT_BYTES = 3
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 0.5, -0.0, 1e308, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63), 10**30),
    *("", " ", "0", "7", "null", "text", "user", "tool", "assistant", "auto", "é漢😀", "\ud83d", "\x00", "a" * 300),
    *("data:image/png;base64,iVBORw0KGgo=", "data:,x", "https://example.test/a.png", "%41", '{"a":1}', '{"a":', "[]"),
    *([], {}, [[]], [{}], {"": ""}, [None], {"type": None}, {"type": "text"}, {"type": "text", "text": ""}),
    *({"type": "image_url", "image_url": {"url": ""}}, {"type": "tool_use", "id": "", "name": "", "input": None}),
    *({"role": "tool", "content": None}, {"functionCall": {"name": "f", "args": []}}, [[[[[[[[]]]]]]]]),
)


def edited(document: Any, edits: bytes) -> Any:
    """*document* with one change for each `EDIT_BYTES` bytes: which node, what is done to it, and with what."""
    document = copy.deepcopy(document)
    for at in range(0, len(edits) - EDIT_BYTES + 1, EDIT_BYTES):
        where, how, what = edits[at : at + EDIT_BYTES]
        places = _places(document)
        if not places:
            return ODD[what % len(ODD)]
        holder, key = places[(where + 256 * (how >> 3)) % len(places)]
        _edit(holder, key, how & 7, copy.deepcopy(ODD[what % len(ODD)]), places[what % len(places)])
    return document


def _edit(holder: Any, key: Any, how: int, value: Any, other: tuple[Any, Any]) -> None:
    if how == 0:
        del holder[key]
    elif how == 1:
        holder[key] = [holder[key], value]
    elif how == 2:
        holder[key] = copy.deepcopy(other[0][other[1]])
    elif how == 3 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif how == 4 and isinstance(holder, dict):
        holder[str(other[1])] = value
    else:
        holder[key] = value


def _places(document: Any) -> Sequence[tuple[Any, Any]]:
    """Every place in *document* that holds something, outermost first."""
    found: list[tuple[Any, Any]] = []
    waiting = [document]
    for node in waiting:
        inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, value in inner:
            found.append((node, key))
            waiting.append(value)
        if len(found) > 2000:  # copies of copies
            break
    return found
