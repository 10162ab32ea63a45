"""Images as Claude counts them: patches of 28 pixels.

Source: Anthropic's documentation, "Vision" (an image is made smaller beyond 1568 pixels or some 1,600 tokens); the size
of a patch, the constant and that 4.7 and later keep larger images are measured on recorded requests (2024-2026).
"""

from __future__ import annotations

import math
from typing import Any

from dd0c_route.tokens.frames.claude_models import FROM_4_7
from dd0c_route.tokens.images import pixels

_PATCH = 28  # pixels
_EDGE, _PATCHES = 1568, 1568  # the longest side in pixels, and the most patches
_LARGEST = 20_000  # pixels of a side; Anthropic refuses images beyond 8,000
_AROUND = (3, 1, 18)  # tokens, and how far below and above was seen
_UNKNOWN = (300, 290, 4_500)


def image(data: Any, model: str) -> tuple[int, int, int]:
    """The tokens of an image (base64, or nothing where only its address is known), and how far they may be off."""
    size = pixels(data) if isinstance(data, str) else None
    if size is None or max(size) > _LARGEST:
        return _UNKNOWN
    tokens, below, above = _AROUND
    return tokens + patches(*size, shrinks=not FROM_4_7.search(model)), below, above


def patches(width: int, height: int, *, shrinks: bool) -> int:
    """How many patches cover an image of so many pixels."""
    columns, rows = width / _PATCH, height / _PATCH
    if shrinks:
        shrink = min(1.0, _EDGE / max(width, height))
        columns, rows = columns * shrink, rows * shrink
        while _whole(columns) * _whole(rows) > _PATCHES:  # to the next whole number, 56 times at most
            shrink = max((_whole(columns) - 1) / columns, (_whole(rows) - 1) / rows)
            columns, rows = columns * shrink, rows * shrink
    return _whole(columns) * _whole(rows)


def _whole(value: float) -> int:
    return max(1, math.ceil(value - 1e-9))
