"""The path of one call through the real processes: what the client gets, and the entry that is left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stand import CHAT, Stand


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("stand")) as running:
        yield running


def test_a_json_call_is_answered_and_leaves_one_priced_entry(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", CHAT)

    assert answer.status == 200
    entry = stand.entry(answer.id)
    reported = answer.json()["usage"]
    assert entry["end_state"] == "complete"
    assert entry["usage"]["output"] == reported["completion_tokens"] == entry["delivered_output_tokens"]
    assert entry["usage_source"] == "provider_final"
    assert entry["delivered_bytes"] == len(answer.body)
    assert [attempt["status"] for attempt in entry["attempts"]] == [200]
