"""What applications do with the Responses API of the `openai` package; what comes is held against its own types."""

from __future__ import annotations

import os
from typing import Any

from openai import OpenAI
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter
from serving import serve

CLIENT = OpenAI(base_url=os.environ["ROUTER"] + "/v1", api_key=os.environ["ROUTER_KEY"], max_retries=0)
MODEL = "gpt-4o-mini"
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)

Json = dict[str, Any]


def respond(headers: Json, input: Any = "Say something.", **more: Any) -> Json:
    """A whole response."""
    raw = CLIENT.responses.with_raw_response.create(model=MODEL, input=input, extra_headers=headers, **more)
    Response.model_validate_json(raw.content)
    answer = raw.parse()
    return {"headers": dict(raw.headers), "text": answer.output_text, "answer": answer.model_dump(mode="json")}


def events(headers: Json, leave_after: int | None = None, **more: Any) -> Json:
    """A stream read to its end, or left in the middle."""
    kinds: list[str] = []
    last: Json = {}
    with CLIENT.responses.create(
        model=MODEL, input="Say something.", stream=True, extra_headers=headers, **more
    ) as answer:
        for event in answer:
            last = event.model_dump(mode="json", by_alias=True)
            EVENT.validate_python(last)
            kinds.append(event.type)
            if len(kinds) == leave_after:
                break
    return {"headers": dict(answer.response.headers), "kinds": kinds, "last": last}


def accumulated(headers: Json, **more: Any) -> Json:
    """A stream that the package puts together."""
    with CLIENT.responses.stream(model=MODEL, input="Say something.", extra_headers=headers, **more) as stream:
        texts = [event.delta for event in stream if event.type == "response.output_text.delta"]
        answer = stream.get_final_response()
    return {"text": "".join(texts), "final": answer.output_text, "answer": answer.model_dump(mode="json")}


def tool_loop(headers: Json, tools: list[Json], stream: bool = False) -> Json:
    """The model calls a tool, and is told what that gave, with all that it said itself."""
    turns: list[Any] = [{"role": "user", "content": "Look."}]
    first = {**headers, "x-sim": "tool=1"}
    if stream:
        with CLIENT.responses.stream(model=MODEL, input=turns, tools=tools, extra_headers=first) as told:
            answer: Any = told.get_final_response()
    else:
        answer = CLIENT.responses.create(model=MODEL, input=turns, tools=tools, extra_headers=first)
    turns += answer.output
    for item in answer.output:
        if item.type in ("function_call", "custom_tool_call"):
            turns.append({"type": f"{item.type}_output", "call_id": item.call_id, "output": "found"})
    again = CLIENT.responses.create(model=MODEL, input=turns, tools=tools, extra_headers=headers)
    return {"called": [item.to_dict() for item in answer.output], "text": again.output_text}


serve([respond, events, accumulated, tool_loop])
