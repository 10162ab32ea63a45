"""One part of a content ↔ one part of the neutral form, and which result answers which call."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from dd0c_route.wire.loose import str_of, value_of
from dd0c_route.wire.neutral.form import Audio, File, Foreign, Image, Part, Text, Thinking, ToolCall, ToolResult
from dd0c_route.wire.neutral.gemini.fields import GoogleFields, standard_base64
from dd0c_route.wire.neutral.ids import made
from dd0c_route.wire.neutral.reading import decoded

DIALECT = "gemini"
_SOUNDS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "x-m4a": "m4a", "x-flac": "flac"}  # types → formats
_OF_GOOGLE = ("gs://", "https://generativelanguage.googleapis.com/")  # files that nobody else can read
_RESULTS = ("output", "result")  # the first is Google's word, the second its Python SDK's


class Calls:
    """The calls of a conversation. Without ids, a result answers the oldest call of its name that has none yet."""

    def __init__(self) -> None:
        self._open: list[tuple[str, str]] = []  # name and id
        self._count = 0

    def called(self, name: str, id: str) -> str:
        """The id of the next call."""
        id = id or made(name, self._count)
        self._count += 1
        self._open.append((name, id))
        return id

    def answered(self, name: str, id: str) -> str:
        """The id of the call that a result is for; of none, one that fits no call."""
        for place, (open_name, open_id) in enumerate(self._open):
            if open_id == id if id else open_name == name:
                del self._open[place]
                return open_id
        return id or made(name, -1)


def part_of(part: GoogleFields, calls: Calls) -> Part | None:
    """What *part* says; None where it says nothing."""
    thought, signature = part.take("thought", bool) or False, part.text("thoughtSignature")
    found: Part | None
    if part.has("text"):
        text = part.text("text")
        found = Thinking(text, signature, DIALECT) if thought else Text(text) if text else None
    elif (call := part.inner("functionCall")) is not None:
        name, arguments = call.text("name"), call.raw("args").decode("utf-8", "replace")
        found = ToolCall(calls.called(name, call.text("id")), name, arguments, signature=signature)
        call.done()
    elif (result := part.inner("functionResponse")) is not None:
        found = _result(result, calls)
    elif (blob := part.inner("inlineData")) is not None:
        found = _inline(blob)
    elif (file := part.inner("fileData")) is not None:
        found = _by_address(file)
    else:
        return _foreign(part)
    part.done(("partMetadata",))
    return found


def _foreign(part: GoogleFields) -> Foreign | None:
    """What only Google has: code that it ran, tools that it called."""
    rest = part.rest()
    whole = msgspec.json.encode({name: Raw(raw) for name, raw in rest.items()})
    return Foreign(DIALECT, next(iter(rest)), whole) if rest else None


def _result(result: GoogleFields, calls: Calls) -> ToolResult:
    name, response = result.text("name"), result.raw("response")
    text, failed = _told(response, result.place("response")) if response else ("", False)
    parts: list[Text | Image | File | Foreign] = [Text(text)] if text else []
    for inner in result.each("parts"):
        found = part_of(inner, calls)
        if isinstance(found, Image | File | Foreign):
            parts.append(found)
        elif found is not None:
            result.lose("parts")
    id = calls.answered(name, result.text("id"))
    result.done()
    return ToolResult(id, tuple(parts), failed, name)


def _told(response: bytes, where: str) -> tuple[str, bool]:
    """What a tool said, and whether it is an error: one value under its usual name, or all of the object."""
    fields = decoded(response, dict[str, Raw], where)
    name = next(iter(fields)) if len(fields) == 1 else ""
    if name not in (*_RESULTS, "error"):
        return response.decode("utf-8", "replace"), False
    value = value_of(fields[name])
    return value if isinstance(value, str) else bytes(fields[name]).decode("utf-8", "replace"), name == "error"


def _inline(blob: GoogleFields) -> Part:
    mime, data = blob.text("mimeType").lower(), standard_base64(blob.text("data"))
    name = blob.text("displayName")
    kind, _, form = mime.partition("/")
    blob.done()
    if kind == "image":
        return Image("", data, mime)
    if kind == "audio":
        return Audio(data, _SOUNDS.get(form, form))
    if kind == "video":
        return Foreign(DIALECT, "video", msgspec.json.encode({"inlineData": {"mimeType": mime, "data": data}}))
    return File("", data, mime, name)


def _by_address(file: GoogleFields) -> Part:
    mime, address, name = file.text("mimeType").lower(), file.text("fileUri"), file.text("displayName")
    file.done()
    if address.startswith(_OF_GOOGLE):
        return File(mime=mime, name=name, id=address)
    if mime.startswith("image/"):
        return Image(address, "", mime)
    if mime.startswith(("audio/", "video/")) or not mime:  # without a type: a video of YouTube's
        raw = {"fileData": {"fileUri": address} | ({"mimeType": mime} if mime else {})}
        return Foreign(DIALECT, str_of(mime.partition("/")[0]) or "video", msgspec.json.encode(raw))
    return File(address, "", mime, name)
