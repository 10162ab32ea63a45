from __future__ import annotations

from typing import Any

import pytest

from tests.tokens.frames.openai_requests import HI, HI_TOKENS, HI_TOKENS_GPT_5, chat, responses, tokens, tool

SCHEMA = {
    "type": "object",
    "title": "Book",
    "properties": {
        "title": {"type": "string", "title": "Title", "maxLength": 9},
        "required": {"type": "integer", "default": 1, "description": "año"},
    },
    "required": ["title", "required"],
    "additionalProperties": False,
}
READ = (
    '{"type":"object","title":"Book","properties":{"title":{"type":"string","title":"Title"},'
    '"required":{"type":"integer","description":"a\\u00f1o"}}}'
)
TEXT = f"# Response Formats\n\n## a_book\n\n{READ}"
ANSWER = {"role": "assistant", "content": "{}"}
SYSTEM = {"role": "system", "content": "Be kind."}


def form(**fields: Any) -> dict[str, Any]:
    return {"name": "a_book", "strict": True, "schema": SCHEMA} | fields


def in_chat(*messages: dict[str, Any], model: str = "gpt-4o", **body: Any) -> int:
    response_format = {"type": "json_schema", "json_schema": form()}
    count = chat({"messages": list(messages), "response_format": response_format} | body, model)
    assert count.exactness == "exact"
    return count.tokens


def test_a_form_is_json_without_what_only_bounds_a_value() -> None:
    named = 2 + tokens("a_book")  # the answer to come has its name
    assert in_chat(HI) == HI_TOKENS + 4 + tokens(TEXT) + named
    assert in_chat(SYSTEM, HI) == HI_TOKENS + 4 + tokens(f"Be kind.\n\n{TEXT}") + named


def test_each_answer_in_the_history_has_its_name() -> None:
    named = 2 + tokens("a_book")
    assert in_chat(HI, ANSWER, HI) == in_chat(HI) + 2 * (4 + 1) + named
    assert in_chat(HI, ANSWER, HI, model="gpt-5.4") == HI_TOKENS_GPT_5 + 4 + tokens(TEXT) + 2 * (4 + 1) + 2 + named


def test_a_form_stands_behind_the_tools() -> None:
    tools = [tool("f")]
    without = chat({"messages": [HI], "tools": tools}).tokens
    assert in_chat(HI, tools=tools) == without + tokens(f"\n\n{TEXT}")


@pytest.mark.parametrize(("model", "between"), [("gpt-4.1", "\n\n"), ("gpt-5.4", "")])
def test_responses_cost_the_text_alone(model: str, between: str) -> None:
    plain = responses({"input": "hi"}, model).tokens
    count = responses({"input": "hi", "text": {"format": {"type": "json_schema"} | form()}}, model)
    assert (count.tokens, count.exactness) == (plain + tokens(between, TEXT), "exact")


def test_a_description_is_a_comment() -> None:
    plain = responses({"input": "hi"}, "gpt-5.4").tokens
    described = {"type": "json_schema"} | form(description="Of a book")
    text = TEXT.replace(READ, f"// Of a book\n{READ}")
    assert responses({"input": "hi", "text": {"format": described}}, "gpt-5.4").tokens == plain + tokens(text)


def test_any_json_is_no_form() -> None:
    assert chat({"messages": [HI], "response_format": {"type": "json_object"}}) == chat({"messages": [HI]})
    assert responses({"input": "hi", "text": {"verbosity": "low"}}) == responses({"input": "hi"})
