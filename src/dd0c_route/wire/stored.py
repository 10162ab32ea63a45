"""What a request goes on with or names: things that one provider stored, and no other has.

Sources: https://platform.openai.com/docs/guides/conversation-state, OpenAI's on file inputs, audio and stored prompts,
Anthropic's on its Files API (read 2026-11-24).
"""

from __future__ import annotations

import re

from msgspec import Raw

from dd0c_route.wire.loose import dict_of, str_of, value_of

_FILE = b'"file_id"'
_ITEMS = {
    "openai.chat": ("messages", (_FILE,)),
    "anthropic.messages": ("messages", (_FILE,)),
    "openai.responses": ("input", (_FILE, b'"item_reference"')),
}
"""By API the field that may name such things, and what shows that it does."""
_AUDIO = re.compile(rb'"audio"\s*:\s*\{\s*"id"')  # of an earlier answer, in a request for another one
_OBJECT = re.compile(rb"\s*\{")


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

    The field in which that stands, deep in it or not, is looked through by plain search: 0.4 ms
    a megabyte. In a text the quotes are escaped, and it does not count.
    """
    field, marks = _ITEMS.get(api, ("", ()))
    if field in fields and _any_in(bytes(fields[field]), marks):
        return True
    if api == "openai.responses":  # a template, and what is put into it
        return "prompt" in fields and _OBJECT.match(memoryview(fields["prompt"])) is not None
    return (
        api == "openai.chat"
        and {"modalities", field} <= fields.keys()
        and _AUDIO.search(memoryview(fields[field])) is not None
    )


def _any_in(data: bytes, marks: tuple[bytes, ...]) -> bool:
    return any(mark in data for mark in marks)
