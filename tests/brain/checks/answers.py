"""The same answers in the words of each API."""

from __future__ import annotations

from typing import Any

from msgspec.json import encode

APIS = ("openai.chat", "openai.responses", "anthropic.messages", "gemini.generate")
Call = tuple[str, Any]
CUT = {"openai.chat": "length", "openai.responses": "max_output_tokens", "anthropic.messages": "max_tokens"}
REFUSED = {"openai.chat": "content_filter", "openai.responses": "content_filter", "anthropic.messages": "refusal"}


def answer(api: str, text: str = "", calls: tuple[Call, ...] = (), ending: str = "") -> bytes:
    """An answer of *api* that says *text*, calls tools and ends normally, `cut` or `refused`."""
    gemini = {"cut": "MAX_TOKENS", "refused": "SAFETY"}
    reasons = {"cut": CUT, "refused": REFUSED}.get(ending, {})
    body: dict[str, Any]
    match api:
        case "openai.chat":
            tools = [{"type": "function", "function": {"name": n, "arguments": encode(a).decode()}} for n, a in calls]
            message = {"role": "assistant", "content": text or None} | ({"tool_calls": tools} if tools else {})
            body = {"choices": [{"index": 0, "message": message, "finish_reason": reasons.get(api, "stop")}]}
        case "openai.responses":
            parts = [{"type": "output_text", "text": text}] if text else []
            output: list[Any] = [{"type": "reasoning", "summary": []}, {"type": "message", "content": parts}]
            output += [{"type": "function_call", "name": n, "arguments": encode(a).decode()} for n, a in calls]
            body = {"output": output, "incomplete_details": {"reason": reasons[api]} if reasons else None}
        case "anthropic.messages":
            blocks: list[Any] = [{"type": "thinking", "thinking": "hm"}]
            blocks += [{"type": "text", "text": text}] if text else []
            blocks += [{"type": "tool_use", "name": n, "input": a} for n, a in calls]
            body = {"content": blocks, "stop_reason": reasons.get(api, "end_turn")}
        case _:
            pieces: list[Any] = [{"text": "hm", "thought": True}, *([{"text": text}] if text else [])]
            pieces += [{"functionCall": {"name": n, "args": a}} for n, a in calls]
            body = {"candidates": [{"content": {"parts": pieces}, "finishReason": gemini.get(ending, "STOP")}]}
    return encode(body)


def request(
    api: str, schema: Any = None, tools: dict[str, Any] | None = None, must: bool = False, limit: int | None = None
) -> dict[str, Any]:
    """The fields of a request of *api* for JSON by *schema*, with *tools* of which one *must* be called."""
    fields: dict[str, Any] = {}
    named = list((tools or {}).items())
    match api:
        case "openai.chat":
            if schema is not None:
                fields["response_format"] = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
            if named:
                functions = [{"name": n, "parameters": s} for n, s in named]
                fields["tools"] = [{"type": "function", "function": one} for one in functions]
            fields |= {"tool_choice": "required"} if must else {}
            fields |= {"max_completion_tokens": limit} if limit else {}
        case "openai.responses":
            if schema is not None:
                fields["text"] = {"format": {"type": "json_schema", "name": "x", "schema": schema}}
            if named:
                fields["tools"] = [{"type": "function", "name": n, "parameters": s} for n, s in named]
            fields |= {"tool_choice": "required"} if must else {}
            fields |= {"max_output_tokens": limit} if limit else {}
        case "anthropic.messages":
            if schema is not None:
                fields["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
            if named:
                fields["tools"] = [{"name": n, "input_schema": s} for n, s in named]
            fields |= {"tool_choice": {"type": "any"}} if must else {}
            fields |= {"max_tokens": limit} if limit else {}
        case _:
            config: dict[str, Any] = {"maxOutputTokens": limit} if limit else {}
            if schema is not None:
                config |= {"responseMimeType": "application/json", "responseSchema": schema}
            fields["generationConfig"] = config
            if named:
                fields["tools"] = [{"functionDeclarations": [{"name": n, "parameters": s} for n, s in named]}]
            fields |= {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}} if must else {}
    return fields
