"""What a request goes on with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dd0c_route.wire.body import split
from dd0c_route.wire.stored import goes_on_with, is_stored, names_items


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'{"model":"m"}', ()),
        (b'{"previous_response_id":"resp_1"}', ("resp_1",)),
        (b'{"previous_response_id":null,"conversation":"conv_1"}', ("conv_1",)),
        (b'{"conversation":{"id":"conv_1"}}', ("conv_1",)),
        (b'{"conversation":{"id":7},"previous_response_id":[]}', ()),
    ],
)
def test_the_ids_that_a_request_continues_are_read(body: bytes, names: tuple[str, ...]) -> None:
    assert goes_on_with(split(body)) == names


@pytest.mark.parametrize(
    ("body", "stored"),
    [(b"{}", True), (b'{"store":true}', True), (b'{"store":null}', True), (b'{"store": false}', False)],
)
def test_an_answer_is_stored_unless_the_request_says_no(body: bytes, stored: bool) -> None:
    assert is_stored(split(body)) is stored


@pytest.mark.parametrize(
    ("api", "body", "names"),
    [
        ("openai.responses", {"input": [{"content": [{"type": "input_file", "file_id": "file-1"}]}]}, True),
        ("openai.responses", {"input": [{"type": "item_reference", "id": "msg_1"}]}, True),
        ("openai.responses", {"prompt": {"id": "pmpt_1"}}, True),
        ("openai.responses", {"input": 'what is a "file_id"?', "prompt": None}, False),
        ("openai.chat", {"messages": [{"content": [{"type": "file", "file": {"file_id": "file-1"}}]}]}, True),
        ("openai.chat", {"modalities": ["audio"], "messages": [{"audio": {"id": "audio_1"}}]}, True),
        ("openai.chat", {"modalities": ["audio"]}, False),
        ("openai.chat", {"messages": [{"content": [{"type": "input_audio", "input_audio": {"data": ""}}]}]}, False),
        ("openai.chat", {"messages": [], "tools": [{"parameters": {"properties": {"file_id": {}}}}]}, False),
        ("anthropic.messages", {"messages": [{"content": [{"source": {"type": "file", "file_id": "f"}}]}]}, True),
        ("openai.embeddings", {"input": "file_id"}, False),
        ("openai.chat", {}, False),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_what_a_provider_keeps_is_noticed_where_it_is_named(
    api: str, body: dict[str, Any], names: bool, indent: int | None
) -> None:
    assert names_items(api, split(json.dumps(body, indent=indent).encode())) is names


def test_a_file_is_noticed_in_the_middle_of_a_long_conversation() -> None:
    many = [{"role": "user", "content": "word " * 1000}] * 50
    file = {"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}
    assert names_items("openai.chat", split(json.dumps({"messages": [*many, file, *many]}).encode()))
    assert not names_items("openai.chat", split(json.dumps({"messages": [*many, *many]}).encode()))
