"""What applications do with the `openai` package, one function a habit."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from openai import AsyncOpenAI, OpenAI
from serving import serve

ADDRESS = os.environ["ROUTER"] + "/v1"
MESSAGES = [{"role": "user", "content": "Say something."}]
MODEL = "gpt-4o-mini"
CLIENT = OpenAI(base_url=ADDRESS, api_key=os.environ["ROUTER_KEY"], max_retries=0)

Json = dict[str, Any]


def chat(headers: Json, retries: int = 0, model: str = MODEL, **more: Any) -> Json:
    """A whole completion, and the headers that it came with."""
    create = CLIENT.with_options(max_retries=retries).chat.completions.with_raw_response.create
    raw = create(model=model, messages=MESSAGES, extra_headers=headers, **more)
    return {"headers": dict(raw.headers), "answer": raw.parse().model_dump(mode="json")}


def impatient(headers: Json, timeout_s: float) -> Json:
    """A completion that is given up when nothing has come for so long."""
    CLIENT.with_options(timeout=timeout_s).chat.completions.create(
        model=MODEL, messages=MESSAGES, extra_headers=headers
    )
    return {}


def stream(headers: Json, leave_after: int | None = None, **more: Any) -> Json:
    """A stream read to its end, or left in the middle."""
    chunks: list[Json] = []
    with CLIENT.chat.completions.create(
        model=MODEL, messages=MESSAGES, stream=True, extra_headers=headers, **more
    ) as answer:
        for chunk in answer:
            chunks.append(chunk.model_dump(mode="json"))
            if len(chunks) == leave_after:
                break
    return {"headers": dict(answer.response.headers), "chunks": chunks}


def accumulated(headers: Json, **more: Any) -> Json:
    """A stream that the SDK puts together, and the kinds of events that it saw."""
    with CLIENT.chat.completions.stream(model=MODEL, messages=MESSAGES, extra_headers=headers, **more) as events:
        kinds = [event.type for event in events]
        return {"kinds": kinds, "answer": events.get_final_completion().model_dump(mode="json")}


def complete(headers: Json, stream: bool = False) -> Json:
    """The older completions."""
    answer = CLIENT.completions.create(
        model="gpt-3.5-turbo-instruct", prompt="Once", stream=stream, extra_headers=headers
    )
    parts = list(answer) if stream else [answer]
    return {"text": "".join(part.choices[0].text for part in parts if part.choices), "parts": len(parts)}


def embed(headers: Json, texts: list[str]) -> Json:
    """Vectors; the SDK asks for base64 and turns it into numbers."""
    answer = CLIENT.embeddings.with_raw_response.create(
        model="text-embedding-3-small", input=texts, extra_headers=headers
    )
    sent = answer.http_request.content.decode()
    vectors = [one.embedding for one in answer.parse().data]
    return {"headers": dict(answer.headers), "sent": sent, "vectors": vectors}


def respond(headers: Json, stream: bool = False) -> Json:
    """The responses API."""
    answer = CLIENT.responses.create(model=MODEL, input="Say something.", stream=stream, extra_headers=headers)
    if not stream:
        return {"kinds": [], "text": answer.output_text}
    events = list(answer)
    return {"kinds": [event.type for event in events], "text": events[-1].response.output_text}


def count_tokens(headers: Json) -> int:
    """The length of a prompt."""
    answer = CLIENT.responses.input_tokens.count(model=MODEL, input="Say something.", extra_headers=headers)
    return int(answer.input_tokens)


def elsewhere(headers: Json, path: str) -> Json:
    """An address that the SDK would not call by itself."""
    CLIENT.post(path, cast_to=object, body={}, options={"headers": headers})
    return {}


def at_once(headers: Json, count: int) -> list[Json]:
    """Whole and streamed answers in turn, all at the same time, with the asynchronous client."""

    async def whole(client: AsyncOpenAI) -> Json:
        raw = await client.chat.completions.with_raw_response.create(
            model=MODEL, messages=MESSAGES, extra_headers=headers
        )
        return {"headers": dict(raw.headers), "text": raw.parse().choices[0].message.content}

    async def streamed(client: AsyncOpenAI) -> Json:
        answer = await client.chat.completions.create(
            model=MODEL, messages=MESSAGES, stream=True, extra_headers=headers
        )
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in answer])
        return {"headers": dict(answer.response.headers), "text": text}

    async def all_of_them() -> list[Json]:
        async with AsyncOpenAI(base_url=ADDRESS, api_key=os.environ["ROUTER_KEY"], max_retries=0) as client:
            return list(await asyncio.gather(*[(whole, streamed)[i % 2](client) for i in range(count)]))

    return asyncio.run(all_of_them())


def cancelled(headers: Json, after_s: float) -> Json:
    """A whole answer whose task is cancelled while it is waited for."""

    async def give_up() -> str:
        async with AsyncOpenAI(base_url=ADDRESS, api_key=os.environ["ROUTER_KEY"], max_retries=0) as client:
            call = client.chat.completions.create(model=MODEL, messages=MESSAGES, extra_headers=headers)
            try:
                await asyncio.wait_for(call, after_s)
            except TimeoutError:
                return "cancelled"
        return "answered"

    return {"outcome": asyncio.run(give_up())}


serve([chat, impatient, stream, accumulated, complete, embed, respond, count_tokens, elsewhere, at_once, cancelled])
