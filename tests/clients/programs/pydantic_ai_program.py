"""What applications do with `pydantic-ai`, by responses (its default for OpenAI), by chat and by messages."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic_ai import Agent, CallDeferred, DeferredToolRequests
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from serving import serve

ROUTER, KEY = os.environ["ROUTER"], os.environ["ROUTER_KEY"]
ASKED = "Say something."

Json = dict[str, Any]


def _openai() -> OpenAIProvider:
    return OpenAIProvider(openai_client=AsyncOpenAI(base_url=f"{ROUTER}/v1", api_key=KEY, max_retries=0))


def _responses() -> Model:
    return OpenAIResponsesModel("gpt-4o-mini", provider=_openai())


def _chat() -> Model:
    return OpenAIChatModel("gpt-4o-mini", provider=_openai())


def _messages() -> Model:
    client = AsyncAnthropic(base_url=ROUTER, api_key=KEY, max_retries=0)
    return AnthropicModel("claude-haiku-4-5", provider=AnthropicProvider(anthropic_client=client))


def look_up(query: str) -> str:
    """Look something up: later, by somebody else."""
    raise CallDeferred


def _whole(make: Callable[[], Model], headers: Json, tools: bool) -> Json:
    """The tool is not run here, so that the call of it is what the agent ends with."""
    more: Json = {"tools": [look_up], "output_type": [str, DeferredToolRequests]} if tools else {}
    answer = Agent(make(), model_settings={"extra_headers": headers}, retries=0, **more).run_sync(ASKED)
    calls = answer.output.calls if tools else []
    return {
        "text": "" if calls else answer.output,
        "calls": [{"name": call.tool_name, "arguments": call.args_as_json_str()} for call in calls],
        "input": answer.usage.input_tokens,
        "output": answer.usage.output_tokens,
    }


def _streamed(make: Callable[[], Model], headers: Json, leave_after: int | None) -> Json:
    async def read() -> Json:
        said: Json = {"text": "", "pieces": 0, "output": None}
        agent = Agent(make(), model_settings={"extra_headers": headers}, retries=0)
        async with agent.run_stream(ASKED) as answer:
            async for piece in answer.stream_text(delta=True, debounce_by=None):
                said["text"] += piece
                said["pieces"] += 1
                if said["pieces"] == leave_after:
                    await answer.cancel()
                    return said
            said["output"] = answer.usage.output_tokens
        return said

    return asyncio.run(read())


def responses(headers: Json, tools: bool = False) -> Json:
    """A whole answer by `OpenAIResponsesModel`."""
    return _whole(_responses, headers, tools)


def responses_stream(headers: Json, leave_after: int | None = None) -> Json:
    """A stream by `OpenAIResponsesModel`."""
    return _streamed(_responses, headers, leave_after)


def chat(headers: Json, tools: bool = False) -> Json:
    """A whole answer by `OpenAIChatModel`."""
    return _whole(_chat, headers, tools)


def chat_stream(headers: Json, leave_after: int | None = None) -> Json:
    """A stream by `OpenAIChatModel`."""
    return _streamed(_chat, headers, leave_after)


def messages(headers: Json, tools: bool = False) -> Json:
    """A whole answer by `AnthropicModel`."""
    return _whole(_messages, headers, tools)


def messages_stream(headers: Json, leave_after: int | None = None) -> Json:
    """A stream by `AnthropicModel`."""
    return _streamed(_messages, headers, leave_after)


serve([responses, responses_stream, chat, chat_stream, messages, messages_stream])
