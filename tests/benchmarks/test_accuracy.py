"""The accuracy report: which class a request is in, what errors are, and what is asked of others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from benchmarks.accuracy import others, tables
from benchmarks.accuracy.cases import Case, family, kind_of, several
from benchmarks.accuracy.delivered import cuts, cuts_of
from benchmarks.accuracy.measured import Measured, errors, least
from benchmarks.accuracy.money import is_first_party, moment
from dd0c_route.types import Count


def record(provider: str = "openai", model: str = "gpt-4o", **fields: Any) -> dict[str, Any]:
    return {"provider": provider, "model": model, "api": "openai.chat", "features": [], "request": {}, **fields}


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (record(), "OpenAI chat, gpt-3.5 to 4.1"),
        (record("azure", "gpt-5-mini"), "OpenAI chat, gpt-5"),
        (record(model="o3-mini"), "OpenAI chat, o-series"),
        (record("anthropic", "claude-opus-4-6"), "Claude 3 to 4.6"),
        (record("anthropic", "claude-sonnet-5"), "Claude 4.7 and later"),
        (record("bedrock", "us.anthropic.claude-3-haiku"), "Claude 3 to 4.6, other hosts"),
        (record("vertex", "gemini-2.5-flash"), "Gemini, Vertex"),
        (record("groq", "llama3-8b"), "others, chat"),
        (record("azure", "grok-4-fast"), "others, chat"),
        (record("anthropic", "claude-2.1"), "Claude 2"),
    ],
)
def test_a_model_is_in_the_family_of_its_maker(given: dict[str, Any], name: str) -> None:
    assert family(given) == name


def test_the_hardest_part_of_a_request_names_its_class() -> None:
    assert kind_of(record()) == "text"
    assert kind_of(record(features=["tools", "schema"])) == "tools"
    assert kind_of(record(features=["tools", "tool_history"])) == "tools, history"
    assert kind_of(record(features=["tools", "image", "server_tools"])) == "server tools"
    assert kind_of(record(features=["image"], request={"previous_response_id": "r"})) == "state"
    assert kind_of(record(request={"input": [{"type": "compaction", "encrypted_content": "x"}]})) == "state"


def test_answers_of_several_choices_are_left_out() -> None:
    assert several({"n": 2})
    assert several({"generationConfig": {"candidateCount": 3}})
    assert not several({"n": 1})


def test_errors_are_relative_to_the_truth() -> None:
    found = errors([(100, 100), (102, 100), (1008, 1000), (50, 100)])
    assert (found.exact, found.within, found.near) == (0.25, 0.5, 0.75)
    assert found.most == 0.5
    assert found.sum == pytest.approx(1260 / 1300 - 1)


def measured(source: str, tokens: int) -> Measured:
    case = Case("a class", source, "openai.chat", "openai", "gpt-4o", "answer", "x" * 40, 10)
    return Measured(case, Count(tokens, "exact", (tokens, tokens), "o200k_base"), 12.0, None, others.by_length(case))


def test_the_worst_repository_is_told_and_small_ones_are_not() -> None:
    found = [measured("good", 10)] * 20 + [measured("bad", 11)] * 10 + [measured("small", 99)] * 9
    assert least(found, "exact") == (0.0, "bad")


def test_a_class_of_few_cases_has_no_line_of_its_own() -> None:
    assert [line for line in tables.classes_table([measured("one", 10)] * 9) if line.startswith("| a class")] == []
    lines = list(tables.classes_table([measured("one", 10)] * 10))
    assert lines[-1].startswith("| a class | 10 | 100.0 % | 100.0 % | 100.0 % | 0.0 % | 0.0 % | 100.0 % | - | 0.0 %")


@pytest.mark.parametrize(
    ("request_", "messages"),
    [
        ({"messages": [{"role": "user", "content": "Hi"}]}, [{"role": "user", "content": "Hi"}]),
        (
            {"system": [{"type": "text", "text": "Be brief."}], "messages": [{"role": "user", "content": "Hi"}]},
            [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        ),
        (
            {"contents": [{"role": "model", "parts": [{"text": "Hi"}]}]},
            [{"role": "assistant", "content": [{"type": "text", "text": "Hi"}]}],
        ),
        ({"input": "Hi"}, [{"role": "user", "content": "Hi"}]),
    ],
)
def test_other_dialects_are_asked_in_the_shape_that_litellm_counts(
    request_: dict[str, Any], messages: list[dict[str, Any]]
) -> None:
    case = Case("a class", "one", "openai.responses", "openai", "gpt-4o", "prompt", request_, 10)
    assert others.question(case)["prompt"]["messages"] == messages


def test_tools_of_every_dialect_become_functions() -> None:
    schema = {"type": "object"}
    function = {"name": "f", "description": "d", "parameters": schema}
    for given in (
        {"type": "function", "function": function},
        {"name": "f", "description": "d", "input_schema": schema},
        {"functionDeclarations": [function]},
    ):
        assert others.tools_of({"tools": [given]}) == [{"type": "function", "function": function}]


def test_what_several_hosts_serve_is_not_first_party() -> None:
    assert is_first_party("openrouter", "anthropic/claude-haiku-4.5")
    assert is_first_party("xai", "grok-4.3")
    assert not is_first_party("openrouter", "openai/gpt-oss-120b")
    assert not is_first_party("openrouter", "deepseek/deepseek-chat")


def test_both_spellings_of_a_date_are_read() -> None:
    spelled = [moment({"recorded": given}) for given in ("Tue, 14 Jan 2025 22:01:37 GMT", "2025-01-14T22:01:37+00:00")]
    assert spelled[0] == spelled[1]


CHUNK = b'data: {"choices": [{"index": 0, "delta": {"content": "%s"}, "logprobs": {"content": [%s]}}]}\n\n'


def test_a_stream_that_names_its_tokens_is_counted_at_every_cut() -> None:
    body = CHUNK % (b"Hello", b'{"token": "Hello", "logprob": 0}')
    body += CHUNK % (b" world!", b'{"token": " world", "logprob": 0}, {"token": "!", "logprob": 0}')
    found = list(cuts_of(record(id="r", url="/v1/chat/completions"), "text/event-stream", body))
    assert [(cut.truth, cut.counted) for cut in found] == [(1, 1), (3, 3)]


def test_delivered_tokens_at_every_cut_of_recorded_streams_are_those_that_the_provider_named() -> None:
    if not (folder := os.environ.get("DD0C_CORPUS")):
        pytest.skip("set DD0C_CORPUS to the folder that holds recordings/")
    found = list(cuts(Path(folder) / "recordings"))
    assert len({cut.record for cut in found}) >= 20
    assert [cut for cut in found if cut.truth != cut.counted] == []
