"""`redact_sensitive`: the one function that stands before every sink.

Four layers, from certain to likely: the secrets that the process knows, shapes that give themselves away, values
told by the name beside them, and the first three again on the text as its reader would see it (escapes undone,
wrapped words joined, base64 and hex decoded).
"""

from __future__ import annotations

from functools import lru_cache

from dd0c_route.redact import rules, views
from dd0c_route.redact.carriers import Carriers
from dd0c_route.redact.registry import Span, find_known, occurrences

_RULES = rules.load()
_CARRIERS = Carriers(_RULES.carrier)
_HEADS: dict[bytes, list[rules.Format]] = {}
_PROBES: dict[str, list[rules.Format]] = {}  # within a word
_TEXT_PROBES: dict[str, list[rules.Format]] = {}  # not within a word: `PRIVATE KEY`
for _format in _RULES.format:
    for _head in _format.heads:
        _HEADS.setdefault(_head.encode(), []).append(_format)
    for _probe in _format.probes:
        (_PROBES if views.is_word(_probe) else _TEXT_PROBES).setdefault(_probe, []).append(_format)
_TEXT_PROBED = tuple(_TEXT_PROBES.items())
_PROBED = tuple(_PROBES.items())
_LOWER_PROBED = tuple(item for item in _PROBED if item[0] == item[0].lower())


def redact_sensitive(text: str) -> str:
    """*text* with every credential replaced by `[redacted:<rule>]`; the same object where there is none.

    Idempotent. Never raises for any string. What it cannot know: a credential without a distinctive shape that
    was neither registered nor named (`docs/security.md` lists them).
    """
    spans = find(text)
    return masked(text, spans) if spans else text


def redact_bytes(data: bytes) -> bytes:
    """The same for bytes that are mostly text; bytes that are not UTF-8 pass as they are."""
    text = data.decode("utf-8", "surrogateescape")
    clean = redact_sensitive(text)
    return data if clean is text else clean.encode("utf-8", "surrogateescape")


@lru_cache(maxsize=4096)  # callers repeat themselves; bounded, since they choose the words
def redact_label(text: str) -> str:
    """The same for one word that a caller chose and that is kept (a model, a tag, a session): every call has some.

    What it leaves out is the credentials of all the calls that happen to run, which is what would cost time.
    """
    spans = merged(_find_as_written(text, live=False))
    return masked(text, spans) if spans else text


def find(text: str) -> list[Span]:
    """The spans to mask, in order, none overlapping another."""
    spans = _find_unwrapped(text)
    if view := views.unescaped(text):
        spans += [(*view.back(start, end), name) for start, end, name in _find_unwrapped(view.text)]
    return merged(spans) if spans else spans


def masked(text: str, spans: list[Span]) -> str:
    """*text* with *spans* (in order, none overlapping another) replaced."""
    pieces: list[str] = []
    done = 0
    for start, end, name in spans:
        pieces += (text[done:start], f"[redacted:{name}]")
        done = end
    return "".join(pieces) + text[done:]


def _find_unwrapped(text: str) -> list[Span]:
    spans = _find_as_written(text)
    if view := views.unwrapped(text, surely=True):
        spans += [(*view.back(start, end), name) for start, end, name in _find_as_written(view.text)]
    if view := views.unwrapped(text, surely=False):
        # Only what nothing else found: a key that ends its line must not take along the next line's first word.
        found = [(*view.back(start, end), name) for start, end, name in _find_as_written(view.text)]
        spans += [new for new in found if not any(new[0] < end and start < new[1] for start, end, _ in spans)]
    return spans


def _find_as_written(text: str, *, live: bool = True) -> list[Span]:
    words = views.long_words(text)
    lengths = list(map(len, words.split(" ")))
    spans = find_known(text, words, max(lengths), live=live) + _CARRIERS.find(text)
    if words:
        spans += _find_formats(text, words)
        if max(lengths) >= views.MIN_CODED_CHARS:
            longest = " ".join([word for word in words.split(" ") if len(word) >= views.MIN_CODED_CHARS])
            for key in {m.group() for m in rules.PREFIXED.finditer(longest)}:
                spans += occurrences(text, key, "prefixed")
            for run, meaning in views.decoded(longest):
                if _find_as_written(meaning, live=live):
                    spans += occurrences(text, run, "encoded")
    for probe, formats in _TEXT_PROBED:
        if probe in text:
            spans += _matches(formats, text)
    return spans


def _find_formats(text: str, words: str) -> list[Span]:
    spans: list[Span] = []
    for probe, formats in _LOWER_PROBED if words.islower() else _PROBED:
        if probe in words:
            spans += _matches(formats, text)
    heads = views.heads(words)
    if not _HEADS.keys().isdisjoint(heads):
        for head in _HEADS.keys() & heads:
            spans += _matches(_HEADS[head], text)
    return spans


def _matches(formats: list[rules.Format], text: str) -> list[Span]:
    return [(m.start(), m.end(), rule.name) for rule in formats for m in rule.pattern.finditer(text)]


def merged(spans: list[Span]) -> list[Span]:
    """Overlapping spans become one, named after the one that starts first."""
    merged: list[Span] = []
    for start, end, name in sorted(spans, key=lambda span: (span[0], -span[1])):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]), merged[-1][2])
        else:
            merged.append((start, end, name))
    return merged
