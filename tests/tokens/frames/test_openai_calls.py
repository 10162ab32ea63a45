from __future__ import annotations

from typing import Any

import pytest

from tests.tokens.frames.openai_requests import HI, HI_TOKENS, HI_TOKENS_GPT_5, chat, responses, tokens


def call(name: str, arguments: str, identifier: str = "1") -> dict[str, Any]:
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def result(content: Any, identifier: str = "1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": identifier, "content": content}


def turn(calls: list[dict[str, Any]], *results: dict[str, Any], **message: Any) -> dict[str, Any]:
    return {"messages": [HI, {"role": "assistant", "tool_calls": calls} | message, *results]}


@pytest.mark.parametrize(("model", "frame"), [("gpt-4o", HI_TOKENS + 12), ("gpt-5.4", HI_TOKENS_GPT_5 + 18)])
def test_a_call_is_read_without_space_in_its_arguments(model: str, frame: int) -> None:
    count = chat(turn([call("add", '{"a": 1}')], result("2"), content=None), model)
    assert count.tokens == frame + tokens("add", "functions.add", '{"a":1}', "2")
    assert count.exactness == "exact"


def test_arguments_that_are_no_json_are_read_as_they_are() -> None:
    count = chat(turn([call("add", "1 and 1")], result([{"type": "text", "text": "2"}])))
    assert count.tokens == HI_TOKENS + 12 + tokens("add", "functions.add", "1 and 1", "2")


def test_a_text_before_a_call_is_a_message_and_a_name_counts() -> None:
    plain = chat(turn([call("add", "{}")], result("2"))).tokens
    assert chat(turn([call("add", "{}")], result("2"), content="Sure.")).tokens == plain + 4 + tokens("Sure.")
    assert chat(turn([call("add", "{}")], result("2"), name="bob")).tokens == plain + tokens("bob")


@pytest.mark.parametrize(("model", "frame"), [("gpt-4o", HI_TOKENS + 20), ("gpt-5.4", HI_TOKENS_GPT_5 + 26)])
def test_parallel_calls_are_one_call_with_one_list_of_results(model: str, frame: int) -> None:
    calls = [call("add", '{"a": 1}'), call("now", "{}", "2")]
    count = chat(turn(calls, result('{"b": 2}'), result("noon", "2")), model)
    uses = (
        '{"tool_uses":[{"recipient_name":"functions.add","parameters":{"a":1}},'
        '{"recipient_name":"functions.now","parameters":{}}]}'
    )
    assert count.tokens == frame + tokens(uses, '[{"b": 2}, "noon"]')


def test_other_scripts_in_a_list_of_results_were_once_escaped() -> None:
    calls = [call("now", "{}"), call("now", "{}", "2")]
    count = chat(turn(calls, result("été"), result("noon", "2")))
    assert count.band == (count.tokens, count.tokens + 6)


def test_a_call_of_a_function_in_the_older_field_counts_the_same() -> None:
    older = [HI, {"role": "assistant", "content": None, "function_call": {"name": "add", "arguments": "{}"}}]
    older.append({"role": "function", "name": "add", "content": "2"})
    assert chat({"messages": older}) == chat(turn([call("add", "{}")], result("2")))


def items(*names: str, **fields: Any) -> list[dict[str, Any]]:
    """Calls of functions that follow each other, and then their results."""
    calls = [{"type": "function_call", "name": name, "arguments": "{}", "call_id": name} | fields for name in names]
    return [*calls, *[{"type": "function_call_output", "call_id": name, "output": "2"} for name in names]]


@pytest.mark.parametrize(
    ("model", "frame"), [("gpt-4.1", HI_TOKENS + 9), ("gpt-5.4", HI_TOKENS_GPT_5 + 18), ("gpt-5", HI_TOKENS_GPT_5 + 15)]
)
def test_responses_name_the_function_twice_in_full(model: str, frame: int) -> None:
    assert responses({"input": [HI, *items("add")]}, model).tokens == frame + tokens(
        "functions.add", "functions.add", "{}", "2"
    )


def test_only_gpt_5_puts_parallel_calls_together_in_responses() -> None:
    body = {"input": [HI, *items("add", "now")]}
    each = tokens("functions.add", "functions.now", "{}", "{}", "2", "2") + tokens("functions.add", "functions.now")
    assert responses(body).tokens == HI_TOKENS + 2 * 9 + each
    uses = (
        '{"tool_uses":[{"recipient_name":"functions.add","parameters":{}},'
        '{"recipient_name":"functions.now","parameters":{}}]}'
    )
    together = 16 + 2 * 6 + tokens(uses, "functions.add", "functions.now", "2", "2")
    assert responses(body, "gpt-5.4").tokens == HI_TOKENS_GPT_5 + together


def test_a_call_with_an_id_may_be_read_back_from_the_store() -> None:
    plain, stored = ({"input": [HI, *items("add", **fields)]} for fields in ({}, {"id": "fc_1"}))
    assert responses(stored).tokens == responses(plain).tokens + 3
    assert responses(stored).band == (responses(plain).tokens, responses(plain).tokens + 3)


def test_thoughts_count_in_their_own_turn_only() -> None:
    thought = {"type": "reasoning", "summary": [], "encrypted_content": "x" * 3000}
    body = {"input": [HI, thought, *items("add")]}
    plain = responses({"input": [HI, *items("add")]}, "gpt-5.4").tokens
    assert responses(body, "gpt-5.4").tokens == plain + 310
    later = {"input": [*body["input"], HI]}
    assert responses(later, "gpt-5.4").tokens == plain + 4 + 1


def test_a_thought_that_the_provider_keeps_may_be_long() -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    sent = {"input": [HI, thought]}
    assert responses(sent, "gpt-5").tokens == responses({"input": [HI]}, "gpt-5").tokens
    assert responses(sent, "gpt-5").band[1] == responses({"input": [HI]}, "gpt-5").band[1] + 2000


def test_calls_through_openrouter_may_cost_more() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [HI, {"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "1", "content": "x"}]
    direct, routed = chat({"messages": messages}), chat({"messages": messages}, provider="openrouter")
    assert direct.exactness == "exact"
    assert (routed.tokens, routed.band) == (direct.tokens, (direct.tokens, direct.tokens + 8))
