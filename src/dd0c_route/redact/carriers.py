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
_USERINFO = re.compile(r"[a-z][a-z0-9+.-]{0,20}://([^\s/?#\"'<>@:]*)(?::([^\s/\"'<>]*))?@")
# What may stand between a name and its value; a comma only in a list of pairs.
_MARK = re.compile(
    r"(?:(?<=key)s)?(?P<close>\\{0,8}[\"'`])?"
    r"(?:(?P<mark>>|[ \t]{1,8}(?:is|was)[ \t:])"
    r"|\s{0,8}(?P<sign>=>|:=|[:=\uff1a]|(?(close)(?:,|(?:value|content)\s?=)|=)))"
    r"\s{0,8}[\[(]?(?:-\s)?(?:b?(?P<open>\\{0,8}[\"'`]))?"
)
_STEMS = (  # how names end, behind what is asked of each line: most hold none
    ("key", ("key",)),
    ("secret", ("secret",)),
    ("token", ("token",)),
    ("pass", ("password", "passwort", "passwd", "passphrase")),
    ("pwd", ("pwd",)),
    ("authorization", ("authorization",)),
    ("cookie", ("cookie",)),
    ("credential", ("credential", "credentials")),
    ("sig", ("sig", "signature")),
)
_PAIR = re.compile(r"[(\[]\s{0,8}b?\\{0,8}[\"'][a-z0-9_-]*$")
_TAG = re.compile(r"<[a-z0-9_:-]*$")
# What is told by its place in a command or a file of logins: `--api-key …`, `curl -u name:…`, `login name password …`.
_FLAG = re.compile(
    r"--[a-z-]{0,32}(?:key|token|secret|password|passwd|credentials)[ \t]{1,8}[\"']?([^\s\"'<>$-][^\s\"'<>]*)"
)
_USER = re.compile(r"(?:-u|--user)[ =]{0,4}[\"']?[^\s:\"'$<]{1,64}:([^\s\"'$<]{3,})")
_LOGIN = re.compile(r"login[ \t]{1,8}\S{1,64}\s{1,8}password[ \t]{1,8}(\S{3,})")
_NO_VALUE = frozenset(("", *",:;}]) \n"))
_MAX_NAME_CHARS = 32  # of the longest name in `rules.toml`, with room
_DASHES = str.maketrans("_ ", "--")
_QUERY_NAME = re.compile(r"[?&][a-z0-9_.-]*$")
_OTHER_KEY = re.compile(r"(?:cache|primary|foreign|partition|public|sort|index|idempotency|object|dedup)[-.]?key$")
_OTHER_TOKEN = re.compile(r"tiktoken$")
_SPACE, _DIGIT, _LETTER = re.compile(r"[ \t]"), re.compile(r"\d"), re.compile(r"[^\W\d_]")
_BARE_END = re.compile(r"[\s,;&)\]}\"'<>|`]|(?<!\\)\\+[\"'nrt]")  # a run of backslashes is not cut in two
_LINE_END = re.compile(r"[\r\n]|\\[rn]|(?<=[^\\])[\"']")
_QUERY_END = re.compile(r"[&#\s\"'<>)\]}\\]")

MIN_RANDOM_CHARS = 8
# Both bound the cost of a text that is one name after the other. A value that counts is masked to its end, however far.
_NEAR_CHARS = 1024
_JUDGED_CHARS = 256


class Carriers:
    """The carriers of `rules.toml`."""

    def __init__(self, carriers: Iterable[Carrier]) -> None:
        self._names = [
            (carrier.names, tuple(name for name in carrier.names if len(name) <= 3), carrier.trust)
            for carrier in carriers
        ]

    def find(self, text: str) -> list[Span]:
        """Where the values of carriers stand in *text*."""
        lower = text.lower() if text.isascii() else text.replace("İ", "I").lower()  # the one letter that grows
        spans: list[Span] = []
        for part, stems in _STEMS:
            if part in lower:
                for stem in stems:
                    spans += self._behind(stem, text, lower)
        if "bearer" in lower or "basic" in lower:
            spans += [(*m.span(1), "bearer") for m in _BEARER.finditer(lower) if looks_random(text[slice(*m.span(1))])]
        if "--" in text:
            spans += [(*m.span(1), "token") for m in _FLAG.finditer(lower) if looks_random(text[slice(*m.span(1))])]
        if "curl" in lower:
            spans += [(*m.span(1), "userinfo") for m in _USER.finditer(lower) if not _PLACEHOLDER.fullmatch(m.group(1))]
        if "login" in lower:
            spans += [(*m.span(1), "password") for m in _LOGIN.finditer(lower) if looks_random(text[slice(*m.span(1))])]
        if "://" in text and "@" in text:
            spans += _userinfo(text, lower)
        return spans

    def _behind(self, stem: str, text: str, lower: str) -> list[Span]:
        """The values behind names that end in *stem*."""
        spans: list[Span] = []
        at = lower.find(stem)
        while at >= 0:
            end = at + len(stem)
            mark = _MARK.match(lower, end)
            if mark and (span := self._value(text, lower[max(0, at - _MAX_NAME_CHARS) : end], mark)):
                spans.append(span)
                end = span[1]  # what stands in it is masked with it
            at = lower.find(stem, end)
        return spans

    def _value(self, text: str, name: str, mark: re.Match[str]) -> Span | None:
        """The value behind *mark*, if *name* announces a credential and the value can be one."""
        trust = self._trust(name.translate(_DASHES))
        if trust is None:
            return None
        sign = mark.group("sign") or mark.group("mark")
        if (sign == "," and not _PAIR.search(name)) or (sign == ">" and not _TAG.search(name)):
            return None
        start, quote = mark.end(), mark.group("open")
        if quote and quote != mark.group("close") and text[start : start + 1] in _NO_VALUE:
            return None  # that quote ended the string in which the name stands
        in_query = sign == "=" and _QUERY_NAME.search(name) is not None
        if quote:
            closing = _string_end(quote)
        elif in_query:
            closing = _QUERY_END
        elif trust == "header" and (_SCHEME.match(text, start) or name.endswith("cookie")):
            closing = _LINE_END
        else:
            closing = _BARE_END
        end = _end(closing, text, start, start + _NEAR_CHARS)
        if quote and end == len(text):  # a quote that nothing closes is no string
            closing = _BARE_END
            end = _end(closing, text, start, start + _NEAR_CHARS)
        value = text[start:end].strip()[:_JUDGED_CHARS]
        if scheme := _SCHEME.match(value):
            value = value[scheme.end() :]
        if not value or _PLACEHOLDER.fullmatch(value.lower()):
            return None
        glued = sign == "=" and mark.start("sign") == mark.start()
        if not _credible(trust, value, quote is not None, in_query, glued):
            return None
        return start, _end(closing, text, end, len(text)), trust

    def _trust(self, name: str) -> Trust | None:
        for names, short, trust in self._names:
            if name.endswith(names):
                if short and name.endswith(short) and name[-4:-3].isalpha():  # `monkey`, `design`
                    continue
                other = {"key": _OTHER_KEY, "token": _OTHER_TOKEN}.get(trust)
                return None if other is not None and other.search(name) else trust
        return None


def _credible(trust: Trust, value: str, quoted: bool, in_query: bool, glued: bool) -> bool:
    """Whether *value* is a credential and not a word, given how much its name is worth."""
    random = looks_random(value)
    if trust == "header":
        return quoted or random or len(value) >= 20 or "=" in value
    if trust == "password":
        return quoted or in_query or random or (glued and not _IDENTIFIER.fullmatch(value))
    if trust == "signature":
        return (in_query or glued) and random
    if trust == "token":
        return random or (in_query and len(value) >= MIN_RANDOM_CHARS)
    return random and (in_query or (len(value) >= 24 and bits(value) >= 3.0))


def looks_random(value: str) -> bool:
    """Whether *value* could be a generated credential: long enough, no spaces, letters mixed with digits or cases."""
    if len(value) < MIN_RANDOM_CHARS or _SPACE.search(value) or not _LETTER.search(value):
        return False
    if _DIGIT.search(value):
        return True
    return len(value) >= 20 and value.lower() != value and bits(value) >= 3.5


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


def _string_end(quote: str) -> re.Pattern[str]:
    """What ends a string that began with *quote*: the same again, or the quote of a string around it.

    Around JSON in JSON the outermost quote is the one behind an even number of backslashes.
    """
    return re.compile(rf"(?<!\\)(?:\\{{0,{len(quote) - 1}}}|(?:\\\\)*){quote[-1]}")


def _end(closing: re.Pattern[str], text: str, start: int, stop: int) -> int:
    match = closing.search(text, start, stop)
    return match.start() if match else min(len(text), stop)
