"""OpenAI's frames against what OpenAI and Azure reported for recorded requests."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from dd0c_route.tokens import count_request_exactly
from dd0c_route.tokens.frames import frame_of
from dd0c_route.types import Count
from tests.tokens.corpus import recordings
from tests.tokens.frames.openai_requests import HI, HI_TOKENS, chat, tokens

Pairs = list[tuple[Count, int]]
_HARD = {"file", "audio", "video", "server_tools"}


def test_names_that_look_alike_are_told_apart() -> None:
    body = {"messages": [HI]}
    assert chat(body, "o1-mini").tokens == chat(body, "gpt-35-turbo").tokens == HI_TOKENS
    assert chat(body, "o1").tokens == chat(body, "gpt-5").tokens == chat(body, "gpt-10").tokens == HI_TOKENS - 1


def test_fields_that_hold_nothing_are_no_obstacle() -> None:
    message: dict[str, Any] = {"role": "assistant", "content": "hi", "audio": None, "parsed": None, "tool_calls": []}
    assert chat({"messages": [message]}).tokens == 3 + 4 + tokens("hi")


def test_models_that_search_are_billed_the_texts_alone() -> None:
    body = {"messages": [{"role": "system", "content": "Be kind."}, HI], "web_search_options": {}}
    assert chat(body, "gpt-4o-search-preview").tokens == tokens("Be kind.", "hi")


def test_what_is_predicted_is_billed_with_the_answer() -> None:
    count = chat({"messages": [HI], "prediction": {"type": "content", "content": "hello"}})
    assert (count.tokens, count.band[0]) == (HI_TOKENS, HI_TOKENS)
    assert count.exactness == "estimated"


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": "hi", "from_the_future": "x"}]},
        {"messages": [{"role": "tool", "tool_call_id": "1", "content": "of no call"}]},
        {"messages": [HI], "tools": [{"type": "custom", "custom": {"name": "f"}}]},
        {"messages": [HI], "web_search_options": {"search_context_size": "low"}},
    ],
)
def test_what_is_not_known_has_no_frame(body: dict[str, Any]) -> None:
    fields = {name: Raw(msgspec.json.encode(value)) for name, value in body.items()}
    assert frame_of("openai.chat", fields, "gpt-4o") is None


# --- against recordings -------------------------------------------------------------------------------


def kind(features: list[str]) -> str:
    found = set(features)
    for name in ("image", "schema", "tool_history", "tools"):
        if name in found:
            return name
    return "text"


@cache
def pairs(api: str) -> dict[str, list[tuple[str, Count, int]]]:
    """Kind of request -> model, our count, and what was reported, for requests with a frame."""
    found: dict[str, list[tuple[str, Count, int]]] = {}
    for record in recordings(api):
        true, request = (record.get("usage_norm") or {}).get("input_total"), record["request"]
        model, provider = (record["model"] or "").lower(), record["provider"]
        if not true or provider not in ("openai", "azure") or set(record["features"]) & _HARD:
            continue
        if "[REDACTED]" in str(request) or not isinstance(request, dict):
            continue
        fields = {name: Raw(msgspec.json.encode(value)) for name, value in request.items()}
        if frame_of(api, fields, model, provider) is not None:
            count = count_request_exactly(api, fields, model, provider)
            found.setdefault(kind(record["features"]), []).append((model, count, true))
    return found


def share(counted: Pairs, right: Callable[[Count, int], bool]) -> float:
    return sum(right(count, true) for count, true in counted) / len(counted)


@pytest.mark.parametrize(
    ("api", "models", "of", "least", "exact", "percent"),
    [
        ("openai.chat", ("gpt-3.5", "gpt-4"), "text", 1000, 0.98, 0.98),
        ("openai.chat", ("gpt-3.5", "gpt-4"), "tools", 400, 0.97, 0.98),
        ("openai.chat", ("gpt-3.5", "gpt-4"), "tool_history", 400, 0.94, 0.98),
        ("openai.chat", ("gpt-3.5", "gpt-4"), "schema", 200, 0.98, 0.98),
        ("openai.chat", ("gpt-5",), "text", 40, 0.98, 0.98),
        ("openai.chat", ("gpt-5",), "tools", 50, 0.98, 0.98),
        ("openai.chat", ("gpt-5",), "tool_history", 25, 0.98, 0.98),
        ("openai.responses", ("gpt-4o-mini", "gpt-4.1"), "text", 100, 0.98, 0.98),
        ("openai.responses", ("gpt-4o-mini", "gpt-4.1"), "tools", 20, 0.95, 0.95),
        ("openai.responses", ("gpt-5",), "text", 100, 0.95, 0.95),
        ("openai.responses", ("gpt-5",), "tools", 100, 0.98, 0.98),
        ("openai.responses", ("gpt-5",), "schema", 50, 0.98, 0.98),
        ("openai.chat", ("gpt-",), "image", 80, 0.75, 0.8),  # the sizes of some are not known
    ],
)
def test_recorded_requests_are_counted(
    api: str,
    models: tuple[str, ...],
    of: str,
    least: int,
    exact: float,
    percent: float,
    capsys: pytest.CaptureFixture[str],
) -> None:
    counted = [(count, true) for model, count, true in pairs(api).get(of, []) if model.startswith(models)]
    hits = share(counted, lambda count, true: count.tokens == true)
    near = share(counted, lambda count, true: abs(count.tokens - true) <= true * 0.01)
    inside = share(counted, lambda count, true: count.band[0] <= true <= count.band[1])
    with capsys.disabled():
        print(f"\n{api}, {', '.join(models)}, {of}: {len(counted)}, {hits:.1%} exact, {near:.1%} within 1 %", end="")
    assert len(counted) >= least
    assert hits >= exact
    assert near >= percent
    assert inside >= 0.95


@pytest.mark.parametrize("api", ["openai.chat", "openai.responses"])
def test_a_count_that_claims_to_be_exact_is(api: str) -> None:
    claimed = [(count, true) for found in pairs(api).values() for _, count, true in found if count.exactness == "exact"]
    assert len(claimed) > 300
    assert share(claimed, lambda count, true: count.tokens == true) >= 0.98
