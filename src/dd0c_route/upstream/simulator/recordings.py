"""Recorded exchanges, found by path and canonical request body, replayed byte for byte."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import zlib
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Raw, Struct

from dd0c_route.upstream.simulator.answer import Answer, Piece
from dd0c_route.upstream.simulator.eventstream import frame
from dd0c_route.upstream.simulator.openai import JSON, SSE
from dd0c_route.upstream.simulator.place import UNREADABLE, Place, place_of
from dd0c_route.upstream.simulator.script import ScriptError

_NDJSON = b"application/x-ndjson"
_EVENT_STREAM = b"application/vnd.amazon.eventstream"
_ABSENT = Raw(b"null")
_BLANK_LINE = re.compile(rb"(?<=\r\n\r\n)|(?<=[^\r]\n\n)|(?<=\r\r)")


class Unrecorded(LookupError):
    """No recording fits; the message names the path and the key."""


class _Line(Struct):
    """What is needed of a recording; the response stays as it stands in the file."""

    id: str
    url: str
    request: Raw
    model: str | None = None
    response: Raw = _ABSENT
    response_sse: Raw = _ABSENT
    response_events: Raw = _ABSENT


class _Event(Struct):
    data: Raw
    event: str | None = None


class _Kept(Struct, gc=False):
    """A recording in memory: about an eighth of its size on disk, unpacked when it is asked for."""

    id: str
    api: str
    model: str
    packed: bytes  # zlib of the response's JSON
    kind: str  # response, response_sse, response_events


_read_line = msgspec.json.Decoder(_Line).decode
_read_events = msgspec.json.Decoder(list[_Event]).decode


class Library:
    """All recordings of a folder."""

    def __init__(self, folder: Path) -> None:
        """Read every `*.jsonl.gz` whose lines are recordings; other files are left alone.

        Raises:
            ScriptError: There is none, or a line that is not JSON.
        """
        self._kept: list[_Kept] = []
        self._by_key: dict[bytes, list[int]] = {}
        self._by_id: dict[str, int] = {}
        self._turn: dict[bytes, int] = {}
        for path in sorted(folder.glob("*.jsonl.gz")):
            self._read(path)
        if not self._kept:
            raise ScriptError(f"{folder}: no recordings (*.jsonl.gz) here")

    def __len__(self) -> int:
        return len(self._kept)

    def reset(self) -> None:
        """Begin with the first again where a request was recorded several times."""
        self._turn.clear()

    def find(self, place: Place, body: bytes, query: str, wanted: str | None) -> Answer:
        """The answer recorded for this request, or the one called *wanted*; equal requests take turns.

        Raises:
            Unrecorded: There is none.
        """
        if wanted is not None:
            if wanted not in self._by_id:
                raise Unrecorded(f"no recording has the id {wanted}")
            return _answer(self._kept[self._by_id[wanted]], query)
        key = _key(place, body)
        candidates = self._by_key.get(key)
        if candidates is None:
            raise Unrecorded(
                f"no recording for {place.action} with this body (api {place.api}, key {key.hex()}): "
                "check the folder, or script the answer with x-sim"
            )
        turn = self._turn.get(key, 0)
        self._turn[key] = turn + 1
        return _answer(self._kept[candidates[turn % len(candidates)]], query)

    def _read(self, path: Path) -> None:
        with gzip.open(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    recording = _read_line(line)
                except msgspec.ValidationError:
                    return  # another kind of table
                except UNREADABLE as error:
                    raise ScriptError(f"{path}: line {number}: {error}") from None
                self._add(recording)

    def _add(self, line: _Line) -> None:
        for kind in ("response", "response_sse", "response_events"):
            response: Raw = getattr(line, kind)
            if response != _ABSENT:
                break
        else:
            return
        place = place_of(urlsplit(line.url).path)
        number = len(self._kept)
        model = line.model or place.model
        self._kept.append(_Kept(line.id, place.api, model, zlib.compress(bytes(response), 1), kind))
        self._by_id[line.id] = number
        self._by_key.setdefault(_key(place, bytes(line.request)), []).append(number)


def _key(place: Place, body: bytes) -> bytes:
    """Sixteen bytes that are equal for equal calls, however their JSON is written."""
    try:
        fields = msgspec.json.decode(body)
    except UNREADABLE:
        fields = None  # no recording has such a body
    if isinstance(fields, dict):
        fields.pop("stream_options", None)
    canonical = msgspec.json.encode(fields, order="sorted")
    where = f"{place.api}\n{place.action}\n{place.model}\n".encode()
    return hashlib.blake2b(where + canonical, digest_size=16).digest()


def _answer(kept: _Kept, query: str) -> Answer:
    raw = zlib.decompress(kept.packed)
    if kept.kind == "response":
        return Answer(_status(raw), JSON, (Piece(_compact(raw)),), model=kept.model, recording=kept.id)
    if kept.kind == "response_sse":
        text = msgspec.json.decode(raw, type=str).encode()
        content_type, parts = SSE, [part for part in _BLANK_LINE.split(text) if part]
    else:
        content_type, parts = _encoded(kept.api, _read_events(raw), "alt=sse" in query)
    pieces = tuple(map(Piece, parts))
    return Answer(200, content_type, pieces, streams=True, model=kept.model, recording=kept.id)


def _encoded(api: str, events: list[_Event], as_sse: bool) -> tuple[bytes, list[bytes]]:
    """Decoded events, put back into what travelled."""
    datas = [_compact(bytes(event.data)) for event in events]
    if api == "bedrock.invoke":
        datas = [b'{"bytes":"%s"}' % base64.b64encode(data) for data in datas]
    if api.startswith("bedrock."):
        return _EVENT_STREAM, [frame(event.event or "", data) for event, data in zip(events, datas, strict=True)]
    if api == "ollama":
        return _NDJSON, [data + b"\n" for data in datas]
    if api == "gemini.generate" and not as_sse:
        return JSON, [(b"[" if i == 0 else b",\r\n") + data for i, data in enumerate(datas)] + [b"]"]
    parts = [b"data: " + data + b"\n\n" for data in datas]
    return SSE, [*parts, b"data: [DONE]\n\n"] if api == "openai.chat" else parts


def _compact(raw: bytes) -> bytes:
    """The same tokens without the white space between them."""
    return msgspec.json.format(raw, indent=-1)


def _status(raw: bytes) -> int:
    """200, unless the recorded body is an error; then what it says of itself, else 400."""
    body = msgspec.json.decode(raw)
    error = body.get("error") if isinstance(body, dict) and len(body) <= 3 else None
    if not error:
        return 200
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code <= 599 else 400
