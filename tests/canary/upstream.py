"""Providers that keep every byte they are sent and say back what they heard: one origin each, in one thread.

The header `x-scene` of a call says how they answer: `ok`, or a fault of which `FAULTS` has the list.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import threading
from collections.abc import Iterable
from typing import Any, Self

from tests.canary.slots import SET_COOKIE

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_SCENE = re.compile(rb"\r\nx-scene: *([\w-]+)", re.IGNORECASE)
_CREDENTIAL = re.compile(
    rb"\r\n(?:authorization: (?:Bearer )?|x-api-key: |x-goog-api-key: |api-key: )([^\r\n]+)", re.IGNORECASE
)
_IN_QUERY = re.compile(rb"[?&](?:key|subscription)=([^& ]+)")

STATUS = {"echo-400": 400, "echo-401": 401, "echo-403": 403, "echo-404": 404, "echo-429": 429, "echo-500": 500}
FAULTS = (
    *STATUS,
    "echo-text", "echo-html", "echo-gzip", "echo-base64", "echo-slow", "echo-headers", "echo-headers-ok",
    "redirect", "redirect-host", "echo-event", "echo-event-split", "echo-cut", "cut", "reset", "garbage",
    "echo-garbage", "header-garbage", "empty",
)  # fmt: skip
"""What a provider may do with the credential that it was sent."""


class Upstream:
    """Origins by name, each with a port of its own.

    Attributes:
        got: For each origin, every byte that came.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.got: dict[str, bytearray] = {name: bytearray() for name in names}
        self.ports: dict[str, int] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._over = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(20)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        servers = []
        for name in self.got:

            async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str = name) -> None:
                await self._connection(name, reader, writer)

            server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=1 << 24)
            self.ports[name] = server.sockets[0].getsockname()[1]
            servers.append(server)
        self._ready.set()
        await self._over.wait()
        for server in servers:
            server.close()

    async def _connection(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.got[name] += head
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                self.got[name] += body + b"\r\n"
                if not await _answer(head, body, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def _answer(head: bytes, body: bytes, writer: asyncio.StreamWriter) -> bool:
    """Write what the scene asks for; False where the connection ends with it."""
    found = _SCENE.search(head)
    scene = found[1].decode() if found else "ok"
    target = head.split(b" ", 2)[1].decode("latin-1")
    heard = _CREDENTIAL.search(head) or _IN_QUERY.search(head.split(b"\r\n")[0])
    credential = heard[1].decode("latin-1") if heard else "nothing"
    stream = b'"stream":true' in body.replace(b" ", b"") or "stream" in target.lower()
    if scene == "ok":
        kind, content = _good(target, stream=stream)
        writer.write(_framed(200, content, kind))
        return True
    return await _faulty(scene, target, credential, writer)


async def _faulty(scene: str, target: str, credential: str, writer: asyncio.StreamWriter) -> bool:
    said = f"Incorrect API key provided: {credential}. It came as 'Bearer {credential}' to https://x.test/?key={credential}"
    error = _error(target, said)
    if scene in STATUS:
        writer.write(_framed(STATUS[scene], error))
    elif scene == "echo-text":
        writer.write(_framed(401, f"denied: {credential}\n".encode(), "text/plain"))
    elif scene == "echo-html":
        writer.write(_framed(502, f"<html><h1>{credential}</h1></html>".encode(), "text/html"))
    elif scene == "echo-gzip":
        writer.write(_framed(401, gzip.compress(error), extra="content-encoding: gzip\r\n"))
    elif scene == "echo-base64":
        writer.write(_framed(403, _error(target, f"received {_coded(credential)}")))
    elif scene == "echo-slow":
        whole = _framed(401, error)
        middle = whole.rindex(credential.encode()) + len(credential) // 2
        writer.write(whole[:middle])
        await writer.drain()
        await asyncio.sleep(0.4)  # longer than an answer is held
        writer.write(whole[middle:])
    elif scene in ("echo-headers", "echo-headers-ok"):
        status = 401 if scene == "echo-headers" else 200
        content = error if status == 401 else _good(target, stream=False)[1]
        writer.write(_framed(status, content, extra=_telling(credential)))
    elif scene == "redirect":
        where = f"location: https://elsewhere.test/v1?key={credential}\r\n"
        writer.write(_framed(307, b"{}", extra=where))
    elif scene == "redirect-host":
        writer.write(_framed(302, b"{}", extra=f"location: https://{credential[:60].strip('-_.')}.test/\r\n"))
    elif scene.startswith("echo-event") and "/converse" in target:  # in frames of their own, which nobody edits
        writer.write(_framed(200, _error(target, said)))
    elif scene.startswith("echo-event"):
        return await _stream_error(target, said, credential, writer, split=scene.endswith("split"))
    else:
        return _broken(scene, target, credential, writer)
    return True


def _broken(scene: str, target: str, credential: str, writer: asyncio.StreamWriter) -> bool:
    """Faults after which the connection is of no more use."""
    if scene == "echo-cut":
        writer.write(_framed(401, _error(target, credential) + b" " * 999)[:-500])
    elif scene == "cut":
        writer.write(_framed(200, _good(target, stream=True)[1], "text/event-stream")[:-40])
    elif scene == "reset":
        assert writer.transport is not None
        writer.transport.abort()
    elif scene == "garbage":
        writer.write(b"not HTTP at all\r\n\r\n")
    elif scene == "echo-garbage":
        writer.write(f"you sent {credential}\r\n\r\n".encode())
    elif scene == "header-garbage":
        writer.write(f"HTTP/1.1 200 {credential}\r\n{credential}\r\ncontent-length: x{credential}\r\n\r\n".encode())
    else:
        assert scene == "empty", scene
    return False


async def _stream_error(target: str, said: str, credential: str, writer: asyncio.StreamWriter, *, split: bool) -> bool:
    """An answer that begins well and ends in an error, told within the stream."""
    kind, content = _good(target, stream=True)
    begun = content[: content.index(b"\n\n") + 2]
    event = b"event: error\ndata: " + _error(target, said, in_stream=True) + b"\n\n"
    whole = _framed(200, begun + event, kind)
    cuts = [len(whole)]
    if split:  # within the credential
        at = whole.index(credential.encode()) + len(credential) // 2
        cuts = [len(whole) - len(event), at, len(whole)]
    done = 0
    for cut in cuts:
        writer.write(whole[done:cut])
        await writer.drain()
        await asyncio.sleep(0.02)  # so that the router sees two pieces
        done = cut
    return True


def _coded(credential: str) -> str:
    import base64

    return base64.b64encode(f"Bearer {credential}".encode()).decode()


def _telling(credential: str) -> str:
    return (
        f'www-authenticate: Bearer realm="x", error_description="{credential}"\r\n'
        f"x-request-id: req_{credential}\r\nrequest-id: {credential}\r\nx-debug: Bearer {credential}\r\n"
        f"retry-after: {credential}\r\nlocation: /v1?key={credential}\r\n"
        f'content-disposition: attachment; filename="{credential}"\r\n'
    )


def _framed(status: int, body: bytes, kind: str = "application/json", extra: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status} Said\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n"
        f"set-cookie: session={SET_COOKIE.value}; Path=/\r\n{extra}\r\n"
    )
    return head.encode("latin-1") + body


def _error(target: str, said: str, *, in_stream: bool = False) -> bytes:
    """In the shape of the API at *target*."""
    shape: dict[str, Any]
    if "/messages" in target:
        shape = {"type": "error", "error": {"type": "authentication_error", "message": said}}
    elif "Content" in target:
        shape = {"error": {"code": 401, "message": said, "status": "UNAUTHENTICATED"}}
    elif "/converse" in target:
        shape = {"message": said}
    elif in_stream and target.endswith("/responses"):
        shape = {"type": "error", "code": "invalid_api_key", "message": said, "param": None, "sequence_number": 1}
    else:
        shape = {"error": {"message": said, "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}}
    return json.dumps(shape).encode()


# --- good answers -----------------------------------------------------------------------------------------------

_USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
_OUTPUT = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
           "content": [{"type": "output_text", "text": "Good day.", "annotations": []}]}  # fmt: skip
_RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "gpt-4o-mini",
             "output": [_OUTPUT], "usage": {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11}}  # fmt: skip
_MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
            "content": [{"type": "text", "text": "Good day."}], "stop_reason": "end_turn", "stop_sequence": None,
            "usage": {"input_tokens": 9, "output_tokens": 2}}  # fmt: skip
_CANDIDATES = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "Good day."}]}, "finishReason": "STOP", "index": 0}
    ],
    "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 11},
    "modelVersion": "gemini-2.5-flash",
}
_CONVERSED = {"output": {"message": {"role": "assistant", "content": [{"text": "Good day."}]}},
              "stopReason": "end_turn", "usage": {"inputTokens": 9, "outputTokens": 2, "totalTokens": 11},
              "metrics": {"latencyMs": 1}}  # fmt: skip


def _good(target: str, *, stream: bool) -> tuple[str, bytes]:
    path = target.partition("?")[0]
    if "ountTokens" in path or "count_tokens" in path:
        return "application/json", b'{"totalTokens": 9, "input_tokens": 9}'
    if "/messages" in path or "rawPredict" in path:
        return _as_stream(_message_events()) if stream else _as_json(_MESSAGE)
    if "Content" in path:
        return _as_stream([_CANDIDATES]) if stream else _as_json(_CANDIDATES)
    if "/converse" in path:
        return _as_json(_CONVERSED)
    if path.endswith("/responses"):
        return _as_stream(_response_events()) if stream else _as_json(_RESPONSE)
    if path.endswith("/embeddings"):
        vector = {"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}
        return _as_json({"object": "list", "data": [vector], "model": "text-embedding-3-small", "usage": _USAGE})
    if path.endswith("/models"):
        return _as_json({"object": "list", "data": [{"id": "gpt-4o-mini", "object": "model"}]})
    return _as_stream(_chat_events(), done=True) if stream else _as_json(_chat("message", "stop") | {"usage": _USAGE})


def _chat(where: str, finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, where: {"role": "assistant", "content": "Good day."}, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini", "choices": [choice]}


def _chat_events() -> list[dict[str, Any]]:
    last = _chat("delta", "stop")
    last["choices"][0]["delta"] = {}
    return [_chat("delta", None), last, {**_chat("delta", None), "choices": [], "usage": _USAGE}]


def _message_events() -> list[dict[str, Any]]:
    return [
        {"type": "message_start", "message": _MESSAGE | {"content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Good day."}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]


def _response_events() -> list[dict[str, Any]]:
    delta = {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0}
    return [
        {"type": "response.created", "response": _RESPONSE | {"status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": _OUTPUT | {"content": []}},
        delta | {"delta": "Good day."},
        {"type": "response.completed", "response": _RESPONSE},
    ]


def _as_json(answer: object) -> tuple[str, bytes]:
    return "application/json", json.dumps(answer).encode()


def _as_stream(events: list[dict[str, Any]], *, done: bool = False) -> tuple[str, bytes]:
    lines = [
        (f"event: {event['type']}\n" if "type" in event else "") + f"data: {json.dumps(event)}\n\n" for event in events
    ]
    return "text/event-stream", "".join(lines + ["data: [DONE]\n\n"] * done).encode()
