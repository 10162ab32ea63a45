"""Single values of a configuration: from TOML, or from text (environment, command line), checked against a type."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

from msgspec import Struct
from msgspec import inspect as kinds

_WHOLE = re.compile(r"[+-]?\d{1,19}")
_FLAGS = {"true": True, "false": False, "1": True, "0": False}
_LIKE_A_KEY = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[^\s/]{16,}")  # a secret in the wrong place, of whatever shape
_SHOWN_CHARS = 60  # enough to find the value again; a message stays a line
_INT_BOUND = 1 << 63  # TOML promises 64 bits; it also bounds what is printed

Number = kinds.IntType | kinds.FloatType


class Fault(Exception):
    """What is wrong with one value, and the fix; whoever catches it knows the path."""


class Text(Struct, frozen=True):
    """A value that came as text and takes the type of its field.

    Attributes:
        origin: The variable or option it came from, for messages.
    """

    value: str
    origin: str


def scalar(kind: kinds.Type, value: Any) -> Any:
    """Return *value* as *kind*, which is not a container.

    Raises:
        Fault: Wrong type, out of range, not in the list.
    """
    if isinstance(value, Text):
        value = _from_text(kind, value.value)
    accepted = _accept(kind, value)
    if accepted is None:
        raise Fault(f"expected {described(kind)}, got {shown(value)}{_near(kind, value)}")
    return accepted


def described(kind: kinds.Type) -> str:
    """The type in words, as messages and `docs/configuration.md` have it."""
    match kind:
        case kinds.BoolType():
            return "true or false"
        case kinds.IntType():
            return "a whole number" + _range(kind)
        case kinds.FloatType():
            return "a number" + _range(kind)
        case kinds.DecimalType():
            return "a decimal number"
        case kinds.DateType():
            return "a date (2026-01-31)"
        case kinds.LiteralType(values=values):
            return "one of " + ", ".join(map(str, values))
        case kinds.StrType():
            return "a text"
        case kinds.UnionType():
            return " or ".join(described(one) for one in members(kind))
        case kinds.VarTupleType(item_type=item):
            return f"a list, each item {described(item)}"
        case kinds.DictType() | kinds.StructType():
            return "a table"
        case kinds.CustomType():
            return 'a secret: { env = "NAME" } or { file = "path" }'
        case _:
            raise TypeError(f"no words for {kind}")


def members(kind: kinds.UnionType) -> list[kinds.Type]:
    """The types of a union without None: TOML has no null, a field is simply left out."""
    return [one for one in kind.types if not isinstance(one, kinds.NoneType)]


def shown(value: Any) -> str:
    """*value* for a message: bounded, on one line, and never the inside of a table or list."""
    match value:
        case Text():
            return shown(value.value)
        case str():
            most = 4 if _LIKE_A_KEY.fullmatch(value) else _SHOWN_CHARS
            brief = value if len(value) <= most else value[:most] + "…"
            return f'"{brief}"' if brief.isprintable() else ascii(brief)
        case dict():
            return "a table"
        case list() | tuple():
            return "a list"
        case bool():
            return str(value).lower()
        case int() if abs(value) >= _INT_BOUND:
            return "a number beyond 64 bits"
        case _:
            return str(value)


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """`: did you mean 'policy'?`, or the list to choose from where nothing is near."""
    known = sorted(words)
    if near := get_close_matches(word, known, n=1, cutoff=0.6):
        return f": did you mean '{near[0]}'?"
    return f": known here are {', '.join(known)}" if known else ""


def structured(text: Text) -> Any:
    """Read a table or list that came as text: JSON, or a TOML value."""
    try:
        return json.loads(text.value)
    except (ValueError, RecursionError):
        pass
    try:
        return tomllib.loads(f"value = {text.value}")["value"]
    except (ValueError, RecursionError):
        raise Fault("neither a TOML value nor JSON") from None


def _accept(kind: kinds.Type, value: Any) -> Any:
    """*value* as *kind*, or None. Booleans are no numbers; whole numbers are numbers."""
    match kind:
        case kinds.BoolType():
            return value if isinstance(value, bool) else None
        case kinds.IntType():
            return value if type(value) is int and abs(value) < _INT_BOUND and _in_range(kind, value) else None
        case kinds.FloatType():
            if type(value) not in (int, float) or abs(value) >= _INT_BOUND or not math.isfinite(value):
                return None
            return float(value) if _in_range(kind, value) else None
        case kinds.DecimalType():
            return _decimal(value)
        case kinds.DateType():
            return _date(value)
        case kinds.LiteralType(values=values):
            return value if isinstance(value, str) and value in values else None
        case kinds.StrType():
            return value if isinstance(value, str) else None
        case kinds.UnionType():
            options = (_accept(one, value) for one in members(kind))
            return next((option for option in options if option is not None), None)
        case _:
            raise TypeError(f"{kind} is not a scalar")


def _from_text(kind: kinds.Type, text: str) -> Any:
    """*text* as the Python value it spells for *kind*; the text itself where it spells none."""
    match kind:
        case kinds.BoolType():
            return _FLAGS.get(text.lower(), text)
        case kinds.IntType():
            return int(text) if _WHOLE.fullmatch(text) else text
        case kinds.FloatType():
            try:
                return float(text)
            except ValueError:
                return text
        case kinds.UnionType():
            spelled = [_from_text(one, text) for one in members(kind)]
            return next((value for value in spelled if not isinstance(value, str)), text)
        case _:
            return text


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except (InvalidOperation, ValueError):  # ValueError: more digits than Python converts
        return None
    return number if number.is_finite() else None


def _date(value: Any) -> date | None:
    if type(value) is date:  # a datetime is a date too, but not meant here
        return value
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _in_range(kind: Number, number: float) -> bool:
    return (
        (kind.ge is None or number >= kind.ge)
        and (kind.gt is None or number > kind.gt)
        and (kind.le is None or number <= kind.le)
        and (kind.lt is None or number < kind.lt)
    )


def _range(kind: Number) -> str:
    if kind.ge is not None and kind.le is not None:
        return f" from {kind.ge} to {kind.le}"
    if kind.ge is not None:
        return f" of at least {kind.ge}"
    return f" above {kind.gt}" if kind.gt is not None else ""


def _near(kind: kinds.Type, value: Any) -> str:
    if isinstance(kind, kinds.LiteralType) and isinstance(value, str):
        near = get_close_matches(value.lower(), map(str, kind.values), n=1, cutoff=0.6)
        return f": did you mean '{near[0]}'?" if near else ""
    return ""
