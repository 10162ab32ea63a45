"""A request of OpenAI's Responses API → the neutral form.

Source: https://platform.openai.com/docs/api-reference/responses/create.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw

from dd0c_route.errors import BadRequest
from dd0c_route.wire.neutral.form import (
    Json,
    Loss,
    Prompt,
    Reasoning,
    Shape,
    Text,
)
from dd0c_route.wire.neutral.reading import Fields, decoded
from dd0c_route.wire.neutral.responses.items import conversation
from dd0c_route.wire.neutral.responses.thoughts import DIALECT
from dd0c_route.wire.neutral.responses.tools import choice_of, distinct, tool_of

_STATE = ("previous_response_id", "conversation", "prompt")  # what the provider keeps may be all that is asked
_LOGPROBS = "message.output_text.logprobs"  # the one thing to `include` that others have, and the form has not


def read(fields: Mapping[str, Raw]) -> Prompt:
    """A body's undecoded fields as a prompt. Raises `BadRequest` where they are no such request."""
    unread: list[Loss] = []
    extras: dict[str, Json] = {}  # fields within fields under both names: `text.verbosity`
    top = Fields(fields, "", unread)
    if not top.has("input") and not any(top.has(name) for name in _STATE):
        raise BadRequest("`input` is missing")
    instructions = top.text("instructions")
    system, turns, added = conversation(top)
    tools = distinct([*(tool_of(one) for one in top.each("tools")), *added])
    choice, tools = choice_of(top, tools, extras)
    if (included := top.raw("include")) and _LOGPROBS in decoded(included, list[str], "include"):
        top.lose(_LOGPROBS)
    return Prompt(
        dialect=DIALECT,
        model=top.text("model"),
        system=((Text(instructions),) if instructions else ()) + tuple(system),
        turns=tuple(turns),
        tools=tools,
        tool_choice=choice,
        parallel_tools=top.take("parallel_tool_calls", bool),
        temperature=top.take("temperature", float),
        top_p=top.take("top_p", float),
        max_output=top.take("max_output_tokens", int),
        shape=_shape(top, extras),
        reasoning=_reasoning(top, extras),
        stream=bool(top.take("stream", bool)),
        wants_usage=True,
        user=top.text("user"),
        extras=extras | ({"include": included} if included else {}) | top.rest(),
        unread=tuple(unread),
    )


def _shape(top: Fields, extras: dict[str, Json]) -> Shape | None:
    text = top.inner("text")
    if text is None:
        return None
    form = text.inner("format")
    extras |= {f"text.{name}": raw for name, raw in text.rest().items()}
    kind = form.text("type") if form is not None else "text"
    if form is None or kind == "text":
        return None
    if kind == "json_object":
        return Shape()
    if kind != "json_schema":
        raise BadRequest(f"`text.format.type` must be text, json_object or json_schema, not '{kind[:64]}'")
    return Shape(form.raw("schema"), form.text("name"), form.text("description"), form.take("strict", bool))


def _reasoning(top: Fields, extras: dict[str, Json]) -> Reasoning | None:
    asked = top.inner("reasoning")
    if asked is None:
        return None
    effort = asked.text("effort")
    summary = asked.text("summary") or asked.text("generate_summary")  # its older name
    extras |= {f"reasoning.{name}": raw for name, raw in asked.rest().items()}
    return Reasoning(effort, shown=True if summary else None) if effort or summary else None
