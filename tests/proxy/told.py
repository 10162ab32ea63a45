"""What an answer tells, read from its raw JSON by hand: an opinion that owes nothing to the code under test."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from dd0c_route.wire.sse import SseParser

STOPS = {
    # chat
    "stop": "ended", "length": "cut", "tool_calls": "tools", "function_call": "tools", "content_filter": "withheld",
    "model_length": "cut", "eos": "ended", "error": "ended",
    # Messages
    "end_turn": "ended", "stop_sequence": "ended", "max_tokens": "cut", "tool_use": "tools", "refusal": "withheld",
    "pause_turn": "ended", "model_context_window_exceeded": "cut",
}  # fmt: skip


GOOGLE_STOPS: dict[Any, str] = {"STOP": "ended", "MAX_TOKENS": "cut", 1: "ended", 2: "cut"} | dict.fromkeys(
    ("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR"),
    "withheld",
)
AMAZONS_STOPS = {
    "end_turn": "ended", "tool_use": "tools", "max_tokens": "cut", "stop_sequence": "ended",
    "guardrail_intervened": "withheld", "content_filtered": "withheld", "model_context_window_exceeded": "cut",
}  # fmt: skip


class Told(NamedTuple):
    """*calls*: name and arguments as JSON; *totals*: tokens in and out."""

    text: str
    calls: list[tuple[str, Any]]
    stop: str
    totals: tuple[int, int]


def events(body: bytes) -> list[dict[str, Any]]:
    """The objects of a stream of server-sent events."""
    parser = SseParser()
    datas = [event.data for event in parser.feed(body) + parser.close()]
    return [json.loads(data) for data in datas if data.startswith(b"{")]


def arguments(text: str) -> Any:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"input": text}


def chat(body: bytes, *, streamed: bool) -> Told:
    """The first choice."""
    text, stop = "", ""
    usage: dict[str, Any] = {}
    calls: dict[Any, list[str]] = {}
    for one in events(body) if streamed else [json.loads(body)]:
        usage = one.get("usage") or (one.get("x_groq") or {}).get("usage") or usage
        choice: dict[str, Any] = next((c for c in one.get("choices") or () if not c.get("index")), {})
        stop = choice.get("finish_reason") or stop
        said = choice.get("delta" if streamed else "message") or {}
        text += _text(said.get("content")) + (said.get("refusal") or "")
        alone = [{"function": said["function_call"]}] if (said.get("function_call") or {}).get("name") else []
        for place, call in enumerate(said.get("tool_calls") or alone):
            function = call.get("function") or call.get("custom") or {}
            key = call.get("index", place if not streamed or function.get("name") else len(calls) - 1)
            if function.get("name") and key in calls and call.get("id") not in (None, "", calls[key][2]):
                key = call["id"]
            found = calls.setdefault(key, ["", "", call.get("id") or ""])
            found[0] = found[0] or function.get("name") or ""
            given = function.get("arguments") or function.get("input") or ""
            found[1] += given if isinstance(given, str) else json.dumps(given)
    kind = STOPS.get(stop, "ended")
    kind = "tools" if calls and kind == "ended" else kind
    totals = (usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0)
    return Told(text, [(name, arguments(given)) for name, given, _ in calls.values()], kind, totals)


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if part.get("type") != "thinking")
    return content or ""


def messages(body: bytes, *, streamed: bool) -> Told:
    if not streamed:
        whole = json.loads(body)
        text = "".join(block["text"] for block in whole["content"] if block["type"] == "text")
        calls = [(block["name"], block["input"]) for block in whole["content"] if block["type"] == "tool_use"]
        return Told(text, calls, STOPS[whole["stop_reason"] or "end_turn"], _totals(whole["usage"]))
    text, stop = "", "end_turn"
    usage: dict[str, Any] = {}
    given: dict[int, list[str]] = {}
    for event in events(body):
        delta = event.get("delta") or {}
        if event["type"] == "message_start":
            usage |= event["message"]["usage"]
        elif event["type"] == "content_block_start":
            block = event["content_block"]
            text += block.get("text") or ""
            if block["type"] == "tool_use":
                given[event["index"]] = [block["name"], json.dumps(block["input"]) if block.get("input") else ""]
        elif event["type"] == "content_block_delta":
            text += delta.get("text") or ""
            if event["index"] in given:
                given[event["index"]][1] += delta.get("partial_json") or ""
        elif event["type"] == "message_delta":
            stop = delta.get("stop_reason") or stop
            usage |= event.get("usage") or {}
    return Told(text, [(name, arguments(raw)) for name, raw in given.values()], STOPS[stop], _totals(usage))


def _totals(usage: dict[str, Any]) -> tuple[int, int]:
    inputs = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return sum(usage.get(name) or 0 for name in inputs), usage.get("output_tokens") or 0


def responses(body: bytes, *, streamed: bool) -> Told:
    """A stream by the items that it ends one by one, a whole answer by its own."""
    whole = {} if streamed else json.loads(body)
    items = []
    for event in events(body) if streamed else ():
        whole = event.get("response") or whole
        items += [event["item"]] if event["type"] == "response.output_item.done" else []
    items = items or whole.get("output") or []
    texts = [part for item in items if item["type"] == "message" for part in item["content"]]
    calls = [(item["name"], arguments(item["arguments"])) for item in items if item["type"] == "function_call"]
    calls += [(item["name"], {"input": item["input"]}) for item in items if item["type"] == "custom_tool_call"]
    why = (whole.get("incomplete_details") or {}).get("reason")
    stop = {"max_output_tokens": "cut", "content_filter": "withheld"}.get(str(why), "tools" if calls else "ended")
    usage = whole.get("usage") or {}
    totals = (usage.get("input_tokens") or 0, usage.get("output_tokens") or 0)
    return Told("".join(part.get("text") or part.get("refusal") or "" for part in texts), calls, stop, totals)


def gemini(body: bytes, *, streamed: bool) -> Told:
    text, stop, calls = "", "ended", []
    usage: dict[str, Any] = {}
    for one in events(body) if streamed else [json.loads(body)]:
        usage = one.get("usageMetadata") or usage
        candidate = (one.get("candidates") or [{}])[0]
        for part in (candidate.get("content") or {}).get("parts") or ():
            text += "" if part.get("thought") else part.get("text") or ""
            calls += [(call["name"], call.get("args") or {})] if (call := part.get("functionCall")) else []
        if (one.get("promptFeedback") or {}).get("blockReason"):
            stop = "withheld"
        stop = GOOGLE_STOPS.get(candidate.get("finishReason"), stop)
    prompt = (usage.get("promptTokenCount") or 0) + (usage.get("toolUsePromptTokenCount") or 0)
    answer = (usage.get("candidatesTokenCount") or 0) + (usage.get("thoughtsTokenCount") or 0)
    return Told(text, calls, "tools" if calls and stop == "ended" else stop, (prompt, answer))


def converse(body: bytes, *, streamed: bool) -> Told:
    if not streamed:
        whole = json.loads(body)
        content = whole["output"]["message"]["content"]
        uses = [block["toolUse"] for block in content if "toolUse" in block]
        calls = [(use["name"], use["input"]) for use in uses if not is_amazons(use)]
        text = "".join(part.get("text") or "" for block in content for part in [block, *cited_in(block)])
        return Told(text, calls, AMAZONS_STOPS.get(whole["stopReason"], "ended"), _amazons(whole["usage"]))
    text, stop, usage = "", "ended", {}
    given: dict[int, list[str]] = {}
    for name, event in frames(body):
        if name == "contentBlockStart" and (call := event["start"].get("toolUse")) and not is_amazons(call):
            given[event["contentBlockIndex"]] = [call["name"], ""]
        elif name == "contentBlockDelta":
            text += event["delta"].get("text") or ""
            if (call := event["delta"].get("toolUse")) and event["contentBlockIndex"] in given:
                given[event["contentBlockIndex"]][1] += call["input"]
        elif name == "messageStop":
            stop = AMAZONS_STOPS.get(event["stopReason"], "ended")
        elif name == "metadata":
            usage = event["usage"]
    return Told(text, [(name, arguments(raw)) for name, raw in given.values()], stop, _amazons(usage))


def is_amazons(use: dict[str, Any]) -> bool:
    """A tool that Amazon itself runs."""
    return use.get("type") == "server_tool_use"


def cited_in(block: dict[str, Any]) -> list[dict[str, Any]]:
    """A text with its sources stands a step deeper."""
    found: list[dict[str, Any]] = block.get("citationsContent", {}).get("content", [])
    return found


def frames(body: bytes) -> list[tuple[str, Any]]:
    """Names and payloads of an AWS event stream."""
    found, at = [], 0
    while at < len(body):
        total, head = struct.unpack_from(">II", body, at)
        names = body[at + 12 : at + 12 + head]
        place = names.index(b"-type\x07", names.index(b":e")) + 6
        size = int.from_bytes(names[place : place + 2], "big")
        name = names[place + 2 : place + 2 + size].decode()
        found.append((name, json.loads(body[at + 12 + head : at + total - 4])))
        at += total
    return found


def _amazons(usage: dict[str, Any]) -> tuple[int, int]:
    inputs = ("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
    return sum(usage.get(name) or 0 for name in inputs), usage.get("outputTokens") or 0


READERS: dict[str, Callable[..., Told]] = {
    "openai.chat": chat,
    "openai.responses": responses,
    "anthropic.messages": messages,
    "gemini.generate": gemini,
    "bedrock.converse": converse,
}
