"""Access keys: made, recognised, compared."""

from __future__ import annotations

import hashlib
import string
import zlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.access import KeyRing, new_key
from dd0c_route.config import AccessKey
from dd0c_route.types import Secret


def stored(key: str) -> AccessKey:
    digest = hashlib.sha256(key.encode()).digest()
    return AccessKey(id=digest.hex()[:8], digest=digest)


def well_formed(key: str) -> bool:
    """What a secret scanner would ask, from the format's description alone."""
    body, check = key[:-6], key[-6:]
    digits = string.digits + string.ascii_uppercase + string.ascii_lowercase
    number = sum(digits.index(letter) * 62**place for place, letter in enumerate(reversed(check)))
    return bool(number == zlib.crc32(body.encode()))


def test_a_new_key_has_its_prefix_its_length_and_its_hash() -> None:
    key, line = new_key()
    assert key.startswith("dd0c_sk_")
    assert len(key) == len("dd0c_sk_") + 43 + 6
    assert key.isascii()
    assert key.replace("_", "").isalnum()
    assert line == "sha256:" + hashlib.sha256(key.encode()).hexdigest()
    assert well_formed(key)


def test_new_keys_differ() -> None:
    assert len({new_key()[0] for _ in range(100)}) == 100


@given(position=st.integers(8, 56), letter=st.sampled_from("0aZ"))
def test_a_mistyped_key_fails_its_checksum(position: int, letter: str) -> None:
    key, _ = new_key()
    wrong = key[:position] + letter + key[position + 1 :]
    assert well_formed(wrong) == (wrong == key)


def test_a_ring_finds_the_key_that_was_sent() -> None:
    keys = [new_key()[0] for _ in range(5)]
    ring = KeyRing(map(stored, keys))
    assert [ring.check(Secret(key)) for key in keys] == [stored(key) for key in keys]
    assert ring.check(Secret(new_key()[0])) is None
    assert ring.check(Secret("")) is None
    assert len(ring) == 5


def test_an_empty_ring_knows_no_key() -> None:
    assert KeyRing([]).check(Secret("x")) is None
    assert not KeyRing([])


def test_every_key_is_compared_with_no_early_exit() -> None:
    asked: list[str] = []

    class Probe:
        def __init__(self, key: AccessKey) -> None:
            self._key = key

        @property
        def digest(self) -> bytes:
            asked.append(self._key.id)
            return self._key.digest

    keys = [new_key()[0] for _ in range(4)]
    probes: list[Any] = [Probe(stored(key)) for key in keys]
    KeyRing(probes).check(Secret(keys[0]))
    assert asked == [stored(key).id for key in keys]
