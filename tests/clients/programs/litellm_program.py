"""What applications do with the `litellm` package, by chat and by messages."""

from __future__ import annotations

import os
from typing import Any

os.environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}

import litellm
from serving import serve

litellm.suppress_debug_info = True
ROUTER, KEY = os.environ["ROUTER"], os.environ["ROUTER_KEY"]
OPENAI = {"model": "openai/gpt-4o-mini", "api_base": f"{ROUTER}/v1"}
ANTHROPIC = {"model": "anthropic/claude-haiku-4-5", "api_base": ROUTER}
MESSAGES = [{"role": "user", "content": "Say something."}]
PARAMETERS = {"type": "object", "properties": {"query": {"type": "string"}}}
TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": PARAMETERS}}]

Json = dict[str, Any]


def _ask(at: Json, headers: Json, **more: Any) -> Any:
    return litellm.completion(
        **at, messages=MESSAGES, api_key=KEY, extra_headers=headers, num_retries=0, max_retries=0, **more
    )


def _whole(at: Json, headers: Json, tools: bool) -> Json:
    answer = _ask(at, headers, **({"tools": TOOLS} if tools else {}))
    message = answer.choices[0].message
    calls = [call.function for call in message.tool_calls or ()]
    return {
        "text": message.content or "",
        "calls": [{"name": call.name, "arguments": call.arguments} for call in calls],
        "input": answer.usage.prompt_tokens,
        "output": answer.usage.completion_tokens,
    }


def _streamed(at: Json, headers: Json, leave_after: int | None) -> Json:
    said: Json = {"text": "", "pieces": 0, "output": None}
    pieces = _ask(at, headers, stream=True, stream_options={"include_usage": True})
    for piece in pieces:
        if piece.choices and piece.choices[0].delta.content:
            said["text"] += piece.choices[0].delta.content
            said["pieces"] += 1
        if getattr(piece, "usage", None):
            said["output"] = piece.usage.completion_tokens
        if said["pieces"] == leave_after:
            os._exit(0)  # it has no way to be closed
    return said


def openai(headers: Json, tools: bool = False) -> Json:
    """A whole answer by chat."""
    return _whole(OPENAI, headers, tools)


def openai_stream(headers: Json, leave_after: int | None = None) -> Json:
    """A stream by chat."""
    return _streamed(OPENAI, headers, leave_after)


def anthropic(headers: Json, tools: bool = False) -> Json:
    """A whole answer by messages."""
    return _whole(ANTHROPIC, headers, tools)


def anthropic_stream(headers: Json, leave_after: int | None = None) -> Json:
    """A stream by messages."""
    return _streamed(ANTHROPIC, headers, leave_after)


serve([openai, openai_stream, anthropic, anthropic_stream])
