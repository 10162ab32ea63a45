"""Google's generateContent keeps the laws of every dialect."""

from __future__ import annotations

from msgspec import structs

from dd0c_route.wire.neutral.form import Answer, Image, Part, Prompt, Refusal, Text, ToolCall, Turn
from dd0c_route.wire.neutral.gemini import GEMINI
from dd0c_route.wire.neutral.gemini.writing import UNSIGNED
from tests.wire.neutral.contract import Contract


class TestGemini(Contract):
    dialect = GEMINI
    asks = (
        "audio budget effort error_flag file image_bytes image_url json penalties result_images result_names schema "
        "seed signature stop thinking top_k"
    )
    says = "signature thinking"

    def as_asked(self, back: Prompt, prompt: Prompt) -> Prompt:
        """The model and whether it is a stream stand in the path."""
        back = super().as_asked(back, prompt)
        turns = tuple(Turn(turn.role, tuple(_unadorned(part) for part in turn.parts)) for turn in back.turns)
        return structs.replace(back, model=prompt.model, stream=prompt.stream, turns=turns)

    def normal(self, answer: Answer) -> Answer:
        """It does not tell when, and a refusal is a text."""
        parts: list[Part] = [Text(part.text) if isinstance(part, Refusal) else part for part in answer.parts]
        return structs.replace(answer, created=0, parts=tuple(parts))


def _unadorned(part: Part) -> Part:
    """Of a call without a signature that is said, and of an image at an address its type."""
    if isinstance(part, ToolCall) and part.signature == UNSIGNED:
        return structs.replace(part, signature="")
    return structs.replace(part, mime="") if isinstance(part, Image) and part.url else part
