"""Images and documents as Converse carries them: by a format's name and bytes, never by an address."""

from __future__ import annotations

import re

IMAGES = ("png", "jpeg", "gif", "webp")
_DOCUMENTS = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "txt": "text/plain",
    "md": "text/markdown",
}
_FORMATS = {mime: form for form, mime in _DOCUMENTS.items()}
_UNNAMED = re.compile(r"document(?: \d+)?")  # what we call one that nobody named: a name is required
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9 ()\[\]-]+")


def image_format(mime: str) -> str:
    """Empty where Converse has none for it."""
    form = mime.lower().partition("/")[2].replace("jpg", "jpeg")
    return form if form in IMAGES else ""


def document_format(mime: str) -> str:
    """Plain text for any text; empty where Converse has none for it."""
    mime = mime.lower()
    if mime.startswith("text/") or mime in ("application/json", "application/xml"):
        return _FORMATS.get(mime, "txt")
    return _FORMATS.get(mime or "application/pdf", "")


def document_mime(form: str) -> str:
    return _DOCUMENTS.get(form, "application/octet-stream")


def document_name(name: str, number: int) -> str:
    """*name* of the characters that are allowed in one; the *number*th of the request that has none gets one of ours.

    Source: DocumentBlock in the API reference of Bedrock.
    """
    kept = " ".join(_NOT_IN_NAMES.sub(" ", name).split())[:200]
    return kept or (f"document {number}" if number > 1 else "document")


def given_name(name: str) -> str:
    return "" if _UNNAMED.fullmatch(name) else name
