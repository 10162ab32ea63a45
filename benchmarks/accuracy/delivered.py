"""What a client got of a stream that was cut, where the provider named every token it sent (log-probabilities)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.accuracy.cases import records
from dd0c_route.tokens import count_text_exactly
from dd0c_route.wire.meter import meter_for
from dd0c_route.wire.sse import SseParser
from tests.wire.corpus import api_called, body_of

SPECIAL = re.compile(r"<\|\w+\|>")  # of the model's own format: no text of the answer


class Cut(NamedTuple):
    """A stream's first *bytes*, the tokens that its log-probabilities name so far, and our count of their text."""

    record: str
    bytes: int
    truth: int
    counted: int


def cuts(folder: Path) -> Iterator[Cut]:
    """A cut behind each event of each stream that names its tokens."""
    for name in ("openai.chat", "openai.responses"):
        for record in records(folder, name):
            if record["stream"] and record["provider"] in ("openai", "azure"):
                content_type, body = body_of(record)
                if b'"logprob"' in body:
                    yield from cuts_of(record, content_type, body)


def cuts_of(record: dict[str, Any], content_type: str, body: bytes) -> Iterator[Cut]:
    meter = meter_for(api_called(record), content_type, "")
    meter.feed(body)
    meter.end()
    truth = 0
    for event in SseParser().feed(body):
        if event.data.startswith(b"{"):
            truth += sum(not SPECIAL.fullmatch(token) for token in tokens_in(json.loads(event.data)))
            text = meter.output_at(event.end).text
            yield Cut(record["id"], event.end, truth, count_text_exactly(text, record["model"]).tokens if text else 0)


def tokens_in(event: dict[str, Any]) -> list[str]:
    """The tokens that an event names: of `chat/completions`, or of a delta of `responses`."""
    if event.get("type") == "response.output_text.delta":
        return [one["token"] for one in event.get("logprobs") or ()]
    found = [choice.get("logprobs") or {} for choice in event.get("choices") or ()]
    return [one["token"] for given in found for one in given.get("content") or ()]
