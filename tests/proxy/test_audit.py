"""The auditor, through a real router: what it writes down, learns, says and leaves out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.stand import CHAT, Stand, until

AUDITS = "[counting]\naudits_per_s = 1000\n"
TOOL = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


def said(stand: Stand, tokens: int, body: dict[str, Any] | None = None) -> str:
    """The id of a call of which the provider reports *tokens* of input."""
    usage = {"prompt_tokens": tokens, "completion_tokens": 5, "total_tokens": tokens + 5}
    answer = stand.post("/v1/chat/completions", body or CHAT, {"x-sim": f"usage={json.dumps(usage)}"})
    assert answer.status == 200
    return answer.id


def counting(stand: Stand) -> dict[str, Any]:
    found: dict[str, Any] = stand.control("/api/v1/counting").json()
    return found


def audited(stand: Stand, count: int) -> dict[str, Any]:
    """What is known when *count* calls were compared."""
    found: dict[str, Any] = until(
        lambda: now if (now := counting(stand))["audited"] + now["skipped"] >= count else None, f"{count} audits"
    )
    return found


def test_the_local_count_stands_beside_the_reported_one(tmp_path: Path) -> None:
    with Stand(tmp_path, AUDITS) as stand:
        call_id = said(stand, 30)
        entry = until(lambda: e if (e := stand.entry(call_id))["local_input_tokens"] else None, "the audit")
        assert entry["usage"]["input"] == 30
        assert (entry["local_input_tokens"], entry["local_exactness"]) == (10, "exact")
        assert entry["local_band"] == [10, 10]
        assert entry["local_output_tokens"] > 0
