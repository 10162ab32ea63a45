from __future__ import annotations

import base64
import json
import timeit
from collections.abc import Callable
from time import process_time
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dd0c_route.redact import redact_sensitive, register, registered
from dd0c_route.redact.registry import MIN_EXACT_CHARS
from dd0c_route.types import Secret
from tests.redact.synthetic import credential

# Nothing in its shape tells: only the registry can know these.
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=60)
WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=12, max_size=60)
AROUND = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


WRITTEN: dict[str, Callable[[str], str]] = {
    "raw": lambda key: key,
    "json": lambda key: json.dumps(key)[1:-1],
    "json in json": lambda key: json.dumps(json.dumps(key))[3:-3],
    "repr": lambda key: repr(key)[1:-1],
    "percent": lambda key: quote(key, safe=""),
    "percent, lower case": lambda key: quote(key, safe="").lower() if key.islower() else quote(key, safe=""),
    "percent, every octet": lambda key: "".join(f"%{ord(c):02x}" for c in key),
    "unicode escapes": lambda key: "".join(f"\\u{ord(c):04x}" for c in key),
    "base64": b64,
    "base64 of bearer": lambda key: b64(f"Bearer {key}"),
    "base64 of basic": lambda key: b64(f"u:{key}"),
    "base64 after one byte": lambda key: b64(f" {key} and more"),
    "base64, url-safe": lambda key: base64.urlsafe_b64encode(key.encode()).decode().rstrip("="),
    "hex": lambda key: key.encode().hex(),
    "HEX": lambda key: key.encode().hex().upper(),
}


@pytest.mark.parametrize("how", WRITTEN)
@settings(deadline=None)
@given(key=WORDS | VALUES, before=AROUND, after=AROUND)
def test_a_known_secret_is_masked_in_every_encoding(how: str, key: str, before: str, after: str) -> None:
    hidden = WRITTEN[how](key)
    with registered(Secret(key)):
        clean = redact_sensitive(f"{before} {hidden} {after}")
    assert hidden not in clean or hidden in f"{before} {after}"
    inner = hidden[4:-4]  # the edges of base64 belong to the neighbours
    assert inner not in clean or inner in f"{before} {after} [redacted:known]"


def test_a_callers_credential_is_known_for_the_life_of_its_call() -> None:
    key = "quite-an-ordinary-word-to-look-at"
    with registered(Secret(key)):
        assert redact_sensitive(f"a {key} b") == "a [redacted:known] b"
        with registered(Secret(key)):
            pass
        assert redact_sensitive(f"a {key} b") == "a [redacted:known] b"
    assert redact_sensitive(f"a {key} b") == f"a {key} b"


def test_an_exception_ends_the_registration_too() -> None:
    key = "quite-an-ordinary-word-to-look-at"
    with pytest.raises(ZeroDivisionError), registered(Secret(key)):
        raise ZeroDivisionError
    assert redact_sensitive(key) == key


def test_a_registration_whose_way_out_fails_ends_with_its_block() -> None:
    key = "quite-an-ordinary-word-to-look-at"
    known = registered(Secret(key))
    known.__enter__()
    assert redact_sensitive(key) == "[redacted:known]"
    del known  # and `__exit__` never ran
    assert redact_sensitive(key) == key


def test_no_credential_is_no_registration() -> None:
    with registered(None):
        assert redact_sensitive("None") == "None"


def test_a_registered_secret_stays_known() -> None:
    key = credential("{a40}", 77)
    assert redact_sensitive(f"a {key} b") == f"a {key} b"
    register(Secret(key))
    assert redact_sensitive(f"a {key} b") == "a [redacted:known] b"


def test_a_word_of_a_few_letters_is_not_masked_everywhere() -> None:
    """Local servers want any key at all, and people write `EMPTY` or `ollama`."""
    with registered(Secret("ollama"[: MIN_EXACT_CHARS - 1])):
        assert redact_sensitive("provider ollama is down") == "provider ollama is down"


def test_registering_a_call_costs_about_as_much_as_a_few_dictionary_writes() -> None:
    secret = Secret(credential("{A60}", 1))
    places: dict[int, object] = {}

    def by_hand() -> None:
        places[id(secret)] = secret
        places.pop(id(secret), None)

    def by_block() -> None:
        with registered(secret):
            pass

    baseline = min(timeit.repeat(by_hand, timer=process_time, number=2000, repeat=7))
    assert min(timeit.repeat(by_block, timer=process_time, number=2000, repeat=7)) < 12 * baseline
