"""The operator's password: stretched with scrypt, because people choose what can be guessed.

Access keys are random and need no such thing (`keys.py`); docs/decisions/keys-are-hashed-passwords-are-stretched.md.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from dd0c_route.types import Secret

STORED_PREFIX = "scrypt:"
LOG2_N, R, P = 15, 8, 3
"""32 MiB and some 0.2 s a try. Source: OWASP Password Storage Cheat Sheet, "scrypt", read as N=2^15, r=8, p=3."""
_SALT_BYTES = 16
_HASH_BYTES = 32


def stored_password(password: Secret) -> str:
    """The line for `[server] admin_password`: `scrypt:LOG2_N:R:P:SALT:HASH`, the last two in base64url."""
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = _stretched(password, salt, LOG2_N, R, P)
    return f"{STORED_PREFIX}{LOG2_N}:{R}:{P}:{_text(salt)}:{_text(digest)}"


def is_password(given: Secret, stored: str) -> bool:
    """Whether *given* is the password of *stored*, a line that the configuration has checked; takes its time."""
    log2_n, r, p, salt, digest = stored.removeprefix(STORED_PREFIX).split(":")
    return hmac.compare_digest(_stretched(given, _bytes(salt), int(log2_n), int(r), int(p)), _bytes(digest))


def _stretched(password: Secret, salt: bytes, log2_n: int, r: int, p: int) -> bytes:
    n = 1 << log2_n
    # The digest stands for the password, so that it need not be revealed; 256 bits of it lose nothing.
    return hashlib.scrypt(
        password.digest(), salt=salt, n=n, r=r, p=p, maxmem=2 * 128 * n * r + (1 << 20), dklen=_HASH_BYTES
    )


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
