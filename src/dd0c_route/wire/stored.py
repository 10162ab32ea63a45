"""What a request goes on with or names: things that one provider stored, and no other has.

Source: https://platform.openai.com/docs/guides/conversation-state (read 2026-11-24).
"""

from __future__ import annotations

from msgspec import Raw

from dd0c_route.wire.loose import dict_of, str_of, value_of

_ITEMS = (b'"file_id"', b'"item_reference"')


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


def names_items(body: bytes) -> bool:
    """Whether a body names an uploaded file or a stored item: where, is not looked for, since it stands deep in it.

    In a text the quotes are escaped, and it does not count.
    """
    return any(mark in body for mark in _ITEMS)
