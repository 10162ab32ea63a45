"""Kinds of requests, by headers and by shape; forms of answers."""

from __future__ import annotations

from typing import Any

import pytest

from dd0c_route.brain.request import asked
from tests.brain.test_request import CALLED, RESULT, TOOL, read, user
from tests.proxy.examples import call

SCHEMA = {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"x-dd0c-kind": "title"}, "title"),
        ({"x-dd0c-kind": "Nightly-Report"}, "nightly_report"),
        ({"x-dd0c-kind": "no such: kind"}, "main"),
        ({"x-claude-code-request-class": "session-title"}, "title"),
        ({"x-claude-code-request-class": "compact"}, "summary"),
        ({"x-claude-code-agent-id": "a1"}, "subagent"),
        ({"x-claude-code-agent-id": "a1", "x-claude-code-request-class": "main"}, "subagent"),
        ({"x-claude-code-agent-id": "a1", "x-claude-code-request-class": "title"}, "title"),
        ({"x-openai-subagent": "review"}, "subagent"),
        ({"x-codex-turn-metadata": '{"request_kind": "turn", "agent_name": "explorer"}'}, "subagent"),
        ({"x-codex-turn-metadata": '{"request_kind": "compact"}'}, "summary"),
        ({"x-codex-turn-metadata": "no JSON"}, "main"),
        ({}, "main"),
    ],
)
def test_headers_of_agents_say_the_kind(headers: dict[str, str], kind: str) -> None:
    assert read({"messages": [user("Hello there.")], "tools": [TOOL]}, headers).kind == kind


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"messages": [user("Generate a title for this conversation")], **SCHEMA}, "title"),
        ({"system": "Summarize this conversation in a short title.", "messages": [user("hi")]}, "title"),
        ({"messages": [{"role": "system", "content": "Please write a 5 word title"}, user("x")]}, "title"),
        ({"system": "You summarize conversations.", "messages": [user("a: b, c: d")]}, "summary"),
        ({"messages": [user("Classify the sentiment of this text: good")], "max_tokens": 5}, "classification"),
        ({"messages": [{"role": "system", "content": "Task Router: pick a model"}, user("x")], **SCHEMA},
         "classification"),
        ({"messages": [user("Classify the sentiment of this text: good")]}, "main"),
        ({"messages": [user("Generate a title")], "tools": [TOOL]}, "main"),
        ({"messages": [user("a"), CALLED, RESULT], "tools": [TOOL]}, "tool_turn"),
        ({"prompt": "Once upon a time"}, "main"),
    ],
)  # fmt: skip
def test_side_calls_are_told_by_shape_and_wording(body: dict[str, Any], kind: str) -> None:
    assert read(body).kind == kind


@pytest.mark.parametrize(("api", "kind"), [("openai.embeddings", "embedding"), ("openai.completions", "completion")])
def test_the_api_says_the_kind_where_it_is_no_chat(api: str, kind: str) -> None:
    assert asked(call(b'{"model":"m","input":"a","prompt":"a"}', api=api)).kind == kind


@pytest.mark.parametrize(
    ("text", "more", "form"),
    [
        ("Why is the sky blue?", {}, "chat"),
        ("Which is right?\nA) red\nB) blue", {}, "choice"),
        ("Is it blue? Answer yes or no.", {}, "word"),
        ("Is it blue?", {"max_tokens": 4}, "word"),
        ("Implement a queue.", {}, "code"),
        ("```python\nx\n```", {}, "code"),
        ("Write an essay on rain.", {}, "essay"),
        ("Give me the parts.", SCHEMA, "json"),
    ],
)
def test_the_form_of_the_answer_is_told(text: str, more: dict[str, Any], form: str) -> None:
    assert read({"messages": [user(text)], **more}).form == form
