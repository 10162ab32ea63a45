"""Synthetic credentials, made at run time from the shapes in `rules.toml`: none is stored, none was ever issued."""

from __future__ import annotations

import base64
import random
import re
import string
import uuid
from collections.abc import Callable
from urllib.parse import quote

from dd0c_route.redact.rules import load

RULES = load()
_PIECE = re.compile(r"\{(uuid|[A-Za-z])(\d*)\}")
_ALPHABETS = {
    "A": string.ascii_letters + string.digits,
    "a": string.ascii_lowercase + string.digits,
    "U": string.ascii_uppercase + "234567",
    "d": string.digits,
    "h": "0123456789abcdef",
    "W": string.ascii_letters + string.digits + "_-",
    "B": string.ascii_letters + string.digits + "+/",
}


def credential(shape: str, seed: int) -> str:
    """One credential of *shape*; the same for the same seed."""
    dice = random.Random(f"{shape}/{seed}")

    def piece(match: re.Match[str]) -> str:
        kind, count = match.groups()
        if kind == "uuid":
            return str(uuid.UUID(int=dice.getrandbits(128)))
        return "".join(dice.choices(_ALPHABETS[kind], k=int(count)))

    return _PIECE.sub(piece, shape)


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _unicode_escaped(key: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in key)


def _wrapped(key: str) -> str:
    return "\n    ".join(key[i : i + 20] for i in range(0, len(key), 20))


# Where a credential is found with its name beside it, and where it must speak for itself.
NAMED: dict[str, Callable[[str], str]] = {
    "dict": lambda key: f"{{'url': '/v1', 'api_key': {key!r}, 'n': 1}}",
    "json": lambda key: f'{{"x-api-key": "{key}", "n": 1}}',
    "header": lambda key: f"host: a.test\r\nauthorization: Bearer {key}\r\naccept: */*",
    "query": lambda key: f"GET /v1beta/models?alt=sse&key={quote(key, safe='')} HTTP/1.1",
    "userinfo": lambda key: f"connecting to https://user:{quote(key, safe='')}@db.test:5432/main",
    "basic": lambda key: f"Authorization: Basic {_b64('user:' + key)}",
    "environment": lambda key: f"SOME_PROVIDER_API_KEY={key}",
    "byte tuples": lambda key: repr([(b"host", b"a.test"), (b"x-api-key", key.encode())]),
    "json in json": lambda key: '{"body": "{\\"api_key\\": \\"' + key + '\\"}"}',
    "base64 of bearer": lambda key: f"header {_b64('Bearer ' + key)} refused",
}
BARE: dict[str, Callable[[str], str]] = {
    "sentence": lambda key: f"Incorrect key provided: {key}. You can find your key in the console.",
    "percent": lambda key: "key was " + "".join(f"%{ord(character):02X}" for character in key) + " here",
    "unicode escapes": lambda key: f'{{"text": "{_unicode_escaped(key)}"}}',
    "wrapped at 20": lambda key: f"The key was\n    {_wrapped(key)}\nas it seems.",
}


def leaks(key: str, text: str) -> bool:
    """Whether sixteen characters of *key* in a row can still be read in *text*, also after undoing what BARE did."""
    flat = re.sub(r"[\n ]", "", text)
    flat = re.sub(r"%([0-9A-F]{2})|\\u([0-9a-f]{4})", lambda m: chr(int(m[1] or m[2], 16)), flat)
    flat += "".join(_decoded(run) for run in re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", text))
    key = key.replace("\n", "")
    return any(key[i : i + 16] in flat for i in range(max(1, len(key) - 15)))


def _decoded(run: str) -> str:
    try:
        return base64.b64decode(run).decode("latin-1")
    except ValueError:
        return ""
