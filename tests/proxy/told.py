"""What an answer tells, read from its raw JSON by hand: an opinion that owes nothing to the code under test."""

from __future__ import annotations

import json
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


READERS: dict[str, Callable[..., Told]] = {"openai.chat": chat, "anthropic.messages": messages}
