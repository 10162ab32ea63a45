"""The content of OpenAI's messages: texts, and images, files and sound among them."""

from __future__ import annotations

import base64
from typing import Any

from dd0c_route.tokens.frames.openai_images import image_tokens
from dd0c_route.tokens.frames.reading import Sum, Unknown, dicts, string

_TEXTS = ("text", "input_text", "output_text", "refusal")
_IMAGES = ("image_url", "input_image")
_FILES = ("file", "input_file")
# Tokens of what cannot be read here, and how far off: a page of a PDF was some 750, a second of sound some ten.
_FILE, _SOUND = (750, 750, 59_250), (60, 60, 20_000)
_TEXT_FILE = (27, 27, 27)  # around a file of plain text


def content(value: Any, model: str, total: Sum) -> str:
    """The text of a message, whose parts the API joins; what else it holds is added to *total*."""
    if value is None or isinstance(value, str):
        return value or ""
    texts = []
    for part in dicts(value):
        kind = part.get("type")
        if kind in _TEXTS:
            texts.append(string(part.get("text", part.get("refusal"))))
        elif kind in _IMAGES:
            image = part.get("image_url")
            total.add(
                image_tokens(image.get("url"), image.get("detail"), model)
                if isinstance(image, dict)
                else image_tokens(image, part.get("detail"), model)
            )
        elif kind in _FILES:
            file = part.get("file")
            _add_file(file if isinstance(file, dict) else part, total)
        elif kind == "input_audio":
            total.add(_SOUND)
        else:
            raise Unknown
    return "".join(texts)


def _add_file(file: dict[str, Any], total: Sum) -> None:
    head, _, data = str(file.get("file_data")).partition(";base64,")
    if not head.startswith("data:text/"):
        total.add(_FILE)
        return
    try:
        total.texts.append(base64.b64decode(data).decode("utf-8", "replace"))
    except ValueError:
        raise Unknown from None
    total.add(_TEXT_FILE)
