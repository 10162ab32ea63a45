"""Recorded conversations that no header names are known again by system, tools and opening, however long they are."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from dd0c_route.brain.kinds import AUXILIARY
from dd0c_route.brain.request import asked
from dd0c_route.brain.sessions import conversation_of
from tests.proxy.examples import call
from tests.wire.corpus import records

ALL = os.environ.get("DD0C_CORPUS_ALL") == "1"
SAMPLE = 8
TURNS = {
    "openai.chat": "messages",
    "openai.responses": "input",
    "anthropic.messages": "messages",
    "gemini.generate": "contents",
    "bedrock.converse": "messages",
}


def opening_of(turns: Any) -> int:
    """How many turns the conversation's first call had; 0 where it has not gone on since."""
    if not isinstance(turns, list):
        return 0
    dicts = [turn if isinstance(turn, dict) else {} for turn in turns]
    asks = [t.get("role", "user") == "user" and t.get("type", "message") == "message" for t in dicts]
    first = asks.index(True) + 1 if True in asks else len(turns)
    answered = any(t.get("role") in ("assistant", "model") or t.get("type") == "function_call" for t in dicts[first:])
    return first if answered else 0


@pytest.mark.parametrize(("api", "field"), TURNS.items())
def test_a_conversation_keeps_its_key_from_its_first_call_on(api: str, field: str) -> None:
    """But for side calls within it, such as the one that summarises, which are conversations of their own."""
    seen = 0
    for record in records(api):
        request = record["request"]
        opening = opening_of(request.get(field))
        if not opening or not (ALL or int(record["hash"][:8], 16) % SAMPLE == 0):
            continue
        first, later = (
            call(json.dumps({**request, field: turns}).encode(), api=api)
            for turns in (request[field][:opening], request[field])
        )
        one, two = asked(first), asked(later)
        assert one.prefix_hashes == two.prefix_hashes, record["id"]
        if not {one.kind, two.kind} & AUXILIARY:
            assert conversation_of(first, one).key == conversation_of(later, two).key
            seen += 1
    assert seen > 5
