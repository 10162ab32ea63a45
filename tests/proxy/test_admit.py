"""Who may come in."""

from __future__ import annotations

import pytest

from dd0c_route.access import KeyRing
from dd0c_route.access.keys import new_key
from dd0c_route.config import AccessKey
from dd0c_route.errors import BadKey
from dd0c_route.proxy.admit import admit
from dd0c_route.proxy.headers import Headers

KEY, STORED = new_key()
OTHER, OTHER_STORED = new_key()


def ring(*stored: str) -> KeyRing:
    digests = [bytes.fromhex(line.removeprefix("sha256:")) for line in stored]
    return KeyRing(AccessKey(id=digest.hex()[:8], digest=digest) for digest in digests)


BOTH = ring(STORED, OTHER_STORED)


def test_where_no_key_is_configured_everybody_may() -> None:
    assert admit([], "", ring()) is None
    assert admit([(b"authorization", b"Bearer anything")], "", ring()) is None


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ([(b"authorization", f"Bearer {KEY}".encode())], ""),
        ([(b"authorization", f"bearer  {KEY} ".encode())], ""),
        ([(b"x-api-key", KEY.encode())], ""),
        ([(b"x-goog-api-key", KEY.encode())], ""),
        ([(b"api-key", KEY.encode())], ""),
        ([(b"x-dd0c-key", KEY.encode())], ""),
        ([(b"x-dd0c-key", KEY.encode()), (b"authorization", b"Bearer the-callers-own")], ""),
        ([(b"x-dd0c-key", b""), (b"authorization", f"Bearer {KEY}".encode())], ""),
        ([], f"alt=sse&key={KEY}"),
    ],
    ids=range(9),  # the keys are new in each process, so they cannot name the cases
)
def test_a_key_opens_the_door_wherever_it_stands(headers: Headers, query: str) -> None:
    assert admit(headers, query, BOTH) == STORED.removeprefix("sha256:")[:8]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"Bearer ")],
        [(b"authorization", b"Bearer synthetic-wrong")],
        [(b"authorization", KEY.lower().encode())],
        [(b"authorization", f"Bearer {STORED}".encode())],
        [(b"authorization", f"Basic {KEY}".encode())],
        [(b"x-dd0c-key", b"synthetic-wrong"), (b"authorization", f"Bearer {KEY}".encode())],
        [(b"x-dd0c-key", b"\xff\xfe")],
        [(b"cookie", KEY.encode())],
    ],
)
def test_all_others_get_one_answer_that_shows_nothing(headers: Headers) -> None:
    with pytest.raises(BadKey) as refusal:
        admit(headers, "", BOTH)

    with pytest.raises(BadKey) as without_any:
        admit([], "", BOTH)
    assert refusal.value.message == without_any.value.message
    assert KEY not in refusal.value.message
