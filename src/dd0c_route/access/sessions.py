"""Sessions of the console: a random token in the browser's cookie, its hash and its limits here.

They live in memory: when the control process ends, everybody logs in again.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Container

from msgspec import Struct

LIFE_S = 12 * 3600.0  # from the login on, whatever happens
IDLE_S = 30 * 60.0  # without a request
MOST = 1000  # at once; the one that was idle longest goes
_TOKEN_BYTES = 32
_TOKEN_CHARS = 43  # of as many bytes in base64url


class Session(Struct):
    """Somebody who has logged in.

    Attributes:
        source: What it was opened with: `key:` and the digest, or the stored line of the password. It ends with that.
        csrf: What a change must bring along, besides the cookie.
    """

    source: str
    csrf: str
    started_s: float
    seen_s: float


class Sessions:
    """All that are open, by the SHA-256 of their tokens; times are seconds of a clock that never goes back."""

    def __init__(self) -> None:
        self._open: dict[bytes, Session] = {}

    def __len__(self) -> int:
        return len(self._open)

    def open(self, source: str, now_s: float) -> str:
        """Begin a session; returns its token, which is shown once, in the cookie."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        if len(self._open) >= MOST:
            del self._open[next(iter(self._open))]
        self._open[_digest(token)] = Session(source, _csrf(token), now_s, now_s)
        return token

    def find(self, token: str, sources: Container[str], now_s: float) -> Session | None:
        """The session of *token*, if it is neither over nor its source gone from *sources*; it is used now."""
        if len(token) != _TOKEN_CHARS:
            return None
        digest = _digest(token)
        session = self._open.pop(digest, None)
        if session is None or session.source not in sources:
            return None
        if now_s - session.started_s >= LIFE_S or now_s - session.seen_s >= IDLE_S:
            return None
        session.seen_s = now_s
        self._open[digest] = session  # behind all others: used last
        return session

    def close(self, token: str) -> None:
        """End the session of *token*, if there is one."""
        self._open.pop(_digest(token), None)


def is_csrf(given: str, session: Session) -> bool:
    """Whether *given* is what a change in *session* must bring along."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), session.csrf.encode())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _csrf(token: str) -> str:
    return hmac.digest(token.encode(), b"csrf", "sha256").hex()
