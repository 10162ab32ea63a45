"""Earlier calls of tools and their results, as OpenAI's models read them. Source: measured on recorded requests."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from dd0c_route.tokens.frames.openai_tools import GPT_5
from dd0c_route.tokens.frames.reading import Sum

# Of a call with its result, beside both names (one of them as `functions.name`), the arguments and the result.
_CALL, _CALL_GPT_5 = 12, 18
# Parallel calls are one call of another tool, with JSON for all of them; in chat the results are one JSON list as well.
_PARALLEL, _PARALLEL_GPT_5 = 20, 26
_SEVERAL_GPT_5, _EACH_GPT_5 = 16, 6  # in Responses, where only gpt-5 puts calls together
_IN_RESPONSES, _IN_RESPONSES_GPT_5 = 9, 18  # both names stand as `functions.name`
_EARLY_GPT_5 = re.compile(r"(?:^|/)gpt-5(?:\.[1-3])?(?:$|-)")
_EARLY = -3
_STORED = 3  # a call that names its `id` is read back as it was written


class Call(Struct, frozen=True):
    """A call and what it gave; *arguments* are the model's JSON, *stored* says whether the call has an id."""

    name: str
    arguments: str
    results: Sequence[str]
    stored: bool = False


def add_turn(calls: list[Call], model: str, total: Sum) -> None:
    """The calls of one message in chat, with their results."""
    gpt_5 = GPT_5.search(model) is not None
    if len(calls) == 1:
        [call] = calls
        total.texts += [call.name, f"functions.{call.name}", _compact(call.arguments), *call.results]
        total.tokens += _CALL_GPT_5 if gpt_5 else _CALL
        return
    results = [_parsed(result) for call in calls for result in call.results]
    written = json.dumps(results, ensure_ascii=False)
    total.texts += [_together(calls), written]
    total.tokens += _PARALLEL_GPT_5 if gpt_5 else _PARALLEL
    # Until the beginning of 2026 the list was ASCII.
    total.above += sum(3 if char < "\U00010000" else 6 for char in written if not char.isascii())


def add_responses_turn(calls: list[Call], model: str, total: Sum) -> None:
    """The calls that follow each other in Responses, with their results."""
    gpt_5 = GPT_5.search(model) is not None
    for call in calls:
        total.texts += [f"functions.{call.name}", *call.results]
        if call.stored:
            total.add((_STORED, _STORED, _STORED if gpt_5 else 0))
    if gpt_5 and len(calls) > 1:
        total.texts.append(_together(calls))
        total.tokens += _SEVERAL_GPT_5 + _EACH_GPT_5 * len(calls)
        return
    for call in calls:
        total.texts += [f"functions.{call.name}", call.arguments]
        total.tokens += _IN_RESPONSES_GPT_5 if gpt_5 else _IN_RESPONSES
        total.tokens += _EARLY if _EARLY_GPT_5.search(model) else 0


def _together(calls: list[Call]) -> str:
    """Arguments of the tool `multi_tool_use.parallel`."""
    uses = [{"recipient_name": f"functions.{call.name}", "parameters": _parsed(call.arguments)} for call in calls]
    return json.dumps({"tool_uses": uses}, ensure_ascii=False, separators=(",", ":"))


def _compact(arguments: str) -> str:
    try:
        return json.dumps(json.loads(arguments), ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        return arguments


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
