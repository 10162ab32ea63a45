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
        ({"x-claude-code-request-class": "main"}, "main"),
        ({"x-claude-code-request-class": "compaction"}, "summary"),
        ({"x-claude-code-request-class": "workflow"}, "subagent"),
        ({"x-claude-code-request-class": "auxiliary"}, "auxiliary"),
        ({"x-claude-code-request-class": "auxiliary", "x-claude-code-agent-id": "a1"}, "auxiliary"),
        ({"x-claude-code-request-class": "something new"}, "main"),
        ({"x-claude-code-compaction": "reactive"}, "summary"),
        ({"x-claude-code-agent-type": "Explore"}, "subagent"),
        ({"x-claude-code-agent-id": "a1"}, "subagent"),
        ({"x-claude-code-agent-id": "a1", "x-claude-code-request-class": "main"}, "subagent"),
        ({"x-claude-code-agent-id": "a1", "x-claude-code-request-class": "compaction"}, "summary"),
        ({"x-openai-subagent": "review"}, "subagent"),
        ({"x-openai-subagent": "a label of its own"}, "subagent"),
        ({"x-openai-subagent": "compact"}, "summary"),
        ({"x-openai-subagent": "false"}, "main"),
        ({"x-openai-memgen-request": "true"}, "summary"),
        ({"x-codex-parent-thread-id": "t1"}, "subagent"),
        ({"x-codex-turn-metadata": '{"request_kind": "turn", "agent_name": "explorer"}'}, "subagent"),
        ({"x-codex-turn-metadata": '{"request_kind": "turn", "agent_name": "/root"}'}, "main"),
        ({"x-codex-turn-metadata": '{"request_kind": "turn", "thread_source": "subagent"}'}, "subagent"),
        ({"x-codex-turn-metadata": '{"request_kind": "compaction"}'}, "summary"),
        ({"x-codex-turn-metadata": '{"request_kind": "turn"}'}, "main"),
        ({"x-codex-turn-metadata": "no JSON"}, "main"),
        ({"x-parent-session-id": "ses_a", "x-session-id": "ses_b"}, "subagent"),
        ({"x-session-id": "ses_a", "x-session-affinity": "ses_a"}, "main"),
        ({"x-interaction-type": "conversation-subagent", "x-initiator": "agent"}, "subagent"),
        ({"x-interaction-type": "conversation-agent"}, "main"),
        ({"openai-intent": "conversation-background"}, "auxiliary"),
        ({}, "main"),
    ],
)
def test_headers_of_agents_say_the_kind(headers: dict[str, str], kind: str) -> None:
    assert read({"messages": [user("Hello there.")], "tools": [TOOL]}, headers).kind == kind


def test_what_codex_says_in_the_body_counts_too() -> None:
    spoken = {"client_metadata": {"x-openai-subagent": "collab_spawn", "thread_id": "t1"}}
    assert read({"input": "a", **spoken}).kind == "subagent"
    nested = {"client_metadata": {"x-codex-turn-metadata": '{"request_kind": "compaction"}'}}
    assert read({"input": "a", **nested}).kind == "summary"


def test_an_auxiliary_request_is_told_apart_by_its_shape() -> None:
    said = {"x-claude-code-request-class": "auxiliary"}
    assert read({"messages": [user("Generate a title for this conversation")], **SCHEMA}, said).kind == "title"


def test_a_main_turn_that_brings_results_is_a_tool_turn() -> None:
    said = {"x-claude-code-request-class": "main"}
    assert read({"messages": [user("a"), CALLED, RESULT], "tools": [TOOL]}, said).kind == "tool_turn"
    assert read({"messages": [user("Summarize this conversation in a title.")]}, said).kind == "main"


CLAUDE_TITLE = "Analyze if this message indicates a new conversation topic. If it does, extract a title."
COMPACT = "Your task is to create a detailed summary of the conversation so far."


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"system": CLAUDE_TITLE, "messages": [user("Fix the build.")]}, "title"),
        ({"system": "You are a CLI.", "tools": [TOOL], "messages": [user("Hi."), user(COMPACT)]}, "summary"),
        ({"system": COMPACT, "tools": [TOOL], "messages": [user("Hi.")]}, "main"),
        ({"messages": [user("<policy_spec># Command prefix detection</policy_spec> git log")]}, "classification"),
        ({"messages": [{"role": "system", "content": "You are a title generator."}, user("Fix it.")]}, "title"),
        ({"systemInstruction": {"parts": [{"text": "You are a specialized Task Routing AI."}]},
          "contents": [{"parts": [{"text": "Fix it."}]}]}, "classification"),
        ({"contents": [{"parts": [{"text": "Decide who should speak next: next_speaker."}]}],
          "generationConfig": {"responseMimeType": "application/json"}}, "classification"),
        ({"instructions": "You are performing a CONTEXT CHECKPOINT COMPACTION.", "input": "Go."}, "summary"),
        ({"messages": [user("Given this, reply with a title for the chat of 3-4 words.")]}, "title"),
        ({"messages": [{"role": "system", "content": "You write concise, one-line Git commit messages."},
                       user("diff")]}, "auxiliary"),
        ({"messages": [user("Briefly summarize this partial conversation.")]}, "summary"),
    ],
)  # fmt: skip
def test_side_calls_of_each_client_are_told_by_their_words(body: dict[str, Any], kind: str) -> None:
    assert read(body).kind == kind


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
