"""Documents as Claude counts them: the text of a plain one, an image and the text of each page of a PDF.

Measured on recorded requests (2024-2026). How much text a PDF's page holds is not seen from here.
"""

from __future__ import annotations

import binascii
import re

from dd0c_route.tokens.frames.claude_reading import Block
from dd0c_route.tokens.frames.reading import Sum

# Tokens, and how far below and above was seen.
_AROUND = (38, 3, 20)
_PAGE = (1_605, 1_605, 2_000)  # the image of it, and some of its text; some hosts hand on the text alone
_UNKNOWN = (1_650, 1_600, 100_000)

_HEAD_CHARS = 1 << 18  # of a PDF in base64, in which pages are looked for
_PAGES = re.compile(rb"/Type\s*/Page[^s]")
_OMITTED_PAGES = re.compile(r'__OMITTED__\{[^}]{0,1000}"pages": ?(\d{1,5})\b')


def add_document(block: Block, total: Sum) -> None:
    """A block of type `document`, as Messages has it."""
    match block.get("source"):
        case {"type": "text", "data": str() as text}:
            total.texts.append(text)
            total.add(_AROUND)
        case {"data": str() as data} if pages := _pages(data):
            total.add(_PAGE, pages)
        case _:
            total.add(_UNKNOWN)
    if isinstance(title := block.get("title"), str):
        total.texts.append(title)


def _pages(data: str) -> int:
    """How many pages a PDF has: 0 where its objects are packed away, or it is none."""
    if omitted := _OMITTED_PAGES.match(data):
        return int(omitted[1])
    try:
        head = binascii.a2b_base64(data[:_HEAD_CHARS])
    except (binascii.Error, ValueError):
        return 0
    return len(_PAGES.findall(head)) if head.startswith(b"%PDF") else 0
