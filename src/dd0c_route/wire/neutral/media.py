"""Images and documents as dialects carry them: by an address, or as base64."""

from __future__ import annotations

import base64
import binascii
import re

_DATA = re.compile(r"data:([^;,]*)(?:;[^,]*?)?;base64,", re.IGNORECASE)  # RFC 2397


def of_url(url: str) -> tuple[str, str, str]:
    """Address, base64 and type: of a `data:` address the last two, of any other the first."""
    found = _DATA.match(url[:200])
    return (url, "", "") if found is None else ("", url[found.end() :], found[1].lower())


def as_url(url: str, data: str, mime: str) -> str:
    """The one address that stands for either."""
    return url or f"data:{mime or 'application/octet-stream'};base64,{data}"


def text_of(data: str) -> str:
    """The text that *data* is the base64 of; what is no UTF-8 in it costs a character."""
    try:
        return base64.b64decode(data).decode("utf-8", "replace")
    except binascii.Error:
        return ""


def of_text(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "replace")).decode()
