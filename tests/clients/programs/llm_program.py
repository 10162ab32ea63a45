"""What programs do with `llm`, and a model of it as `extra-openai-models.yaml` describes one."""

from __future__ import annotations

import json
import os
from typing import Any

import llm
from llm.default_plugins.openai_models import Chat
from serving import serve

ASKED = "Say something."

Json = dict[str, Any]


def _model(headers: Json) -> Chat:
    return Chat(
        "routed",
        model_name="gpt-4o-mini",
        api_base=f"{os.environ['ROUTER']}/v1",
        headers=headers,
        supports_tools=True,
    )


def look_up(query: str) -> str:
    """Look something up."""
    return query


def chat(headers: Json, tools: bool = False) -> Json:
    """A whole answer."""
    more: Json = {"tools": [llm.Tool.function(look_up)]} if tools else {}
    answer = _model(headers).prompt(ASKED, stream=False, key=os.environ["ROUTER_KEY"], **more)
    text = answer.text()
    calls = [{"name": call.name, "arguments": json.dumps(call.arguments)} for call in answer.tool_calls()]
    used = answer.usage()
    return {"text": text, "calls": calls, "input": used.input, "output": used.output}


def chat_stream(headers: Json, leave_after: int | None = None) -> Json:
    """A stream, read to its end or left."""
    said: Json = {"text": "", "pieces": 0, "output": None}
    answer = _model(headers).prompt(ASKED, stream=True, key=os.environ["ROUTER_KEY"])
    for piece in answer:
        if piece:
            said["text"] += piece
            said["pieces"] += 1
        if said["pieces"] == leave_after:
            os._exit(0)  # there is no other way: the stream is the model's own
    said["output"] = answer.usage().output
    return said


serve([chat, chat_stream])
