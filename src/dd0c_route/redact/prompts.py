"""Secrets that somebody pasted into a prompt: found in the texts of a request, and masked where they stand.

What is no text is left alone, since masking would break it: images and files in base64, signatures, identifiers, the
addresses and credentials with which a provider is to call a tool.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from dd0c_route.redact.registry import Span, longest_form
from dd0c_route.redact.scrub import find, merged, redact_sensitive
from dd0c_route.redact.texts import Step, Text, place, texts

WINDOW_CHARS = 32 << 10  # looked at at once, so that no step takes long; a private key is shorter
_MAX_WINDOW_CHARS = 256 << 10
OVERLAP_CHARS = 4 << 10
_PLACE_CHARS = 200
_MIN_NAME_CHARS = 14  # of a field's name that could be a credential

_NO_TEXT = frozenset((
    *("model", "id", "call_id", "tool_call_id", "tool_use_id", "toolUseId", "item_id", "file_id", "container_id"),
    *("response_id", "previous_response_id", "signature", "thoughtSignature", "thought_signature"),
    *("encrypted_content", "encrypted_index", "encrypted_stdout", "redactedContent"),
    *("image_url", "url", "uri", "file_url", "file_uri", "fileUri", "server_url", "s3Location"),
    *("authorization", "authorization_token", "headers", "type", "role", "mime_type", "media_type", "mimeType"),
    *("cachedContent", "cached_content"),
))  # fmt: skip
"""Names of fields whose values are no texts, in the dialects that we know (wire/)."""

_NO_TEXT_AT_TOP = frozenset((
    *("metadata", "user", "safety_identifier", "prompt_cache_key", "conversation", "container", "store", "dd0c"),
    *("service_tier", "stream_options", "requestMetadata", "inferenceConfig", "session_id"),
))  # fmt: skip

_FREE = frozenset(("args", "arguments", "input", "response", "json", "properties", "variables"))
"""Fields below the top whose objects a tool or a person defined: there `url` is a text as any other."""

_CODED = frozenset(("data", "bytes", "file_data"))
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]|\\[rn/]){16,}={0,2}")
_URL_SAFE = re.compile(r"(?:[A-Za-z0-9+/_-]|\\[rn/]){400,}={0,2}")
_DATA_URL = re.compile(r"data:[^\"\s]{1,100};base64,")


class Found(NamedTuple):
    """Secrets in the texts of a request.

    Attributes:
        document: The request's body, decoded.
        spans: Where they stand in it, in order, with the names of their rules; never the values.
        first: The path of the first, as people write it, without what could be a secret.
    """

    document: str
    spans: tuple[Span, ...]
    first: str

    @property
    def rules(self) -> dict[str, int]:
        """How many by which rule."""
        return dict(sorted(Counter(name for _, _, name in self.spans).items()))

    def masked(self) -> bytes:
        """The body with each replaced by `[redacted:<rule>]`, and not a byte of all else changed."""
        pieces: list[str] = []
        done = 0
        for start, end, name in self.spans:
            pieces += (self.document[done:start], f"[redacted:{name}]")
            done = end
        pieces.append(self.document[done:])
        return "".join(pieces).encode("utf-8", "surrogateescape")


def secrets_in(body: bytes) -> Found | None:
    """The secrets in the texts of *body*, a JSON object; None where there are none. Never raises."""
    document = body.decode("utf-8", "surrogateescape")
    spans: list[Span] = []
    first = ""
    for text in texts(document):
        new = _in(text, document)
        if new and not spans:
            first = _place(text.path)
        spans += new
    return Found(document, tuple(spans), first) if spans else None


def _in(text: Text, document: str) -> list[Span]:
    if text.is_name:
        if text.end - text.start < _MIN_NAME_CHARS:
            return []
    elif text.start == text.end or not _is_text(text, document):
        return []
    # With its name before it and its quotes around it, which tell what `"api_key": "…"` is.
    begin, end = max(0, text.begin - (text.begin == text.start)), min(len(document), text.end + 1)
    found = _find(document, begin, end)
    inside = [(max(start, text.start), min(stop, text.end), name) for start, stop, name in found]
    return [span for span in inside if span[0] < span[1]]


def _is_text(text: Text, document: str) -> bool:
    path = text.path
    if path and path[0] in _NO_TEXT_AT_TOP:
        return False
    if document.startswith("data:", text.start) and _DATA_URL.match(document, text.start, text.end):
        return False
    for depth, step in enumerate(path):
        if depth and step in _FREE:
            return True
        if step in _NO_TEXT:
            return False
    if path and path[-1] in _CODED:
        head = document[text.start : min(text.end, text.start + 512)]
        return not (_BASE64.fullmatch(head) or _URL_SAFE.fullmatch(head))
    return True


def _find(document: str, begin: int, end: int) -> list[Span]:
    """The spans between *begin* and *end*, by windows: one long text costs no more than many short ones."""
    if end - begin <= WINDOW_CHARS:
        return [(begin + start, begin + stop, name) for start, stop, name in find(document[begin:end])]
    overlap = max(OVERLAP_CHARS, longest_form())
    spans: list[Span] = []
    at = begin
    while True:
        stop = min(end, at + WINDOW_CHARS + overlap)
        new = [(at + one, at + two, name) for one, two, name in find(document[at:stop])]
        while stop < end and stop - at < _MAX_WINDOW_CHARS and any(two == stop for _, two, _ in new):
            stop = min(end, stop + WINDOW_CHARS)  # one that goes on, such as a private key
            new = [(at + one, at + two, name) for one, two, name in find(document[at:stop])]
        spans += new
        if stop == end:
            return merged(spans)
        at = stop - overlap


def _place(path: tuple[Step, ...]) -> str:
    """Names in a request are the caller's choice: what could be a secret or end a line is not repeated."""
    text = redact_sensitive(place(path))
    return "".join(c if c.isprintable() and c.isascii() else "?" for c in text)[:_PLACE_CHARS]
