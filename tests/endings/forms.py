"""Calls of every dialect, JSON and streams, and what a provider that works answers to them; all made up."""

from __future__ import annotations

import json
from typing import Any

from msgspec import Struct

from dd0c_route.upstream.simulator.eventstream import frame
from tests.endings.caller import post

KEY = "sk-proj-synthetic0fault0key0T3BlbkFJ0never0issued00000001"  # the router's own; nobody ever issued it
MODELS = {
    "openai": "gpt-4o-mini",
    "anthropic": "claude-haiku-4-5",
    "gemini": "gemini-2.5-flash",
    "bedrock": "amazon.nova-lite-v1:0",
}

_TEXTS = ["It ", "never ", "rains ", "in ", "Grünau - ", "雨 🌧."]
_TEXT = "".join(_TEXTS)
_ASK = [{"role": "user", "content": "Does it rain?"}]
_USAGE = {"prompt_tokens": 9, "completion_tokens": 14, "total_tokens": 23}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _data(*events: Any) -> list[bytes]:
    return [b"data: " + _json(event) + b"\n\n" for event in events]


def _named(*events: Any) -> list[bytes]:
    return [b"event: " + event["type"].encode() + b"\ndata: " + _json(event) + b"\n\n" for event in events]


class Speech(Struct, frozen=True):
    """How one API answers.

    Attributes:
        provider: Which kind of provider speaks it.
        whole: The JSON answer.
        events: The stream, event by event.
        kind: The stream's content type.
        last: What alone its proper end contains.
        error: The body of an error, which `%s` gives its words.
        broken: What a stream carries where the provider fails midway.
    """

    provider: str
    whole: bytes
    events: list[bytes]
    kind: str
    last: bytes
    error: bytes
    broken: bytes


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini", "choices": [choice]}


CHAT = Speech(
    provider="openai",
    whole=_json(
        {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-4o-mini",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": _TEXT}, "finish_reason": "stop"}],
            "usage": _USAGE,
        }
    ),
    events=[
        *_data(_chunk({"role": "assistant", "content": ""}), *[_chunk({"content": text}) for text in _TEXTS]),
        *_data(_chunk({}, "stop"), {**_chunk({}), "choices": [], "usage": _USAGE}),
        b"data: [DONE]\n\n",
    ],
    kind="text/event-stream",
    last=b"[DONE]",
    error=_json({"error": {"message": "%s", "type": "server_error", "param": None, "code": None}}),
    broken=_data({"error": {"message": "made up", "type": "server_error", "code": "server_error"}})[0],
)

_RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-4o-mini",
    "error": None,
}
_ITEM = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": _TEXT, "annotations": []}],
}
_ANSWERED = {
    **_RESPONSE,
    "status": "completed",
    "output": [_ITEM],
    "usage": {"input_tokens": 9, "output_tokens": 14, "total_tokens": 23},
}
_PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}

RESPONSES = Speech(
    provider="openai",
    whole=_json(_ANSWERED),
    events=_named(
        {"type": "response.created", "response": {**_RESPONSE, "status": "in_progress", "output": []}},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**_ITEM, "status": "in_progress", "content": []},
        },
        *[{"type": "response.output_text.delta", **_PLACE, "delta": text} for text in _TEXTS],
        {"type": "response.output_text.done", **_PLACE, "text": _TEXT},
        {"type": "response.completed", "response": _ANSWERED},
    ),
    kind="text/event-stream",
    last=b"event: response.completed",
    error=CHAT.error,
    broken=_named(
        {
            "type": "response.failed",
            "response": {
                **_RESPONSE,
                "status": "failed",
                "output": [],
                "error": {"code": "server_error", "message": "made up"},
            },
        }
    )[0],
)

_MESSAGE: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5"}

MESSAGES = Speech(
    provider="anthropic",
    whole=_json(
        {
            **_MESSAGE,
            "content": [{"type": "text", "text": _TEXT}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 9, "output_tokens": 14},
        }
    ),
    events=_named(
        {
            "type": "message_start",
            "message": {
                **_MESSAGE,
                "content": [],
                "stop_reason": None,
                "usage": {"input_tokens": 9, "output_tokens": 1},
            },
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *[
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
            for text in _TEXTS
        ],
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 14}},
        {"type": "message_stop"},
    ),
    kind="text/event-stream",
    last=b"event: message_stop",
    error=_json({"type": "error", "error": {"type": "api_error", "message": "%s"}, "request_id": "req_1"}),
    broken=_named({"type": "error", "error": {"type": "api_error", "message": "made up"}})[0],
)


def _candidate(text: str, finish: str = "") -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    if not finish:
        return {"candidates": [candidate], "modelVersion": "gemini-2.5-flash"}
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 14, "totalTokenCount": 23}
    return {
        "candidates": [{**candidate, "finishReason": finish}],
        "usageMetadata": usage,
        "modelVersion": "gemini-2.5-flash",
    }


GEMINI = Speech(
    provider="gemini",
    whole=_json(_candidate(_TEXT, "STOP")),
    events=[
        event.replace(b"\n\n", b"\r\n\r\n")
        for event in _data(*map(_candidate, _TEXTS[:-1]), _candidate(_TEXTS[-1], "STOP"))
    ],
    kind="text/event-stream",
    last=b'"STOP"',
    error=_json({"error": {"code": 500, "message": "%s", "status": "INTERNAL"}}),
    broken=_data({"error": {"code": 500, "message": "made up", "status": "INTERNAL"}})[0].replace(b"\n\n", b"\r\n\r\n"),
)

_BILLED = {"usage": {"inputTokens": 9, "outputTokens": 14, "totalTokens": 23}, "metrics": {"latencyMs": 5}}

CONVERSE = Speech(
    provider="bedrock",
    whole=_json(
        {
            "output": {"message": {"role": "assistant", "content": [{"text": _TEXT}]}},
            "stopReason": "end_turn",
            **_BILLED,
        }
    ),
    events=[
        frame("messageStart", _json({"role": "assistant"})),
        *[frame("contentBlockDelta", _json({"contentBlockIndex": 0, "delta": {"text": text}})) for text in _TEXTS],
        frame("contentBlockStop", _json({"contentBlockIndex": 0})),
        frame("messageStop", _json({"stopReason": "end_turn"})),
        frame("metadata", _json(_BILLED)),
    ],
    kind="application/vnd.amazon.eventstream",
    last=b"metadata",
    error=_json({"message": "%s", "__type": "InternalServerException"}),
    broken=frame("internalServerException", _json({"message": "made up"}), exception=True),
)


class Form(Struct, frozen=True):
    """One way to call, and what answers it.

    Attributes:
        name: For the test's name.
        asks: What the caller speaks.
        answers: What the provider speaks; another one where the call is translated.
        stream: Asked for as a stream.
    """

    name: str
    asks: Speech
    answers: Speech
    stream: bool

    @property
    def translated(self) -> bool:
        return self.asks is not self.answers

    @property
    def kind(self) -> str:
        """The content type of the provider's answer."""
        return self.answers.kind if self.stream else "application/json"

    @property
    def pieces(self) -> list[bytes]:
        """The body of the provider's answer, as it would write it."""
        return self.answers.events if self.stream else [self.answers.whole]

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    def request(self, play: str, family: str = "fault", headers: dict[str, str] | None = None) -> bytes:
        """The call as it goes to the router; *family*: which of the providers, *play*: what that one is to do."""
        provider = f"{family}-{self.answers.provider}"
        model = f"{provider}/{MODELS[self.answers.provider]}"
        said = {"x-fault": play, "authorization": "Bearer synthetic-caller", **(headers or {})}
        if self.asks is CHAT:
            more: dict[str, Any] = {"stream_options": {"include_usage": True}} if self.stream else {}
            body = {"model": model, "messages": _ASK, "stream": self.stream, "max_tokens": 500, **more}
            return post("/v1/chat/completions", body, said)
        if self.asks is RESPONSES:
            return post("/v1/responses", {"model": model, "input": "Does it rain?", "stream": self.stream}, said)
        if self.asks is MESSAGES:
            return post(
                "/v1/messages", {"model": model, "messages": _ASK, "stream": self.stream, "max_tokens": 500}, said
            )
        if self.asks is GEMINI:
            action = "streamGenerateContent?alt=sse" if self.stream else "generateContent"
            named = model.replace("/", "%2F")
            return post(
                f"/v1beta/models/{named}:{action}",
                {"contents": [{"role": "user", "parts": [{"text": "Does it rain?"}]}]},
                said,
            )
        action = "converse-stream" if self.stream else "converse"
        named = model.replace("/", "%2F").replace(":", "%3A")
        return post(
            f"/model/{named}/{action}", {"messages": [{"role": "user", "content": [{"text": "Does it rain?"}]}]}, said
        )


def _forms() -> list[Form]:
    own = {"chat": CHAT, "responses": RESPONSES, "messages": MESSAGES, "gemini": GEMINI, "converse": CONVERSE}
    ways = [(name, speech, speech) for name, speech in own.items()]
    ways += [("messages over chat", MESSAGES, CHAT), ("chat over messages", CHAT, MESSAGES)]
    return [
        Form(f"{name}, {'stream' if stream else 'JSON'}", asks, answers, stream)
        for name, asks, answers in ways
        for stream in (False, True)
    ]


FORMS = _forms()
"""Five dialects and two translated pairs, JSON and streams."""

CHAT_JSON, CHAT_STREAM = FORMS[0], FORMS[1]
