"""Access keys: what a client sends is hashed and compared, in constant time, with the hashes we keep.

A key is `dd0c_sk_` + 43 base62 characters (256 random bits) + 6 base62 characters of a CRC-32 over all before
them. The fixed prefix lets secret scanners find a leaked key, the checksum lets them tell it from noise.
A plain SHA-256 is enough here: 256 random bits leave nothing to guess, so a slow hash would only add latency.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import zlib
from collections.abc import Iterable

from dd0c_route.config import AccessKey
from dd0c_route.types import Secret

PREFIX = "dd0c_sk_"
STORED_PREFIX = "sha256:"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_CHARS = 43  # 62**43 > 2**256
_CHECK_CHARS = 6  # 62**6 > 2**32


class KeyRing:
    """The keys that are accepted; empty means that none is asked for."""

    def __init__(self, keys: Iterable[AccessKey]) -> None:
        self._keys = tuple(keys)

    def __len__(self) -> int:
        return len(self._keys)

    def check(self, secret: Secret) -> AccessKey | None:
        """Return the key that *secret* is, or None. Compares with every key, so that time tells nothing."""
        digest = secret.digest()
        found: AccessKey | None = None
        for key in self._keys:
            if hmac.compare_digest(digest, key.digest):
                found = key
        return found


def new_key() -> tuple[str, str]:
    """Make a key: (the key itself, to be shown once; its `sha256:…` line for `[server] access_keys`)."""
    body = PREFIX + _base62(secrets.randbits(256), _RANDOM_CHARS)
    key = body + _base62(zlib.crc32(body.encode()), _CHECK_CHARS)
    return key, STORED_PREFIX + hashlib.sha256(key.encode()).hexdigest()


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits.append(_BASE62[rest])
    return "".join(reversed(digits))
