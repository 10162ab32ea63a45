"""The cost where the caller looks: in the final usage object of each dialect, for those who ask, and by the id."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from dd0c_route.wire.sse import SseParser
from tests.stand import CHAT, MESSAGES, PROVIDERS, Answer, Stand

PRICED = re.sub(
    r'dialect = "(\w+)"',
    lambda found: f'{found[0]}\nprice_as = "{"google" if found[1] == "gemini" else found[1]}"',
    PROVIDERS,
)
ASKS = {"x-dd0c-cost": "on", "x-sim": "chunks=7"}
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "Say something."}]}]}
RESPONSES = {"model": "gpt-4o-mini", "input": "Say something."}
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", CHAT),
    "messages": ("/v1/messages", MESSAGES),
    "responses": ("/v1/responses", RESPONSES),
    "gemini": ("/v1beta/models/gemini-2.5-flash:generateContent", GEMINI),
    "chat at Anthropic": ("/v1/chat/completions", {**CHAT, "model": "sim-anthropic/claude-haiku-4-5"}),
    "chat at Google": ("/v1/chat/completions", {**CHAT, "model": "sim-gemini/gemini-2.5-flash"}),
    "responses at Anthropic": ("/v1/responses", {**RESPONSES, "model": "sim-anthropic/claude-haiku-4-5"}),
    "gemini's array at OpenAI": ("/v1beta/models/sim%2Fgpt-4o-mini:generateContent", GEMINI),
    "gemini at OpenAI": ("/v1beta/models/sim%2Fgpt-4o-mini:generateContent", GEMINI),
    "messages at OpenAI": ("/v1/messages", {**MESSAGES, "model": "sim/gpt-4o-mini"}),
}


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("stand"), providers=PRICED) as running:
        yield running


def ask(stand: Stand, name: str, *, stream: bool, headers: dict[str, str]) -> Answer:
    path, body = CALLS[name]
    if stream and name.startswith("gemini"):
        how = "" if "array" in name else "?alt=sse"
        path = path.replace(":generateContent", f":streamGenerateContent{how}")
    elif stream:
        body = {**body, "stream": True}
    answer = stand.post(path, body, headers)
    assert answer.status == 200, answer.body
    return answer


def usages(answer: Answer, *, stream: bool) -> list[dict[str, Any]]:
    """All usage objects of the answer, in their order."""
    if not stream:
        whole = [answer.json()]
    elif answer.body.startswith(b"["):
        whole = answer.json()
    else:
        parser = SseParser()
        datas = [event.data for event in parser.feed(answer.body) + parser.close()]
        whole = [json.loads(data) for data in datas if data != b"[DONE]"]
    inner = [one.get("response") or one.get("message") or one for one in whole]
    return [found for one in inner if (found := one.get("usage") or one.get("usageMetadata"))]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", list(CALLS))
def test_who_asks_finds_the_entrys_cost_in_the_last_usage_object(stand: Stand, name: str, stream: bool) -> None:
    answer = ask(stand, name, stream=stream, headers=ASKS)
    entry = stand.entry(answer.id)
    *others, last = usages(answer, stream=stream)

    assert entry["usage_source"] == "provider_final"
    assert last["cost"] == float(entry["cost_usd"]) > 0
    details = last["cost_details"]
    assert details["upstream_inference_cost"] == last["cost"]
    both = details["upstream_inference_prompt_cost"] + details["upstream_inference_completions_cost"]
    assert both == pytest.approx(last["cost"])
    assert not any("cost" in usage for usage in others)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", list(CALLS))
def test_who_does_not_ask_finds_none(stand: Stand, name: str, stream: bool) -> None:
    answer = ask(stand, name, stream=stream, headers={"x-sim": "chunks=7"})

    assert not any("cost" in usage for usage in usages(answer, stream=stream))
    assert ("x-dd0c-cost-usd" in answer.headers) is not stream


def test_the_body_of_an_openai_call_asks_as_well(stand: Stand) -> None:
    path, body = CALLS["chat"]
    answer = stand.post(path, {**body, "dd0c": {"cost": True}, "stream": True}, {"x-sim": "chunks=7"})

    assert usages(answer, stream=True)[-1]["cost"] > 0


def test_the_cost_can_be_looked_up_by_the_id_of_the_header(stand: Stand) -> None:
    answer = ask(stand, "chat", stream=False, headers={"x-sim": "chunks=7"})

    assert stand.entry(answer.id)["cost_usd"] == answer.headers["x-dd0c-cost-usd"]
