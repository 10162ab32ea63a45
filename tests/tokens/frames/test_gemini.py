from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from dd0c_route.tokens.extras.gemma import GemmaCounter
from dd0c_route.tokens.frames import answer_end, frame_of
from dd0c_route.tokens.frames.gemini_images import image
from dd0c_route.tokens.frames.reading import Frame
from tests.tokens.corpus import recordings
from tests.tokens.extras.installed import counter_or_skip

NEW, OLD = "gemini-2.5-flash", "gemini-2.0-flash"


def fields_of(request: dict[str, Any]) -> dict[str, Raw]:
    return {name: Raw(msgspec.json.encode(value)) for name, value in request.items()}


def frame(request: dict[str, Any], model: str = NEW, provider: str = "google", api: str = "gemini.generate") -> Frame:
    found = frame_of(api, fields_of(request), model, provider)
    assert found is not None
    return found


def said(*texts: str) -> dict[str, Any]:
    roles = ("user", "model") * len(texts)
    return {"contents": [{"role": role, "parts": [{"text": text}]} for role, text in zip(roles, texts, strict=False)]}


@pytest.mark.parametrize(
    ("model", "provider", "tokens"),
    [(NEW, "google", 4), (NEW, "", 4), (NEW, "vertex", 0), (OLD, "google", 0), ("gemini-3.5-flash", "google", 4)],
)
def test_each_content_and_the_system_instruction_cost_a_token_on_google_ai(
    model: str, provider: str, tokens: int
) -> None:
    instruction = {"role": "user", "parts": [{"text": "s"}]}
    found = frame(said("a", "b", "c") | {"systemInstruction": instruction}, model, provider)
    assert found.tokens == tokens
    assert found.texts == ("a", "b", "c", "s")


def test_a_system_instruction_without_a_role_is_its_text_alone() -> None:
    found = frame(said("a") | {"systemInstruction": {"parts": [{"text": "s"}]}})
    assert (found.texts, found.tokens) == (("a", "s"), 1)


def test_a_short_text_on_google_ai_is_exact() -> None:
    assert frame(said("hi")) == Frame(("hi",), 1)
    assert frame(said("word " * 200)).below > 0  # the vocabulary is not Gemini's own to the last word


def test_parts_are_encoded_apart_but_for_later_models_on_vertex() -> None:
    two = {"contents": [{"parts": [{"text": "a"}, {"text": "b"}]}]}
    assert frame(two).texts == ("a", "b")
    assert frame(two, "gemini-2.5-flash", "vertex").texts == ("a", "b")
    assert frame(two, "gemini-3.5-flash", "vertex").texts == ("ab",)


@pytest.mark.parametrize(("provider", "texts"), [("google", ("hm", "yes")), ("vertex", ("yes",))])
def test_texts_of_earlier_thoughts_are_read_on_google_ai(provider: str, texts: tuple[str, ...]) -> None:
    answer = {"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": "yes"}]}
    assert frame({"contents": [answer]}, provider=provider).texts == texts


@pytest.mark.parametrize(
    "request_body",
    [
        {"contents": {"role": "user", "parts": {"text": "hi"}}},
        {"contents": "hi"},
        {"contents": ["hi"]},
        {"contents": [{"parts": ["hi"]}]},
        {"contents": [{"parts": [{"text": "hi", "thought_signature": ""}]}], "system_instruction": None},
    ],
)
def test_one_may_stand_where_several_may(request_body: dict[str, Any]) -> None:
    assert frame(request_body) == Frame(("hi",), 1)


def test_count_tokens_counts_the_request_that_it_holds() -> None:
    inner = said("hi") | {"systemInstruction": {"parts": [{"text": "be kind"}]}}
    assert frame({"generateContentRequest": inner}, api="gemini.count_tokens") == frame(inner)
    assert frame(said("hi"), api="gemini.count_tokens") == frame(said("hi"))


WEATHER = {
    "name": "weather",
    "description": "Gets the weather",
    "parameters": {
        "type": "OBJECT",
        "properties": {
            "town": {"type": "STRING", "description": "Where"},
            "unit": {"type": "STRING", "enum": ["C", "F"]},
        },
        "required": ["town", "unit"],
    },
}


def tools(*declarations: dict[str, Any]) -> dict[str, Any]:
    return said("hi") | {"tools": [{"functionDeclarations": list(declarations)}]}


@pytest.mark.parametrize(
    ("model", "provider", "tokens"),
    [
        (OLD, "google", 3),  # the three types
        (NEW, "vertex", 3),
        (NEW, "google", 1 + 18 + 2 * 9 + 2),
        ("gemini-3.5-flash", "google", 1 + 13 + 2 * 5 + 2 * 10 + 4 + 2 * 5),
    ],
)
def test_what_stands_around_the_texts_of_a_function(model: str, provider: str, tokens: int) -> None:
    found = frame(tools(WEATHER), model, provider)
    assert sorted(found.texts) == sorted(
        ("hi", "weather", "Gets the weather", "town", "unit", "town", "unit", "Where", "C", "F")
    )
    assert found.tokens == tokens


def test_vertex_does_not_read_a_json_schema() -> None:
    schema = {"type": "object", "properties": {"town": {"type": "string"}}}
    declaration = {"name": "weather", "description": "", "parametersJsonSchema": schema}
    assert frame(tools(declaration), NEW, "vertex").texts == ("hi", "weather")
    assert frame(tools(declaration)).texts == ("hi", "weather", "town")
    assert frame(tools(declaration)).tokens == 1 + 18 + 9 + 5


def test_a_reference_is_followed_but_not_in_circles() -> None:
    schema = {
        "properties": {"next": {"$ref": "#/$defs/Node"}},
        "$defs": {"Node": {"properties": {"next": {"$ref": "#/$defs/Node"}}}},
    }
    found = frame(tools({"name": "f", "parametersJsonSchema": schema}))
    assert 2 < found.texts.count("next") < 100


def test_a_tool_that_the_provider_runs_cannot_be_counted() -> None:
    assert frame(said("hi") | {"tools": [{"googleSearch": {}}]}).above >= 10_000


def test_a_call_and_its_response_count_by_their_texts() -> None:
    call = {"functionCall": {"name": "weather", "args": {"town": "Rome", "days": 3}}}
    response = {"functionResponse": {"name": "weather", "response": {"sky": ["blue"]}}}
    found = frame({"contents": [*said("hi")["contents"], {"role": "model", "parts": [call]}, {"parts": [response]}]})
    assert sorted(found.texts) == sorted(("hi", "weather", "town", "days", "Rome", "weather", "sky", "blue"))
    assert found.tokens == 3 + 21


def test_thoughts_of_closed_turns_are_not_read_again_before_gemini_3() -> None:
    thought = {"text": "yes", "thoughtSignature": "x" * 1000}
    body = said("hi", "", "and?")
    body["contents"][1]["parts"] = [thought]
    assert frame(body, NEW, "vertex").tokens == 0
    assert frame(body, "gemini-3.5-flash", "google").tokens == 3 + 214 - 38


def test_a_text_file_counts_as_its_text() -> None:
    data = base64.b64encode(b"some words").decode()
    found = frame({"contents": [{"parts": [{"inlineData": {"mimeType": "text/plain", "data": data}}]}]})
    assert found.texts == ("some words",)


@pytest.mark.parametrize(
    ("width", "height", "rule", "tokens"),
    [
        # Recorded: what Google reported for images of these sizes.
        (8, 8, "tiles", 258),
        (640, 480, "tiles", 5 * 258),
        (540, 360, "tiles", 7 * 258),
        (3008, 2000, "tiles", 13 * 258),
        (640, 480, "one", 258),
        (128, 128, "patches", 1089),
        (400, 301, "patches", 1102),
        (597, 566, "patches", 1088),
        (60, 30, "patches", 1081),
        (300, 346, "patches", 1085),
    ],
)
def test_images_of_known_size(width: int, height: int, rule: str, tokens: int) -> None:
    assert image(width, height, rule) == (tokens, 0, 0)


def test_a_lower_resolution_has_a_smaller_budget() -> None:
    assert image(128, 128, "patches", "MEDIA_RESOLUTION_LOW")[0] == 16 * 16
    assert image(640, 480, "tiles", "MEDIA_RESOLUTION_LOW")[0] == 258


def test_a_whole_answer_costs_nothing_beside_its_text() -> None:
    assert answer_end("gemini-2.5-flash") == Frame((), 0, 2, 1)


ODD_NAMES = ["parts", "text", "role", "functionCall", "functionResponse", "inlineData", "data", "mimeType", "response"]
ODD_NAMES += [
    "thoughtSignature",
    "functionDeclarations",
    "parameters",
    "properties",
    "items",
    "required",
    "$ref",
    "enum",
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", "hi", "user", "model", "text/plain"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(ODD_NAMES),
            inner,
            max_size=3,
        )
    ),
    max_leaves=20,
)


@given(json_values, json_values, json_values)
def test_no_request_is_too_odd(contents: Any, system: Any, tool: Any) -> None:
    body = {"contents": contents, "systemInstruction": system, "tools": tool}
    found = frame_of("gemini.generate", fields_of(body), NEW, "google")
    assert found is None or found.tokens >= 0


# --- recordings ------------------------------------------------------------------------------------------


def counted(record: dict[str, Any], counter: GemmaCounter) -> tuple[int, Frame] | None:
    request, model = record["request"], (record["model"] or "").lower()
    found = frame_of("gemini.generate", fields_of(request), model, record["provider"])
    if found is None or "[REDACTED]" in json.dumps(request) or not (record.get("usage_norm") or {}).get("input_total"):
        return None
    return found.tokens + sum(counter.count(text)[0] for text in found.texts), found


def test_recorded_requests_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    counter = counter_or_skip("gemma_3")
    assert isinstance(counter, GemmaCounter)
    exact: list[bool] = []
    claimed: list[bool] = []
    tools: list[bool] = []
    inside: list[bool] = []
    for record in recordings("gemini.generate"):
        if set(record["features"]) & {"image", "audio", "video", "file"} or (both := counted(record, counter)) is None:
            continue
        (tokens, found), true = both, record["usage_norm"]["input_total"]
        inside.append(tokens - found.below <= true <= tokens + found.above)
        plain = not set(record["features"]) & {"tools", "tool_history", "schema", "server_tools"}
        if plain and "thoughtSignature" not in str(record["request"]) and "cachedContent" not in record["request"]:
            exact.append(tokens == true)
        if found.below == found.above == 0:
            claimed.append(tokens == true)
        if set(record["features"]) & {"tools"} and not set(record["features"]) & {"tool_history", "server_tools"}:
            tools.append(abs(tokens - true) <= max(2, true * 0.01))
    shares = [sum(hits) / len(hits) for hits in (exact, claimed, tools, inside)]
    with capsys.disabled():
        print(
            "\nGemini: text exact, claimed exact, tools near, in the band:",
            *(f"{share:.1%}" for share in shares),
            end="",
        )
    assert len(exact) >= 200
    assert shares[0] >= 0.88
    assert shares[1] >= 0.98
    assert shares[2] >= 0.85
    assert shares[3] >= 0.95
