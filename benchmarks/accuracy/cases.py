"""Recorded exchanges as cases: what is counted, by which model, and how many tokens the provider said it was."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from dd0c_route.wire.meter import meter_for
from tests.wire.corpus import APIS, api_called, body_of

HARD = ("server_tools", "audio", "video", "file", "image")  # the first that a request has names its class
STATE = ("previous_response_id", "conversation", "cachedContent", "context_management")
GENERATIONS = {"v3": ("claude-opus-4-5", 7), "v4.7": ("claude-opus-4-7", 11), "v5": ("claude-opus-5", 6)}
ENDED = re.compile(rb'"(?:finish_reason|stop_reason|finishReason)"\s*:\s*"(?:stop|end_turn|STOP)"')
# Billed with an answer's text and no part of it: sealed thoughts, and the words that stand for a citation.
UNSEEN = re.compile(rb'"redacted_thinking"|"thinking"|"citations?"\s*:\s*[\[{]\s*[{"]')
OPENAI = re.compile(
    r"(?:ft:)?(?:(?P<o>o\d)|(?P<five>gpt-[5-9])|gpt-(?:3|4)|chatgpt|text-|davinci|babbage|curie|ada|codex|computer)"
)
LATER = "Claude 4.7 and later"
NEWER_CLAUDE = re.compile(r"claude-(?:opus-4[.-][789]|(?:opus|sonnet|haiku|fable)-[5-9])")


class Case(NamedTuple):
    """One count to be made.

    Attributes:
        row: Its class.
        source: The repository that recorded it.
        request: A request's body, or the text of an answer, or a text alone.
        kind: Which of these it is: `prompt`, `answer`, `text`.
        truth: Tokens, as the provider reported them.
    """

    row: str
    source: str
    api: str
    provider: str
    model: str
    kind: str
    request: Any
    truth: int


def records(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def family(record: dict[str, Any]) -> str:
    """Maker and generation of the model, and who serves it where that is not its maker."""
    provider, model = record["provider"], (record["model"] or record["model_reported"] or "").lower()
    if "claude" in model:
        old = re.search(r"claude-(?:2|instant|v\d)", model)
        generation = "Claude 2" if old else LATER if NEWER_CLAUDE.search(model) else "Claude 3 to 4.6"
        return generation if provider == "anthropic" else f"{generation}, other hosts"
    if "gemini" in model and provider in ("google", "vertex"):
        return f"Gemini, {'Google AI' if provider == 'google' else 'Vertex'}"
    if provider in ("openai", "azure") and (found := OPENAI.match(model)):
        name = "o-series" if found["o"] else "gpt-5" if found["five"] else "gpt-3.5 to 4.1"
        return f"OpenAI {record['api'].removeprefix('openai.')}, {name}"
    return f"others, {record['api'].removeprefix('openai.')}"


def kind_of(record: dict[str, Any]) -> str:
    """What makes the prompt hard to count, the hardest first."""
    request, features = record["request"], set(record["features"])
    if any(request.get(name) for name in STATE) or isinstance(request.get("prompt"), dict) or is_sealed(request):
        return "state"
    if hard := next((name for name in HARD if name in features), None):
        return hard.replace("_", " ")
    if "tool_history" in features:
        return "tools, history"
    return "tools" if "tools" in features else "schema" if "schema" in features else "text"


def is_sealed(request: dict[str, Any]) -> bool:
    """Whether the history was made short by the provider, into something that only he can read."""
    given = request.get("input")
    return isinstance(given, list) and any(isinstance(one, dict) and one.get("type") == "compaction" for one in given)


def prompts(folder: Path) -> Iterator[Case]:
    """Every request whose input tokens were reported and that is recorded as it was sent."""
    for name in APIS:
        for record in records(folder, name):
            request, norm = record["request"], record.get("usage_norm") or {}
            model = record["model"] or record["model_reported"] or ""
            if isinstance(request, dict) and norm.get("input_total") and "[REDACTED]" not in json.dumps(request):
                row = f"{family(record)}: {kind_of(record)}"
                yield Case(
                    row, record["source"], name, record["provider"], model, "prompt", request, norm["input_total"]
                )


def answers(folder: Path) -> Iterator[Case]:
    """Whole answers of nothing but text, without reasoning, and without what a server did in between."""
    for name in ("openai.chat", "openai.responses", "anthropic.messages", "gemini.generate", "bedrock.converse"):
        for record in records(folder, name):
            norm = record.get("usage_norm") or {}
            if not norm.get("output_total") or norm.get("reasoning") or several(record["request"]):
                continue
            if kind_of(record) in ("state", "server tools"):
                continue
            content_type, body = body_of(record)
            if UNSEEN.search(body) or (name != "openai.responses" and not ENDED.search(body)):
                continue
            meter = meter_for(api_called(record), content_type, "")
            meter.whole(body)
            output = meter.output_at()
            if output.text and not output.tools and not output.reasoning and "audio" not in record["features"]:
                model = record["model"] or record["model_reported"] or ""
                row = f"answer: {family(record)}"
                yield Case(
                    row, record["source"], name, record["provider"], model, "answer", output.text, norm["output_total"]
                )


def several(request: dict[str, Any]) -> bool:
    """Whether more than one answer was asked for, or something beside it that is billed as output."""
    config = request.get("generationConfig") or {}
    return (request.get("n") or config.get("candidateCount") or 1) > 1 or bool(request.get("prediction"))


def languages(folder: Path) -> Iterator[Case]:
    """Answers of Claude's `count_tokens` to the Declaration of Human Rights in 288 languages."""
    for record in records(folder, "claude_count_tokens_udhr"):
        for generation, (model, frame) in GENERATIONS.items():
            truth = record["count_tokens"][generation] - frame
            row = f"288 languages: {model}"
            yield Case(row, "ctok", "anthropic.count_tokens", "anthropic", model, "text", record["text"], truth)
