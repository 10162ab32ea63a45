"""What applications do with `openai-agents`, by responses (its default) and by chat."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from agents import (
    Agent,
    Model,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    function_tool,
)
from openai import AsyncOpenAI
from serving import serve

ASKED = "Say something."

Json = dict[str, Any]


def _client() -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{os.environ['ROUTER']}/v1", api_key=os.environ["ROUTER_KEY"], max_retries=0)


def _responses() -> Model:
    return OpenAIResponsesModel("gpt-4o-mini", _client())


def _chat() -> Model:
    return OpenAIChatCompletionsModel("gpt-4o-mini", _client())


QUIET = RunConfig(tracing_disabled=True)


def _agent(make: Callable[[], Model], headers: Json, calls: list[Json] | None) -> Agent:
    def look_up(query: str) -> str:
        """Look something up."""
        calls.append({"name": "look_up", "arguments": f'{{"query": "{query}"}}'})
        return query

    settings = ModelSettings(extra_headers=headers, include_usage=True)
    tools: Json = (
        {} if calls is None else {"tools": [function_tool(look_up)], "tool_use_behavior": "stop_on_first_tool"}
    )
    return Agent(name="synthetic", model=make(), model_settings=settings, **tools)


def _whole(make: Callable[[], Model], headers: Json, tools: bool) -> Json:
    calls: list[Json] = []
    answer = asyncio.run(Runner.run(_agent(make, headers, calls if tools else None), ASKED, run_config=QUIET))
    (reply,) = answer.raw_responses
    said = "" if calls else answer.final_output
    return {"text": said, "calls": calls, "input": reply.usage.input_tokens, "output": reply.usage.output_tokens}


def _streamed(make: Callable[[], Model], headers: Json, leave_after: int | None) -> Json:
    async def read() -> Json:
        said: Json = {"text": "", "pieces": 0, "output": None}
        answer = Runner.run_streamed(_agent(make, headers, None), ASKED, run_config=QUIET)
        async for event in answer.stream_events():
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                said["text"] += event.data.delta
                said["pieces"] += 1
                if said["pieces"] == leave_after:
                    answer.cancel()
        if answer.raw_responses:
            said["output"] = answer.raw_responses[0].usage.output_tokens
        return said

    return asyncio.run(read())


def responses(headers: Json, tools: bool = False) -> Json:
    """A whole answer by `OpenAIResponsesModel`."""
    return _whole(_responses, headers, tools)


def responses_stream(headers: Json, leave_after: int | None = None) -> Json:
    """A stream by `OpenAIResponsesModel`."""
    return _streamed(_responses, headers, leave_after)


def chat(headers: Json, tools: bool = False) -> Json:
    """A whole answer by `OpenAIChatCompletionsModel`."""
    return _whole(_chat, headers, tools)


def chat_stream(headers: Json, leave_after: int | None = None) -> Json:
    """A stream by `OpenAIChatCompletionsModel`."""
    return _streamed(_chat, headers, leave_after)


serve([responses, responses_stream, chat, chat_stream])
