"""What applications do with `langchain-openai` and `langchain-anthropic`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from serving import serve

ROUTER, KEY = os.environ["ROUTER"], os.environ["ROUTER_KEY"]
ASKED = "Say something."

Json = dict[str, Any]


@tool
def look_up(query: str) -> str:
    """Look something up."""
    return query


def _openai(headers: Json) -> BaseChatModel:
    address = f"{ROUTER}/v1"
    return ChatOpenAI(
        model="gpt-4o-mini", base_url=address, api_key=KEY, default_headers=headers, max_retries=0, stream_usage=True
    )


def _anthropic(headers: Json) -> BaseChatModel:
    return ChatAnthropic(model="claude-haiku-4-5", base_url=ROUTER, api_key=KEY, default_headers=headers, max_retries=0)


def _whole(make: Callable[[Json], BaseChatModel], headers: Json, tools: bool) -> Json:
    model = make(headers)
    answer = (model.bind_tools([look_up]) if tools else model).invoke(ASKED)
    return {
        "text": answer.text,
        "calls": [{"name": call["name"], "arguments": json.dumps(call["args"])} for call in answer.tool_calls],
        "input": answer.usage_metadata["input_tokens"],
        "output": answer.usage_metadata["output_tokens"],
    }


def _streamed(make: Callable[[Json], BaseChatModel], headers: Json, leave_after: int | None) -> Json:
    said: Json = {"text": "", "pieces": 0, "output": None}
    pieces = make(headers).stream(ASKED)
    for piece in pieces:
        if piece.text:
            said["text"] += piece.text
            said["pieces"] += 1
        if piece.usage_metadata and piece.usage_metadata["output_tokens"]:
            said["output"] = (said["output"] or 0) + piece.usage_metadata["output_tokens"]
        if said["pieces"] == leave_after:
            pieces.close()
            break
    return said


def openai(headers: Json, tools: bool = False) -> Json:
    """A whole answer by `ChatOpenAI`."""
    return _whole(_openai, headers, tools)


def openai_stream(headers: Json, leave_after: int | None = None) -> Json:
    """A stream by `ChatOpenAI`, read to its end or left."""
    return _streamed(_openai, headers, leave_after)


def anthropic(headers: Json, tools: bool = False) -> Json:
    """A whole answer by `ChatAnthropic`."""
    return _whole(_anthropic, headers, tools)


def anthropic_stream(headers: Json, leave_after: int | None = None) -> Json:
    """A stream by `ChatAnthropic`, read to its end or left."""
    return _streamed(_anthropic, headers, leave_after)


serve([openai, openai_stream, anthropic, anthropic_stream])
