"""Which parts of an answer the caller's dialect cannot tell: named one by one, so that none is lost in silence."""

from __future__ import annotations

from dd0c_route.wire.neutral.form import Audio, File, Foreign, Image, Part, Piece, WholePart

_IN_ANSWERS: dict[str, type[Image]] = {"gemini": Image}
"""By its name, what a dialect has in its answers beside texts, thoughts and calls."""


def untold(told: Part | Piece, own: str) -> str:
    """What *told* is called where an answer in the dialect *own* cannot hold it, else nothing."""
    part = told.part if isinstance(told, WholePart) else told
    if isinstance(part, Foreign):
        return "" if part.dialect == own else f"answer: {part.kind}"
    if not isinstance(part, Image | File | Audio):
        return ""
    kind = _IN_ANSWERS.get(own)
    return "" if kind is not None and isinstance(part, kind) else f"answer: {type(part).__name__.lower()}"
