"""Bedrock's Converse keeps the laws of every dialect."""

from __future__ import annotations

from msgspec import structs

from dd0c_route.types import Usage
from dd0c_route.wire.neutral.converse import CONVERSE
from dd0c_route.wire.neutral.fold import answer_of, pieces_of
from dd0c_route.wire.neutral.form import Answer, Part, Prompt, Refusal, Text
from tests.wire.neutral.contract import Contract


class TestConverse(Contract):
    dialect = CONVERSE
    asks = "audio cache error_flag file image_bytes result_images schema schema_name signature stop strict thinking"
    says = "cache_write sequence signature thinking"

    def as_asked(self, back: Prompt, prompt: Prompt) -> Prompt:
        """The model and whether it is a stream stand in the path; a schema must have a name."""
        back = super().as_asked(back, prompt)
        if back.shape is not None and not (prompt.shape and prompt.shape.name):
            back = structs.replace(back, shape=structs.replace(back.shape, name=""))
        return structs.replace(back, model=prompt.model, stream=prompt.stream)

    def normal(self, answer: Answer) -> Answer:
        """It tells neither who answered nor when, which stop it was, nor which tokens are thoughts."""
        parts: list[Part] = [Text(part.text) if isinstance(part, Refusal) else part for part in answer.parts]
        usage = answer.usage or Usage()
        usage = structs.replace(usage, output=usage.output_total, reasoning=0)
        return structs.replace(answer, id="", model="", created=0, sequence="", parts=tuple(parts), usage=usage)

    def test_a_stream_without_a_beginning_is_named_by_the_call(self) -> None:
        """No stream of it has a name: only the place where it was asked for."""
        assert answer_of(self.read_stream(self.streamed(pieces_of(Answer())), 1 << 20)).model == ""
