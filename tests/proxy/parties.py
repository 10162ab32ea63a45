"""Clients of all dialects on bare sockets: what they send, and what they are told, read by hand."""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

from dd0c_route.wire.eventstream import EventStreamParser
from tests.endings.caller import post
from tests.proxy.told import events
from tests.stand import CHAT, MESSAGES


class Party(NamedTuple):
    """A client. *path*: for a whole answer and for a stream, the model as `{}`; *statuses*: known by another."""

    api: str
    path: tuple[str, str]
    body: dict[str, Any]
    statuses: dict[int, int]

    def request(self, model: str, sim: str, *, stream: bool) -> bytes:
        body = dict(self.body)
        if "{}" not in self.path[0]:
            body |= {"model": model, "stream": stream}
        # Compact: the simulator counts blanks as tokens.
        content = json.dumps(body, separators=(",", ":")).encode()
        where = self.path[stream].format(model.replace("/", "%2F"))
        return post(where, None, {"x-sim": sim}).replace(b"content-length: 4\r\n\r\nnull", b"") + (
            b"content-length: %d\r\n\r\n%b" % (len(content), content)
        )


CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Say something."}]}]}
GENERATE, STREAM = "/v1beta/models/{}:generateContent", "/v1beta/models/{}:streamGenerateContent"
PARTIES = {
    "chat": Party("openai.chat", ("/v1/chat/completions",) * 2, CHAT, {529: 503}),
    "messages": Party("anthropic.messages", ("/v1/messages",) * 2, MESSAGES, {}),
    "responses": Party("openai.responses", ("/v1/responses",) * 2, {"input": "Say something."}, {529: 503}),
    "gemini": Party("gemini.generate", (GENERATE, f"{STREAM}?alt=sse"), CONTENTS, {529: 503}),
    "array": Party("gemini.array", (GENERATE, STREAM), CONTENTS, {529: 503}),
    "converse": Party(
        "bedrock.converse",
        ("/model/{}/converse", "/model/{}/converse-stream"),
        {"messages": [{"role": "user", "content": [{"text": "Say something."}]}]},
        {401: 403, 529: 503},
    ),
}

Kind = Literal["text", "error", "end", "other"]


def parsed(api: str, body: bytes) -> list[tuple[str, Any]]:
    """Names and contents of a stream's events, as many as are whole."""
    if api == "bedrock.converse":
        return [(frame.name.decode(), json.loads(frame.payload)) for frame in EventStreamParser(checks=True).feed(body)]
    if api != "gemini.array":
        return [(event.get("type", ""), event) for event in events(body)] + [("done", {})] * (b"[DONE]" in body)
    found, text = [], body.decode().removeprefix("[")
    while text.startswith("{"):
        try:
            value, behind = json.JSONDecoder().raw_decode(text)
        except ValueError:
            break
        found.append(("", value))
        text = text[behind:].lstrip(",\r\n")
    return found


def story(api: str, body: bytes) -> list[tuple[Kind, Any]]:
    """A stream in four words, whatever the dialect."""
    return [_told(api, name, event) for name, event in parsed(api, body)]


def _told(api: str, name: str, event: dict[str, Any]) -> tuple[Kind, Any]:
    if name.endswith("Exception") or event.get("error") or name == "response.failed":
        return "error", event
    if name in ("done", "message_stop", "response.completed", "response.incomplete", "messageStop", "metadata"):
        return "end", None
    if api.startswith("gemini"):
        candidate = event["candidates"][0]
        text = "".join(part.get("text", "") for part in candidate["content"]["parts"])
        return ("end", None) if candidate.get("finishReason") else ("text", text)
    if api == "openai.chat":
        choice: dict[str, Any] = next(iter(event["choices"]), {"delta": {}})
        return ("end", None) if choice.get("finish_reason") else ("text", choice["delta"].get("content") or "")
    if name == "response.output_text.delta":
        return "text", event["delta"]
    if name in ("content_block_delta", "contentBlockDelta"):
        return "text", event["delta"]["text"]
    return "other", None


def text_of(api: str, body: bytes) -> str:
    return "".join(what for kind, what in story(api, body) if kind == "text")


def pieces_of(api: str, body: bytes) -> int:
    return sum(kind == "text" and bool(what) for kind, what in story(api, body))


def check_error(api: str, error: Any, status: int | None = None) -> None:
    """It has the shape that clients of the dialect know; *status* where it came instead of an answer."""
    if api.startswith("gemini"):
        assert set(error["error"]) == {"code", "message", "status"}
        assert error["error"]["message"]
        assert error["error"]["status"].isupper()
        assert status in (None, error["error"]["code"])
    elif api == "bedrock.converse":
        assert error["message"]
        assert (status is None) or error["__type"].endswith("Exception")
    elif api == "anthropic.messages":
        assert error["type"] == "error"
        assert error["error"]["message"]
        assert isinstance(error["error"]["type"], str)
    elif "response" in error:
        assert error["response"]["status"] == "failed"
        assert error["response"]["error"]["message"]
    else:
        assert set(error["error"]) == {"message", "type", "param", "code"}
        assert error["error"]["message"]
