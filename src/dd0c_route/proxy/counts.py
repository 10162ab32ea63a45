"""Calls that ask how long a prompt is: answered here, without a provider, in the shape of the caller's dialect.

Exactly, by the process that counts beside the worker; where that takes too long, by the estimate that routing uses. The
headers say which, and how far it may be off. A caller who wants the provider's word says `x-dd0c-count: provider`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

from dd0c_route.decide import resolve
from dd0c_route.errors import BadRequest, NotFound
from dd0c_route.proxy.counter import Correct, Counter
from dd0c_route.runtime import Runtime
from dd0c_route.tokens import count_request
from dd0c_route.types import Call, Count, Decision, Target
from dd0c_route.wire.loose import UNREADABLE

APIS = frozenset(("anthropic.count_tokens", "gemini.count_tokens", "openai.input_tokens"))

WAIT_S = 3.0  # the process and its vocabulary are there after one; then a megabyte takes about a tenth
MOST_WAITING = 64  # calls in line for it; the next one gets the estimate at once

LOCAL = "local"  # the entry's provider, where it was the router
_MEDIA = (b'"inlineData"', b'"inline_data"', b'"fileData"', b'"file_data"')
_SEARCHED_BYTES = 1 << 20  # of a body, for parts that are no text


def is_ours(call: Call) -> bool:
    """Whether the router answers *call* itself."""
    if call.api not in APIS or call.dialect == "passthrough":
        return False
    return not any(name == b"x-dd0c-count" and value.lower() == b"provider" for name, value in call.headers)


def whose(call: Call, runtime: Runtime) -> Decision:
    """The model to count for: the one that was asked for, whoever would serve it; it need not be configured."""
    if not call.model:
        raise BadRequest("the request names no model: add the field 'model'")
    try:
        target = resolve(call, runtime.router)
    except NotFound:
        target = Target("", call.model)
    return Decision(plan=(target,), verdict="kept", reason="counted by the router", asked=target)


class _Message(Struct):
    """As much of a message as is checked."""

    role: Literal["user", "assistant", "system"]
    content: Raw


_MESSAGES = msgspec.json.Decoder(list[_Message])
_INNER = msgspec.json.Decoder(dict[str, Raw])


def check(call: Call) -> None:
    """Refuse what the provider would refuse, as far as counting is concerned; contents are only skipped over.

    Raises:
        BadRequest: The prompt is missing, or not what it must be.
    """
    fields = call.fields
    try:
        match call.api:
            case "gemini.count_tokens":
                inner = fields.get("generateContentRequest")
                _insist(fields if inner is None else _INNER.decode(inner), "contents", b"[{")
            case "openai.input_tokens":
                _insist(fields, "input" if "input" in fields else "instructions", b'"[')
            case _:
                _insist(fields, "messages", b"[")
                messages = _MESSAGES.decode(fields["messages"])
                if not messages:
                    raise BadRequest("messages: at least one message is required")
                for message in messages:
                    _insist({"content": message.content}, "content", b'"[')
    except msgspec.ValidationError as error:
        raise BadRequest(f"the prompt is not what it must be: {error}") from None
    except UNREADABLE:
        raise BadRequest("the prompt is not valid JSON, or nested too deeply") from None


def _insist(fields: Mapping[str, Raw], name: str, begins: bytes) -> None:
    """That the field is there, and a text, a list or an object, as its first byte tells."""
    first = bytes(memoryview(fields.get(name, Raw(b"")))[:1])
    if not first or first not in begins:
        kinds = " or ".join(kind for byte, kind in _KINDS if byte in begins)
        raise BadRequest(f"{name}: field required" if not first else f"{name}: must be {kinds}")


_KINDS = ((b'"', "a string"), (b"[", "a list"), (b"{", "an object"))


class Counts:
    """Exact counts for calls that wait for them, one at a time, and never for long.

    Args:
        correct: What is known of our own counts, for those that are estimates.
    """

    def __init__(self, correct: Correct) -> None:
        self._counter = Counter(correct)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="counts")
        self._waiting = 0

    async def count(self, call: Call, target: Target) -> Count:
        """The input tokens of the prompt in *call*."""
        asked = (call.api, call.fields, target.model, target.provider)
        if self._waiting >= MOST_WAITING:
            return count_request(*asked)
        line = [asked]  # emptied when nobody waits any more: behind a slow count the thread's queue grows
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_S):
                return await asyncio.wrap_future(self._thread.submit(lambda: self._counter.request(*line[0])))
        except TimeoutError:
            return count_request(*asked)
        finally:
            self._waiting -= 1
            line.clear()

    def close(self) -> None:
        """End the process; what waits for it gets the estimate."""
        self._counter.close()
        self._thread.shutdown(wait=False)


def headers_of(count: Count) -> list[tuple[bytes, bytes]]:
    """How good a count is."""
    low, high = count.band
    return [
        (b"content-type", b"application/json"),
        (b"x-dd0c-count", count.exactness.encode()),
        (b"x-dd0c-count-band", b"%d-%d" % (low, high)),
    ]


def body_of(call: Call, count: Count) -> bytes:
    """The answer as the provider gives it. SDKs may refuse fields that they do not know, so there are no others.

    Sources: the API references: Anthropic's "Count tokens", Google's "models.countTokens", OpenAI's "Get input token
    counts".
    """
    answer: dict[str, Any]
    if call.api == "gemini.count_tokens":
        answer = {"totalTokens": count.tokens}
        if len(call.body) <= _SEARCHED_BYTES and not any(name in call.body for name in _MEDIA):
            answer["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": count.tokens}]
    elif call.api == "openai.input_tokens":
        answer = {"object": "response.input_tokens", "input_tokens": count.tokens}
    else:
        answer = {"input_tokens": count.tokens}
    return msgspec.json.encode(answer)
