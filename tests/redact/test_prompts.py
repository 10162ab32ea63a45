"""Secrets in the texts of requests of all dialects are masked where they stand, and nothing else changes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dd0c_route.redact import redact_sensitive
from dd0c_route.redact.prompts import OVERLAP_CHARS, WINDOW_CHARS, secrets_in
from dd0c_route.redact.texts import texts
from tests.redact.synthetic import RULES, credential

KEY = credential("sk-ant-api03-{W93}AA", 3)
OTHER = credential("AKIA{U16}", 3)
PASTED = f'I pasted {KEY}\nand it does not work é \\ / "'
IMAGE = base64.b64encode(bytes(range(256)) * 4).decode()
SIGNED = f"https://files.test/a.png?X-Amz-Credential={OTHER}&sig=abcdef0123456789"

REQUESTS: dict[str, Any] = {
    "chat": {"messages": [{"role": "user", "content": PASTED}]},
    "chat parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": PASTED}]}]},
    "chat tool result": {"messages": [{"role": "tool", "tool_call_id": "call_1", "content": PASTED}]},
    "chat arguments": {
        "messages": [{"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": json.dumps({"a": PASTED})}}]}]
    },
    "completions": {"prompt": ["one", PASTED]},
    "embeddings": {"input": [PASTED]},
    "messages": {"messages": [{"role": "user", "content": PASTED}]},
    "messages system": {"system": [{"type": "text", "text": PASTED, "cache_control": {"type": "ephemeral"}}]},
    "messages tool use": {"messages": [{"content": [{"type": "tool_use", "id": "t", "input": {"url": PASTED}}]}]},
    "messages tool result": {
        "messages": [{"content": [{"type": "tool_result", "tool_use_id": "t", "content": PASTED}]}]
    },
    "messages document": {
        "messages": [{"content": [{"type": "document", "source": {"type": "text", "data": PASTED}}]}]
    },
    "responses": {"input": PASTED},
    "responses items": {"input": [{"role": "user", "content": [{"type": "input_text", "text": PASTED}]}]},
    "responses instructions": {"instructions": PASTED, "input": "x"},
    "responses output": {"input": [{"type": "function_call_output", "call_id": "call_1", "output": PASTED}]},
    "gemini": {"contents": [{"parts": [{"text": PASTED}]}]},
    "gemini system": {"systemInstruction": {"parts": [{"text": PASTED}]}},
    "gemini response": {
        "contents": [{"parts": [{"functionResponse": {"name": "f", "response": {"headers": PASTED}}}]}]
    },
    "converse": {"messages": [{"role": "user", "content": [{"text": PASTED}]}], "system": [{"text": "x"}]},
    "converse tool result": {"messages": [{"content": [{"toolResult": {"content": [{"json": {"id": PASTED}}]}}]}]},
    "tool description": {"tools": [{"type": "function", "function": {"name": "f", "description": PASTED}}]},
}


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_pasted_key_is_masked_and_all_else_stays_byte_for_byte(name: str, ascii_only: bool) -> None:
    body = json.dumps({"model": "m", **REQUESTS[name]}, ensure_ascii=ascii_only, indent=1).encode()
    found = secrets_in(body)
    assert found is not None
    assert found.rules == {"anthropic": 1}
    assert found.masked() == body.replace(KEY.encode(), b"[redacted:anthropic]")
    json.loads(found.masked())


@pytest.mark.parametrize(
    ("request_", "first"),
    [
        (REQUESTS["messages tool result"], "messages[0].content[0].content"),
        (REQUESTS["responses"], "input"),
        ({"messages": [{"content": "x"}, {KEY: "x"}]}, "messages[1].[redacted:anthropic]"),
        ({"messages": [{"a\r\nb: ü": KEY}]}, "messages[0].a\\r\\nb: ?"),
    ],
)
def test_the_place_of_the_first_is_named_and_repeats_no_secret(request_: dict[str, Any], first: str) -> None:
    found = secrets_in(json.dumps(request_, ensure_ascii=False).encode())
    assert found is not None
    assert found.first == first


@pytest.mark.parametrize(
    "request_",
    [
        {"messages": [{"content": [{"type": "image_url", "image_url": {"url": SIGNED}}]}]},
        {"messages": [{"content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}}]}]},
        {"messages": [{"content": [{"source": {"type": "base64", "data": base64.b64encode(KEY.encode()).decode()}}]}]},
        {"messages": [{"content": [{"type": "thinking", "thinking": "x", "signature": f"Eo{KEY}"}]}]},
        {"tools": [{"type": "mcp", "server_url": SIGNED, "authorization": KEY, "headers": {"x-api-key": KEY}}]},
        {"mcp_servers": [{"url": SIGNED, "authorization_token": KEY}]},
        {"input": [{"type": "reasoning", "encrypted_content": KEY, "id": KEY}]},
        {"metadata": {"user_id": KEY}, "user": KEY, "model": KEY, "previous_response_id": KEY},
        {"contents": [{"parts": [{"text": "x", "thoughtSignature": KEY}, {"fileData": {"fileUri": SIGNED}}]}]},
    ],
)
def test_what_is_no_text_is_left_alone(request_: dict[str, Any]) -> None:
    assert secrets_in(json.dumps(request_).encode()) is None


def test_a_value_is_told_by_its_name_as_in_a_log() -> None:
    body = b'{"messages":[{"content":[{"input":{"api_key":"hunter2hunter2","n":1}}]}]}'
    found = secrets_in(body)
    assert found is not None
    assert found.masked() == body.replace(b"hunter2hunter2", b"[redacted:token]")


def test_keys_of_all_formats_are_masked_in_a_prompt() -> None:
    keys = [credential(rule.shape, seed) for rule in RULES.format for seed in range(2)]
    body = json.dumps({"messages": [{"role": "user", "content": f"it is {key}, as you see"} for key in keys]}).encode()
    found = secrets_in(body)
    assert found is not None
    assert sum(found.rules.values()) == len(keys)
    said = [message["content"] for message in json.loads(found.masked())["messages"]]
    assert all(text.startswith("it is [redacted:") and text.endswith("], as you see") for text in said)


@pytest.mark.parametrize("cut", range(0, len(KEY), 6))
def test_a_key_is_found_on_every_border_of_a_window(cut: int) -> None:
    before = WINDOW_CHARS + OVERLAP_CHARS - len('"input": "') - cut
    body = json.dumps({"input": "x " * (before // 2) + KEY + " word" * 2_000}).encode()
    found = secrets_in(body)
    assert found is not None
    assert found.masked() == body.replace(KEY.encode(), b"[redacted:anthropic]")


def test_a_private_key_over_the_border_of_a_window_is_masked_whole() -> None:
    lines = "\n".join(credential("{B64}", seed) for seed in range(120))
    key = f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----"
    found = secrets_in(json.dumps({"input": "word " * 6200 + key + " word" * 9000}).encode())
    assert found is not None
    assert json.loads(found.masked())["input"] == "word " * 6200 + "[redacted:private-key]" + " word" * 9000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just(PASTED),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(deadline=None)
@given(JSON, st.booleans())
def test_the_texts_of_a_document_are_its_strings_with_their_paths(value: Any, ascii_only: bool) -> None:
    document = json.dumps(value, ensure_ascii=ascii_only)
    found = [json.loads(f'"{document[text.start : text.end]}"') for text in texts(document) if not text.is_name]
    assert found == list(_strings(value))


@settings(deadline=None)
@given(JSON)
def test_a_masked_document_is_the_document_with_masked_texts(value: Any) -> None:
    body = json.dumps({"messages": value}).encode()
    found = secrets_in(body)
    clean = json.loads(found.masked() if found is not None else body)
    assert KEY not in json.dumps(clean)
    assert [*_strings(clean["messages"])] == [redact_sensitive(text) for text in _strings(value)]


@given(st.binary() | st.text(alphabet='{}[]",:\\a ').map(str.encode))
def test_what_is_no_json_raises_nothing(body: bytes) -> None:
    secrets_in(body)


def _strings(value: Any) -> Any:
    if isinstance(value, str):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _strings(one)
