"""What Gemini counts for what is no text."""

from __future__ import annotations

import math

from dd0c_route.tokens.frames.gemini_rows import Band

_BUDGETS = {"MEDIA_RESOLUTION_LOW": 280, "MEDIA_RESOLUTION_MEDIUM": 560}


# By what a file is, as far as nobody has opened it: a page or an image at first, a few seconds of sound, some of video.
_FILES: dict[str, dict[str, Band]] = {
    "image": {"tiles": (1290, 1032, 2100), "one": (258, 200, 2000), "patches": (1090, 700, 30)},
    "application": {"tiles": (258, 150, 60_000), "one": (258, 150, 60_000), "patches": (530, 450, 60_000)},
    "audio": {"": (110, 105, 60_000)},
    "video": {"": (600, 600, 60_000)},
}


def file(kind: str, rule: str) -> Band:
    """The tokens of a file of unknown length or size, by its media type."""
    bands = _FILES.get(kind.partition("/")[0], {"": (560, 550, 60_000)})
    return bands.get(rule) or bands[""]


def image(width: int, height: int, rule: str, resolution: str = "") -> Band:
    """The tokens of an image, and how far off they may be.

    Up to Gemini 2.0: 258 for each tile and for the whole, tiles of two thirds of the shorter side (256 to 768 pixels);
    an image that fits into 384 pixels is not cut. 2.5: 258; larger ones may be cut. 3 and later: as many square
    patches as keep the proportions within a budget, 1,120 unless `mediaResolution` says less.

    Source: ai.google.dev, "Understand and count tokens" and "Media resolution"; exact on recorded requests.
    """
    if rule == "patches":
        scale = math.sqrt(_BUDGETS.get(resolution, 1120) / (width * height))
        return int(width * scale) * int(height * scale), 0, 0
    tile = min(max(int(min(width, height) / 1.5), 256), 768)
    tiles = 258 * (math.ceil(width / tile) * math.ceil(height / tile) + 1)
    if max(width, height) <= 384 or resolution in _BUDGETS:
        return 258, 0, 0
    return (tiles, 0, 0) if rule == "tiles" else (258, 0, tiles if max(width, height) > 768 else 0)
