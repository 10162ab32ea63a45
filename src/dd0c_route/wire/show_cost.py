"""A stream's cost, written into its final usage object for the caller that asked for it.

The one place where an answer's bytes change: only that event, and only its usage object, gets a field `cost` (dollars,
as OpenRouter names it). OpenAI chat, Responses and Anthropic streams; others pass as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from dd0c_route.wire.loose import fields_of, value_of
from dd0c_route.wire.sse import blank_line_end, data_and_name

MAX_HELD_BYTES = 1 << 20  # a `response.completed` repeats the whole answer; a longer event is let through as it is


class CostWriter:
    """Pass a stream on, event by event, with the cost in its final usage object.

    Args:
        cost_usd: The call's cost as a decimal string, asked for when that object has come; None where it has no price.
    """

    def __init__(self, cost_usd: Callable[[], str | None]) -> None:
        self._cost_usd = cost_usd
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
        if b'"usage"' not in event:
            return event
        data, _ = data_and_name(event)
        fields = fields_of(data)
        if fields is None or b"\n" in data:
            return event
        changed = self._with_cost(fields)
        return event if changed is None else event.replace(data, msgspec.json.encode(changed), 1)

    def _with_cost(self, fields: dict[str, Raw]) -> dict[str, Any] | None:
        """The event's fields with the cost in them; None where this is not the event with the final usage."""
        if "response" in fields:  # Responses: `response.completed`, and others that carry no usage yet
            inner = fields_of(bytes(fields["response"]))
            changed = self._with_cost(inner) if inner is not None else None
            return None if changed is None else {**fields, "response": changed}
        usage = value_of(fields.get("usage", b"null"))
        if not isinstance(usage, dict):
            return None
        cost = self._cost_usd()
        return None if cost is None else {**fields, "usage": {**usage, "cost": Raw(cost.encode())}}
