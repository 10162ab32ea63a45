"""JSON that somebody else wrote, read without trusting a type in it: what is not as it should be, is absent."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, TypeGuard

import msgspec
from msgspec import Raw

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # all that msgspec raises on bytes

MAX_TOKENS = 1 << 40  # more is not a count
_COUNT_NAMES = ("tokens", "tokencount", "token_count")  # how the fields of all dialects end that hold one
_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_ELEMENTS = msgspec.json.Decoder(list[Raw])
_DECIMAL = re.compile(r"\d{1,9}(?:\.\d{1,30})?", re.ASCII)
_scan = json.JSONDecoder().raw_decode


def value_of(data: bytes | Raw) -> Any:
    """The JSON value, or None. Half a surrogate pair and invalid UTF-8 cost a character, not the value."""
    try:
        return msgspec.json.decode(data)
    except UNREADABLE:
        pass
    try:
        value = json.loads(bytes(data).decode("utf-8", "replace"))
        text = json.dumps(value, ensure_ascii=False)  # with lone surrogates, which nothing downstream can encode
        return json.loads(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
    except (ValueError, RecursionError):
        return None


def fields_of(data: bytes) -> dict[str, Raw] | None:
    """The fields of a JSON object, or None where *data* is not one whole object.

    Undecoded, where it is JSON; Python's servers write `NaN` and half surrogate pairs too, which is read all the same.
    """
    try:
        return _FIELDS.decode(data)
    except UNREADABLE:
        value = value_of(data)
    if not isinstance(value, dict):
        return None
    return {name: Raw(json.dumps(field).encode()) for name, field in value.items()}


def is_array(data: bytes) -> bool:
    """Whether *data* is one whole JSON array."""
    try:
        _ELEMENTS.decode(data)
    except UNREADABLE:
        return False
    return True


def elements_of(data: bytes) -> list[tuple[bytes, int]]:
    """The whole elements of a JSON array that may be cut, each with the offset just behind it."""
    text = data.decode("utf-8", "surrogateescape")  # keeps every byte, so that offsets can be counted back
    elements: list[tuple[bytes, int]] = []
    at, offset = text.find("[") + 1, data.find(b"[") + 1
    while at < len(text):
        start = at
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        try:
            _, behind = _scan(text, at)
        except (ValueError, RecursionError):
            break
        offset += len(text[start:at])  # white space and commas: one byte each
        element = text[at:behind].encode("utf-8", "surrogateescape")
        offset += len(element)
        elements.append((element, offset))
        at = behind
    return elements


def object_in_tail(tail: bytes, key: str) -> dict[str, Any]:
    """The last `"key": {…}` of a JSON text of which only the end is known, or `{}`."""
    text = tail.decode("utf-8", "replace")
    at = text.rfind(f'"{key}"')
    while at >= 0:
        brace = text.find("{", at)
        if brace >= 0 and text[at + len(key) + 2 : brace].strip() == ":":
            try:
                return dict_of(_scan(text, brace)[0])
            except (ValueError, RecursionError):
                return {}
        at = text.rfind(f'"{key}"', 0, at)
    return {}


def dict_of(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def list_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def dicts_of(value: Any) -> list[dict[str, Any]]:
    return [item for item in list_of(value) if isinstance(item, dict)]


def str_of(value: Any) -> str:
    return value if isinstance(value, str) else ""


def json_of(value: Any) -> str:
    """A value that stands for tool arguments, as text: a string as it is, anything else as JSON, nothing for None."""
    if value is None or isinstance(value, str):
        return value or ""
    return msgspec.json.encode(value).decode()


def count_of(fields: dict[str, Any], *names: str) -> int:
    """The first of *names* that holds a count of tokens; 0 where none does."""
    for name in names:
        value = fields.get(name)
        if value.__class__ is int and 0 <= value <= MAX_TOKENS:  # nearly always
            return value
        if _is_count(value):
            return int(value)
    return 0


def is_odd_count(name: str, value: Any) -> bool:
    """Whether the field *name* is to hold a count of tokens and holds something else; nothing is like no field."""
    name = name.lower()
    if value is None or value in ([], {}) or "token" not in name:
        return False
    if not name.endswith(_COUNT_NAMES):  # tokens of each kind, tokens per second, what they cost
        return isinstance(value, bool | str) or (isinstance(value, int | float) and not 0 <= value <= MAX_TOKENS)
    if isinstance(value, dict) and name == "tokens":  # Cohere's
        return False
    return not _is_count(value)


def _is_count(value: object) -> TypeGuard[int | float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= MAX_TOKENS and value == int(value)


def has_odd_count(fields: dict[str, Any]) -> bool:
    """Whether one of *fields* is to hold a count of tokens and does not."""
    return any(is_odd_count(name, value) for name, value in fields.items())


def dollars_of(value: Any) -> str | None:
    """A JSON number, or a text that is one, as an exact decimal string, or None. Its own digits, no binary fraction."""
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e9 < value < 1e9:
        return None
    return format(Decimal(str(value)), "f")


def kind_of_error(value: Any) -> str | None:
    """The type of an `error` value: a short word, never its message (which may quote the prompt)."""
    if value is None or value is False:
        return None
    error = dict_of(value)
    for name in ("type", "status", "code"):
        word = error.get(name)
        if isinstance(word, str | int) and word:
            return str(word)[:100]
    return "error"
