"""Anthropic's Messages keeps the laws of every dialect."""

from __future__ import annotations

from msgspec import structs

from dd0c_route.wire.neutral.form import Answer, Part, Refusal, Text, TextDelta
from dd0c_route.wire.neutral.messages import MESSAGES
from tests.wire.neutral.contract import Contract


class TestMessages(Contract):
    dialect = MESSAGES
    asks = (
        "cache error_flag file file_name image_bytes image_url parallel result_images schema signature stop strict "
        "thinking top_k user"
    )
    says = "sequence thinking signature cache_write"

    def normal(self, answer: Answer) -> Answer:
        """It does not tell when, and a refusal is a text."""
        parts: list[Part] = [Text(part.text) if isinstance(part, Refusal) else part for part in answer.parts]
        return structs.replace(answer, created=0, parts=tuple(parts))


def test_a_stream_whose_blocks_have_no_numbers_is_read_all_the_same() -> None:
    start = b'data: {"type":"content_block_start","index":%b,"content_block":{"type":"text","text":"a"}}\n\n'
    end = b'data: {"type":"content_block_stop","index":%b}\n\n'
    for index in (b"{}", b"[1]", b"null", b'"x"'):
        assert TextDelta("a") in MESSAGES.reader().feed(start % index + end % index)
