"""What applications do with `instructor`: answers in the form of a class, which it asks for as a tool."""

from __future__ import annotations

import os
from typing import Any

import instructor
from openai import OpenAI
from pydantic import BaseModel
from serving import serve

CLIENT = instructor.from_openai(
    OpenAI(base_url=f"{os.environ['ROUTER']}/v1", api_key=os.environ["ROUTER_KEY"], max_retries=0)
)
ASKED: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "messages": [{"role": "user", "content": "Say something."}],
    "max_retries": 0,
}

Json = dict[str, Any]


class look_up(BaseModel):
    """Something to look up."""

    query: str


def chat(headers: Json, tools: bool = False) -> Json:
    """A whole answer; with *tools* as an object of a class."""
    wanted = look_up if tools else None
    made = CLIENT.chat.completions.create(response_model=wanted, extra_headers=headers, **ASKED)
    raw = made._raw_response if tools else made
    calls = [{"name": type(made).__name__, "arguments": made.model_dump_json()}] if tools else []
    return {
        "text": "" if tools else raw.choices[0].message.content,
        "calls": calls,
        "input": raw.usage.prompt_tokens,
        "output": raw.usage.completion_tokens,
    }


def chat_stream(headers: Json, leave_after: int | None = None) -> Json:
    """A stream, read to its end or left."""
    said: Json = {"text": "", "pieces": 0, "output": None}
    more: Json = {"stream": True, "stream_options": {"include_usage": True}}
    with CLIENT.chat.completions.create(response_model=None, extra_headers=headers, **ASKED, **more) as pieces:
        for piece in pieces:
            if piece.choices and piece.choices[0].delta.content:
                said["text"] += piece.choices[0].delta.content
                said["pieces"] += 1
            if piece.usage:
                said["output"] = piece.usage.completion_tokens
            if said["pieces"] == leave_after:
                break
    return said


serve([chat, chat_stream])
