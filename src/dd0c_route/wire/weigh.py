"""How much structure a request's body has, before anything walks through it. Pure.

A parser in C goes through a text of a megabyte in half a millisecond, but not through a million names; and what is
nested a thousand deep breaks code that calls itself. A body whose length leaves no doubt is only looked at (`is_plain`,
`check`); a longer one is taken apart in slices (`in_slices`), between which others have their turn.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Generator, Mapping
from itertools import accumulate

import msgspec
from msgspec import Raw

from dd0c_route.config import Limits
from dd0c_route.errors import BadRequest
from dd0c_route.wire.loose import UNREADABLE

SLICE_BYTES = 16 << 10  # at most 2 ms, when all of it is brackets
SMALL_BYTES = 16 << 10  # up to here any body is split and looked through within 2 ms
WHOLE_BYTES = 1 << 20  # likewise with no more than `_FEW` values
PROVED_BYTES = 64 << 10  # of a value that is parsed to see that it is one
MOST_FIELDS = 1_000  # of the outermost object, each of which is looked at: a request has some twenty
_FEW = 20_000
_KEY_BYTES = 5  # of the shortest member, `"":1,`
_TWICE = ("model", "stream")
"""What the router reads and the provider reads again: of two values each could take another one."""

_ELEMENTS = msgspec.json.Decoder(list[Raw])
_TEXT = msgspec.json.Decoder(str)
_VALUE = msgspec.json.Decoder(Raw)
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STEPS = [(byte in b"[{") - (byte in b"]}") for byte in range(256)]
_MARK = re.compile(rb'\\.|["{}\[\]:,]', re.DOTALL)
_BLANKS = b" \t\r\n"
_ENDS = {b'"': b'"', b"{": b"}", b"[": b"]"}
_BEFORE = re.compile(rb"[ \t\r\n]*+[{,][ \t\r\n]*+")
_COLON = re.compile(rb"[ \t\r\n]*+:[ \t\r\n]*+")
_ROUNDS = 6  # of peeling off what is innermost; deeper bodies are rare, and walked through
_NO_SIGNS = _NO_BRACKETS.replace(b'"', b"")
_ALIKE = bytes.maketrans(b"{}", b"[]")  # in valid JSON they match anyway


class _Name:
    """A name of the outermost object, each a key of its own: a dictionary keeps also those that stand twice."""

    def __init__(self, text: str) -> None:
        self.text = text


_NAMES = msgspec.json.Decoder(dict[_Name, Raw], dec_hook=lambda _, text: _Name(text))


def is_plain(body: bytes, limits: Limits) -> bool:
    """Whether *body* can be parsed in one go: within 5 ms, and with no more names than `json_keys`.

    Counted are all characters that a name or a value would need, also those within texts.
    """
    if len(body) <= SMALL_BYTES and len(body) <= _KEY_BYTES * limits.json_keys:
        return True
    if len(body) > WHOLE_BYTES or (signs := len(body) - len(body.translate(None, b":,[{"))) > _FEW:
        return False
    return signs <= limits.json_keys or body.count(b":") <= limits.json_keys


def check(body: bytes, fields: Mapping[str, Raw], limits: Limits) -> None:
    """Refuse a plain body, split into *fields*, that is not strict.

    Raises:
        BadRequest: It is nested too deeply, is no UTF-8, or says twice which model it wants, or whether to stream.
    """
    if len(fields) > MOST_FIELDS:
        raise _too_many_fields()
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise _no_text(error.start) from None
    if _openers(body) > limits.json_depth and any(
        _is_deeper(bytes(raw), limits.json_depth - 1) for raw in fields.values()
    ):
        raise _too_deep(limits)
    if not _stand_once(body, fields):
        names = [name.text for name in _NAMES.decode(body)]
        for name in _TWICE:
            if names.count(name) > 1:
                raise _twice(name)


def in_slices(body: bytes, limits: Limits) -> Generator[None, None, dict[str, Raw]]:
    """The undecoded fields of a JSON object, found step by step; each step takes 3 ms at most.

    What is inside of its arrays and objects is measured, not proved to be JSON: that is the provider's to judge.

    Raises:
        BadRequest: As `check`; or it is no JSON object, or has more than `json_keys` names.
    """
    scan = _Scan(body, limits)
    while scan.at < len(body):
        scan.take()
        yield
    return scan.fields()


class _Scan:
    """Where in a body one is: at which depth, inside of a text or not, and what was found at its top."""

    def __init__(self, body: bytes, limits: Limits) -> None:
        self.at = 0
        self._body = body
        self._limits = limits
        self._depth = 0
        self._quoted = False
        self._keys = 0
        self._marks: list[int] = []  # places of the braces, colons and commas of the outermost object
        self._text = codecs.getincrementaldecoder("utf-8")()

    def take(self) -> None:
        """One more slice."""
        body, start, end = self._body, self.at, min(self.at + SLICE_BYTES, len(self._body))
        while end < len(body) and _ends_in_escape(body, start, end):
            end += 1
        piece = body[start:end]
        if not piece.isascii() or self._text.getstate()[0]:
            self._decode(piece, final=end == len(body))
        if b"\\" in piece:
            piece = piece.replace(b"\\\\", b"").replace(b'\\"', b"")
        parts = piece.split(b'"')
        outside = b"".join(parts[self._quoted :: 2])
        self._keys += outside.count(b":")
        if self._keys > self._limits.json_keys:
            raise BadRequest(f"the request body has more than {self._limits.json_keys} names ([limits] json_keys)")
        walk = list(accumulate(map(_STEPS.__getitem__, outside.translate(None, _NO_BRACKETS)), initial=self._depth))
        if max(walk) > self._limits.json_depth:
            raise _too_deep(self._limits)
        if min(walk) <= 1:
            self._mark(start, end)
        self._depth, self._quoted = walk[-1], self._quoted ^ (len(parts) % 2 == 0)
        self.at = end

    def _decode(self, piece: bytes, *, final: bool) -> None:
        held = len(self._text.getstate()[0])
        try:
            self._text.decode(piece, final)
        except UnicodeDecodeError as error:
            raise _no_text(self.at - held + error.start) from None

    def _mark(self, start: int, end: int) -> None:
        """Note what belongs to the outermost object."""
        depth, quoted, body = self._depth, self._quoted, self._body
        for found in _MARK.finditer(body, start, end):
            mark = body[found.start()]
            if mark == 0x22:
                quoted = not quoted
            elif quoted or mark == 0x5C:
                continue
            elif step := _STEPS[mark]:
                depth += step
                if step > 0 and depth == 1 and self._marks:
                    raise BadRequest(f"the request body is not valid JSON: more than one value (byte {found.start()})")
                if depth == (step > 0):  # the object's own: 1 behind its beginning, 0 behind its end
                    self._marks.append(found.start())
            elif depth == 1:
                if (mark == 0x3A) != (len(self._marks) % 2 == 1):  # the brace, then colons and commas by turns
                    raise BadRequest(f"the request body is not valid JSON (byte {found.start()})")
                if len(self._marks) > 2 * MOST_FIELDS:
                    raise _too_many_fields()
                self._marks.append(found.start())

    def fields(self) -> dict[str, Raw]:
        """What stands between the marks."""
        body, marks = memoryview(self._body), self._marks
        far = len(marks) < 2 or marks[0] > PROVED_BYTES or len(body) - marks[-1] > PROVED_BYTES
        if self._quoted or self._depth or far:
            raise BadRequest("the request body is not valid JSON: it is no whole object")
        around = self._body[: marks[0] + 1].strip(_BLANKS) + self._body[marks[-1] :].strip(_BLANKS)
        found: dict[str, Raw] = {}
        inner = marks[1:-1]
        whole = len(inner) % 2 == 1 if inner else not self._body[marks[0] + 1 : marks[1]].strip(_BLANKS)
        if around != b"{}" or not whole:
            raise BadRequest("the request body is not valid JSON: it is no whole object")
        for index in range(0, len(inner), 2):
            start, colon, end = marks[index], marks[index + 1], marks[index + 2]
            name = _name(body[start + 1 : colon], start)
            if name in _TWICE and name in found:
                raise _twice(name)
            found[name] = _raw(body[colon + 1 : end], colon)
        return found


def _name(written: memoryview, at: int) -> str:
    try:
        if len(written) > PROVED_BYTES:
            raise msgspec.DecodeError
        return _TEXT.decode(written)
    except UNREADABLE:
        raise BadRequest(f"the request body is not valid JSON: no field name (byte {at})") from None


def _raw(written: memoryview, at: int) -> Raw:
    """A field's value, proved to be one where that takes no time."""
    before = bytes(written[:PROVED_BYTES])
    start = len(before) - len(before.lstrip(_BLANKS))
    behind = bytes(written[max(start, len(written) - PROVED_BYTES) :])
    value = written[start : len(written) - (len(behind) - len(behind.rstrip(_BLANKS)))]
    try:
        if len(value) <= PROVED_BYTES:
            _VALUE.decode(value)
        elif _ENDS.get(bytes(value[:1])) != bytes(value[-1:]):
            raise msgspec.DecodeError
    except UNREADABLE:
        raise BadRequest(f"the request body is not valid JSON: no value (byte {at})") from None
    return Raw(value)


def _ends_in_escape(body: bytes, start: int, end: int) -> bool:
    """Whether an escape begins with the last byte before *end*."""
    piece = body[start:end]
    return (len(piece) - len(piece.rstrip(b"\\"))) % 2 == 1


def _stand_once(body: bytes, fields: Mapping[str, Raw]) -> bool:
    """Whether *body* is *fields* one after the other and nothing else: then no name stands twice for any reader.

    False also where a name is written with escapes.
    """
    held = sum([len(memoryview(raw)) for raw in fields.values()]) + sum(map(len, fields))
    if held + 4 * len(fields) + 1 == len(body):  # written without blanks
        return True
    at = 0
    for name, value in fields.items():
        before = _BEFORE.match(body, at)
        written = b'"%b"' % name.encode()
        if before is None or not body.startswith(written, before.end()):
            return False
        colon = _COLON.match(body, before.end() + len(written))
        if colon is None or not body.startswith(value, colon.end()):
            return False
        at = colon.end() + len(memoryview(value))
    return _BEFORE.match(body, at) is None


def _openers(written: bytes) -> int:
    # A character is taken out eight times as fast as it is counted, as long as it is rare.
    return 2 * len(written) - len(written.replace(b"[", b"")) - len(written.replace(b"{", b""))


def _is_deeper(body: bytes, most: int) -> bool:
    """Whether a whole JSON value is nested more than *most* deep."""
    if len(body) <= 2 * most or _openers(body) <= most:
        return False
    if body[:1] == b"[" and max(map(_openers, map(bytes, _ELEMENTS.decode(body))), default=0) < most:
        return False  # as it is with messages and tools, of which there are many
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    quoted = body.translate(_ALIKE, _NO_SIGNS).replace(b'""', b"")  # texts without a bracket
    outside = b"".join(quoted.split(b'"')[::2])
    for left in range(most, max(most - _ROUNDS, 0), -1):
        if len(outside) <= 2 * left:
            return False
        outside = outside.replace(b"[]", b"")  # what is innermost: one level less
    return max(accumulate(map(_STEPS.__getitem__, outside)), default=0) > max(most - _ROUNDS, 0)


def _too_deep(limits: Limits) -> BadRequest:
    return BadRequest(f"the request body is nested more than {limits.json_depth} deep ([limits] json_depth)")


def _too_many_fields() -> BadRequest:
    return BadRequest(f"the request body has more than {MOST_FIELDS} fields")


def _twice(name: str) -> BadRequest:
    return BadRequest(f"`{name}` stands twice in the request body: say it once")


def _no_text(at: int) -> BadRequest:
    return BadRequest(f"the request body is not valid UTF-8 (byte {at})")
