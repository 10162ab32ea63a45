"""The habits of `test_matrix.py` with the `openai` package; `openai_program.py` has what is its own."""

from __future__ import annotations

import os
from typing import Any

from openai import OpenAI
from serving import serve

MODEL = "gpt-4o-mini"
ASKED = "Say something."
MESSAGES = [{"role": "user", "content": ASKED}]
CLIENT = OpenAI(base_url=f"{os.environ['ROUTER']}/v1", api_key=os.environ["ROUTER_KEY"], max_retries=0)
PARAMETERS = {"type": "object", "properties": {"query": {"type": "string"}}}
CHAT_TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": PARAMETERS}}]
TOOLS = [{"type": "function", "name": "look_up", "parameters": PARAMETERS, "strict": False}]

Json = dict[str, Any]


def chat(headers: Json, tools: bool = False) -> Json:
    """A whole completion."""
    more: Json = {"tools": CHAT_TOOLS} if tools else {}
    answer = CLIENT.chat.completions.create(model=MODEL, messages=MESSAGES, extra_headers=headers, **more)
    message = answer.choices[0].message
    calls = [call.function for call in message.tool_calls or ()]
    return {
        "text": message.content or "",
        "calls": [{"name": call.name, "arguments": call.arguments} for call in calls],
        "input": answer.usage.prompt_tokens,
        "output": answer.usage.completion_tokens,
    }


def chat_stream(headers: Json, leave_after: int | None = None) -> Json:
    """A completion as a stream."""
    said: Json = {"text": "", "pieces": 0, "output": None}
    more: Json = {"stream": True, "stream_options": {"include_usage": True}}
    with CLIENT.chat.completions.create(model=MODEL, messages=MESSAGES, extra_headers=headers, **more) as chunks:
        for chunk in chunks:
            if chunk.choices and chunk.choices[0].delta.content:
                said["text"] += chunk.choices[0].delta.content
                said["pieces"] += 1
            if chunk.usage:
                said["output"] = chunk.usage.completion_tokens
            if said["pieces"] == leave_after:
                break
    return said


def responses(headers: Json, tools: bool = False) -> Json:
    """A whole response."""
    more: Json = {"tools": TOOLS} if tools else {}
    answer = CLIENT.responses.create(model=MODEL, input=ASKED, extra_headers=headers, **more)
    calls = [item for item in answer.output if item.type == "function_call"]
    return {
        "text": answer.output_text,
        "calls": [{"name": call.name, "arguments": call.arguments} for call in calls],
        "input": answer.usage.input_tokens,
        "output": answer.usage.output_tokens,
    }


def responses_stream(headers: Json, leave_after: int | None = None) -> Json:
    """A response as a stream."""
    said: Json = {"text": "", "pieces": 0, "output": None}
    with CLIENT.responses.create(model=MODEL, input=ASKED, stream=True, extra_headers=headers) as events:
        for event in events:
            if event.type == "response.output_text.delta":
                said["text"] += event.delta
                said["pieces"] += 1
            if event.type == "response.completed":
                said["output"] = event.response.usage.output_tokens
            if said["pieces"] == leave_after:
                break
    return said


serve([chat, chat_stream, responses, responses_stream])
