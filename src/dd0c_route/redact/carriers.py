"""Credentials told by the name beside them: `Authorization: …`, `"api_key": "…"`, `?sig=…`, `scheme://user:…@host`.

Finding the name is a regular expression; what counts as its value, and whether that value is a credential or
only a word, is plain code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import log2

from dd0c_route.redact.registry import Span
from dd0c_route.redact.rules import Carrier, Trust

_PLACEHOLDER = re.compile(
    r"<.*|\$.*|\{.*|%.*|\*+|\.{3,}|x{3,}|-+|your[-_ ].*|my[-_ ].*|none|null|nil|true|false|str(?:ing)?|bytes|secret"
    r"(?:str)?|password|token|api[-_]?key|optional.*|required|undefined|unset|missing|empty|invalid|changeme|example.*|placeholder"
    r"|\[?redacted.*|os\.(?:environ|getenv).*|process\.env.*|env[.:(\[].*|config\..*|self\..*|args\..*|\S*\.\.\."
)
_IDENTIFIER = re.compile(r"[A-Za-z_][a-z_]*[a-z](?:[.(\[].*)?|[A-Z][A-Z_]+")  # a name or a call, as code has it
_SCHEME = re.compile(r"(?:bearer|basic|digest|token|negotiate|apikey|aws4-hmac-sha256|key)\s+(?=\S)", re.IGNORECASE)
_BEARER = re.compile(r"(?<![a-z0-9])(?:bearer|basic)\s+([a-z0-9._~+/=-]{8,})")
_USERINFO = re.compile(r"[a-z][a-z0-9+.-]*://([^\s/?#\"'<>@:]*)(?::([^\s/\"'<>]*))?@")
_SPACED = re.compile(r"[ \t]")
_STRING_END = {'"': re.compile(r'(?<!\\)(?:\\\\)*"'), "'": re.compile(r"(?<!\\)(?:\\\\)*'")}
_BARE_END = re.compile(r"[\s,;&)\]}\"'<>|`]|\\[\"'nrt]")
_LINE_END = re.compile(r"[\r\n]|\\[rn]|(?<=[^\\])[\"']")
_QUERY_END = re.compile(r"[&#\s\"'<>)\]}\\]")

MIN_RANDOM_CHARS = 8


class Carriers:
    """The carriers of `rules.toml`, compiled to one pattern."""

    def __init__(self, carriers: Iterable[Carrier]) -> None:
        self._trust: dict[str, Trust] = {}
        names = []
        for carrier in carriers:
            group = carrier.trust if carrier.trust not in self._trust else f"{carrier.trust}{len(self._trust)}"
            self._trust[group] = carrier.trust
            names.append(f"(?P<{group}>{carrier.words})")
        self._pattern = re.compile(
            rf"(?<![a-z])(?:[a-z0-9]+[_-])*?(?:{'|'.join(names)})"
            r"(?P<name_end>\\*[\"'`])?\s*(?P<mark>=>|:=|[:=]|(?(name_end),|=))\s*[\[(]?"
            r"(?:b?(?P<open>\\*[\"']))?"
        )

    def find(self, text: str) -> list[Span]:
        """Where the values of carriers stand in *text*."""
        lower = text.lower() if text.isascii() else text.replace("İ", "I").lower()  # the one letter that grows
        spans: list[Span] = []
        if any(word in lower for word in _WORDS):
            for match in self._pattern.finditer(lower):
                spans += self._value(text, match)
        if "bearer" in lower or "basic" in lower:
            spans += [_span(m, 1) for m in _BEARER.finditer(lower) if looks_random(text[m.start(1) : m.end(1)])]
        if "://" in text and "@" in text:
            spans += _userinfo(text, lower)
        return spans

    def _value(self, text: str, match: re.Match[str]) -> list[Span]:
        group = next(name for name in self._trust if match.group(name) is not None)
        trust = self._trust[group]
        start, quote = match.end(), match.group("open")
        before = text[match.start(group) - 1 : match.start(group)]
        if quote:
            end = _string_end(text, start, quote)
        elif before in ("?", "&") and match.group("mark") == "=":
            end = _end(_QUERY_END, text, start)
        elif trust == "header" and (_SCHEME.match(text, start) or match.group(group).endswith("cookie")):
            end = _end(_LINE_END, text, start)
        else:
            end = _end(_BARE_END, text, start)
        value = text[start:end].strip()
        scheme = _SCHEME.match(value)
        bare = value[scheme.end() :] if scheme else value
        if not bare or _PLACEHOLDER.fullmatch(bare.lower()):
            return []
        in_query = before in ("?", "&")
        return [(start, end, group.rstrip("0123456789"))] if _credible(trust, bare, quote, in_query, match) else []


def _credible(trust: Trust, value: str, quote: str | None, in_query: bool, match: re.Match[str]) -> bool:
    """Whether *value* is a credential and not a word, given how much its name is worth."""
    if trust == "header":
        return quote is not None or looks_random(value) or len(value) >= 20 or "=" in value
    if trust == "password":
        if quote or in_query:
            return True
        glued = match.string[match.start("mark") - 1] != " " and match.group("mark") == "="
        return looks_random(value) or (glued and not _IDENTIFIER.fullmatch(value))
    if trust == "token":
        return looks_random(value) or (in_query and len(value) >= MIN_RANDOM_CHARS)
    if in_query:
        return looks_random(value)
    return match.start() == match.start("key") and len(value) >= 24 and looks_random(value) and bits(value) >= 3.0


def looks_random(value: str) -> bool:
    """Whether *value* could be a generated credential: long enough, no spaces, letters mixed with digits."""
    if len(value) < MIN_RANDOM_CHARS or _SPACED.search(value):
        return False
    digits = sum(map(str.isdigit, value))
    letters = sum(map(str.isalpha, value))
    if digits and letters:
        return True
    return len(value) >= 20 and letters > 0 and bits(value) >= 3.5 and value.lower() != value


def bits(value: str) -> float:
    """Shannon entropy of *value*'s characters, in bits a character."""
    counts = [value.count(character) for character in set(value)]
    return -sum(n / len(value) * log2(n / len(value)) for n in counts)


def _userinfo(text: str, lower: str) -> list[Span]:
    spans: list[Span] = []
    for match in _USERINFO.finditer(lower):
        user, password = match.span(1), match.span(2)
        if match.group(2) and not _PLACEHOLDER.fullmatch(match.group(2)):
            spans.append((*password, "userinfo"))
        if looks_random(text[slice(*user)]) and user[1] - user[0] >= 16:
            spans.append((*user, "userinfo"))
    return spans


def _string_end(text: str, start: int, quote: str) -> int:
    if closing := _STRING_END.get(quote):
        match = closing.search(text, start)
        return match.end() - 1 if match else len(text)
    end = text.find(quote, start)
    return end if end >= 0 else len(text)


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.search(text, start)
    return match.start() if match else len(text)


def _span(match: re.Match[str], group: int) -> Span:
    return (match.start(group), match.end(group), "bearer")


_WORDS = ("key", "secret", "token", "passw", "authorization", "cookie", "credential", "pwd", "passphrase", "sig")
