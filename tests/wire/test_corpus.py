"""Every recording of every provider, cut at random: the meter reads what the provider reported."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest
from msgspec.structs import asdict

from dd0c_route.wire.hide import UsageChunkFilter
from dd0c_route.wire.meter import Meter, meter_for
from dd0c_route.wire.sse import SseParser
from tests.wire.corpus import APIS, api_called, body_of, records

PIECE_BYTES = (1, 7, 60, 900, 16_384)


def pieces(body: bytes, rng: random.Random) -> list[bytes]:
    """*body*, cut at random; long ones not into single bytes, for the time it takes."""
    sizes = PIECE_BYTES if len(body) < 20_000 else PIECE_BYTES[3:]
    cut, at = [], 0
    while at < len(body):
        size = rng.choice(sizes)
        cut.append(body[at : at + size])
        at += size
    return cut


def metered(record: dict[str, Any]) -> Meter:
    content_type, body = body_of(record)
    meter = meter_for(api_called(record), content_type, "")
    for piece in pieces(body, random.Random(record["id"])):
        meter.feed(piece)
    meter.end()
    return meter


def is_explained(record: dict[str, Any]) -> bool:
    """The two rules by which we count more than the recording's normalised usage, which copies the top level.

    Anthropic's iterations are billed each, and Mistral's total holds audio that its prompt does not.
    """
    usage = record["usage"]
    iterations = usage.get("iterations") or usage.get("message_delta", {}).get("iterations") or []
    audio = (usage.get("prompt_tokens_details") or {}).get("audio_tokens") or 0
    parts = (usage.get("prompt_tokens") or 0) + (usage.get("completion_tokens") or 0)
    return len(iterations) > 1 or (audio > 0 and usage.get("total_tokens") == parts + audio)


@pytest.mark.parametrize("api", APIS)
def test_usage_of_every_recording_is_what_the_provider_reported(api: str) -> None:
    differing, explained, total = [], 0, 0
    for record in records(api):
        total += 1
        reported, norm = metered(record).reported, record["usage_norm"]
        wanted = (norm["input_total"], norm["output_total"])
        found = reported and (reported.usage.input_total, reported.usage.output_total)
        if found == wanted:
            continue
        if is_explained(record):
            explained += 1
        else:
            differing.append((record["id"], wanted, found))
    assert not differing
    assert explained <= total // 100


@pytest.mark.parametrize("api", APIS)
def test_the_classes_of_every_recording_are_those_of_its_report(api: str) -> None:
    differing, odd, total = [], 0, 0
    for record in records(api):
        total += 1
        reported, norm = metered(record).reported, record["usage_norm"]
        assert reported is not None
        odd += not reported.consistent
        if is_explained(record) or not reported.consistent:  # more cached than there was is cut, and flagged
            continue
        media = reported.media
        found = asdict(reported.usage) | {
            "audio_in": media.input_audio + media.cache_read_audio,
            "audio_out": media.output_audio,
            "accepted_prediction": media.accepted_prediction,
            "rejected_prediction": media.rejected_prediction,
        }
        named = {"cache_read", "cache_write_5m", "cache_write_1h", "reasoning"} | set(found) & set(norm)
        if record["provider"] == "cohere":  # the recordings copy only what it bills
            named = set()
        differing += [(record["id"], name) for name in named if found[name] != (norm.get(name) or 0)]
        if reported.billed:
            billed = (reported.billed.input_total, reported.billed.output_total)
            assert billed == (norm["billed_input"], norm.get("billed_output") or 0)
    assert not differing
    assert odd <= max(4, total // 100)


@pytest.mark.parametrize("api", APIS)
def test_every_recording_is_final_and_names_model_and_charge(api: str) -> None:
    for record in records(api):
        meter = metered(record)
        reported = meter.reported
        assert reported is not None
        assert reported.final, record["id"]
        assert meter.fault is None
        assert meter.served_model == (record["model_reported"] or meter.served_model), record["id"]
        if record.get("provider_cost"):
            assert float(reported.cost_usd or "nan") == pytest.approx(record["provider_cost"]["usd"])


@pytest.mark.parametrize("api", ["openai.chat", "anthropic.messages", "openai.responses", "gemini.generate"])
def test_the_text_of_a_stream_grows_with_its_events(api: str) -> None:
    rng = random.Random(7)
    for record in records(api):
        content_type, body = body_of(record)
        if not record["stream"] or rng.random() > 0.2:
            continue
        meter = metered(record)
        ends = [event.end for event in SseParser().feed(body)]
        whole = meter.output_at()
        texts = [meter.output_at(end) for end in ends]
        assert texts[-1] == whole
        assert all(later.text.startswith(text.text) for text, later in itertools.pairwise(texts))
        cut = rng.randrange(len(body) + 1)
        seen = meter_for(api, content_type, "")
        seen.feed(body[: max([end for end in ends if end <= cut], default=0)])
        assert meter.output_at(cut) == seen.output_at(), record["id"]


def test_hiding_takes_only_the_usage_chunks_from_a_recorded_stream() -> None:
    hidden = streams = 0
    for record in records("openai.chat"):
        if not record["stream"]:
            continue
        _, body = body_of(record)
        usage_filter = UsageChunkFilter()
        shown = [usage_filter.feed(piece) for piece in pieces(body, random.Random(record["id"]))]
        client = b"".join([*shown, usage_filter.end()])
        events, starts = SseParser().feed(body), [0]
        starts += [event.end for event in events]
        expected = body
        for start, event in reversed(list(zip(starts, events, strict=False))):
            if is_usage_chunk(event.data):
                expected = expected[:start] + expected[event.end :]
        assert client == expected, record["id"]
        streams += 1
        hidden += client != body
    assert hidden > streams // 2


def is_usage_chunk(data: bytes) -> bool:
    chunk = json.loads(data) if data.startswith(b"{") else {}
    return chunk.get("choices") == [] and chunk.get("usage") is not None
