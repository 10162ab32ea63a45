"""What applications do with the `google-genai` package."""

from __future__ import annotations

import json
import os
from typing import Any

from google import genai
from google.genai import types
from serving import serve

MODEL = "gemini-2.5-flash"
ASKED = "Say something."
CLIENT = genai.Client(
    api_key=os.environ["ROUTER_KEY"],
    http_options=types.HttpOptions(base_url=os.environ["ROUTER"], retry_options=types.HttpRetryOptions(attempts=1)),
)
SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}}}
LOOK_UP = types.Tool(function_declarations=[types.FunctionDeclaration(name="look_up", parameters_json_schema=SCHEMA)])

Json = dict[str, Any]


def _config(headers: Json, **more: Any) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(http_options=types.HttpOptions(headers=headers), **more)


def gemini(headers: Json, tools: bool = False) -> Json:
    """A whole answer."""
    config = _config(headers, **({"tools": [LOOK_UP]} if tools else {}))
    answer = CLIENT.models.generate_content(model=MODEL, contents=ASKED, config=config)
    used = answer.usage_metadata
    calls = [{"name": call.name, "arguments": json.dumps(call.args)} for call in answer.function_calls or ()]
    text = "" if calls else answer.text
    return {"text": text, "calls": calls, "input": used.prompt_token_count, "output": used.candidates_token_count}


def gemini_stream(headers: Json, leave_after: int | None = None) -> Json:
    """A stream, read to its end or left."""
    said: Json = {"text": "", "pieces": 0, "output": None}
    pieces = CLIENT.models.generate_content_stream(model=MODEL, contents=ASKED, config=_config(headers))
    for piece in pieces:
        if piece.text:
            said["text"] += piece.text
            said["pieces"] += 1
        if piece.usage_metadata:
            said["output"] = piece.usage_metadata.candidates_token_count
        if said["pieces"] == leave_after:
            pieces.close()
            break
    return said


serve([gemini, gemini_stream])
