"""About how long a prompt is, for what a call will cost: slices of its JSON as it stands, not decoded.

Four times as quick as `count_request`, and made for comparing targets: of English and code. What is short, or holds
anything else, is counted there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import numpy as np
from msgspec import Raw
from numpy.typing import NDArray

from dd0c_route.types import Count

CLASSES = (
    *("e", "aiou", "thsnr", "dlcmf", "bgjkpqvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", " ", "\\", "\"'`"),
    *(".,;:!?", "()[]{}<>", "_", "-=+*/|&%#~^@$"),
)
"""Of characters, beside the rest of ASCII (0) and all others (15)."""
PAIRS = 256

_FIELDS = ("messages", "contents", "input", "prompt", "system", "instructions", "systemInstruction")
_LEAST_BYTES = 4 << 10  # shorter ones are counted exactly where that is possible
_SLICES, _SLICE_BYTES = 8, 96
_SPREAD = [(0.5 + i * 0.6180339887) % 1 for i in range(_SLICES)]  # evenly, and in step with nothing that repeats
_OTHER = 0xF0  # pairs from here on begin with a character outside ASCII
_MOST_OTHER = 0.03  # of the pairs: beyond, another language or script is likely
_MOST_ESCAPED = 0.01  # a byte: the same of characters that are written as `\\u00f6`
_QUOTES, _ESCAPED_QUOTES = b"\xe2\x80", b"\\u20"  # and dashes: any English text has them
_ESCAPE_TOKENS = 3  # that an escape comes to by the rates, beyond the one that it is
_FRAME_TOKENS = 9  # that `{"role":"user","content":""},` comes to by the rates, and it is no part of the prompt
_MESSAGE_TOKENS = 4  # that a provider puts around one instead
_MOST_A_TOKEN = 16  # characters: of what repeats, rates say anything
_BAND = 0.35  # share: as wide as that of slices in `count_request`


def _class_table() -> bytes:
    table = bytearray(128) + bytes([15]) * 128
    for number, chars in enumerate(CLASSES, 1):
        for char in chars:
            table[ord(char)] = number
    return bytes(table)


_TABLE = _class_table()


def pairs_of(data: bytes) -> NDArray[np.uint8]:
    """The classes of each two characters that follow each other, as one number: uint8, (n - 1,)."""
    classes = np.frombuffer(data.translate(_TABLE), np.uint8)
    return np.bitwise_or(np.left_shift(classes[:-1], 4, dtype=np.uint8), classes[1:])


def rough_count(fields: Mapping[str, Raw], messages: int) -> Count | None:
    """The tokens of a prompt as GPT-4o has them (o200k_base), without tools; None where it is not of this sort.

    Off by 3 % in the middle, and by less than 10 % for 9 of 10 texts: see `prompt_rates.toml`. 25 µs at any length.

    Args:
        messages: How many there are.
    """
    views = [memoryview(fields[name]) for name in _FIELDS if name in fields]
    total = sum([len(view) for view in views])
    if total < _LEAST_BYTES:
        return None
    sample = b"".join([_slice(view, share) for view in views for share in _SPREAD if len(view) * _SLICES > total])
    pairs = pairs_of(sample)
    quotes, escapes = sample.count(_ESCAPED_QUOTES), sample.count(b"\\u")
    others = int((pairs >= _OTHER).sum()) - 3 * sample.count(_QUOTES)
    if escapes - quotes > _MOST_ESCAPED * len(sample) or others > _MOST_OTHER * len(sample):
        return None
    seen = float(_rates().take(pairs).sum()) - _ESCAPE_TOKENS * escapes
    seen = max(seen, len(pairs) / _MOST_A_TOKEN)
    framed = seen / len(pairs) * total
    tokens = max(1, round(framed - (_FRAME_TOKENS - _MESSAGE_TOKENS) * messages))
    half = int(_BAND * framed) + 1
    return Count(tokens, "estimated", (max(1, tokens - half), tokens + half), "")


def _slice(view: memoryview, share: float) -> bytes:
    at = int(share * max(0, len(view) - _SLICE_BYTES))
    return bytes(view[at : at + _SLICE_BYTES])


@cache
def _rates() -> NDArray[np.float32]:
    table = tomllib.loads(files(__package__).joinpath("prompt_rates.toml").read_text("utf-8"))
    return np.array(table["rates"], np.float32)
