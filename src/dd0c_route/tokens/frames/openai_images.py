"""What an image costs OpenAI's models, by its size in pixels. Rows and their sources: `openai_images.toml`."""

from __future__ import annotations

import math
import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct

from dd0c_route.tokens.frames.reading import Unknown
from dd0c_route.tokens.images import pixels

_SIDE, _SHORTER_SIDE, _TILE = 2048, 768, 512  # pixels
_PATCH, _PATCHES = 32, 1536
_UNKNOWN_TILES = (1, 4, 8)  # at least, usual and at most
_UNKNOWN_PATCHES = (1, 100, _PATCHES)
_PATCH_BAND = (1, 4)  # one less where a text comes first, more where the image is alone


class Rate(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `openai_images.toml`, which says what the fields mean."""

    models: str
    base: int = 0
    tile: int = 0
    factor: float = 0.0


def image_tokens(image: Any, detail: Any, model: str) -> tuple[int, int, int]:
    """An image's tokens, and by how much fewer and more they may be.

    Args:
        image: A data URL or an address; anything else is an image of which nothing is known.
        detail: `low`, `high` or `auto`, as the request asks for.
    """
    rate = next((rate for rate in _rates() if re.search(rate.models, model)), None)
    if rate is None:
        raise Unknown
    size = pixels(image) if isinstance(image, str) else None
    if rate.tile:
        if detail == "low":
            return rate.base, 0, 0
        if size is not None:
            return rate.base + rate.tile * _tiles(*size), 0, 0
        low, usual, high = (rate.base + rate.tile * tiles for tiles in _UNKNOWN_TILES)
    else:
        if size is not None and detail != "low":
            return _patch_tokens(_patches(*size), rate), *_PATCH_BAND
        low, usual, high = (_patch_tokens(patches, rate) for patches in _UNKNOWN_PATCHES)
    return usual, usual - low, high - usual


def _tiles(width: int, height: int) -> int:
    scale = min(1, _SIDE / max(width, height))
    scale *= min(1, _SHORTER_SIDE / (min(width, height) * scale))
    across, down = (max(1, round(side * scale)) for side in (width, height))
    return math.ceil(across / _TILE) * math.ceil(down / _TILE)


def _patches(width: int, height: int) -> int:
    across, down = width / _PATCH, height / _PATCH
    if math.ceil(across) * math.ceil(down) <= _PATCHES:
        return math.ceil(across) * math.ceil(down)
    scale = math.sqrt(_PATCHES / (across * down))
    scale *= min(
        max(1, math.floor(across * scale)) / (across * scale), max(1, math.floor(down * scale)) / (down * scale)
    )
    return min(_PATCHES, math.ceil(round(across * scale, 6)) * math.ceil(round(down * scale, 6)))


def _patch_tokens(patches: int, rate: Rate) -> int:
    return math.ceil(patches * rate.factor) + 1


@cache
def _rates() -> list[Rate]:
    text = files(__package__).joinpath("openai_images.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text)["model"], list[Rate])
