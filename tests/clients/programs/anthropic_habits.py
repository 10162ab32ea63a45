"""The habits of `test_matrix.py` with the `anthropic` package; `anthropic_program.py` has what is its own."""

from __future__ import annotations

import json
import os
from typing import Any

from anthropic import Anthropic
from serving import serve

CLIENT = Anthropic(base_url=os.environ["ROUTER"], api_key=os.environ["ROUTER_KEY"], max_retries=0)
ASKED: dict[str, Any] = {
    "model": "claude-haiku-4-5",
    "max_tokens": 2000,
    "messages": [{"role": "user", "content": "Say something."}],
}
TOOLS = [{"name": "look_up", "input_schema": {"type": "object", "properties": {"query": {"type": "string"}}}}]

Json = dict[str, Any]


def messages(headers: Json, tools: bool = False) -> Json:
    """A whole message."""
    more: Json = {"tools": TOOLS} if tools else {}
    answer = CLIENT.messages.create(**ASKED, extra_headers=headers, **more)
    calls = [block for block in answer.content if block.type == "tool_use"]
    return {
        "text": "".join(block.text for block in answer.content if block.type == "text"),
        "calls": [{"name": block.name, "arguments": json.dumps(block.input)} for block in calls],
        "input": answer.usage.input_tokens,
        "output": answer.usage.output_tokens,
    }


def messages_stream(headers: Json, leave_after: int | None = None) -> Json:
    """A message as a stream."""
    said: Json = {"text": "", "pieces": 0, "output": None}
    with CLIENT.messages.stream(**ASKED, extra_headers=headers) as events:
        for piece in events.text_stream:
            said["text"] += piece
            said["pieces"] += 1
            if said["pieces"] == leave_after:
                return said
        said["output"] = events.get_final_message().usage.output_tokens
    return said


serve([messages, messages_stream])
