"""Clients of the Responses API before providers that do not have it, and models that have nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dd0c_route.wire.sse import SseParser
from tests.stand import CHAT, MESSAGES, PROVIDERS, Answer, Stand

MORE = """
[providers.chats]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"
api_key = {{ env = "SIM_KEY" }}
without = ["responses"]

[providers.responds]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"
api_key = {{ env = "SIM_KEY" }}
only_responses = ["*-codex*"]

[providers.passing]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"
without = ["responses"]
"""
PARAMETERS = {"type": "object", "properties": {"query": {"type": "string"}}}
TOOLS = [{"type": "function", "name": "look_up", "parameters": PARAMETERS}]
PATCH = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Edit files.",
    "format": {"type": "grammar", "syntax": "lark", "definition": 'start: "x"'},
}
FOREIGN = ["sim-anthropic/claude-haiku-4-5", "chats/gpt-4o-mini"]
ORDER = ["created", "in_progress", "output_item.added", "content_part.added", "output_text.delta", "output_text.done",
         "content_part.done", "output_item.done", "completed"]  # fmt: skip


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("stand"), providers=PROVIDERS + MORE) as running:
        yield running


def ask(model: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "input": "Say something.", **more}


def events(answer: Answer) -> list[dict[str, Any]]:
    parser = SseParser()
    found = [json.loads(one.data) for one in parser.feed(answer.body) + parser.close() if one.data != b"[DONE]"]
    assert [one["sequence_number"] for one in found] == list(range(len(found)))
    return found


def kinds(found: list[dict[str, Any]]) -> list[str]:
    """Without those that follow one of their own kind."""
    names = [str(one["type"]).removeprefix("response.") for one in found]
    return [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name]


@pytest.mark.parametrize("model", FOREIGN)
def test_an_answer_comes_as_a_response(stand: Stand, model: str) -> None:
    answer = stand.post("/v1/responses", ask(model, instructions="Be brief."), {"x-sim": "text=Good%20morning."})
    body = answer.json()
    entry = stand.entry(answer.id)

    assert answer.status == 200, answer.body
    assert (body["object"], body["status"]) == ("response", "completed")
    assert [part["text"] for item in body["output"] for part in item["content"]] == ["Good morning."]
    assert body["usage"]["output_tokens"] == entry["usage"]["output"] == entry["delivered_output_tokens"]
    assert (entry["provider"], entry["usage_source"]) == (model.partition("/")[0], "provider_final")


@pytest.mark.parametrize("model", FOREIGN)
def test_a_stream_has_the_events_in_the_order_that_clients_rely_on(stand: Stand, model: str) -> None:
    answer = stand.post("/v1/responses", ask(model, stream=True), {"x-sim": "text=Good%20morning."})
    found = events(answer)
    last = found[-1]["response"]

    assert kinds(found) == ORDER
    assert "".join(one["delta"] for one in found if one["type"].endswith("output_text.delta")) == "Good morning."
    assert last["output"][0]["content"][0]["text"] == "Good morning."
    assert last["usage"]["output_tokens"] == stand.entry(answer.id)["usage"]["output"] > 0
    assert stand.entry(answer.id)["end_state"] == "complete"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", FOREIGN)
def test_a_tool_is_called_and_its_result_goes_back(stand: Stand, model: str, stream: bool) -> None:
    answer = stand.post("/v1/responses", ask(model, tools=TOOLS, stream=stream), {"x-sim": "tool=1"})
    (call,) = events(answer)[-1]["response"]["output"] if stream else answer.json()["output"]

    assert (call["type"], call["name"]) == ("function_call", "look_up")
    assert "query" in json.loads(call["arguments"])

    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "found"}
    items = [{"role": "user", "content": "Look."}, call, result]
    again = stand.post("/v1/responses", ask(model, tools=TOOLS, input=items), {"x-sim": "text=Done."})
    assert again.json()["output"][0]["content"][0]["text"] == "Done.", again.body


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", FOREIGN)
def test_a_tool_of_free_text_goes_as_a_function_and_comes_back_as_it_was(
    stand: Stand, model: str, stream: bool
) -> None:
    answer = stand.post("/v1/responses", ask(model, tools=[PATCH], stream=stream), {"x-sim": "tool=1"})
    (call,) = events(answer)[-1]["response"]["output"] if stream else answer.json()["output"]

    assert (call["type"], call["name"]) == ("custom_tool_call", "apply_patch")
    assert call["input"]
    assert not call["input"].startswith("{")

    result = {"type": "custom_tool_call_output", "call_id": call["call_id"], "output": "Done!"}
    items = [{"role": "user", "content": "Mend it."}, call, result]
    again = stand.post("/v1/responses", ask(model, tools=[PATCH], input=items), {"x-sim": "text=Mended."})
    assert again.status == 200, again.body


@pytest.mark.parametrize("stream", [False, True])
def test_an_item_may_be_named_by_its_id_afterwards_by_whoever_gets_the_call(stand: Stand, stream: bool) -> None:
    """As the AI SDK does, which does not know that nobody keeps it."""
    answer = stand.post("/v1/responses", ask(FOREIGN[0], stream=stream), {"x-sim": "text=Good%20morning."})
    (item,) = events(answer)[-1]["response"]["output"] if stream else answer.json()["output"]
    named = {"type": "item_reference", "id": item["id"]}
    items = [{"role": "user", "content": "a"}, named, {"role": "user", "content": "b"}]

    for model in (*FOREIGN, "sim/gpt-4o-mini"):
        again = stand.post("/v1/responses", ask(model, input=items), {"x-sim": "chunks=2"})
        assert again.status == 200, again.body
        assert stand.entry(again.id)["provider"] == model.partition("/")[0]


def test_an_answer_that_is_not_to_be_kept_is_not(stand: Stand) -> None:
    answer = stand.post("/v1/responses", ask(FOREIGN[1], input="Once.", store=False), {"x-sim": "chunks=2"})
    named = {"type": "item_reference", "id": answer.json()["output"][0]["id"]}

    assert stand.post("/v1/responses", ask(FOREIGN[1], input=[named])).status == 400


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"tools": [{"type": "web_search"}]}, "web_search"),
        ({"input": [{"type": "item_reference", "id": "rs_1"}, {"role": "user", "content": "a"}]}, "item_reference"),
        ({"store": True}, "store"),
        ({"text": {"verbosity": "low"}}, "text.verbosity"),
    ],
)
def test_what_only_openai_has_is_refused_by_name_or_dropped_by_name(
    stand: Stand, more: dict[str, Any], name: str
) -> None:
    body = ask("sim-anthropic/claude-haiku-4-5", **more)
    refused = stand.post("/v1/responses", body)
    dropped = stand.post("/v1/responses", body, {"x-dd0c-drop": "on"})

    assert refused.status == 400
    assert name in refused.json()["error"]["message"]
    assert dropped.status == 200, dropped.body
    assert name in dropped.headers["x-dd0c-dropped"]
    assert any(name in one for one in stand.entry(dropped.id)["decision"]["dropped"])


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 529])
def test_an_error_of_anthropics_comes_in_the_shape_of_openais(stand: Stand, status: int) -> None:
    answer = stand.post("/v1/responses", ask(FOREIGN[0]), {"x-sim": f"status={status}"})

    assert answer.status == (503 if status == 529 else status)
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("model", FOREIGN)
def test_a_stream_that_the_provider_fails_says_so(stand: Stand, model: str) -> None:
    answer = stand.post("/v1/responses", ask(model, stream=True), {"x-sim": "chunks=20; error_after=5"})
    names = kinds(events(answer))

    assert names[-2:] == ["error", "failed"]
    assert "completed" not in names
    assert stand.entry(answer.id)["end_state"] == "upstream_failed"


@pytest.mark.parametrize("stream", [False, True])
def test_its_cost_stands_in_its_usage_where_the_caller_asks(stand: Stand, stream: bool) -> None:
    body = ask("sim-anthropic/claude-haiku-4-5", stream=stream)
    answer = stand.post("/v1/responses", body, {"x-sim": "chunks=3", "x-dd0c-cost": "on"})
    usage = events(answer)[-1]["response"]["usage"] if stream else answer.json()["usage"]
    usual = stand.post("/v1/responses", body, {"x-sim": "chunks=3"})

    assert "cost" in usage
    assert b'"cost"' not in usual.body


def test_the_callers_own_key_passes_on_to_the_same_provider_only(stand: Stand) -> None:
    headers = {"x-sim": "echo=1", "authorization": "Bearer synthetic-callers-key-0123456789"}
    same = stand.post("/v1/responses", ask("passing/gpt-4o-mini"), headers)
    other = stand.post("/v1/responses", ask("sim-anthropic/claude-haiku-4-5"), headers)

    assert b"synthetic-callers-key-0123456789" in same.body
    assert b"synthetic-callers-key-0123456789" not in other.body


# --- models that have the Responses API alone -------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_a_chat_client_is_answered_by_responses(stand: Stand, stream: bool) -> None:
    body = {**CHAT, "model": "responds/gpt-5-codex", "stream": stream}
    answer = stand.post("/v1/chat/completions", body, {"x-sim": "text=Good%20morning."})
    entry = stand.entry(answer.id)

    assert answer.status == 200, answer.body
    if stream:
        assert answer.body.endswith(b"data: [DONE]\n\n")
        assert b"Good" in answer.body
    else:
        assert answer.json()["choices"][0]["message"]["content"] == "Good morning."
    assert entry["usage_source"] == "provider_final"
    assert stand.sim_stats()["calls"][-1]["path"].endswith("/responses")


@pytest.mark.parametrize("stream", [False, True])
def test_a_messages_client_calls_tools_by_responses(stand: Stand, stream: bool) -> None:
    tools = [{"name": "look_up", "input_schema": PARAMETERS}]
    body = {**MESSAGES, "model": "responds/gpt-5-codex", "tools": tools, "stream": stream}
    answer = stand.post("/v1/messages", body, {"x-sim": "tool=1"})

    assert answer.status == 200, answer.body
    assert b'"tool_use"' in answer.body
    assert stand.sim_stats()["calls"][-1]["path"].endswith("/responses")


def test_other_models_of_it_are_asked_as_the_caller_asked(stand: Stand) -> None:
    stand.post("/v1/chat/completions", {**CHAT, "model": "responds/gpt-4o-mini"}, {"x-sim": "chunks=2"})

    assert stand.sim_stats()["calls"][-1]["path"].endswith("/chat/completions")


def test_an_error_of_the_same_provider_comes_byte_for_byte(stand: Stand) -> None:
    headers = {"x-sim": "status=429"}
    asked = stand.post("/v1/chat/completions", {**CHAT, "model": "responds/gpt-5-codex"}, headers)
    usual = stand.post("/v1/responses", ask("responds/gpt-5-codex"), headers)

    assert asked.status == 429
    assert asked.body == usual.body
