"""How translated streams end: with the provider's own end, or told as cut; also those that come with a coding."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped]  # it ships no types
import pytest
import zstandard

from dd0c_route.wire.eventstream import frame_of
from tests.endings.caller import Caller, body_of
from tests.proxy import told
from tests.proxy.test_translated_faults import (
    HALF_MESSAGES,
    WAYS,
    Way,
    error_of,
    id_in,
    provider_that,
    stream_head,
    text_of,
)
from tests.stand import Stand

ONE = """
[providers.one]
dialect = "{dialect}"
base_url = "http://127.0.0.1:{port}"
api_key = {{{{ env = "SIM_KEY" }}}}
"""
EVENTS, FRAMES = "text/event-stream", "application/vnd.amazon.eventstream"
COUNTS = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}
REST_OF_MESSAGES = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
    b'"delta":{"type":"text_delta","text":" loaf"}}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    b'"usage":{"output_tokens":7}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


def chunk(reason: str = "", **more: Any) -> bytes:
    candidate = {"content": {"role": "model", "parts": [{"text": "Half a"}]}, "index": 0}
    return counts(candidates=[{**candidate, "finishReason": reason} if reason else candidate], **more)


def counts(**more: Any) -> bytes:
    return b"data: " + json.dumps({**more, "usageMetadata": COUNTS, "modelVersion": "m"}).encode() + b"\r\n\r\n"


def frames(**events: Any) -> bytes:
    return b"".join(frame_of(name.encode(), json.dumps(event).encode()) for name, event in events.items())


HALF_FRAMES = frames(
    messageStart={"role": "assistant"}, contentBlockDelta={"contentBlockIndex": 0, "delta": {"text": "Half a"}}
)
CUT = {
    "gemini": ("gemini", chunk()),
    "gemini-that-only-counts": ("gemini", chunk() + counts()),
    "gemini-without-a-word": ("gemini", b""),
    "bedrock": ("bedrock", HALF_FRAMES),
    "bedrock-behind-a-block": ("bedrock", HALF_FRAMES + frames(contentBlockStop={"contentBlockIndex": 0})),
}
WHOLE = {
    "gemini": ("gemini", chunk("STOP"), "ended"),
    "gemini-that-counts-last": ("gemini", chunk("MAX_TOKENS") + counts(), "cut"),
    "gemini-that-blocks-the-prompt": ("gemini", counts(promptFeedback={"blockReason": "SAFETY"}), "withheld"),
    "bedrock": ("bedrock", HALF_FRAMES + frames(messageStop={"stopReason": "end_turn"}, metadata={}), "ended"),
    "bedrock-that-counts-nothing": ("bedrock", HALF_FRAMES + frames(messageStop={"stopReason": "max_tokens"}), "cut"),
}  # fmt: skip


def provider_of(body: bytes, coding: str = "", kind: str = EVENTS) -> type[BaseHTTPRequestHandler]:
    """A provider that answers each call with *body*, whole and properly framed."""

    class One(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", kind)
            if coding:
                self.send_header("content-encoding", coding)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    return One


def asked(way: Way, dialect: str, provider: type[BaseHTTPRequestHandler], folder: Path) -> tuple[bytes, dict[str, Any]]:
    """What the client reads of the stream, and the entry."""
    with (
        provider_that(provider) as port,
        Stand(folder, ONE.format(dialect=dialect, port=port)) as stand,
        Caller(stand.port) as caller,
    ):
        caller.send(stream_head(way._replace(body={**way.body, "model": "one/m"}), ""))
        caller.read_answer()
        raw = bytes(caller.raw)
        return body_of(raw)[0], stand.entry(id_in(raw))


def kind_of(dialect: str) -> str:
    return FRAMES if dialect == "bedrock" else EVENTS


@pytest.mark.parametrize("case", CUT)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_stream_without_its_own_end_is_told_as_cut(way: Way, case: str, tmp_path: Path) -> None:
    dialect, body = CUT[case]
    read, entry = asked(way, dialect, provider_of(body, kind=kind_of(dialect)), tmp_path)

    found = told.events(read) or [json.loads(read)]
    assert "ended its answer before it was complete" in error_of(way, found[-1])["message"]
    assert text_of(read) == ("Half a" if body else "")
    assert b"[DONE]" not in read
    assert b"message_stop" not in read
    assert (entry["end_state"], entry["error"]) == ("upstream_failed", "upstream_cut")


@pytest.mark.parametrize("case", WHOLE)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_stream_with_its_own_end_is_whole_whatever_stands_behind_it(way: Way, case: str, tmp_path: Path) -> None:
    dialect, body, stop = WHOLE[case]
    read, entry = asked(way, dialect, provider_of(body, kind=kind_of(dialect)), tmp_path)

    assert not any("error" in event for event in told.events(read))
    assert (told.chat if way.name == "chat" else told.messages)(read, streamed=True).stop == stop
    assert (entry["end_state"], entry["error"]) == ("complete", None)


@pytest.mark.parametrize("coding", CODINGS)
def test_a_stream_with_a_content_coding_is_read_all_the_same(coding: str, tmp_path: Path) -> None:
    body = CODINGS[coding](HALF_MESSAGES + REST_OF_MESSAGES)
    read, entry = asked(WAYS[0], "anthropic", provider_of(body, coding), tmp_path)

    assert told.chat(read, streamed=True)[:3] == ("Half a loaf", [], "ended")
    assert entry["end_state"] == "complete"
    assert (entry["usage"]["input"], entry["usage"]["output"]) == (3, 7)
    assert entry["delivered_output_tokens"] == entry["received_output_tokens"] > 0


def test_half_a_stream_with_a_content_coding_is_told_as_cut(tmp_path: Path) -> None:
    read, entry = asked(WAYS[0], "anthropic", provider_of(gzip.compress(HALF_MESSAGES), "gzip"), tmp_path)

    assert "ended its answer before it was complete" in error_of(WAYS[0], told.events(read)[-1])["message"]
    assert (entry["end_state"], entry["error"]) == ("upstream_failed", "upstream_cut")


@pytest.mark.parametrize(("coding", "body"), [("gzip", b"no gzip at all"), ("made-up", b"data: {}\n\n")])
def test_a_coding_that_cannot_be_undone_is_the_providers_fault(coding: str, body: bytes, tmp_path: Path) -> None:
    read, entry = asked(WAYS[0], "anthropic", provider_of(body, coding), tmp_path)

    found = told.events(read) or [json.loads(read)]
    assert "cannot be read" in error_of(WAYS[0], found[-1])["message"]
    assert (entry["end_state"], entry["error"]) == ("upstream_failed", "upstream_invalid")
