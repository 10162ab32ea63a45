"""The secrets that this process knows: masked wherever they occur, in each encoding that they may wear.

Provider keys and other configured secrets are registered once; a caller's credential for the life of
its call (`with registered(credential)`), which costs one dictionary entry. What it takes to recognise a
secret is worked out when something is about to be written, not before.
"""

from __future__ import annotations

import base64
import json
import weakref
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from dd0c_route.redact.views import MIN_WORD_CHARS, is_word

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from dd0c_route.types import Secret

Span = tuple[int, int, str]  # start, end, name of the rule

MIN_EXACT_CHARS = 8  # a shorter "secret" (`EMPTY`, `ollama`) is a word, and masking it everywhere would eat the log
_URL_SAFE = str.maketrans("+/", "-_")


class Forms(NamedTuple):
    """The strings that give secrets away.

    Attributes:
        words: Those made of word characters only, base64 and hex among them: looked for in the long words of a text.
        texts: The others, looked for everywhere.
        shortest_word: Characters of the shortest of *words*.
    """

    words: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()
    shortest_word: int = 1 << 30

    def __or__(self, other: Forms) -> Forms:
        return Forms(self.words | other.words, self.texts | other.texts, min(self.shortest_word, other.shortest_word))

    def find(self, text: str, words: str, longest_word: int) -> list[Span]:
        spans: list[Span] = []
        if self.shortest_word <= longest_word:
            for form in self.words:
                if form in words:
                    spans += occurrences(text, form, "known")
        for form in self.texts:
            if form in text:
                spans += occurrences(text, form, "known")
        return spans


class registered:
    """`with registered(credential):` masks it in everything written while the block runs. None: nothing happens.

    Instead of the credential, a function that finds it may be given: it is asked when something is to be written.
    Known weakly: should the block's own way out fail, it is forgotten with the block's frame.
    """

    __slots__ = ("__weakref__", "_forms", "_known_as", "_secret")

    def __init__(self, secret: Secret | Callable[[], Secret | None] | None) -> None:
        self._secret = secret
        self._forms: Forms | None = None

    def __enter__(self) -> None:
        if self._secret is not None:
            self._known_as = weakref.ref(self, _live.discard)
            _live.add(self._known_as)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._secret is not None:
            _live.discard(self._known_as)

    def forms(self) -> Forms:
        """Worked out when first asked for."""
        if self._forms is None:
            secret = self._secret() if callable(self._secret) else self._secret
            self._forms = _forms(secret) if secret else Forms()
        return self._forms


_live: set[weakref.ref[registered]] = set()
_kept: list[Forms] = [Forms()]  # one: all of them together, replaced whole


def register(secret: Secret) -> None:
    """Mask *secret* in everything that this process writes from now on."""
    _kept[0] |= _forms(secret)


def find_known(text: str, words: str, longest_word: int, *, live: bool = True) -> list[Span]:
    """Where the known secrets stand in *text*, in whichever form; *words* are its long words.

    Args:
        longest_word: Of *words*, in characters.
        live: Also those of the calls that are running.
    """
    spans = _kept[0].find(text, words, longest_word)
    for known in _running() if live else ():
        spans += known.forms().find(text, words, longest_word)
    return spans


def _running() -> list[registered]:
    return [one for known in list(_live) if (one := known()) is not None]


def longest_form() -> int:
    """Characters in the longest form of any known secret: how far two pieces of a text must overlap."""
    known = [_kept[0], *(one.forms() for one in _running())]
    return max((len(form) for forms in known for form in forms.words | forms.texts), default=0)


def occurrences(text: str, form: str, name: str) -> list[Span]:
    """Every place of *form* in *text*."""
    spans: list[Span] = []
    start = text.find(form)
    while start >= 0:
        spans.append((start, start + len(form), name))
        start = text.find(form, start + len(form))
    return spans


def _forms(secret: Secret) -> Forms:
    value = secret.reveal()
    if len(value) < MIN_EXACT_CHARS:
        return Forms()
    forms = frozenset([*_plain_forms(value), *_coded_forms(value)])
    words = frozenset(form for form in forms if len(form) >= MIN_WORD_CHARS and is_word(form))
    return Forms(words, forms - words, min(map(len, words), default=1 << 30))


def _plain_forms(value: str) -> list[str]:
    escaped = json.dumps(value)[1:-1]
    percent = quote(value, safe="")
    return [value, escaped, json.dumps(escaped)[1:-1], repr(value)[1:-1], percent, percent.lower()]


def _coded_forms(value: str) -> list[str]:
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
    return forms
