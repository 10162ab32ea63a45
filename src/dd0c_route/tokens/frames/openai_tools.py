"""The text that OpenAI's models read for tools, and where it stands. Source: measured on recorded requests."""

from __future__ import annotations

import re
from typing import Any

from dd0c_route.tokens.frames.openai_types import Signatures
from dd0c_route.tokens.frames.reading import Sum, Unknown, string

REASONS = re.compile(r"(?:^|/)(?:ft:)?(?:gpt-(?!35)(?:[5-9]|\d\d)|o[1-9](?:$|[-:]))")
GPT_5 = re.compile(r"(?:^|/)(?:ft:)?gpt-(?!35)(?:[5-9]|\d\d)")

# gpt-5 and later; the paragraph is one that these models quote when they are asked for it.
_GROUPS = (
    "# Tools\n\nTools are grouped by namespace where each namespace has one or more tools defined. By default, the "
    "input for each tool call is a JSON object. If the tool schema has the word 'FREEFORM' input type, you should "
    "strictly follow the function description and instructions for the input format. It should not be JSON unless "
    "explicitly instructed by the function description or system/developer instructions.\n\n"
)
_NAMESPACE = "## Namespace: functions\n\n### Target channel: commentary\n\n### Tool definitions\n"
_FORCED = 7  # where one function must be called, beside its name


def functions(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The functions of *tools*: each as in chat (`{"type": "function", "function": {…}}`), in Responses, or bare."""
    found = []
    for tool in tools:
        function = tool.get("function", tool)
        if tool.get("type", "function") != "function" or not isinstance(function, dict):
            raise Unknown
        found.append(function)
    return found


def namespace(signatures: list[str]) -> str:
    """What gpt-4o and older models read, and o1 and later."""
    body = "\n\n".join(signatures)
    return f"## functions\n\nnamespace functions {{\n\n{body}\n\n}} // namespace functions"


def text_in_chat(called: list[dict[str, Any]], model: str, total: Sum) -> str:
    """The text for what can be called, as `functions` gives it."""
    signatures = _written(called, copies_descriptions=True, total=total)
    if GPT_5.search(model):
        return _GROUPS + _NAMESPACE + "\n\n".join(signatures)
    return "# Tools\n\n" + namespace(signatures)


def text_in_responses(called: list[dict[str, Any]], model: str, total: Sum, *, one_at_a_time: bool = False) -> str:
    """The same, of which the head is not billed; gpt-5's is where calls must not be parallel."""
    signatures = _written(called, copies_descriptions=False, total=total)
    if GPT_5.search(model):
        return (_GROUPS if one_at_a_time else "") + _NAMESPACE + "\n\n".join(signatures)
    return namespace(signatures)


def place_in_chat(tools: str, form: str, first: tuple[int, str] | None, model: str, total: Sum) -> None:
    """Tools and the form of answers join the first message where it is the system's; else they are one of their own.

    Args:
        tools, form: Their texts, empty where there are none.
        first: Where among the texts the system message stands that is first, and its text; None where there is none.
    """
    sections = "\n\n".join([text for text in (tools, form) if text])
    if not sections:
        return
    shorter = 1 if tools and not REASONS.search(model) else 0
    if first is None:
        total.texts.append(sections)
        total.tokens += 4 - shorter
        return
    place, system = first
    head = "# Instructions\n\n" if GPT_5.search(model) else ""
    total.texts[place] = f"{head}{system}\n\n{sections}"
    total.tokens -= shorter


def place_in_responses(tools: str, form: str, model: str, total: Sum) -> None:
    """Tools and the form of answers cost their texts alone."""
    if GPT_5.search(model):
        total.texts += [tools, form]
    else:
        total.texts.append(f"{tools}\n\n{form}" if form else tools)


def add_forced(called: list[dict[str, Any]], choice: Any, model: str, total: Sum, *, alone: bool) -> None:
    """The function that must be called, which models that reason are not billed for.

    Args:
        alone: Whether the only function counts as named where any must be called, as in Responses.
    """
    if REASONS.search(model):
        return
    if isinstance(choice, dict):
        inner = choice.get("function")
        function = inner if isinstance(inner, dict) else choice
        if "name" in function:
            total.texts.append(string(function["name"]))
            total.tokens += _FORCED
    elif alone and choice == "required" and len(called) == 1:
        total.texts.append(string(called[0].get("name")))
        total.tokens += _FORCED


def _written(called: list[dict[str, Any]], *, copies_descriptions: bool, total: Sum) -> list[str]:
    signatures = Signatures(copies_descriptions=copies_descriptions)
    written = ["\n".join(signatures.lines(function)) for function in called]
    total.below += signatures.fewer
    total.above += signatures.more
    return written
