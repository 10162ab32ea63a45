from __future__ import annotations

from typing import Any

import pytest

from dd0c_route.tokens.frames.openai_tools import namespace
from tests.tokens.frames.openai_requests import HI, HI_TOKENS, HI_TOKENS_GPT_5, chat, responses, tokens, tool

SYSTEM = {"role": "system", "content": "Be kind."}
ADD = tool("add", {"a": {"type": "number"}})
ADD_TEXT = "type add = (_: { a?: number }) => any;"
ADD_IN_RESPONSES = {"type": "function"} | ADD["function"]
OLDER = namespace([ADD_TEXT])
LATER = f"## Namespace: functions\n\n### Target channel: commentary\n\n### Tool definitions\n{ADD_TEXT}"
GROUPS = 78  # tokens of the paragraph that comes before, to gpt-5


def test_the_namespace_is_typescript() -> None:
    assert f"## functions\n\nnamespace functions {{\n\n{ADD_TEXT}\n\n}} // namespace functions" == OLDER


def test_the_tools_are_a_message_of_their_own_without_a_system_message() -> None:
    written = tokens(f"# Tools\n\n{OLDER}")
    assert chat({"messages": [HI], "tools": [ADD]}).tokens == HI_TOKENS + 3 + written
    assert chat({"messages": [HI], "functions": [ADD["function"]]}).tokens == HI_TOKENS + 3 + written
    assert chat({"messages": [HI], "tools": [ADD]}, "o3-mini").tokens == 2 + 4 + 1 + 4 + written
    assert chat({"messages": [HI, SYSTEM], "tools": [ADD]}).tokens == HI_TOKENS + 4 + tokens("Be kind.") + 3 + written


def test_the_tools_join_a_system_message_that_comes_first() -> None:
    joined = tokens(f"Be kind.\n\n# Tools\n\n{OLDER}")
    count = chat({"messages": [SYSTEM, HI], "tools": [ADD]})
    assert (count.tokens, count.exactness) == (HI_TOKENS + 4 + joined - 1, "exact")


def test_gpt_5_reads_a_paragraph_on_groups_of_tools() -> None:
    alone = chat({"messages": [HI], "tools": [ADD]}, "gpt-5-mini").tokens
    assert alone == HI_TOKENS_GPT_5 + 4 + GROUPS + tokens(LATER)
    system = chat({"messages": [SYSTEM, HI], "tools": [ADD]}, "gpt-5.4").tokens
    assert system == HI_TOKENS_GPT_5 + 4 + tokens("# Instructions\n\nBe kind.\n\n") + GROUPS + tokens(LATER)


def test_responses_bill_less_of_it() -> None:
    body: dict[str, Any] = {"input": "hi", "tools": [ADD_IN_RESPONSES]}
    assert responses(body).tokens == HI_TOKENS + tokens(OLDER)
    assert responses(body, "gpt-5.4").tokens == HI_TOKENS_GPT_5 + tokens(LATER)
    one = body | {"parallel_tool_calls": False}
    assert responses(one, "gpt-5.4").tokens == HI_TOKENS_GPT_5 + GROUPS + tokens(LATER)


def test_openrouter_asks_for_gpt_5_in_responses() -> None:
    count = chat({"messages": [HI], "tools": [ADD]}, "openai/gpt-5-mini", "openrouter")
    assert count.tokens == HI_TOKENS_GPT_5 + tokens(LATER)


@pytest.mark.parametrize(
    "choice", [{"type": "function", "function": {"name": "add"}}, {"type": "function", "name": "add"}]
)
def test_a_forced_function_is_named(choice: dict[str, Any]) -> None:
    body: dict[str, Any] = {"messages": [HI], "tools": [ADD]}
    assert chat(body | {"tool_choice": choice}).tokens == chat(body).tokens + 7 + tokens("add")
    assert chat(body | {"tool_choice": choice}, "gpt-5.4") == chat(body, "gpt-5.4")
    assert chat(body | {"tool_choice": {"type": "allowed_tools", "mode": "auto"}}) == chat(body)


def test_the_only_function_is_named_in_responses_where_one_must_be_called() -> None:
    body: dict[str, Any] = {"input": "hi", "tools": [ADD_IN_RESPONSES], "tool_choice": "required"}
    auto = responses(body | {"tool_choice": "auto"}).tokens
    assert responses(body).tokens == auto + 7 + tokens("add")
    two = body | {"tools": [ADD_IN_RESPONSES, ADD_IN_RESPONSES]}
    assert responses(two) == responses(two | {"tool_choice": "auto"})
    in_chat: dict[str, Any] = {"messages": [HI], "tools": [ADD]}
    assert chat(in_chat | {"tool_choice": "required"}) == chat(in_chat)
