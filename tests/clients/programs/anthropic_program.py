"""What applications do with the `anthropic` package, one function a habit."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from anthropic import Anthropic, AsyncAnthropic
from serving import serve

ADDRESS = os.environ["ROUTER"]
ASKED = {
    "model": "claude-haiku-4-5",
    "max_tokens": 1000,
    "messages": [{"role": "user", "content": "Say something."}],
}
CLIENT = Anthropic(base_url=ADDRESS, api_key=os.environ["ROUTER_KEY"], max_retries=0)

Json = dict[str, Any]


def message(headers: Json, retries: int = 0, **more: Any) -> Json:
    """A whole message, and the headers that it came with."""
    create = CLIENT.with_options(max_retries=retries).messages.with_raw_response.create
    raw = create(**{**ASKED, **more}, extra_headers=headers)
    answer = raw.parse()
    return {
        "headers": dict(raw.headers),
        "request_id": answer._request_id,
        "answer": answer.model_dump(mode="json"),
    }


def impatient(headers: Json, timeout_s: float) -> Json:
    """A message that is given up when nothing has come for so long."""
    CLIENT.with_options(timeout=timeout_s).messages.create(**ASKED, extra_headers=headers)
    return {}


def stream(headers: Json, leave_after: int | None = None, **more: Any) -> Json:
    """The events of a stream, read to their end, or left in the middle."""
    events: list[Json] = []
    with CLIENT.messages.create(**{**ASKED, **more}, stream=True, extra_headers=headers) as answer:
        for event in answer:
            events.append(event.model_dump(mode="json"))
            if len(events) == leave_after:
                break
    return {"headers": dict(answer.response.headers), "events": events}


def accumulated(headers: Json, **more: Any) -> Json:
    """A stream that the SDK puts together."""
    with CLIENT.messages.stream(**{**ASKED, **more}, extra_headers=headers) as events:
        kinds = [event.type for event in events]
        return {"kinds": kinds, "answer": events.get_final_message().model_dump(mode="json")}


def count_tokens(headers: Json) -> int:
    """The length of a prompt."""
    answer = CLIENT.messages.count_tokens(model=ASKED["model"], messages=ASKED["messages"], extra_headers=headers)
    return int(answer.input_tokens)


def at_once(headers: Json, count: int) -> list[Json]:
    """Whole and streamed answers in turn, all at the same time, with the asynchronous client."""

    async def whole(client: AsyncAnthropic) -> Json:
        raw = await client.messages.with_raw_response.create(**ASKED, extra_headers=headers)
        return {"headers": dict(raw.headers), "text": (await raw.parse()).content[0].text}

    async def streamed(client: AsyncAnthropic) -> Json:
        async with client.messages.stream(**ASKED, extra_headers=headers) as events:
            text = "".join([part async for part in events.text_stream])
            return {"headers": dict(events.response.headers), "text": text}

    async def all_of_them() -> list[Json]:
        async with AsyncAnthropic(base_url=ADDRESS, api_key=os.environ["ROUTER_KEY"], max_retries=0) as client:
            return list(await asyncio.gather(*[(whole, streamed)[i % 2](client) for i in range(count)]))

    return asyncio.run(all_of_them())


serve([message, impatient, stream, accumulated, count_tokens, at_once])
