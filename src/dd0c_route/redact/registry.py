"""The secrets that this process knows: masked wherever they occur, in each encoding that they may wear.

Provider keys and other configured secrets are registered once; a caller's credential for the life of
its call (`with registered(credential)`), which costs one dictionary entry. What it takes to recognise a
secret is worked out when something is about to be written, not before.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from types import TracebackType

    from dd0c_route.types import Secret

Span = tuple[int, int, str]  # start, end, name of the rule

MIN_EXACT_CHARS = 8  # a shorter "secret" (`EMPTY`, `ollama`) is a word, and masking it everywhere would eat the log
MAX_LIVE = 16_384  # more than `[limits] connections`; a bound on memory should a caller of `registered` never leave
_MIN_CODED_CHARS = 16  # the shortest base64 or hex form searched for; nothing shorter is told from chance
_CODED_RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}")


class _Known:
    """One secret and, once asked for, the strings that give it away."""

    __slots__ = ("_coded", "_plain", "_secret")

    def __init__(self, secret: Secret | None) -> None:
        self._secret = secret
        self._plain: tuple[str, ...] | None = None
        self._coded: tuple[str, ...] = ()

    def forms(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The forms that are read as text, and those in base64 or hex."""
        if self._plain is None:
            value = self._secret.reveal() if self._secret else ""
            long_enough = len(value) >= MIN_EXACT_CHARS
            self._coded = _coded_forms(value) if long_enough else ()
            self._plain = _plain_forms(value) if long_enough else ()
        return self._plain, self._coded


class registered(_Known):
    """Mask *secret* in everything that is written while the block runs. None is no secret, and nothing happens."""

    __slots__ = ()

    def __enter__(self) -> None:
        if self._secret is not None:
            if len(_live) >= MAX_LIVE:
                _live.pop(next(iter(_live)), None)
            _live[id(self)] = self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        _live.pop(id(self), None)


_kept: dict[str, _Known] = {}
_live: dict[int, _Known] = {}


def register(secret: Secret) -> None:
    """Mask *secret* in everything that this process writes from now on."""
    _kept.setdefault(secret.fingerprint(), _Known(secret))


def find_known(text: str) -> list[Span]:
    """Where the known secrets stand in *text*, in whichever form."""
    spans: list[Span] = []
    if not _kept and not _live:
        return spans
    runs = " ".join(_CODED_RUN.findall(text))
    for known in [*_kept.values(), *_live.values()]:
        plain, coded = known.forms()
        for form in plain:
            if form in text:
                spans += _occurrences(text, form)
        for form in coded:
            if form in runs:
                spans += _occurrences(text, form)
    return spans


def longest_form() -> int:
    """Characters in the longest form of any known secret: how far two pieces of a text must overlap."""
    known = [*_kept.values(), *_live.values()]
    return max((len(form) for one in known for forms in one.forms() for form in forms), default=0)


def _occurrences(text: str, form: str) -> list[Span]:
    spans: list[Span] = []
    start = text.find(form)
    while start >= 0:
        spans.append((start, start + len(form), "known"))
        start = text.find(form, start + len(form))
    return spans


def _plain_forms(value: str) -> tuple[str, ...]:
    escaped = json.dumps(value)[1:-1]
    forms = (
        value,
        escaped,
        json.dumps(escaped)[1:-1],
        repr(value)[1:-1],
        quote(value, safe=""),
        quote(value, safe="").lower(),
    )
    return tuple(dict.fromkeys(forms))


def _coded_forms(value: str) -> tuple[str, ...]:
    """Base64 and hex of *value*, whatever stands before and after it.

    Base64 looks at three bytes at a time, so a secret inside a longer text (`Bearer …`, `user:…`) has one of three
    faces; each is cut to the characters that its neighbours cannot change.
    """
    raw = value.encode()
    forms = [raw.hex(), raw.hex().upper()]
    for before in range(3):
        padded = bytes(before) + raw
        whole = base64.b64encode(padded + bytes(-len(padded) % 3)).decode()
        face = whole[-(-before * 8 // 6) : len(padded) * 8 // 6]
        forms += [face, face.translate(_URL_SAFE)]
    return tuple(dict.fromkeys(form for form in forms if len(form) >= _MIN_CODED_CHARS))


_URL_SAFE = str.maketrans("+/", "-_")
