"""What a request goes on with or names: things that one provider stored, and no other has.

Sources: https://platform.openai.com/docs/guides/conversation-state, OpenAI's on file inputs, audio and stored prompts,
Anthropic's on its Files API (read 2026-11-24).
"""

from __future__ import annotations

import re

from msgspec import Raw

from dd0c_route.wire.loose import dict_of, str_of, value_of

_FILE = rb'"(?:file_id"|audio"\s*:\s*\{\s*"id")'
_IN_MESSAGES = (("messages", re.compile(_FILE)),)
_ITEMS = {
    "openai.chat": _IN_MESSAGES,
    "anthropic.messages": _IN_MESSAGES,
    "openai.responses": (
        ("input", re.compile(_FILE + rb'|"item_reference"')),
        ("prompt", re.compile(rb"\s*\{")),  # a template, and what is put into it
    ),
}
"""By API the fields that may name such things, and what shows that they do."""


def goes_on_with(fields: dict[str, Raw]) -> tuple[str, ...]:
    """Ids of the answer or the conversation that a body's *fields* continue."""
    if "previous_response_id" not in fields and "conversation" not in fields:
        return ()
    conversation = value_of(fields.get("conversation", b"null"))
    names = (
        str_of(value_of(fields.get("previous_response_id", b"null"))),
        str_of(conversation) or str_of(dict_of(conversation).get("id")),
    )
    return tuple(name for name in names if name)


def is_stored(fields: dict[str, Raw]) -> bool:
    """Whether the answer may be gone on with: OpenAI stores it unless told not to."""
    return bytes(fields.get("store", b"true")).strip() != b"false"


def names_items(api: str, fields: dict[str, Raw]) -> bool:
    """Whether a body's *fields* name an uploaded file, a stored item, audio or prompt.

    One search through the field in which that stands, deep in it or not: 0.3 ms a megabyte. In a text the quotes are
    escaped, and it does not count.
    """
    return any(
        name in fields and mark.search(memoryview(fields[name])) is not None for name, mark in _ITEMS.get(api, ())
    )
