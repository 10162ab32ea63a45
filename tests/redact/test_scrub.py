from __future__ import annotations

import base64
import json
import timeit
from time import process_time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dd0c_route.redact import redact_bytes, redact_sensitive
from dd0c_route.redact.views import unescaped, unwrapped
from tests.redact.synthetic import RULES, credential

KEY = credential("sk-ant-api03-{W93}AA", 1)
TEXTS = st.text() | st.text(alphabet="%\\u0123456789abcdef:=\"'&#;\n sk-tokenBearer") | st.just(KEY)


@settings(deadline=None)
@given(st.lists(TEXTS).map("".join))
def test_any_text_can_be_redacted_and_redacting_twice_changes_nothing_more(text: str) -> None:
    clean = redact_sensitive(text)
    assert redact_sensitive(clean) == clean


@settings(deadline=None)
@given(st.binary())
def test_bytes_without_a_secret_are_the_same_object(data: bytes) -> None:
    clean = redact_bytes(data)
    assert clean is data or b"[redacted:" in clean


def test_bytes_that_are_not_text_keep_what_stands_around_the_secret() -> None:
    assert redact_bytes(b"\xff\xfe " + KEY.encode() + b" \x80") == b"\xff\xfe [redacted:anthropic] \x80"


def test_a_clean_text_is_returned_as_it_is() -> None:
    text = "nothing to see here, 100 % sure: move on"
    assert redact_sensitive(text) is text


@pytest.mark.parametrize(
    "hidden",
    [
        KEY.replace("-", "%2d"),
        KEY.replace("-", "%252D"),
        KEY.replace("-", "\\u002d"),
        KEY.replace("-", "\\\\u002d"),
        KEY.replace("-", "\\x2d"),
        KEY.replace("-", "&#45;"),
        KEY.replace("-", "&#x2D;"),
        "\u200d".join(KEY),
        KEY[:9] + "\u200b" + KEY[9:],
        "\0".join(KEY) + "\0",
        "line\\n" + KEY,
        json.dumps(json.dumps({"a": f"x\n{KEY}"})),
        base64.b64encode(b" " + KEY.encode()).decode(),
        base64.b64encode(b"a:" + KEY.encode()).decode(),
        base64.urlsafe_b64encode(f"Bearer {KEY}".encode()).decode().rstrip("="),
        KEY.encode().hex(),
        KEY.encode().hex().upper(),
        KEY[:30] + '"\n  "' + KEY[30:],
    ],
)
def test_a_key_in_disguise_is_masked(hidden: str) -> None:
    clean = redact_sensitive(f"before {hidden} after")
    assert clean.startswith("before ")
    assert clean.endswith(" after")
    assert "[redacted:" in clean
    assert not any(hidden[i : i + 24] in clean for i in range(len(hidden) - 23))


@pytest.mark.parametrize(
    "following", ["foo", "Traceback", "2026-11-24T05:30:59Z", "Content-Length: 5", "and so on", "}"]
)
def test_a_key_at_the_end_of_a_line_leaves_the_next_line_alone(following: str) -> None:
    assert redact_sensitive(f"key {KEY}\n{following} x") == f"key [redacted:anthropic]\n{following} x"
    assert redact_sensitive(f"Bearer abcdef1234567890\n{following}") == f"Bearer [redacted:bearer]\n{following}"


def test_masked_json_is_still_json() -> None:
    text = json.dumps({"error": {"message": f"bad key {KEY}", "api_key": "hunter2hunter2", "code": 401}})
    assert json.loads(redact_sensitive(text))["error"]["code"] == 401


PIECES = st.sampled_from(
    [
        *"\\\"'\n :=,{}[a",
        *(
            "b@",
            "\\n",
            "\\u0073",
            "%73",
            "://",
            "u:p",
            "token",
            "key",
            "cookie",
            "password",
            "Authorization",
            "Bearer ",
        ),
        *("Basic ", "x-api-key", "dXNlcjpodW50ZXIyaHVudGVyMg==", "abcdef12345678", KEY),
    ]
)


@settings(deadline=None, max_examples=400)
@example("cookie:'\\", 1)
@example("cookie:'abcdefgh12345678\\", 2)
@given(st.lists(PIECES, max_size=30).map("".join), st.integers(1, 3))
def test_redacted_json_is_still_json(text: str, depth: int) -> None:
    for _ in range(depth):
        text = json.dumps({"message": text, "n": 1})
    clean = redact_sensitive(text)
    assert json.loads(clean).keys() == {"message", "n"}


@settings(deadline=None)
@given(st.text(alphabet="ab%4\\u01x-;&#\n \u200b"))
def test_a_view_leads_back_to_the_place_it_came_from(text: str) -> None:
    for view in (unescaped(text), unwrapped(text, surely=True), unwrapped(text, surely=False)):
        if view is not None:
            edges = [view.back(i, i)[0] for i in range(len(view.text) + 1)]
            assert edges == sorted(edges)
            assert edges[-1] <= len(text)


def test_only_one_letter_grows_when_it_is_made_small() -> None:
    """`carriers` finds a name in the lower-case text and its value at the same offset of the original."""
    grows = [chr(code) for code in range(0x110000) if len(chr(code).lower()) != 1]
    assert grows == ["İ"]


def _microseconds(text: str) -> float:
    return min(timeit.repeat(lambda: redact_sensitive(text), timer=process_time, number=500, repeat=7)) / 500 * 1e6


def test_a_clean_line_costs_less_than_an_alternation_of_all_shapes() -> None:
    """A ratio, since machines differ: the obvious way, one big pattern, in the same run on the same line."""
    import re

    line = '{"level":"warning","event":"upstream_failed","request_id":"dd_01JDEXAMPLE0000000000000000","status":502,'
    line = (line + '"message":"the connection ended before the answer did, after 20 of 31 events"}').ljust(256)
    obvious = re.compile("|".join(f"(?:{rule.pattern.pattern})" for rule in RULES.format))
    baseline = min(timeit.repeat(lambda: obvious.sub("", line), timer=process_time, number=500, repeat=7)) / 500 * 1e6
    assert _microseconds(line) < baseline


def test_the_cost_grows_with_the_length_and_not_faster() -> None:
    line = "GET /v1/models 502 upstream_cut after 20 of 31 events; the token budget is kept\n"
    assert _microseconds(line * 160) < 40 * _microseconds(line * 16)


HOSTILE = (
    *'a%\\ \n"',
    *(
        "%25",
        "key",
        "key ",
        'key"\\\\',
        "a://@",
        "ey-",
        "ey.",
        "sk-",
        "sk-proj-",
        "pa-",
        "xai-",
        "bearer ",
        "=",
        "cookie:a='",
    ),
    *(
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "&#0",
        "QUJD",
        "6162",
        "a\n",
        "aaaaaaaaaaaaaaaa\n",
        "token: '",
        "?key=",
    ),
)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_text_does_not_take_forever(hostile: str) -> None:
    """Sixteen times the text costs far less than two hundred and fifty-six times as much."""
    short, long = hostile * (4096 // len(hostile)), hostile * (65536 // len(hostile))
    cost = min(timeit.repeat(lambda: redact_sensitive(short), timer=process_time, number=1, repeat=5))
    assert min(timeit.repeat(lambda: redact_sensitive(long), timer=process_time, number=1, repeat=3)) < 80 * cost + 0.01
