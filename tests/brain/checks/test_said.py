"""What an answer says is the same in every dialect."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import encode

from dd0c_route.brain.checks.said import Said, ToolCall, said
from tests.brain.checks.answers import APIS, answer


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("ending", ["", "cut", "refused"])
def test_text_calls_and_ending_are_found_and_thoughts_are_not_text(api: str, ending: str) -> None:
    body = answer(api, "Hello.", (("look_up", {"id": 7}),), ending)

    assert said(api, body) == Said("Hello.", (ToolCall("look_up", {"id": 7}),), ending)  # type: ignore[arg-type]


@pytest.mark.parametrize("api", APIS)
def test_an_answer_can_be_empty(api: str) -> None:
    assert said(api, answer(api)) == Said()


def test_a_refusal_of_its_own_field_is_one() -> None:
    body = encode({"choices": [{"message": {"content": None, "refusal": "No."}, "finish_reason": "stop"}]})
    assert said("openai.chat", body) == Said(ending="refused")
    body = encode({"output": [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}]})
    assert said("openai.responses", body) == Said(ending="refused")
    assert said("gemini.generate", encode({"promptFeedback": {"blockReason": "SAFETY"}})) == Said(ending="refused")


def test_arguments_that_are_no_json_are_none() -> None:
    call = {"function": {"name": "f", "arguments": '{"id": '}}
    body = encode({"choices": [{"message": {"tool_calls": [call]}}]})
    assert said("openai.chat", body) == Said(calls=(ToolCall("f", None),))


@pytest.mark.parametrize("api", [*APIS, "openai.embeddings"])
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"choices": 3}', b"not JSON", b"\xff", b"[" * 5000])
def test_what_is_no_answer_is_none(api: str, body: bytes) -> None:
    assert said(api, body) is None


@pytest.mark.parametrize("api", APIS)
@given(data=st.data())
def test_an_answer_with_anything_in_it_is_read(api: str, data: st.DataObject) -> None:
    anything = st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["message", "content", "parts", "text", "tool_calls", "function", "functionCall", "type"]
                ),
                inner,
                max_size=3,
            )
        ),
    )
    top = {"choices": data.draw(anything), "output": data.draw(anything), "content": data.draw(anything)}
    found = said(api, encode(top | {"candidates": data.draw(anything), "incomplete_details": data.draw(anything)}))
    assert found is None or isinstance(found.text, str)
