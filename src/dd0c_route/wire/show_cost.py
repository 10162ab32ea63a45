"""A call's cost, written into the answer's final usage object for the caller that asked for it.

The one place where an answer's bytes change: only that object gets two fields, `cost`, in dollars, and `cost_details`,
as OpenRouter names them (https://openrouter.ai/docs/use-cases/usage-accounting). It is `usage` in OpenAI's chat and
Responses and in Anthropic's answers, `usageMetadata` in Gemini's; others pass as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from dd0c_route.wire.loose import dicts_of, elements_of, fields_of, value_of
from dd0c_route.wire.sse import blank_line_end, data_and_name

MAX_HELD_BYTES = 1 << 20  # a `response.completed` repeats the whole answer; a longer event is let through as it is


class Cost(NamedTuple):
    """Dollars as decimal text, as JSON writes numbers: all of it, and what prompt and answer cost by the token."""

    usd: str
    prompt_usd: str
    answer_usd: str


AskCost = Callable[[], Cost | None]
"""The call's cost as it stands when the usage object has come; None where it has no price."""


def with_cost(body: bytes, cost: AskCost) -> bytes:
    """An answer that is there as a whole, with its cost where it has a usage object."""
    fields = fields_of(body)
    if fields is None:  # a stream
        writer = CostWriter(cost)
        return writer.feed(body) + writer.end()
    changed = _with_cost(fields, cost)
    return body if changed is None else msgspec.json.encode(changed)


class CostWriter:
    """Pass a stream on, event by event, with the cost in its final usage object."""

    def __init__(self, cost: AskCost) -> None:
        self._cost = cost
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Consume *data*; return the events that are whole now."""
        data = self._held + data
        out: list[bytes] = []
        at = 0
        while (behind := blank_line_end(data, at)) >= 0:
            out.append(self._event(data[at:behind]))
            at = behind
        self._held = data[at:]
        if len(self._held) > MAX_HELD_BYTES:
            out.append(self.end())
        return b"".join(out)

    def end(self) -> bytes:
        """What was held: the beginning of an event that did not come whole."""
        held, self._held = self._held, b""
        return held

    def _event(self, event: bytes) -> bytes:
        if b'"usage"' not in event and b'"usageMetadata"' not in event:
            return event
        data, _ = data_and_name(event)
        fields = fields_of(data)
        if fields is None or b"\n" in data:
            return event
        changed = _with_cost(fields, self._cost)
        return event if changed is None else event.replace(data, msgspec.json.encode(changed), 1)


class ArrayCostWriter:
    """The same for our own writing of Gemini's stream as one JSON array: whole elements in each piece."""

    def __init__(self, cost: AskCost) -> None:
        self._cost = cost

    def feed(self, data: bytes) -> bytes:
        """*data* with the cost in the element that says why the answer ended."""
        if b'"finishReason"' not in data:
            return data
        for element, _ in elements_of(b"[" + data.removeprefix(b"[")):
            fields = fields_of(element)
            changed = _with_cost(fields, self._cost) if fields is not None else None
            if changed is not None:
                data = data.replace(element, msgspec.json.encode(changed), 1)
        return data

    def end(self) -> bytes:
        """Nothing: no element is held."""
        return b""


def _with_cost(fields: Mapping[str, Raw], ask: AskCost) -> dict[str, Any] | None:
    """*fields* with the cost in them; None where they do not hold the final usage."""
    if "response" in fields:  # Responses: `response.completed`, and others that carry no usage yet
        inner = fields_of(bytes(fields["response"]))
        changed = _with_cost(inner, ask) if inner is not None else None
        return None if changed is None else {**fields, "response": changed}
    name = "usage" if "usage" in fields else "usageMetadata"
    usage = value_of(fields.get(name, b"null"))
    if not isinstance(usage, dict) or (name == "usageMetadata" and not _is_last(fields)):
        return None
    cost = ask()
    if cost is None:
        return None
    details = {
        "upstream_inference_cost": _number(cost.usd),
        "upstream_inference_prompt_cost": _number(cost.prompt_usd),
        "upstream_inference_completions_cost": _number(cost.answer_usd),
    }
    return {**fields, name: {**usage, "cost": _number(cost.usd), "cost_details": details}}


def _is_last(fields: Mapping[str, Raw]) -> bool:
    """Gemini counts in every chunk: the last one says why the answer ended, or that there is none."""
    candidates = dicts_of(value_of(fields.get("candidates", b"null")))
    return not candidates or any("finishReason" in candidate for candidate in candidates)


def _number(usd: str) -> Raw:
    return Raw(usd.encode())
