"""The recordings of real providers, where `DD0C_CORPUS` names their folder, as the bytes that went over the wire."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from dd0c_route.wire.api import api_of
from tests.wire.examples import AWS, JSON, SSE, frame, invoke_frame

APIS = (
    *("openai.chat", "openai.completions", "openai.responses", "embeddings"),
    *("anthropic.messages", "anthropic.count_tokens", "gemini.generate", "gemini.count_tokens"),
    *("bedrock.converse", "bedrock.invoke", "cohere.chat", "ollama"),
)


def records(api: str) -> Iterator[dict[str, Any]]:
    """The recordings of one file; skips the test where there are none to find."""
    folder = os.environ.get("DD0C_CORPUS")
    if not folder:
        pytest.skip("set DD0C_CORPUS to the folder that holds recordings/")
    with gzip.open(Path(folder) / "recordings" / f"{api}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def api_called(record: dict[str, Any]) -> str:
    return api_of(urlsplit(record["url"]).path)


def body_of(record: dict[str, Any]) -> tuple[str, bytes]:
    """The content type and the body of the recorded answer."""
    if record.get("response_sse") is not None:
        return SSE, record["response_sse"].encode()
    if record.get("response_events") is None:
        return JSON, _json(record["response"])
    events, form = record["response_events"], record["stream_format"]
    if form == "ndjson":
        return "application/x-ndjson", b"".join(_json(event["data"]) + b"\n" for event in events)
    if form == "eventstream" and record["api"] == "bedrock.invoke":
        return AWS, b"".join(invoke_frame(event["data"]) for event in events)
    if form == "eventstream":
        return AWS, b"".join(frame(event["event"], _json(event["data"])) for event in events)
    done = b"data: [DONE]\n\n" if record["api"] == "openai.chat" else b""
    return SSE, b"".join(b"data: " + _json(event["data"]) + b"\n\n" for event in events) + done


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
